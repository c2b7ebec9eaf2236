"""Rows about size: memory of many releases, and requests of a second run."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.timing import command

_BIN = Path(sys.executable).parent


def memory_ratio(quick: bool) -> float:
    """Peak memory that judging 100,000 releases adds to a process, in bytes of the index's answer about them.

    Measured in a process of its own: the peak after it, less the peak once everything is imported and 100 releases
    were judged.
    """
    count = 20_000 if quick else 100_000
    done = subprocess.run(
        [sys.executable, "-m", "bench.growing", str(count)], cwd=Path(__file__).parents[1], capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return float(done.stdout.splitlines()[-1])


def _measure(count: int) -> float:
    from bench.histories import history
    from forensics.signals.engine import judge

    judge(history(100))
    size = sum(len(json.dumps(_row(number))) + 2 for number in range(count))
    start = _peak()
    judge(history(count))
    return (_peak() - start) / size


def _row(number: int) -> dict[str, object]:
    """One file of the Simple API (PEP 691), as the index gives it for a release of these histories."""
    from bench.index import file_row

    return file_row(number)


def _peak() -> int:
    """Bytes at most resident so far. Linux's `ru_maxrss` begins with that of whoever started the process (exec(2))."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024  # kB, proc(5)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts in bytes


def warm_requests(quick: bool) -> float:
    """Requests of a second `timeline` of the same case, which may ask for nothing that cannot change."""
    from bench.index import serving

    with tempfile.TemporaryDirectory() as folder, serving(50 if quick else 865) as urls:
        env = {**os.environ, "FORENSICS_HOME": folder, "FORENSICS_CACHE": str(Path(folder) / "cache"), **urls}
        words = (str(_BIN / "forensics"), "timeline", "bench-project", "--case", str(Path(folder) / "case"), "--quiet")
        command(*words, env=env)()
        asked = _recorded(Path(folder) / "case")
        command(*words, env=env)()
        return float(_recorded(Path(folder) / "case") - asked)


def _recorded(case: Path) -> int:
    from forensics.evidence.case import Case

    return len(Case.open(case).observations())


if __name__ == "__main__":
    print(_measure(int(sys.argv[1])))
