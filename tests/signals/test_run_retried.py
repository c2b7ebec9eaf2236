"""A repeated run attempt, where first attempts are the rule."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from tests.signals.histories import UNSEEN, USUAL, day, identity, judged, release, series

ID = "run-retried"
AGAIN = identity(attempt=2)


def test_fires_on_a_second_attempt() -> None:
    hit = judged([*series(6), release("1.0.6", day(50), AGAIN)]).hit("1.0.6", ID)
    assert (hit.family, hit.severity) == (Family.SOURCE, Severity.LOW)
    assert hit.observed == "signed in attempt 2 of its CI run"
    assert hit.expected == "a first attempt, as on 6 of 6 earlier releases"


def test_silent_where_retries_are_common() -> None:
    past = [release(f"1.0.{n}", day(n * 7), AGAIN if n == 2 else USUAL) for n in range(10)]
    assert judged([*past, release("1.0.10", day(90), AGAIN)]).silent("1.0.10", ID)


def test_at_the_edge_of_the_habit() -> None:
    past = [release(f"1.0.{n}", day(n * 7), AGAIN if n == 2 else USUAL) for n in range(20)]
    assert judged([*past, release("1.0.20", day(150), AGAIN)]).finding("1.0.20", ID) is not None  # 19 of 20


def test_silent_on_first_attempts_and_unattested() -> None:
    told = judged([*series(6), release("1.0.6", day(50))])
    assert told.silent("1.0.5", ID)
    assert told.silent("1.0.6", ID)


def test_not_checked_on_small_samples_and_unknown_provenance() -> None:
    few = judged([*series(4), release("1.0.4", day(50), AGAIN)]).unchecked("1.0.4", ID)
    assert few is not None
    assert few.reason.startswith("fewer than 5 earlier releases")
    assert judged([*series(6), release("1.0.6", day(50), UNSEEN)]).unchecked("1.0.6", ID) == UNSEEN
    bare = judged([*series(6), release("1.0.6", day(50), identity(run_invocation_uri=None))])
    assert bare.unchecked("1.0.6", ID) is not None


def test_a_new_line_borrows_the_projects_rate() -> None:
    hit = judged([*series(6), release("2.0.0", day(50), AGAIN)]).hit("2.0.0", ID)
    assert hit.severity is Severity.LOW
