"""The time between log entry and upload."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from forensics.model.finding import Family, Severity
from forensics.model.release import Release
from tests.signals.histories import UNSEEN, USUAL, artifact, attestation, day, judged, release, series

ID = "signing-skew"
HOUR = timedelta(hours=1)


def _signed(before: timedelta, version: str = "1.0.6", days: float = 50) -> Release:
    return release(version, day(days), USUAL, signed=-before)


def test_an_upload_long_after_signing() -> None:
    hit = judged([*series(6), _signed(5 * HOUR)]).hit("1.0.6", ID)
    assert (hit.family, hit.severity) == (Family.SOURCE, Severity.MEDIUM)
    assert "was uploaded 5 h after its log entry" in hit.observed
    assert "2026-02-24 12:00:00" in hit.observed
    assert hit.expected == "an upload within 15 min of the log entry, as on 6 earlier releases"
    assert hit.evidence[0].startswith("o-file-thing-1.0.6")
    assert any(i.startswith("o-attestation-") for i in hit.evidence)


def test_an_upload_before_signing_needs_no_sample() -> None:
    hit = judged([_signed(timedelta(minutes=-3))]).hit("1.0.6", ID)
    assert "was uploaded 3 min before its log entry" in hit.observed


@pytest.mark.parametrize("seconds", [-60, 0, 20, 15 * 60])
def test_silent_within_clock_difference_and_token_life(seconds: int) -> None:
    assert judged([*series(6), _signed(timedelta(seconds=seconds))]).silent("1.0.6", ID)


def test_silent_where_the_project_always_waits() -> None:
    slow = [_signed(6 * HOUR, f"1.0.{n}", n * 7) for n in range(6)]
    assert judged([*slow, _signed(5 * HOUR)]).silent("1.0.6", ID)
    assert judged([*slow, _signed(20 * HOUR)]).finding("1.0.6", ID) is not None


def test_not_checked() -> None:
    few = judged([*series(3), _signed(5 * HOUR)]).unchecked("1.0.6", ID)
    assert few is not None
    assert few.reason.startswith("fewer than 5 earlier releases")
    untimed = [artifact("a.whl", day(50), [attestation(USUAL, None, "a")])]
    without = judged([*series(6), release("1.0.6", day(50), files=untimed)]).unchecked("1.0.6", ID)
    assert without is not None
    assert "no time signed by a log" in without.reason
    assert judged([*series(6), release("1.0.6", day(50), UNSEEN)]).unchecked("1.0.6", ID) == UNSEEN


def test_unattested_does_not_apply() -> None:
    assert judged([*series(6), release("1.0.6", day(50))]).silent("1.0.6", ID)


def test_a_file_of_the_next_day_is_hindsight() -> None:
    late = day(51)
    files = [
        artifact("a.tar.gz", day(50), [attestation(USUAL, day(50), "a")]),
        artifact("a.whl", late, [attestation(USUAL, day(50), "b")]),
    ]
    hit = judged([*series(6), release("1.0.6", day(50), files=files)]).hit("1.0.6", ID)
    assert not hit.knowable_at_publish


def test_what_the_registry_signs_after_accepting_a_file_says_nothing_about_its_signing() -> None:
    own = attestation(USUAL, day(50) - timedelta(seconds=20), "a")
    registry = replace(attestation(None, day(50) + timedelta(minutes=5), "b"), registry_key="SHA256:key")
    files = [artifact("a.tgz", day(50), [own, registry])]
    assert judged([*series(6), release("1.0.6", day(50), files=files)]).silent("1.0.6", ID)
