"""Timing by alternation: both sides take turns, so that a slow moment of the machine hits both."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from statistics import median


def clock(work: Callable[[], object], now: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds that one call takes, by the clock *now*."""
    start = now()
    work()
    return now() - start


def alternate(
    sides: Sequence[Callable[[], object]], rounds: int, now: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the median seconds of each side over *rounds*, the sides taking turns after one warm-up each.

    *now* is the clock: the wall's, or `time.process_time` where all of the work is done in this process.
    """
    for side in sides:
        side()
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for index, side in enumerate(sides):
            times[index].append(clock(side, now))
    return [median(values) for values in times]


def command(
    *arguments: str, env: dict[str, str] | None = None, accepted: Sequence[int] = (0, 10, 11)
) -> Callable[[], None]:
    """Return a call that runs a command to its end; raises RuntimeError for an exit code that is not accepted."""

    def run() -> None:
        done = subprocess.run(arguments, env=env, capture_output=True, check=False)
        if done.returncode not in accepted:
            raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stderr.decode()[-1000:]}")

    return run
