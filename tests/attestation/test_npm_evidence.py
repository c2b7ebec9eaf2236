"""npm's own files: valid ones verify, and each that was made to be refused fails at the step that is about it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from attestation_kit import failures, results

from forensics.attestation.checks import KEY_NAMES, LIBRARY, NAMES
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.jobs import jobs_for_npm
from forensics.attestation.pool import evaluate_job
from forensics.attestation.registry_keys import shipped_keys
from forensics.model.attestation import Attestation, VerificationStatus

pytestmark = pytest.mark.evidence

PACOTE_SHA512 = (
    "282c0c5fa936d264321643581b65d3de5c0af6ed4fdfac12f5851115df39cc25"
    "cfaf0ad22d908487bfef30114d61c25746206d1834be4f8fd1659178f77cc004"
)
REFUSED: dict[str, tuple[set[str], set[str]]] = {
    "invalid": (set(), {"format"}),
    "malformed-subject": (set(), {"format", "signature", "log-body"}),
    "mismatched-keyid": ({"format"}, set()),
    "mismatched-subject-digest": (set(), {"signature", "log-body", "subject"}),
    "mismatched-subject-name": (set(), {"signature", "log-body", "subject"}),
    "no-keyid": ({"format"}, {"registry-key"}),
    "unsupported": (set(), {"signature"}),
}
"""The steps that fail for provenance and publish attestation of each file that npm's own tests refuse."""


def verify(evaluator: Evaluator, data: Any, project: str, version: str, sha512: str | None) -> list[Attestation]:
    jobs = jobs_for_npm(
        data,
        project=project,
        version=version,
        filename=f"{version}.tgz",
        sha512=sha512,
        keys=shipped_keys(),
        evidence=("answer",),
    )
    return [evaluate_job(evaluator, job) for job in jobs]


def load(evidence: Path, name: str) -> Any:
    return json.loads((evidence / "npm" / name).read_bytes())


def test_the_pair_of_2023_verifies(evidence: Path, production: Evaluator) -> None:
    data = load(evidence, "npm-cli/valid-sigstore-attestations.json")
    provenance, publish = verify(production, data, "sigstore", "1.0.0", None)
    for found in (provenance, publish):
        assert found.verification.status is VerificationStatus.VALID
        assert found.evidence == ("answer",)
        assert found.subject_name == "pkg:npm/sigstore@1.0.0"
        assert found.disagreements == ()
        assert found.log_entry is not None
        assert found.log_entry.kind == "intoto/0.0.2"
    assert tuple(results(provenance)) == NAMES
    assert tuple(results(publish)) == KEY_NAMES
    assert publish.registry_key == "SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA"
    assert publish.identity is None
    assert publish.signed_at is not None


def test_the_pair_of_2026_verifies_with_its_tarball(evidence: Path, production: Evaluator) -> None:
    folder = "sigstore-dotnet-samples/"
    tarball = (evidence / "npm" / folder / "playwright-cli-0.1.1.tgz").read_bytes()
    sha512 = hashlib.sha512(tarball).hexdigest()
    data = load(evidence, folder + "playwright-cli-0.1.1-attestations.json")
    publish, provenance = verify(production, data, "@playwright/cli", "0.1.1", sha512)
    assert publish.verification.status is provenance.verification.status is VerificationStatus.VALID
    assert results(provenance)[LIBRARY] == "pass"
    assert {name for name, result in results(provenance).items() if result != "pass"} == {"publisher"}
    assert {name for name, result in results(publish).items() if result != "pass"} == {"publisher", LIBRARY}
    assert publish.subject_sha512 == provenance.subject_sha512 == sha512
    other = verify(production, data, "@playwright/cli", "0.1.1", "0" * 128)
    assert [failures(found) for found in other] == [{"subject"}, {"subject"}]


@pytest.mark.parametrize("name", REFUSED)
def test_each_that_npm_refuses_fails_at_the_named_step(evidence: Path, production: Evaluator, name: str) -> None:
    data = load(evidence, f"pacote/{name}-attestations.json")
    found = verify(production, data, "sigstore", "0.4.0", PACOTE_SHA512)
    assert tuple(failures(attestation) for attestation in found) == REFUSED[name]
    for attestation, steps in zip(found, REFUSED[name], strict=True):
        wanted = VerificationStatus.INVALID if steps else VerificationStatus.VALID
        assert attestation.verification.status is wanted
