"""`python -m bench.scale N…`: sweep generated fleets of N projects and print what each size costs.

Not a row with a budget: it is where the numbers of `docs/scale.md` come from. Seconds depend on the machine; whether
they grow in proportion, and whether memory grows at all, does not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


def main(sizes: list[int]) -> int:
    """Print one line a size: seconds, seconds a project, requests and bytes a project, peak memory in MiB."""
    from tests.lab import serve
    from tests.lab.fleet import build_fleet

    print("projects  seconds  s/project  requests/project  KiB on disk/project  peak MiB of the command")
    for size in sizes:
        fleet = build_fleet(size)
        with tempfile.TemporaryDirectory() as scratch, serve(fleet) as server:
            home = Path(scratch)
            names = home / "names.txt"
            names.write_text("\n".join(fleet.names) + "\n", "utf-8")
            line = [str(Path(sys.executable).with_name("forensics")), "sweep", str(names), "-o", str(home / "sweep"),
                    "--per-second", "100000", "--concurrency", "64", "--quiet", "--exit-zero"]  # fmt: skip
            env = {**os.environ, **server.env(), "FORENSICS_CACHE": str(home / "cache")}
            start = time.perf_counter()
            running = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL)
            peak = _watch(running)
            seconds = time.perf_counter() - start
            if running.returncode:
                raise RuntimeError(f"the sweep ended with {running.returncode}")
            disk = sum(p.stat().st_size for p in (home / "sweep").rglob("*") if p.is_file())
            requests = len(server.requests) / size
        row = (f"{size:8}", f"{seconds:8.1f}", f"{seconds / size:10.3f}", f"{requests:17.1f}")
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
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [pid, *(one for child in children.read_text().split() for one in _family(int(child)))]
    except OSError:
        return [pid]


def _share(pid: int) -> int:
    """Bytes of memory of a process, pages that it shares divided among those that share them (`Pss`, proc(5))."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended, or is ending
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]] or [100, 400]))
