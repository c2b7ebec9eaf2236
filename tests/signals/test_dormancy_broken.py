"""A release after long silence."""

from __future__ import annotations

from forensics.model.finding import Family, Severity, Verdict
from tests.signals.histories import day, judged, release, series

ID = "dormancy-broken"


def test_fires_after_more_than_half_a_year() -> None:
    told = judged([*series(8, None), release("1.0.8", day(49 + 400))])
    hit = told.hit("1.0.8", ID)
    assert (hit.family, hit.severity) == (Family.TIME, Severity.LOW)
    assert hit.observed == "published 400 d after 1.0.7, the release before it in its line"
    assert hit.expected == "no more than 180 d between releases"
    assert {"o-1.0.8", "o-1.0.7"} <= set(hit.evidence)
    assert told["1.0.8"].verdict is Verdict.NOTABLE


def test_a_project_that_is_used_to_long_gaps_is_not_alarmed() -> None:
    slow = series(8, None, every=230)
    assert judged([*slow, release("1.0.8", day(7 * 230 + 225))]).silent("1.0.8", ID)
    assert judged([*slow, release("1.0.8", day(7 * 230 + 500))]).finding("1.0.8", ID) is not None


def test_below_five_gaps_the_floor_alone_counts() -> None:
    pair = [release("1.0.0", day(0)), release("1.0.1", day(200))]
    assert judged(pair).finding("1.0.1", ID) is not None
    assert judged([pair[0], release("1.0.1", day(180))]).silent("1.0.1", ID)


def test_the_first_release_of_a_line_breaks_no_silence() -> None:
    told = judged([*series(8, None), release("2.0.0", day(900))])
    assert told.silent("2.0.0", ID)
    assert told.silent("1.0.0", ID)


def test_it_is_the_lines_silence_that_counts() -> None:
    busy = series(60, None, minor="2.0", start=50)
    told = judged([*series(8, None), *busy, release("1.0.8", day(49 + 300))])
    assert told.finding("1.0.8", ID) is not None


def test_without_times_not_checked() -> None:
    assert judged([*series(3, None), release("1.0.9", None)]).unchecked("1.0.9", ID) is not None
