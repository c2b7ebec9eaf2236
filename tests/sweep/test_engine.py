"""Both engines run the same tasks, keep few in flight, and lose one task and not the sweep when a worker dies."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.model.errors import UsageError
from forensics.sweep.engine import MOST, Dask, Engine, Lost, Pool, _Groups, engine_for


def double(number: int) -> int:
    return number * 2


def die_on_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuse_seven(number: int) -> int:
    if number == 7:
        raise ValueError("seven")
    return number


def die_once(task: tuple[str, int]) -> int:
    """Kill the worker the first time that 7 comes."""
    marker, number = Path(task[0]), task[1]
    if number == 7 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.fixture(scope="module")
def dask() -> Iterator[Dask]:
    pytest.importorskip("distributed", reason="the optional extra `cluster` is not installed")
    engine = Dask(workers=2)
    yield engine
    engine.close()


@pytest.fixture(params=["pool", "dask"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "dask":
        yield request.getfixturevalue("dask")
        return
    pool = Pool(2)
    yield pool
    pool.close()


def test_every_task_is_done_once(engine: Engine) -> None:
    assert engine.workers == 2
    assert sorted(engine.run(double, range(40))) == [number * 2 for number in range(40)]


def test_tasks_are_taken_as_they_are_needed(engine: Engine) -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = engine.run(double, tasks())
    next(results)
    assert len(taken) < 20
    results.close()


def test_a_worker_that_dies_costs_nothing(engine: Engine, tmp_path: Path) -> None:
    tasks = [(str(tmp_path / "died"), number) for number in range(20)]
    assert sorted(engine.run(die_once, tasks)) == list(range(20))


def test_a_task_that_kills_its_workers_is_given_up_and_named(engine: Engine) -> None:
    results = list(engine.run(die_on_seven, range(20)))
    (lost,) = [r for r in results if isinstance(r, Lost)]
    assert lost.task == 7
    assert re.search("died|gave it up", lost.why)
    assert sorted(r for r in results if not isinstance(r, Lost)) == [n for n in range(20) if n != 7]


def test_a_task_that_raises_costs_itself_only(dask: Dask) -> None:
    results = list(dask.run(refuse_seven, range(20)))
    assert [r for r in results if isinstance(r, Lost)] == [Lost(7, "the cluster gave it up: ValueError")]
    assert sorted(r for r in results if not isinstance(r, Lost)) == [n for n in range(20) if n != 7]


def test_short_tasks_travel_together_and_long_ones_alone() -> None:
    groups = _Groups(iter(range(1000)), 4)
    sizes = []
    while group := groups.take():
        sizes.append(len(group))
        groups.done(group, seconds=0.05 * len(group))
    assert sizes[:5] == [1, 2, 4, 8, 10]
    assert max(sizes) == 10
    assert sum(sizes) == 1000
    assert sizes[-4:] == sorted(sizes[-4:], reverse=True)
    assert sizes[-1] == 1
    slow = _Groups(iter(range(9)), 4)
    for _ in range(9):
        slow.done(group := slow.take(), seconds=3.0)
        assert len(group) == 1
    assert slow.take() == []


def test_groups_are_bounded_and_become_smaller_when_tasks_take_longer() -> None:
    groups = _Groups(iter(range(10_000)), 4)
    for _ in range(20):
        groups.done(group := groups.take(), seconds=0.0)
    assert len(group) == MOST
    groups.done(group, seconds=6.4)
    assert len(groups.take()) == 5


def test_engines_by_name() -> None:
    assert isinstance(engine_for("pool", scheduler=None, workers=3), Pool)
    with pytest.raises(UsageError, match="pool, dask"):
        engine_for("spark", scheduler=None, workers=None)


@pytest.mark.slow
def test_a_scheduler_that_is_not_there() -> None:
    pytest.importorskip("distributed", reason="the optional extra `cluster` is not installed")
    with pytest.raises(UsageError, match="does not answer"):
        engine_for("pool", scheduler="tcp://127.0.0.1:9", workers=None)
