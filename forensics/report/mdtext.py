"""Outside text inside Markdown: nothing of it renders as markup, breaks a table, or pings anybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# Markup in a code span is inert in every renderer we know, and escaped it is inert in those we do not.
_PLAIN_CODE = re.compile(r"[^`|\\\n<>]+")
_CONTROL = re.compile(r"[\\`*{}\[\]|~$#!]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LEADING = re.compile(r"^(\s*)(?:([-+=])|(\d+)([.)])(?=\s|$))")
# Words that GitHub turns into mentions or mail links; a code span keeps them as they are.
_MENTION = re.compile(r"[A-Za-z0-9._%+/-]*@[A-Za-z0-9][A-Za-z0-9._/-]*")
_EMOJI = re.compile(r":(?=(?:[+-]1|100|1234|[a-z0-9_+-]*[a-z][a-z0-9_+-]*):)")


def text(value: str | None) -> str:
    """Return *value* as Markdown that shows exactly these characters, on one line, also inside a table."""
    parts: list[str] = []
    position = 0
    value = value or ""
    for match in _MENTION.finditer(value):
        parts += [_escaped(value[position : match.start()], start=position == 0), f"`{match.group()}`"]
        position = match.end()
    parts.append(_escaped(value[position:], start=position == 0))
    return "".join(parts)


def code(value: str | None) -> str:
    """Return *value* as a code span, or escaped like prose where it holds what a code span cannot."""
    value = value or ""
    if value.strip() and _PLAIN_CODE.fullmatch(value):
        return f"`{value}`"
    return text(value)


def codes(values: Iterable[str]) -> str:
    """Return *values* as code spans, with commas between."""
    return ", ".join(code(value) for value in values)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose cells are Markdown already."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(cell or " " for cell in row) + " |" for row in rows]
    return [*lines, ""]


def _escaped(value: str, *, start: bool) -> str:
    value = _CONTROL.sub(lambda match: "\\" + match.group(), value)
    value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
    value = _EMOJI.sub("\\:", value)
    if start:
        value = _LEADING.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", value)
    return value
