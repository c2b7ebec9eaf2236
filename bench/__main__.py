"""Measure every row and write `bench/results.json` and `bench/RESULTS.md`."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from bench.log_rows import LOG_ROWS
from bench.rows import ROWS

FOLDER = Path(__file__).parent


def run(quick: bool) -> list[dict[str, Any]]:
    """Return name, ratio, budget and whether it holds, for every row."""
    results: list[dict[str, Any]] = []
    for row in (*ROWS, *LOG_ROWS):
        ratio = row.measure(quick)
        holds, budget = row.holds(ratio), f"{'at least' if row.at_least else 'at most'} {row.budget}"
        results.append({"name": row.name, "ratio": round(ratio, 3), "budget": budget, "holds": holds})
        print(f"{'holds ' if holds else 'FAILS '} {row.name}: {ratio:.2f} ({budget})", flush=True)
    return results


def main() -> int:
    """Run the rows; exit 1 when a budget does not hold. `--quick` measures less and writes nothing."""
    quick = "--quick" in sys.argv
    results = run(quick)
    if not quick:
        (FOLDER / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        lines = [
            "# Results",
            "",
            "Written by `make bench`. Ratios of two sides that took turns in one run; no number here is a time.",
            f"Python {platform.python_version()}, {os.cpu_count()} cores.",
            "",
            "| what | ratio | budget | holds |",
            "|---|---|---|---|",
            *(f"| {r['name']} | {r['ratio']:.2f} | {r['budget']} | {'yes' if r['holds'] else 'no'} |" for r in results),
        ]
        (FOLDER / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if all(r["holds"] for r in results) else 1


if __name__ == "__main__":
    sys.exit(main())
