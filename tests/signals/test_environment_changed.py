"""The deployment environment, a claim that certificates carry only since November 2025."""

from __future__ import annotations

from forensics.model.finding import Severity
from tests.signals.histories import UNSEEN, USUAL, Judged, day, identity, judged, release, series

ID = "environment-changed"
OTHER = identity(deployment_environment="staging")
NONE = identity(deployment_environment=None)
BEFORE = -120  # September 2025


def _then(who: object, past: object = USUAL, version: str = "1.0.5") -> Judged:
    return judged([*series(5, past), release(version, day(40), who)])  # type: ignore[arg-type]


def test_fires_for_another_environment() -> None:
    hit = _then(OTHER).hit("1.0.5", ID)
    assert hit.severity is Severity.LOW
    assert hit.observed == "published from the deployment environment staging"
    assert hit.expected == "pypi, as up to 1.0.4"


def test_fires_for_none_where_all_had_one() -> None:
    hit = _then(NONE).hit("1.0.5", ID)
    assert hit.observed == "published from no deployment environment"
    assert hit.expected == "pypi, as up to 1.0.4"
    assert "o-attestation-thing-1.0.4.tar.gz" in hit.evidence


def test_silent_for_none_where_some_had_none() -> None:
    told = judged([*series(3, NONE), *series(3, USUAL, first=3, start=30), release("1.0.6", day(60), NONE)])
    assert told.silent("1.0.6", ID)


def test_silent_where_none_ever_had_one() -> None:
    assert _then(NONE, NONE).silent("1.0.5", ID)
    assert _then(USUAL, NONE).silent("1.0.5", ID)  # an environment that appears is an event
    assert _then(None).silent("1.0.5", ID)


def test_a_dropped_environment_becomes_usual() -> None:
    told = judged([*series(5), *series(5, NONE, first=5, start=40)])
    assert [told.finding(f"1.0.{n}", ID) is not None for n in range(5, 10)] == [True, True, True, False, False]


def test_not_checked_before_the_claim_existed() -> None:
    old = judged([*series(3, USUAL, start=-30), release("1.0.9", day(BEFORE), NONE)])
    assert old.silent("1.0.9", ID)  # first of its history: nothing to compare with
    told = judged([*series(5, USUAL, start=BEFORE), release("1.0.5", day(BEFORE + 50), NONE)])
    unchecked = told.unchecked("1.0.5", ID)
    assert unchecked is not None
    assert "only since 2025-11-04" in unchecked.reason


def test_not_checked_when_no_earlier_certificate_could_carry_it() -> None:
    unchecked = judged([*series(5, NONE, start=BEFORE), release("1.0.5", day(1), USUAL)]).unchecked("1.0.5", ID)
    assert unchecked is not None
    assert "no earlier certificate" in unchecked.reason


def test_not_checked_when_provenance_is_unknown() -> None:
    assert _then(UNSEEN).unchecked("1.0.5", ID) == UNSEEN
