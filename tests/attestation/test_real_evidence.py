"""Real signed objects, their tampered copies, and sigstore-python beside our own steps."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from attestation_kit import TAMPERINGS, detail, failures, flip, results, tampered

from forensics.attestation.bundle import is_bundle
from forensics.attestation.certificate import identity_of
from forensics.attestation.checks import LIBRARY, NAMES, NOT_THE_LIBRARYS
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.files import verify_document
from forensics.attestation.pep740 import is_attestation, is_provenance, parse_provenance
from forensics.attestation.statement import publish_statement
from forensics.attestation.trust import shipped_root
from forensics.model.attestation import Attestation, VerificationStatus

pytestmark = pytest.mark.evidence

PEP740 = [
    "pypi-attestations/gcb_attestation_test-0.0.0.tar.gz.provenance",
    "pypi-attestations/pypi_attestation_models-0.0.4a2.tar.gz.attestation",
    "pypi-attestations/pypi_attestation_models-0.0.4a2.tar.gz.sigstore",
    "pypi-attestations/pypi_attestations-0.0.19.tar.gz.provenance",
    "pypi-attestations/pypi_attestations-0.0.19.tar.gz.publish.attestation",
    "pypi-attestations/pypi_attestations-0.0.19.tar.gz.slsa.attestation",
    "warehouse/integrity-api-sampleproject-4.0.0.tar.gz.provenance.json",
    "warehouse/sampleproject-4.0.0-py3-none-any.whl.attestation.json",
    "warehouse/sampleproject-4.0.0.tar.gz.provenance",
]

SHARDS = {"rekor.sigstore.dev - 2605736670972794746", "rekor.sigstore.dev - 1193050959916656506"}


def attestation_of(path: Path) -> dict[str, Any]:
    data = json.loads(path.read_bytes())
    return parse_provenance(data)[0][1][0] if is_provenance(data) else data


@pytest.mark.parametrize("name", PEP740)
def test_every_attestation_verifies_with_every_step(evidence: Path, production: Evaluator, name: str) -> None:
    path = evidence / "pep740" / name
    artifact = name.rpartition("/")[2].removeprefix("integrity-api-")
    for suffix in (".json", ".provenance", ".publish.attestation", ".slsa.attestation", ".attestation", ".sigstore"):
        artifact = artifact.removesuffix(suffix)
    found = verify_document(path.read_bytes(), name=name, evaluator=production, artifact_name=artifact)
    assert found.status is VerificationStatus.VALID
    for attestation in found.attestations:
        steps = results(attestation)
        assert tuple(steps) == NAMES
        open_steps = {step for step, result in steps.items() if result != "pass"}
        assert open_steps <= {"publisher"}
        assert (steps["publisher"] == "pass") == (found.kind == "PEP 740 provenance object")
        assert attestation.identity is not None
        assert attestation.log_entry is not None
        # Two shards: the log moved on to a new tree between June and November 2024.
        assert attestation.log_entry.origin in SHARDS


@pytest.mark.parametrize("tampering", TAMPERINGS)
@pytest.mark.parametrize("name", [name for name in PEP740 if not name.endswith(".sigstore")])
def test_each_tampering_is_seen_and_both_agree(
    evidence: Path, production: Evaluator, name: str, tampering: str
) -> None:
    changed = tampered(attestation_of(evidence / "pep740" / name), tampering)
    found = production.pep740(changed)
    assert TAMPERINGS[tampering][1] in failures(found)
    assert found.verification.status is VerificationStatus.INVALID
    assert_agreement(found)


def assert_agreement(found: Attestation) -> None:
    """What one passes the other does not fail, apart from the steps that sigstore-python does not make."""
    steps = results(found)
    ours = failures(found) - {LIBRARY, "format"}
    if steps[LIBRARY] == "pass":
        assert ours <= NOT_THE_LIBRARYS
    if steps[LIBRARY] == "fail":
        assert ours, detail(found, LIBRARY)
    assert "our own" not in detail(found, LIBRARY) or ours <= NOT_THE_LIBRARYS


def bundles(evidence: Path) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in sorted(evidence.glob("**/*")):
        if not path.is_file() or path.stat().st_size > 1 << 20 or path.parts[-2:-1] == ("rekor-v1",):
            continue
        try:
            data = json.loads(path.read_bytes())
        except ValueError:
            continue
        if is_bundle(data):
            found.append((path.name, data))
        elif isinstance(data, dict) and isinstance(data.get("attestations"), list):
            found += [(path.name, row["bundle"]) for row in data["attestations"] if is_bundle(row.get("bundle"))]
    return found


def test_every_bundle_in_the_folder(evidence: Path, production: Evaluator) -> None:
    quick = Evaluator(shipped_root())
    seen = bundles(evidence)
    assert len(seen) >= 15
    decided = 0
    for name, data in seen:
        found = production.bundle(data)
        assert_agreement(found)
        assert quick.bundle(data) == found, name
        decided += results(found)[LIBRARY] == "pass"
        if found.verification.status is VerificationStatus.INVALID:
            assert name.endswith("-attestations.json"), name  # npm's own tests, made to be refused
    assert decided >= 4


def test_tampered_bundles_of_both_logs(evidence: Path, production: Evaluator) -> None:
    for name in ("bundle.dsse.rekor-v2.sigstore", "reusable-workflow-attestation.sigstore.json"):
        data = json.loads((evidence / "bundles" / name).read_bytes())
        assert production.bundle(data).verification.status is VerificationStatus.VALID
        entry = data["verificationMaterial"]["tlogEntries"][0]
        places: list[tuple[Any, Any, str]] = [
            (data["dsseEnvelope"]["signatures"][0], "sig", "signature"),
            (data["dsseEnvelope"], "payload", "signature"),
            (data["verificationMaterial"]["certificate"], "rawBytes", "certificate-chain"),
            (entry, "canonicalizedBody", "inclusion"),
            (entry["inclusionProof"]["hashes"], 0, "inclusion"),
        ]
        for stamp in data["verificationMaterial"].get("timestampVerificationData", {}).get("rfc3161Timestamps", []):
            places.append((stamp, "signedTimestamp", "certificate-validity"))
        for holder, key, step in places:
            before = holder[key]
            holder[key] = flip(before)
            found = production.bundle(data)
            assert step in failures(found), (name, key)
            assert_agreement(found)
            holder[key] = before


def test_what_sigstore_python_refuses_is_decided_here(evidence: Path, production: Evaluator) -> None:
    rows = json.loads((evidence / "npm" / "pacote" / "valid-attestations.json").read_bytes())["attestations"]
    provenance, publish = (production.bundle(row["bundle"]) for row in rows)
    assert provenance.verification.status is VerificationStatus.VALID
    assert results(provenance)[LIBRARY] == "not checked"
    assert publish.verification.status is VerificationStatus.NOT_CHECKED
    assert "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA" in detail(publish, "registry-key")


def test_a_private_instance_is_not_checked(evidence: Path, production: Evaluator) -> None:
    path = evidence / "bundles" / "github-private-no-tlog" / "attestation.sigstore.json"
    found = production.bundle(json.loads(path.read_bytes()))
    assert found.verification.status is VerificationStatus.NOT_CHECKED
    assert "GitHub" in detail(found, "certificate-chain")
    assert not failures(found)


def test_the_publish_statement_is_what_was_signed(evidence: Path) -> None:
    signed = attestation_of(evidence / "pep740" / PEP740[-1])["envelope"]["statement"]
    statement = json.loads(base64.b64decode(signed))
    subject = statement["subject"][0]
    assert publish_statement(subject["name"], subject["digest"]["sha256"]) == base64.b64decode(signed)


def test_the_claims_are_those_that_another_reader_finds(evidence: Path) -> None:
    from cryptography import x509
    from pyasn1.codec.der.decoder import decode

    from forensics.model.claims import BY_OID

    for name in PEP740:
        data = attestation_of(evidence / "pep740" / name)
        if not is_attestation(data):
            continue
        der = base64.b64decode(data["verification_material"]["certificate"])
        certificate, identity = x509.load_der_x509_certificate(der), identity_of(der)
        wanted = {}
        for extension in certificate.extensions:
            if claim := BY_OID.get(extension.oid.dotted_string):
                value = extension.value.public_bytes()
                wanted[claim.field] = value.decode() if claim.number <= 6 else str(decode(value)[0])
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        wanted["subject_alternative_name"] = next(iter(names)).value
        assert identity.claims() == wanted
        assert (identity.not_before, identity.not_after) == (
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )
        scts = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
        assert identity.sct_time is not None
        assert identity.sct_time.replace(tzinfo=None) == next(iter(scts)).timestamp
        assert identity.unknown_claims == ()
