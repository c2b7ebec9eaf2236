"""The first attested release: an event, and what would make it more is not checked."""

from __future__ import annotations

from tests.signals.histories import UNSEEN, USUAL, day, judged, release, series

ID = "identity-first-seen"


def test_adoption_is_not_checked_and_never_fires() -> None:
    told = judged([*series(5, None), release("1.0.5", day(40), USUAL)])
    unchecked = told.unchecked("1.0.5", ID)
    assert unchecked is not None
    assert unchecked.reason.startswith("adopted attestations here, after 5 releases without")
    assert told.finding("1.0.5", ID) is None


def test_silent_on_the_releases_after_and_on_unattested_ones() -> None:
    told = judged([*series(6, None), *series(2, first=6, start=60)])
    assert told.silent("1.0.7", ID)
    assert told.silent("1.0.5", ID)


def test_silent_with_a_past_too_short_to_call_it_adoption() -> None:
    assert judged([*series(4, None), release("1.0.4", day(40), USUAL)]).silent("1.0.4", ID)


def test_a_line_of_its_own_adopts_on_its_own() -> None:
    told = judged([*series(5, None), *series(5, minor="2.0", start=1), release("1.0.5", day(60), USUAL)])
    assert told.unchecked("1.0.5", ID) is not None


def test_unknown_provenance_is_not_checked() -> None:
    assert judged([*series(5, None), release("1.0.5", day(40), UNSEEN)]).unchecked("1.0.5", ID) == UNSEEN


def test_an_unknown_past_is_not_an_unattested_one() -> None:
    assert judged([*series(5, UNSEEN), release("1.0.5", day(40), USUAL)]).silent("1.0.5", ID)
