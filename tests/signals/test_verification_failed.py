"""What proves an attestation false, and what only means that we could not tell."""

from __future__ import annotations

import pytest

from forensics.model.attestation import Check, CheckResult, Verification, VerificationStatus
from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity, Verdict
from forensics.signals.verification_failed import DECISIVE_CHECKS
from tests.signals.histories import UNSEEN, USUAL, Judged, day, failing, judged, release, series

ID = "verification-failed"


def _then(verification: Verification) -> Judged:
    return judged([*series(30), release("1.0.30", day(300), USUAL, verification=verification)])


def _why(told: Judged) -> NotChecked:
    assert told.finding("1.0.30", ID) is None
    unchecked = told.unchecked("1.0.30", ID)
    assert unchecked is not None
    return unchecked


@pytest.mark.parametrize("name", sorted(DECISIVE_CHECKS))
def test_each_proof_is_decisive(name: str) -> None:
    told = _then(failing(name))
    hit = told.hit("1.0.30", ID)
    assert (hit.family, hit.severity) == (Family.DECISIVE, Severity.DECISIVE)
    assert hit.observed.startswith("2 of its 2 attestations are invalid: ")
    assert f"{name} of thing-1.0.30.tar.gz (does not hold)" in hit.observed
    assert {"o-attestation-thing-1.0.30.tar.gz", "o-file-thing-1.0.30.tar.gz"} <= set(hit.evidence)
    assert told["1.0.30"].verdict is told["1.0.30"].at_publish is Verdict.LIKELY_COMPROMISED


def test_the_indexs_word_on_the_publisher_is_no_proof() -> None:
    assert _then(failing("publisher")).silent("1.0.30", ID)


def test_what_cannot_be_read_is_not_checked() -> None:
    assert "cannot be read" in _why(_then(failing("format"))).reason
    assert _then(failing("format", "signature")).finding("1.0.30", ID) is not None


def test_an_unknown_key_is_not_checked_never_invalid() -> None:
    unknown = failing(status=VerificationStatus.NOT_CHECKED, open_step="sct")
    why = _why(_then(unknown))
    assert "could not be verified (sct: unknown key)" in why.reason
    assert why.needs == "trust root"
    refused = failing("sigstore-python", status=VerificationStatus.NOT_CHECKED, open_step="sct")
    assert "could not be verified" in _why(_then(refused)).reason


def test_a_step_that_sigstore_python_overrules_is_not_checked() -> None:
    accepted = Check("sigstore-python", CheckResult.PASS, "accepts it")
    ours = (Check("log-body", CheckResult.FAIL, "differs."), accepted)
    why = _why(_then(Verification(VerificationStatus.INVALID, ours, "root")))
    assert "sigstore-python accepts" in why.reason
    subject = (Check("subject", CheckResult.FAIL, "is for another file."), accepted)
    hit = _then(Verification(VerificationStatus.INVALID, subject, "root")).hit("1.0.30", ID)
    assert "(is for another file)" in hit.observed


def test_silent_on_valid_and_on_unattested() -> None:
    told = judged([*series(6), release("1.0.6", day(60))])
    assert told.silent("1.0.5", ID)
    assert told.silent("1.0.6", ID)


def test_unknown_provenance_is_not_checked() -> None:
    assert judged([*series(6), release("1.0.6", day(60), UNSEEN)]).unchecked("1.0.6", ID) == UNSEEN
