"""Hours and weekdays, with the project's own as the measure."""

from __future__ import annotations

from datetime import timedelta

from forensics.model.finding import Family, Severity
from forensics.model.release import Release
from tests.signals.histories import day, judged, release

ID = "off-hours"


def _office(count: int) -> list[Release]:
    """Return releases on Mondays to Fridays between 12 and 16 h, one every day but weekends."""
    days = [n for n in range(count * 2) if n % 7 < 5][:count]
    return [release(f"1.0.{n}", day(at) + timedelta(hours=n % 5)) for n, at in enumerate(days)]


def test_fires_at_night() -> None:
    hit = judged([*_office(40), release("1.0.99", day(62) + timedelta(hours=15))]).hit("1.0.99", ID)
    assert (hit.family, hit.severity) == (Family.TIME, Severity.LOW)
    assert hit.observed == "published on a Monday, 2026-03-09 03:00:00 UTC"
    assert "0% of 40 earlier publications" in hit.expected
    assert hit.evidence == ("o-1.0.99",)


def test_silent_in_the_usual_hours() -> None:
    assert judged([*_office(40), release("1.0.99", day(63) + timedelta(hours=2))]).silent("1.0.99", ID)


def test_midnight_is_near_on_both_sides() -> None:
    nights = [release(f"1.0.{n}", day(n * 7) + timedelta(hours=11 + n % 2)) for n in range(40)]  # 23 and 0 h
    assert judged([*nights, release("1.0.99", day(39 * 7 + 7) + timedelta(hours=11))]).silent("1.0.99", ID)


def test_below_thirty_publications_not_checked() -> None:
    unchecked = judged([*_office(29), release("1.0.99", day(62))]).unchecked("1.0.99", ID)
    assert unchecked is not None
    assert unchecked.reason.startswith("fewer than 30 earlier publications")
    assert judged([*_office(40), release("1.0.99", None)]).unchecked("1.0.99", ID) is not None
