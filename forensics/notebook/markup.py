"""HTML for a notebook's output: every text from outside escaped, what hides made visible, URLs defanged.

No script, no style sheet, no image and no link: a notebook is opened by people who did not run it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from markupsafe import Markup

from forensics.model.finding import Verdict
from forensics.model.times import to_minute

_COLOURS = {
    Verdict.LIKELY_COMPROMISED: "#b3261e",
    Verdict.SUSPICIOUS: "#a15c00",
    Verdict.NOTABLE: "#6b5b00",
    Verdict.ORDINARY: "#2e6b3a",
    Verdict.UNDETERMINED: "#666666",
}
_HEAD = Markup('<th scope="col" style="text-align:left;vertical-align:top">{}</th>')
_CELL = Markup('<td style="text-align:left;vertical-align:top">{}</td>')
MOST_ROWS = 60
"""Rows of one table that are shown; how many are left out is said, and the frame has them."""


def text(value: object, none: str = "—") -> Markup:
    """Return *value* as text that is safe to show: a time in UTC, a list with commas, *none* for nothing."""
    from forensics.report.clean import clean_text

    if value is None or value == "":
        return Markup.escape(none)
    if isinstance(value, Markup):
        return value
    if isinstance(value, datetime):
        return Markup.escape(to_minute(value))
    if isinstance(value, list | tuple):
        return Markup(", ").join(text(one) for one in value) if value else Markup.escape(none)
    return Markup.escape(clean_text(str(value)))


def verdict(value: Verdict) -> Markup:
    """Return a verdict as a word in its colour; the word says it all."""
    return Markup('<b style="color:{}">{}</b>').format(_COLOURS[value], value.value.replace("-", " "))


def paragraph(value: object) -> Markup:
    """Return one paragraph."""
    return Markup("<p>{}</p>").format(text(value))


def items(values: Iterable[object]) -> Markup:
    """Return a list; nothing for none."""
    inside = Markup("").join(Markup("<li>{}</li>").format(text(value)) for value in values)
    return Markup("<ul>{}</ul>").format(inside) if inside else Markup("")


def table(head: Sequence[str], rows: Sequence[Sequence[object]], caption: str = "") -> Markup:
    """Return a table of at most MOST_ROWS rows, with a line that says how many are left out."""
    names = Markup("").join(_HEAD.format(text(one, "")) for one in head)
    top = Markup("<thead><tr>{}</tr></thead>").format(names) if any(head) else ""
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_CELL.format(text(cell)) for cell in row))
        for row in rows[:MOST_ROWS]
    )
    title = Markup("<caption style='text-align:left'>{}</caption>").format(text(caption)) if caption else ""
    left = len(rows) - MOST_ROWS
    more = Markup("<p>{} more rows are in the frame.</p>").format(left) if left > 0 else ""
    return Markup("<table>{}{}<tbody>{}</tbody></table>{}").format(title, top, body, more)


def section(title: object, *parts: Markup) -> Markup:
    """Return parts under a title."""
    return Markup("<div><h4>{}</h4>{}</div>").format(text(title), Markup("").join(parts))


def folded(summary: str, inside: Markup) -> Markup:
    """Return *inside* behind a line that opens it; nothing for nothing."""
    return Markup("<details><summary>{}</summary>{}</details>").format(summary, inside) if inside else Markup("")
