"""Measure rows and write `bench/results.json` and `bench/RESULTS.md`: `python -m bench [--quick] [NAME…]`.

Each NAME is a part of a row's name, in any case; with one, or with `--quick`, nothing is written. `--profiles` measures
no row: it writes `bench/profiles/`, see `bench.profiling`.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from compileall import compile_dir
from pathlib import Path
from typing import Any

from bench.lock_rows import LOCK_ROWS
from bench.log_rows import LOG_ROWS
from bench.profiling import write_profiles
from bench.report_rows import REPORT_ROWS
from bench.row import NotMeasured, Row
from bench.rows import ROWS
from bench.sweep_rows import SWEEP_ROWS

FOLDER = Path(__file__).parent
ALL: tuple[Row, ...] = (*ROWS, *LOG_ROWS, *LOCK_ROWS, *REPORT_ROWS, *SWEEP_ROWS)


def run(rows: Sequence[Row], quick: bool) -> list[dict[str, Any]]:
    """Return name, ratio, budget and whether it holds, for each row.

    A row that cannot be measured here has the ratio None, holds None, and says why under `not_measured`.
    """
    results: list[dict[str, Any]] = []
    for row in rows:
        budget = f"{'at least' if row.at_least else 'at most'} {row.budget}"
        try:
            ratio = row.measure(quick)
        except NotMeasured as why:
            results.append({"name": row.name, "ratio": None, "budget": budget, "holds": None, "not_measured": str(why)})
            print(f"not measured: {row.name}: {why}", flush=True)
            continue
        holds = row.holds(ratio)
        results.append({"name": row.name, "ratio": round(ratio, 3), "budget": budget, "holds": holds})
        print(f"{'holds ' if holds else 'FAILS '} {row.name}: {ratio:.2f} ({budget})", flush=True)
    return results


def page(results: Sequence[dict[str, Any]]) -> str:
    """Return the results in Markdown."""
    lines = [
        "# Results",
        "",
        "Written by `make bench`. Ratios of two sides that took turns in one run; no number here is a time.",
        f"Python {platform.python_version()}, {os.cpu_count()} cores.",
        "",
        "| what | ratio | budget | holds |",
        "|---|---|---|---|",
        *(_line(row) for row in results),
    ]
    return "\n".join(lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    if row["holds"] is None:
        return f"| {row['name']} | not measured | {row['budget']} | {row['not_measured']} |"
    return f"| {row['name']} | {row['ratio']:.2f} | {row['budget']} | {'yes' if row['holds'] else 'no'} |"


def main(words: Sequence[str]) -> int:
    """Run the rows that *words* name, or all, or write the profiles.

    Returns 1 when a budget does not hold, 2 when no row has such a name.
    """
    compile_dir(FOLDER.parent / "forensics", quiet=1)  # as an installer does: the peers' packages come compiled, too
    if "--profiles" in words:
        write_profiles()
        return 0
    quick = "--quick" in words
    wanted = [word.lower() for word in words if not word.startswith("-")]
    rows = [row for row in ALL if not wanted or any(word in row.name.lower() for word in wanted)]
    if not rows:
        print("no row has such a name; there are:", *(row.name for row in ALL), sep="\n  ", file=sys.stderr)
        return 2
    results = run(rows, quick)
    if not quick and not wanted:
        (FOLDER / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        (FOLDER / "RESULTS.md").write_text(page(results), encoding="utf-8")
    return 1 if any(row["holds"] is False for row in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
