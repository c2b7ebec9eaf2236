"""Profiles of the two paths on which most time goes, as text: `python -m bench --profiles` writes `bench/profiles/`.

Shares of time are sampled by processor time, so that nothing is slowed down by being watched; calls are counted in
a second run. Each path runs in a process of its own, `python -m bench.profiling NAME`, which prints its profile. What
native code does counts for the function that called it.
"""

from __future__ import annotations

import cProfile
import dis
import os
import pstats
import random
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

FOLDER = Path(__file__).parent / "profiles"
ROWS = 40
_INTERVAL = 0.001  # seconds of processor time; the kernel's tick is longer, and samples are weighted
_ROOTS = sorted(
    {str(Path(__file__).parents[1]), *(sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib"))},
    key=len,
    reverse=True,
)


@dataclass(frozen=True)
class Profiled:
    """A path: what one unit of it is, how many are sampled, and *prepare*, which returns the work on some of them.

    It is given the numbers of the first and of the one after the last. No unit is met twice, since what was computed
    once may be remembered. *serve* gives the environment that the work runs in, for as long as it runs.
    """

    title: str
    unit: str
    count: int
    prepare: Callable[[int, int], Callable[[], object]]
    serve: Callable[[int], Iterator[dict[str, str]]]

    @property
    def few(self) -> int:
        """How many are counted."""
        return max(1, self.count // 4)


def _attestations(first: int, last: int) -> Callable[[], object]:
    from bench.material import attestations, jobs
    from forensics.attestation.pool import evaluate_many
    from forensics.attestation.trust import vouch

    raw = attestations().root
    root, work = vouch(raw, named=raw), jobs(last)[first:]
    evaluate_many(root, work[:64], workers=1)  # what is loaded once is not the path
    return lambda: evaluate_many(root, work, workers=1)


def _projects(first: int, last: int) -> Callable[[], object]:
    from forensics.cli.common import Ask, endpoints_from, trust_root_bytes
    from forensics.evidence.client import Limits
    from forensics.model.project import parse_project
    from forensics.sources.files import FileOptions
    from forensics.sweep.run import begin
    from forensics.sweep.unit import Task, work

    known, *names = os.environ["BENCH_PROJECTS"].split()
    limits = Limits(per_second=1e9, concurrency=64)
    ask, home = Ask(None), Path(os.environ["FORENSICS_HOME"])

    def sweep(names: list[str], folder: Path) -> None:
        begin(folder, endpoints_from(ask), trust_root_bytes(ask))
        for name in names:
            done = work(Task(parse_project(name), str(folder), limits, FileOptions()))
            if done.problem:
                raise RuntimeError(f"{name}: {done.problem}")

    def anew() -> None:
        folder = Path(tempfile.mkdtemp(dir=home))
        os.environ["FORENSICS_CACHE"] = str(folder / "cache")
        sweep(names[first:last], folder / "sweep")

    sweep([known], Path(tempfile.mkdtemp(dir=home)) / "warm")  # what is loaded once is not the path
    return anew


def _nothing(count: int) -> Iterator[dict[str, str]]:
    del count
    yield {}


def _fleet(count: int) -> Iterator[dict[str, str]]:
    from tests.lab import serve
    from tests.lab.fleet import build_fleet

    fleet = build_fleet(max(count + 1, 40))
    names = random.Random(1).sample(fleet.names, len(fleet.names))  # what was planted stands first otherwise
    with tempfile.TemporaryDirectory() as home, serve(fleet) as server:
        yield {**server.env(), "FORENSICS_HOME": home, "FORENSICS_CACHE": f"{home}/cache",
               "BENCH_PROJECTS": " ".join(names)}  # fmt: skip


PATHS = {
    "attestation": Profiled("verification, one process", "attestation", 3000, _attestations, _nothing),
    "project": Profiled(
        "a project of a sweep: collected, verified, judged, kept; archives are read by other processes",
        "project", 40, _projects, _fleet,
    ),
}  # fmt: skip


def write_profiles() -> None:
    """Profile every path and write its text to `bench/profiles/<name>.txt`."""
    FOLDER.mkdir(exist_ok=True)
    for name, path in PATHS.items():
        with contextmanager(path.serve)(path.count + path.few) as env:
            line = [sys.executable, "-m", "bench.profiling", name]
            done = subprocess.run(
                line, cwd=FOLDER.parents[1], env={**os.environ, **env}, stdout=subprocess.PIPE, text=True, check=True
            )
        (FOLDER / f"{name}.txt").write_text(done.stdout, encoding="utf-8")
        print(f"wrote bench/profiles/{name}.txt", flush=True)


@dataclass
class Samples:
    """Seconds of processor time by function: *own* while it ran itself, *below* with what it called."""

    own: Counter[CodeType]
    below: Counter[CodeType]

    @property
    def total(self) -> float:
        """All seconds that were sampled."""
        return sum(self.own.values())


def sampled(work: Callable[[], object]) -> Samples:
    """Run *work* and return where its processor time went. Main thread only; signals of profiling are used."""
    found = Samples(Counter(), Counter())
    last = time.process_time()

    def take(_: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.process_time()
        weight, last = now - last, now
        if frame is not None and _just_begun(frame):
            frame = frame.f_back
        seen: set[CodeType] = set()
        if frame is not None:
            found.own[frame.f_code] += weight
        while frame is not None:
            if frame.f_code not in seen:  # a function that calls itself counts once
                found.below[frame.f_code] += weight
                seen.add(frame.f_code)
            frame = frame.f_back

    before = signal.signal(signal.SIGPROF, take)
    signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
    try:
        work()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return found


def _just_begun(frame: FrameType) -> bool:
    """Whether nothing of the function was run yet: the time before it is the caller's.

    Signals wait for the next instruction in Python. After native code that is often the first one of a callback.
    """
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] == "RESUME"


def counted(work: Callable[[], object]) -> dict[tuple[str, int, str], int]:
    """Run *work* and return how often each function was called, by file, first line and name."""
    watcher = cProfile.Profile()
    watcher.runcall(work)
    return {key: row[1] for key, row in pstats.Stats(watcher).stats.items()}  # type: ignore[attr-defined]


def page(path: Profiled, samples: Samples, calls: dict[tuple[str, int, str], int]) -> str:
    """Return the profile as text: the functions with the largest shares of their own, then with what they call."""
    lines = [
        f"Profile of {path.title}.",
        f"Shares of processor time over {path.count:,} of them, and calls for each {path.unit}.",
        "own: in the function itself and in native code that it calls; with: with all that it calls.",
        f"Written by `python -m bench --profiles`. Python {sys.version_info.major}.{sys.version_info.minor}.",
    ]
    for head, order in (("by own time", samples.own), ("by time with what is called", samples.below)):
        rows = (code for code in order if not name_of(code).startswith(("bench/", "<frozen runpy>")))
        chosen = sorted(rows, key=lambda code: (-round(order[code] / samples.total, 3), name_of(code)))[:ROWS]
        lines += ["", head, "", f"{'own':>6} {'with':>6} {'calls':>8}  function"]
        for code in chosen:
            count = calls.get((code.co_filename, code.co_firstlineno, code.co_name), 0) / path.few
            shares = [100 * table[code] / samples.total for table in (samples.own, samples.below)]
            lines.append(f"{shares[0]:5.1f}% {shares[1]:5.1f}% {count:8.1f}  {name_of(code)}")
    return "\n".join(lines) + "\n"


def name_of(code: CodeType) -> str:
    """Return a function's file, without the folders of this machine, and its name."""
    name = code.co_filename
    for root in _ROOTS:
        if name.startswith(root + os.sep):
            return f"{Path(name[len(root) + 1 :]).as_posix()} {code.co_qualname}"
    return f"{name if name.startswith('<') else Path(name).name} {code.co_qualname}"


def main(name: str) -> int:
    """Print the profile of the path *name*."""
    path = PATHS[name]
    samples = sampled(path.prepare(0, path.count))
    print(page(path, samples, counted(path.prepare(path.count, path.count + path.few))), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
