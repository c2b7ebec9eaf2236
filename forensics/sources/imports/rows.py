"""Rows of an exported table: JSON lines, CSV with a header, or Parquet; all of it may be anybody's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from forensics.model.times import parse_time
from forensics.sources.imports.parquet import read_parquet
from forensics.sources.interface import mapping

MAX_ROWS = 1_000_000
MAX_FIELD = 16 * 2**20
"""Longest field of a CSV export in characters; the table carries whole project descriptions."""
PARQUET = b"PAR1"
"""First and last bytes of a Parquet file."""


def lines_of(data: bytes) -> list[str]:
    """Return the lines of UTF-8 text; raises ValueError for other bytes and above MAX_ROWS lines."""
    # Not splitlines(): U+2028 and its like stand unescaped in JSON strings and do not end a row.
    rows = data.decode("utf-8-sig").split("\n")
    if len(rows) > MAX_ROWS:
        raise ValueError(f"more than {MAX_ROWS} rows")
    return [row.removesuffix("\r") for row in rows]


def columns_of(data: bytes) -> frozenset[str]:
    """Return the names of the columns by the file's beginning, as `column` gives them; empty for what is no table."""
    try:
        if data.startswith(PARQUET):
            return frozenset(map(column, read_parquet(data, frozenset(), MAX_ROWS)[0]))
        first = data[:MAX_FIELD].decode("utf-8-sig", "replace").lstrip().partition("\n")[0]
        if first.startswith("{"):
            import msgspec

            return frozenset(map(column, mapping(msgspec.json.decode(first.encode()))))
        return frozenset(column(name) for name in next(csv.reader([first]), []))
    except (ValueError, RecursionError, csv.Error):
        return frozenset()


def rows_of(data: bytes, wanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows as mappings from the names in *wanted*, as `column` gives them; others are left out.

    Raises ValueError for what is no such table, or one of more than MAX_ROWS rows.
    """
    if data.startswith(PARQUET):
        raw: Iterable[dict[str, Any]] = read_parquet(data, wanted, MAX_ROWS)[1]
    elif data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        import msgspec

        raw = (mapping(msgspec.json.decode(line.encode())) for line in lines_of(data) if line.strip())
    else:
        raw = _csv(data)
    for number, row in enumerate(raw):
        if number >= MAX_ROWS:
            raise ValueError(f"more than {MAX_ROWS} rows")
        yield {name: value for key, value in row.items() if (name := column(key)) in wanted}


def column(name: object) -> str:
    """Return a column's name without what exports change: case, and the marks between words."""
    return "".join(c for c in str(name)[:200].lower() if c.isalnum())


def _csv(data: bytes) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(MAX_FIELD)
    for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")):
        yield {str(key): value for key, value in row.items()}


def texts_in(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts in a repeated field, however the export nests it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple) and depth < 6:
        for one in value[:1000]:
            yield from texts_in(one, depth + 1)
    elif isinstance(value, dict) and depth < 6:
        for one in list(value.values())[:1000]:
            yield from texts_in(one, depth + 1)


def whole_number(value: Any) -> int | None:
    """Return a count that may be written as a text; None for anything else."""
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def loose_time(value: Any) -> datetime | None:
    """Return the time that an export states, also with ` UTC` behind it; None for what is none."""
    if isinstance(value, datetime):
        value = value.isoformat()
    if not isinstance(value, str) or not value:
        return None
    try:
        return parse_time(value.removesuffix(" UTC").strip())
    except ValueError:
        return None
