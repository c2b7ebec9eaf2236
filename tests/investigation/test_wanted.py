"""Which CI runs a first judgement wants to have read."""

from __future__ import annotations

from dataclasses import replace

from forensics.investigation.wanted import NEWEST, wanted_of_others
from forensics.model.release import Release
from forensics.signals.engine import judge
from forensics.sources.gather import Gathered
from tests.signals.histories import UNSEEN, day, history, identity, release


def _asked(releases: list[Release], days: float) -> list[int]:
    """The numbers of the runs that are wanted of a history collected so many days after its start, in order."""
    told = replace(history(releases), collected_at=day(days))
    gathered = Gathered(UNSEEN, {}, (), ())
    return [ref.run for ref in wanted_of_others(gathered, told, judge(told).assessments).runs]


def _weekly(count: int) -> list[Release]:
    return [release(f"1.0.{n}", day(7 * n), identity(run=100 + n)) for n in range(count)]


def test_all_that_may_be_kept_newest_first() -> None:
    assert _asked(_weekly(8), 60) == [107, 106, 105, 104, 103, 102, 101, 100]


def test_the_newest_are_asked_for_at_any_age() -> None:
    assert _asked(_weekly(8), 5000) == [107, 106, 105, 104, 103]
    assert len(_asked(_weekly(8), 5000)) == NEWEST


def test_suspects_come_first_at_any_age() -> None:
    strange = release("1.0.1", day(8), identity(run=900, source_repository_identifier="666"))
    assert _asked([*_weekly(1), strange, *_weekly(10)[2:]], 5000)[0] == 900
