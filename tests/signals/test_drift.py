"""The drift guard: many failures of one kind are likelier our own fault."""

from __future__ import annotations

from forensics.model.attestation import Verification
from forensics.model.finding import Verdict
from forensics.model.release import Release
from forensics.signals.engine import drift_guard
from tests.signals.histories import USUAL, day, failing, judged, release, series

ID = "verification-failed"


def _bad(n: int, verification: Verification) -> Release:
    return release(f"1.0.{n}", day(n * 7), USUAL, verification=verification)


def _mixed(good: int, bad: int, verification: Verification) -> list[Release]:
    return [*series(good), *(_bad(good + n, verification) for n in range(bad))]


def test_two_failures_are_findings() -> None:
    told = judged(_mixed(4, 2, failing("signature")))
    assert not told.judgement.suspended
    assert told["1.0.5"].verdict is Verdict.LIKELY_COMPROMISED


def test_three_failures_above_a_tenth_suspend_the_check_and_are_listed() -> None:
    told = judged(_mixed(20, 3, failing("signature")))
    (suspended,) = told.judgement.suspended
    assert suspended.check == "signature"
    assert suspended.versions == ("1.0.20", "1.0.21", "1.0.22")
    assert suspended.checked == 23
    assert told.finding("1.0.22", ID) is None
    unchecked = told.unchecked("1.0.22", ID)
    assert unchecked is not None
    assert "signature failed, but so it did on too many releases" in unchecked.reason


def test_a_tenth_exactly_does_not_suspend() -> None:
    assert not judged(_mixed(27, 3, failing("signature"))).judgement.suspended
    assert judged(_mixed(26, 3, failing("signature"))).judgement.suspended


def test_another_check_still_speaks() -> None:
    releases = [*_mixed(10, 3, failing("sct")), _bad(13, failing("sct", "subject"))]
    told = judged(releases)
    assert [s.check for s in told.judgement.suspended] == ["sct"]
    assert told.hit("1.0.13", ID).observed.count("sct") == 0
    assert told["1.0.13"].verdict is Verdict.LIKELY_COMPROMISED


def test_sigstore_python_failing_along_with_a_suspended_check_does_not_fire() -> None:
    releases = [*_mixed(60, 3, failing("sct")), *(_bad(63 + n, failing("sct")) for n in range(5))]
    both = _bad(70, failing("sct", "sigstore-python"))
    alone = _bad(71, failing("sigstore-python"))
    told = judged([*releases, both, alone])
    assert [s.check for s in told.judgement.suspended] == ["sct"]
    assert told.finding("1.0.70", ID) is None
    assert told.unchecked("1.0.70", ID) is not None
    assert told.hit("1.0.71", ID)


def test_releases_without_attestations_do_not_dilute_the_share() -> None:
    releases = [*series(100, None), *(_bad(100 + n, failing("signature")) for n in range(3))]
    assert [s.check for s in drift_guard(tuple(releases))] == ["signature"]
