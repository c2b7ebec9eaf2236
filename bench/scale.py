"""`python -m bench.scale [--engine E]… N…`: sweep generated fleets of N projects and print what each size costs.

Not a row with a budget: it is where the numbers of `docs/scale.md` come from. Seconds depend on the machine; whether
they grow in proportion, and whether memory grows at all, does not.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


def main(words: list[str]) -> int:
    """Print one line for each size and engine: seconds, requests and bytes a project, peak memory in MiB."""
    reader = argparse.ArgumentParser(prog="python -m bench.scale")
    reader.add_argument("sizes", type=int, nargs="*", default=[100, 400], metavar="N", help="projects of a fleet")
    reader.add_argument("--engine", action="append", choices=["pool", "dask"], help="pool by default; may repeat")
    chosen = reader.parse_args(words)
    from tests.lab import serve
    from tests.lab.fleet import build_fleet

    print("engine  projects  seconds  s/project  requests/project  KiB on disk/project  peak MiB of the command")
    for size, engine in itertools.product(chosen.sizes, chosen.engine or ["pool"]):
        fleet = build_fleet(size)
        with tempfile.TemporaryDirectory() as scratch, serve(fleet) as server:
            home = Path(scratch)
            names = home / "names.txt"
            names.write_text("\n".join(fleet.names) + "\n", "utf-8")
            line = [str(Path(sys.executable).with_name("forensics")), "sweep", str(names), "-o", str(home / "sweep"),
                    "--per-second", "100000", "--concurrency", "64", "--quiet", "--exit-zero",
                    "--engine", engine]  # fmt: skip
            env = {**os.environ, **server.env(), "FORENSICS_CACHE": str(home / "cache")}
            start = time.perf_counter()
            running = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL)
            peak = _watch(running)
            seconds = time.perf_counter() - start
            if running.returncode:
                raise RuntimeError(f"the sweep ended with {running.returncode}")
            disk = sum(p.stat().st_size for p in (home / "sweep").rglob("*") if p.is_file())
            requests = len(server.requests) / size
        row = (f"{engine:6}", f"{size:9}", f"{seconds:8.1f}", f"{seconds / size:10.3f}", f"{requests:17.1f}")
        print(*row, f"{disk / size / 1024:20.0f}", f"{peak:24.0f}", flush=True)
    return 0


def _watch(running: subprocess.Popen[bytes]) -> float:
    """Wait for the end; return the most memory (MiB) that the command and its workers had together."""
    peak = 0.0
    done = threading.Event()
    memory = Memory(running.pid)

    def look() -> None:
        nonlocal peak
        while not done.wait(0.5):
            peak = max(peak, memory.look())

    watcher = threading.Thread(target=look)
    watcher.start()
    running.wait()
    done.set()
    watcher.join()
    return peak


class Memory:
    """The memory of a process and of all that it started, look by look.

    A page that several of them share counts once. A process counts from the second look on: one that was started just
    now still has all memory of whoever started it, until it begins its own program.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._seen = {pid}

    def look(self) -> float:
        """Return the memory in MiB; 0 where the process is gone."""
        family = set(_family(self._pid))
        known, self._seen = family & self._seen, family
        return sum(map(_share, known)) / 2**20


def _family(pid: int) -> list[int]:
    """Return *pid* and every process that one of its threads, or a process of theirs, started."""
    try:
        children = [lists.read_text().split() for lists in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return [pid]
    return [pid, *(one for some in children for child in some for one in _family(int(child)))]


def _share(pid: int) -> int:
    """Bytes of memory of a process, pages that it shares divided among those that share them (`Pss`, proc(5))."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended, or is ending
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
