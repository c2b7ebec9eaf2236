"""One byte changed anywhere: the right step fails, the whole is invalid, and sigstore-python says the same."""

from __future__ import annotations

from typing import Any

import pytest
from attestation_kit import FILENAME, TAMPERINGS, Kit, detail, failures, results, tampered

from forensics.attestation.checks import LIBRARY, NAMES
from forensics.model.attestation import VerificationStatus


@pytest.fixture(scope="module")
def good(kit: Kit) -> dict[str, Any]:
    return kit.attest()


def test_an_attestation_of_the_lab_passes_every_step(kit: Kit, good: dict[str, Any]) -> None:
    found = kit.verify(good, evidence=("one", "two"))
    assert results(found) == dict.fromkeys(NAMES, "pass")
    assert found.verification.status is VerificationStatus.VALID
    assert found.verification.trust_root == kit.root.sha256
    assert (found.subject_name, found.evidence) == (FILENAME, ("one", "two"))


@pytest.mark.parametrize("name", TAMPERINGS)
def test_each_tampering_fails_the_step_that_is_about_it(kit: Kit, good: dict[str, Any], name: str) -> None:
    changed = tampered(good, name)
    found = kit.verify(changed)
    assert TAMPERINGS[name][1] in failures(found)
    assert found.verification.status is VerificationStatus.INVALID
    assert "our own" not in detail(found, LIBRARY)
    quick = kit.evaluator.pep740(changed, filename=FILENAME)
    assert failures(quick) == failures(kit.independent.pep740(changed, filename=FILENAME))


@pytest.mark.parametrize("name", ["statement", "certificate"])
def test_the_log_recorded_something_else(kit: Kit, good: dict[str, Any], name: str) -> None:
    assert "log-body" in failures(kit.verify(tampered(good, name)))


def test_a_promise_that_does_not_verify_signs_no_time(kit: Kit, good: dict[str, Any]) -> None:
    found = kit.verify(tampered(good, "promise"))
    assert results(found)["certificate-validity"] == "not checked"
    assert found.log_entry is not None
    assert found.log_entry.integrated_at is None
    assert found.signed_at == found.identity.not_before if found.identity else False


def test_all_failing_steps_are_named(kit: Kit, good: dict[str, Any]) -> None:
    changed = tampered(tampered(tampered(good, "proof hash"), "promise"), "signature")
    assert {"inclusion", "set", "signature", "log-body", LIBRARY} <= failures(kit.verify(changed))


def test_quick_and_independent_evaluators_say_the_same(kit: Kit, good: dict[str, Any]) -> None:
    quick = kit.evaluator.pep740(good)
    assert quick == kit.independent.pep740(good)
