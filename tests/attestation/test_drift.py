"""Keys that nobody here knows are not checked; keys that are known and did not sign fail."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest
from attestation_kit import CLAIMS, FILENAME, PUBLISHER, SHA256, Kit, claims, detail, entry_of, failures, results

from forensics.attestation.checks import LIBRARY
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.trust import vouch
from forensics.model.attestation import Publisher, VerificationStatus
from tests.lab.pki import Authority
from tests.lab.rekor import RekorLog, b64


@pytest.fixture(scope="module")
def good(kit: Kit) -> dict[str, Any]:
    return kit.attest()


def without(kit: Kit, part: str, other: Any) -> Evaluator:
    """An evaluator under the same root, but for one part, which is another world's."""
    document = json.loads(kit.root.raw)
    document[part] = json.loads(other.root.raw)[part]
    raw = json.dumps(document).encode()
    return Evaluator(vouch(raw, raw), independent=True)


@pytest.fixture(scope="module")
def other() -> Kit:
    return Kit()


@pytest.mark.parametrize(
    ("part", "steps"),
    [
        ("tlogs", {"set", "checkpoint", "certificate-validity"}),
        ("ctlogs", {"sct"}),
        ("certificateAuthorities", set()),  # two labs name their authorities alike: see below
    ],
)
def test_an_unknown_key_is_not_checked(kit: Kit, other: Kit, good: dict[str, Any], part: str, steps: set[str]) -> None:
    found = without(kit, part, other).pep740(good, publisher=PUBLISHER, filename=FILENAME, sha256=SHA256)
    if not steps:
        assert "certificate-chain" in failures(found)
        return
    assert found.verification.status is VerificationStatus.NOT_CHECKED
    assert {name for name, result in results(found).items() if result == "not checked"} == steps | {LIBRARY}
    assert any("unknown" in detail(found, name) and "key id" in detail(found, name) for name in steps)


def test_a_foreign_authority_is_not_checked(kit: Kit) -> None:
    found = kit.verify(kit.attest(authority=Authority("elsewhere.example")))
    assert found.verification.status is VerificationStatus.NOT_CHECKED
    assert results(found)["certificate-chain"] == "not checked"
    assert "elsewhere.example" in detail(found, "certificate-chain")
    assert results(found)["signature"] == "pass"


def test_an_authority_of_the_same_name_with_another_key_fails(kit: Kit) -> None:
    found = kit.verify(kit.attest(authority=Authority()))
    assert {"certificate-chain", "sct"} & failures(found) == {"certificate-chain"}
    assert found.verification.status is VerificationStatus.INVALID


def test_a_known_log_whose_key_signed_no_line_fails(kit: Kit, good: dict[str, Any]) -> None:
    changed = copy.deepcopy(good)
    checkpoint = entry_of(changed)["inclusionProof"]["checkpoint"]
    stranger = RekorLog()
    text = checkpoint["envelope"].split("\n\n")[0] + "\n"
    signature = b64(stranger.log_id[:4] + stranger._sign(text.encode()))
    checkpoint["envelope"] = f"{text}\n— rekor.lab.example {signature}\n"
    found = kit.verify(changed)
    assert "checkpoint" in failures(found)
    assert found.verification.status is VerificationStatus.INVALID


def test_an_unknown_log_cannot_hide_a_broken_signature(kit: Kit, good: dict[str, Any]) -> None:
    changed = copy.deepcopy(good)
    entry_of(changed)["logId"]["keyId"] = b64(bytes(32))
    changed["envelope"]["statement"] = b64(b"{}")
    found = kit.verify(changed)
    assert {"format", "signature", "log-body"} <= failures(found)


def test_a_proof_of_ten_thousand_hashes_fails_by_name(kit: Kit, good: dict[str, Any]) -> None:
    changed = copy.deepcopy(good)
    entry_of(changed)["inclusionProof"]["hashes"] = [b64(bytes(32))] * 10_000
    found = kit.verify(changed)
    assert "inclusion" in failures(found)
    assert "10000" in detail(found, "inclusion")


def test_an_entry_for_another_certificate_of_the_same_log_is_caught(kit: Kit) -> None:
    one, two = kit.attest(), kit.attest()
    one["verification_material"]["transparency_entries"] = two["verification_material"]["transparency_entries"]
    assert "log-body" in failures(kit.verify(one))


@pytest.mark.parametrize(
    ("publisher", "result"),
    [
        (PUBLISHER, "pass"),
        (Publisher("GitHub", (("repository", "acme/demo"), ("workflow", "other.yml"))), "fail"),
        (Publisher("GitHub", (("repository", "acme/other"), ("workflow", "release.yml"))), "fail"),
        (
            Publisher("GitHub", (("repository", "acme/demo"), ("workflow", "release.yml"), ("environment", "x"))),
            "fail",
        ),
        (Publisher("Forgejo", (("repository", "acme/demo"),)), "not checked"),
        (Publisher("Google", (("email", "a@example.org"),)), "fail"),
        (None, "not checked"),
    ],
)
def test_the_publisher_of_the_index(kit: Kit, good: dict[str, Any], publisher: Publisher | None, result: str) -> None:
    found = kit.verify(good, publisher=publisher)
    assert results(found)["publisher"] == result
    if result == "not checked":
        assert found.verification.status is VerificationStatus.VALID


def test_an_environment_counts_only_where_the_certificate_has_one(kit: Kit) -> None:
    found = kit.verify(kit.attest(claims(environment="")))
    assert results(found)["publisher"] == "pass"


@pytest.mark.parametrize(
    ("filename", "sha256", "result"),
    [
        ("Demo-1.0.0-py3-none-any.whl", SHA256, "pass"),  # the same name, once parsed
        ("demo-1.0-py3-none-any.whl", SHA256.upper(), "pass"),
        ("demo-1.0.1-py3-none-any.whl", SHA256, "fail"),
        (FILENAME, "00" * 32, "fail"),
        (None, None, "not checked"),
        (None, SHA256, "pass"),
    ],
)
def test_the_subject(kit: Kit, good: dict[str, Any], filename: str | None, sha256: str | None, result: str) -> None:
    assert results(kit.verify(good, filename=filename, sha256=sha256))["subject"] == result


def test_a_certificate_signed_outside_its_validity_fails(kit: Kit) -> None:
    from datetime import timedelta

    from attestation_kit import SIGNED

    from tests.lab.attest import publish_statement, sign_and_log

    late = SIGNED + timedelta(days=1)
    signer = kit.authority.issue(CLAIMS, SIGNED)
    log = RekorLog()
    log.key, log.log_id = kit.log.key, kit.log.log_id  # the same log, on another day
    signed = sign_and_log(log, signer, CLAIMS.san, publish_statement(FILENAME, SHA256), SHA256, late)
    found = kit.verify(signed.attestation(log, 1))
    assert failures(found) == {"certificate-validity", LIBRARY}


def test_the_digest_does_not_depend_on_spacing_or_order(kit: Kit, good: dict[str, Any]) -> None:
    shuffled = json.loads(json.dumps(dict(reversed(good.items())), indent=3))
    assert kit.verify(shuffled).digest == kit.verify(good).digest
    assert len(base64.b16decode(kit.verify(good).digest.upper())) == 32
