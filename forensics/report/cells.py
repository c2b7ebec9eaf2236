"""Rows for spreadsheets: no cell is a formula, no character hides, and the line ends where it seems to."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from forensics.model.text import visible

# What spreadsheet programs take for a formula, also behind blanks, and in full width where the locale is East Asian.
# Source: OWASP, CSV Injection.
_FORMULA = re.compile("\\s*[=+\\-@|%\uff1d\uff0b\uff0d\uff20]")


LONGEST = 32_000
"""Characters of one cell; spreadsheets refuse more than 32,767."""


def cell(value: object) -> str:
    """Return *value* as a cell: hidden characters shown, an apostrophe before what a spreadsheet would run."""
    if value is None:
        return ""
    text = visible(str(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return text
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} … [{len(text) - LONGEST} more characters]"
    return f"'{text}" if _FORMULA.match(text) else text


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return CSV (RFC 4180, but lines end with a line feed) with a first line of names."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return buffer.getvalue()
