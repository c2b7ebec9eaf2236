"""Several lines within the hour."""

from __future__ import annotations

from datetime import timedelta

from forensics.model.finding import Family, Severity
from tests.signals.histories import START, day, judged, release, series

ID = "multi-line-burst"
PAST = [*series(6, None), *series(3, None, minor="2.0", start=3)]


def test_fires_on_the_later_one_at_both_moments() -> None:
    told = judged([*PAST, release("1.0.6", day(60)), release("2.0.3", day(60) + timedelta(minutes=20))])
    later = told.hit("2.0.3", ID)
    assert (later.family, later.severity) == (Family.TIME, Severity.MEDIUM)
    assert later.observed == "within the hour of other lines: 1.0.6 20 min earlier"
    assert later.expected == "one line at a time, as 10 of 10 earlier publications"
    assert {"o-2.0.3", "o-1.0.6"} <= set(later.evidence)
    assert later.knowable_at_publish
    assert told["2.0.3"].at_publish.flagged
    assert told.silent("1.0.6", ID)


def test_names_with_hindsight_how_the_burst_went_on() -> None:
    burst = [release(f"{line}.0.9", day(60) + timedelta(minutes=20 * line)) for line in (1, 2, 3)]
    told = judged([*PAST, *burst])
    middle = told.hit("2.0.9", ID)
    assert middle.observed == "within the hour of other lines: 1.0.9 20 min earlier, 3.0.9 20 min later"


def test_the_same_line_twice_is_no_burst() -> None:
    told = judged([*PAST, release("1.0.6", day(60)), release("1.0.7", day(60) + timedelta(minutes=20))])
    assert told.silent("1.0.7", ID)


def test_over_an_hour_apart_is_no_burst() -> None:
    told = judged([*PAST, release("1.0.6", day(60)), release("2.0.3", day(60) + timedelta(minutes=61))])
    assert told.silent("2.0.3", ID)
    assert told.silent("1.0.6", ID)


def test_silent_where_lines_are_released_together() -> None:
    together = [release(f"{line}.0.{n}", day(n * 7) + timedelta(minutes=line)) for n in range(6) for line in (1, 2)]
    assert judged(together).silent("2.0.5", ID)


def test_not_checked_on_a_small_sample_only_when_there_is_company() -> None:
    told = judged([release("1.0.0", START), release("2.0.0", START + timedelta(minutes=5))])
    unchecked = told.unchecked("2.0.0", ID)
    assert unchecked is not None
    assert unchecked.reason.startswith("fewer than 5 earlier publications")
    assert judged([release("1.0.0", START)]).silent("1.0.0", ID)


def test_without_a_time_not_checked() -> None:
    assert judged([*PAST, release("1.0.9", None)]).unchecked("1.0.9", ID) is not None


def test_two_lines_at_one_instant_are_each_others_company_at_once() -> None:
    told = judged([*PAST, release("1.0.6", day(60)), release("2.0.3", day(60))])
    for version in ("1.0.6", "2.0.3"):
        assert told.hit(version, ID).knowable_at_publish
