"""npm's own files: valid ones verify, and each that was made to be refused fails at the step that is about it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attestation_kit import detail, failures, results
from bundle_kit import changed, entry_of, keyed, real_bundles, tamperings

from forensics.attestation.checks import KEY_NAMES, LIBRARY, NAMES
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.jobs import jobs_for_npm
from forensics.attestation.pool import evaluate_job
from forensics.attestation.registry_keys import RegistryKeys, parse_registry_keys, shipped_keys
from forensics.attestation.trust import shipped_root
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


def test_every_tampering_fails_at_the_step_that_is_about_it(evidence: Path, production: Evaluator) -> None:
    quick, seen = Evaluator(shipped_root()), 0
    for name, bundle in real_bundles(evidence).items():
        for what, (change, step) in tamperings(bundle).items():
            data = changed(bundle, change)
            found = production.bundle(data, keys=shipped_keys())
            assert not step or step in failures(found), (name, what, failures(found))
            wanted = VerificationStatus.INVALID if step or failures(found) else VerificationStatus.NOT_CHECKED
            assert found.verification.status is wanted, (name, what)
            assert "could not be carried out" not in str(found.verification.checks)
            assert quick.bundle(data, keys=shipped_keys()) == found
            seen += 1
    assert seen >= 80


def test_an_unknown_key_is_not_checked_and_hides_no_broken_part(evidence: Path, production: Evaluator) -> None:
    for name, bundle in real_bundles(evidence).items():
        if not keyed(bundle):
            continue
        found = production.bundle(bundle)
        assert found.verification.status is VerificationStatus.NOT_CHECKED, name
        assert results(found)["registry-key"] == results(found)["signature"] == "not checked"
        assert not failures(found)
        broken = changed(bundle, lambda b: entry_of(b).update(integratedTime="1"))
        assert failures(production.bundle(broken)) == {"set"}


def with_keys(**changes: Any) -> RegistryKeys:
    return RegistryKeys(tuple(replace(key, **changes) for key in shipped_keys().keys))


def test_keys_that_nobody_vouches_for_prove_nothing(evidence: Path, production: Evaluator) -> None:
    bundle = real_bundles(evidence)["pacote keyed"]
    found = production.bundle(bundle, keys=with_keys(vouched_by=""))
    assert found.verification.status is VerificationStatus.NOT_CHECKED
    assert results(found)["signature"] == "pass"
    assert "nobody but the registry" in detail(found, "registry-key")


@pytest.mark.parametrize(
    ("period", "step"),
    [
        ({"end": datetime(2023, 1, 1, tzinfo=UTC)}, "key-validity"),
        ({"start": datetime(2023, 2, 1, tzinfo=UTC)}, "key-validity"),
        ({"spki": shipped_keys().keys[-1].spki}, "signature"),
        ({"spki": b"no key at all"}, ""),
    ],
)
def test_the_period_and_the_bytes_of_a_key_count(
    evidence: Path, production: Evaluator, period: dict[str, Any], step: str
) -> None:
    found = production.bundle(real_bundles(evidence)["pacote keyed"], keys=with_keys(**period))
    assert failures(found) >= ({step} if step else set())
    assert found.verification.status is not VerificationStatus.VALID
    assert (results(found)["registry-key"] == "not checked") == (step == "")


def test_shipped_keys_are_those_of_the_trust_root(evidence: Path) -> None:
    raw = (evidence / "trusted-roots" / "prod" / "targets" / "npm-registry" / "keys.json").read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    folder = Path(__file__).parents[2] / "forensics" / "trust"
    assert (folder / "npm-registry-keys.json").read_bytes() == raw
    assert digest in (folder / "README.md").read_text()
    named = parse_registry_keys(json.loads(raw), shipped_keys().keys[0].vouched_by)
    assert named == shipped_keys()


def test_the_facts_of_real_predicates(evidence: Path, production: Evaluator) -> None:
    found = {name: production.bundle(bundle, keys=shipped_keys()) for name, bundle in real_bundles(evidence).items()}
    old, new = found["npm-cli keyless"].build, found["sigstore-dotnet-samples keyless"].build
    assert old is not None
    assert new is not None
    assert (old.repository, old.workflow, old.ref) == (
        "https://github.com/sigstore/sigstore-js",
        ".github/workflows/publish.yml",
        "refs/tags/v1.0.0",
    )
    assert (old.commit, old.run_id, old.run_attempt) == ("06528997c3c8ab9f864fad9a3658446aca7fd86d", "4137028816", 1)
    assert (new.repository, new.workflow, new.trigger, new.runner) == (
        "https://github.com/microsoft/playwright-cli",
        ".github/workflows/publish.yml",
        "release",
        "github-hosted",
    )
    assert (new.commit, new.run_id) == ("d1c6d1113932ddcee243e8b111b6d4aea553df20", "22026075834")
    assert {name for name, each in found.items() if each.disagreements} == set()
