"""The document in a terminal: transitions first, evidence under each suspect, what could not be checked at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from forensics.cli.terminal_suspect import Links, print_suspect, print_times
from forensics.model.document import Document, ReleaseDoc
from forensics.model.text import visible
from forensics.report.view import Stretch, UncheckedGroup, ranges, view_of
from forensics.report.words import flagged, plural, verdict_words, when

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 160
"""Columns when nobody says how wide the reader is."""

_STYLES = {
    "likely-compromised": "bold red",
    "suspicious": "bold yellow",
    "notable": "cyan",
    "ordinary": "",
    "undetermined": "dim",
}
_MARKS = {"likely-compromised": "!!", "suspicious": "! ", "notable": "· ", "ordinary": "  ", "undetermined": "? "}


def console() -> Console:
    """Return a console on stdout: as wide as the terminal, COLUMNS or PIPE_WIDTH, without colour where not wanted."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else PIPE_WIDTH
    return Console(width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def print_timeline(document: Document, *, everything: bool, shown: Sequence[ReleaseDoc], where: str) -> None:
    """Print *shown* releases of *document*; unchanged stretches collapse unless *everything*. *where* is the case."""
    out = console()
    view = view_of({**document, "releases": list(shown)})
    _head(out, document)
    _table(out, view.stretches, everything=everything)
    print_times(out, view.key_times, everything=everything)
    links = Links(document)
    for release in view.suspects:
        print_suspect(out, release, links)
    _gaps(out, document)
    _log_only(out, document)
    _drift(out, document)
    _unchecked(out, view.unchecked, [r["version"] for r in shown])
    _foot(out, document, where)


def say(out: Console, text: str, style: str = "") -> None:
    """Print *text*, an attacker's perhaps, so that the terminal obeys nothing in it."""
    out.print(visible(text), style=style or None)


def _head(out: Console, document: Document) -> None:
    project, case = document["project"], document["case"]
    verdict = document["verdict"]
    status = "" if project["status"] in {"active", "unknown"} else f", {project['status']}"
    say(out, f"{project['name']} ({project['ecosystem']}{status}): {verdict_words(verdict)}", _STYLES[verdict])
    if case["label"]:
        say(out, case["label"], "bold magenta")
    if not case["complete"]:
        say(out, "The collection of this case is not finished; what is missing stands below.", "bold")
    out.print()
    for sentence in document["sentences"]:
        say(out, sentence["text"])
    out.print()


STACKED_BELOW = 100
"""Below this many columns the time of publication stands under the version: there it costs no width, and is not lost.

What is left for the signals at 80 columns holds the longest name of one in one piece.
"""
_COLUMNS: tuple[tuple[str, int], ...] = (
    ("", 0),
    ("version", 0),
    ("published (UTC)", STACKED_BELOW),
    ("removed (UTC)", 130),
    ("door", 120),
    ("account", 120),
    ("verdict", 0),
    ("at publication", 150),
    ("signals", 0),
)
"""Columns of the table, and how wide a terminal must be to show each; the tree below names what is left out."""
_VERSION, _PUBLISHED = 1, 2


def _table(out: Console, stretches: Sequence[Stretch], *, everything: bool) -> None:
    from rich import box
    from rich.table import Table

    told = any(release["publication"] for stretch in stretches for release in stretch.releases)
    shown = [
        index for index, (name, width) in enumerate(_COLUMNS) if out.width >= width and (told or name != "account")
    ]
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, expand=False)
    for index in shown:
        name = _COLUMNS[index][0]
        folds = name in {"signals", "version"}
        places = _stacked(index, shown)
        least = len("2024-12-04 20:51:00") if len(places) > 1 else 12
        head = "\n".join(_COLUMNS[i][0] for i in places)
        table.add_column(head, no_wrap=not folds, overflow="fold", min_width=least if folds else None)
    for stretch in stretches:
        if stretch.quiet and len(stretch.releases) > 2 and not everything:
            table.add_row(*_cells(_collapsed(stretch), shown), style="dim")
            continue
        for release in stretch.releases:
            table.add_row(*_cells(_row(release), shown), style=_STYLES[release["verdict"]] or None)
    out.print(table)
    out.print()


def _stacked(index: int, shown: Sequence[int]) -> tuple[int, ...]:
    """Return which columns stand in the place of column *index*: the time under the version where it has no column."""
    return (index, _PUBLISHED) if index == _VERSION and _PUBLISHED not in shown else (index,)


def _cells(row: Sequence[str], shown: Sequence[int]) -> list[str]:
    return ["\n".join(visible(row[i]) for i in _stacked(index, shown) if row[i] or i == index) for index in shown]


def _collapsed(stretch: Stretch) -> list[str]:
    first, last = stretch.releases[0], stretch.releases[-1]
    text = f"{visible(first['version'])} … {visible(last['version'])}"
    count = f"{plural(len(stretch.releases), 'release')} without findings"
    until = f"… {when(last['published'])[:16]}" if last["published"] else ""
    return ["…", text, until, "", "", "", stretch.verdict, "", count]


def _row(release: ReleaseDoc) -> list[str]:
    removed = when(release["removed"]) or {True: "", False: "time unknown", None: "not known"}[release["listed"]]
    bound = "≥ " if release["at_publish_is_lower_bound"] and flagged(release["verdict"]) else ""
    return [
        _MARKS[release["verdict"]],
        visible(release["version"]) + (" (yanked)" if release["yanked"] else ""),
        when(release["published"]),
        removed,
        release["door"],
        _account(release),
        release["verdict"],
        bound + release["at_publish"],
        ", ".join(f"{s['id']} {s['severity'][0].upper()}" for s in release["signals"]),
    ]


def _account(release: ReleaseDoc) -> str:
    publication = release["publication"]
    return visible((publication["account"] or "")[:24]) if publication else ""


def _gaps(out: Console, document: Document) -> None:
    if document["gaps"]:
        say(out, "Leads: version numbers that are missing (to look up, not findings)", "bold")
        for gap in document["gaps"]:
            say(out, f"  {gap['text']}")
        out.print()


def _log_only(out: Console, document: Document) -> None:
    if document["log_only"]:
        say(out, "Only the log knows: signed by the project, of no listed and no named release", "bold")
        for one in document["log_only"]:
            say(out, f"  {one['record']['index']}: {one['text']}")
        out.print()


def _drift(out: Console, document: Document) -> None:
    for sentence in document["drift"]:
        say(out, f"Trust-root drift: {sentence['text']}", "bold yellow")
        out.print()


def _unchecked(out: Console, groups: Sequence[UncheckedGroup], order: Sequence[str]) -> None:
    if not groups:
        return
    say(out, "Could not check", "bold")
    reasons: dict[tuple[str, str], list[UncheckedGroup]] = {}
    for group in groups:
        reasons.setdefault((group.reason, group.needs), []).append(group)
    for (reason, needs), members in reasons.items():
        what = ", ".join(dict.fromkeys(group.what for group in members))
        subjects = [s for group in members for s in group.subjects]
        releases = [s for s in dict.fromkeys(subjects) if s in set(order)]
        files = len({s for s in subjects if s not in set(order) and s != "project"})
        about = ranges(releases, order) if releases else plural(files, "file") if files else ""
        say(out, f"  {what}{f' ({about})' if about else ''}: {reason} [needs {needs}]")
    out.print()


def _foot(out: Console, document: Document, where: str) -> None:
    case = document["case"]
    root = case["trust_root"]
    say(
        out,
        f"Case {where}: {plural(case['observations'], 'observation')}, collected {when(case['collected_at'])} UTC",
        "dim",
    )
    say(out, f"Trust root {root['name']}, {root['vouched_by']}, sha256 {root['sha256']}", "dim")
