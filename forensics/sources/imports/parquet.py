"""Parquet, read in a process of its own: a damaged file can end or stop the library's, and must not end ours.

The child gets the bytes on stdin, limits on memory, time and processor, and prints JSON lines: the names of the
columns, then the rows with the wanted ones. What it complains about is not shown: it is the library's, and long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

SECONDS = 60
"""How long one file may take; a million rows take about ten."""
MEMORY = 8 * 2**30
"""Address space of the child in bytes. The library reserves far more than it uses."""
_CHILD = "from forensics.sources.imports.parquet import main; main()"


def read_parquet(data: bytes, wanted: frozenset[str], most: int) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the names of all columns, and the rows with the columns that `column` calls one of *wanted*.

    Times are texts, RFC 3339. Raises ValueError for a file that cannot be read, ends its reader, takes too long, or has
    more than *most* rows. Without *wanted*, no row is read.
    """
    import msgspec

    arguments = json.dumps({"wanted": sorted(wanted), "most": most})
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "RUST_BACKTRACE": "0"}
    try:
        done = subprocess.run(  # noqa: S603 -- this interpreter, our own module
            [sys.executable, "-c", _CHILD, arguments],
            input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, timeout=SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ValueError(f"it is a Parquet file that takes more than {SECONDS} seconds to read") from None
    if done.returncode or not done.stdout.endswith(b"\n"):
        raise ValueError("it is not a Parquet file that can be read")
    first, *rows = done.stdout[:-1].split(b"\n")
    told = msgspec.json.decode(first)
    if "problem" in told:
        raise ValueError(told["problem"])
    return told["columns"], [msgspec.json.decode(row) for row in rows]


def main() -> None:
    """Read what is on stdin, as the first argument says, and print it; the child's side of `read_parquet`."""
    _limit()
    asked = json.loads(sys.argv[1])
    for line in _answer(sys.stdin.buffer.read(), frozenset(asked["wanted"]), asked["most"]):
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.flush()
    os._exit(0)  # threads of the library that still work on a damaged file are not waited for


def _limit() -> None:
    import resource

    for what, limit in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (limit, limit))


def _answer(data: bytes, wanted: frozenset[str], most: int) -> Iterator[bytes]:
    import io

    import msgspec
    import polars as pl

    from forensics.sources.imports.rows import column

    names = list(pl.read_parquet_schema(io.BytesIO(data)))
    ours = [name for name in names if column(name) in wanted]
    frame = pl.scan_parquet(io.BytesIO(data), parallel="none")
    if ours and (count := frame.select(pl.len()).collect(engine="in-memory").item()) > most:
        yield msgspec.json.encode({"problem": f"more than {most} rows: {count}"})
        return
    yield msgspec.json.encode({"columns": names})
    if ours:
        # Only these are decoded: a description that unpacks to gigabytes is not.
        for row in frame.select(ours).collect(engine="in-memory").iter_rows(named=True):
            yield msgspec.json.encode(row)
