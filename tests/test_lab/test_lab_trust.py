"""sigstore-python and pypi-attestations accept what the lab signs, and only under the lab's root."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID
from pypi_attestations import AttestationType, GitLabPublisher, Provenance
from sigstore.errors import VerificationError
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy

from tests.lab import World, build_world
from tests.lab.pki import FULCIO_ARC
from tests.lab.scenario import parse_scenario
from tests.test_lab.minimal import MINIMAL


@pytest.fixture(scope="module")
def verifier(ultralytics: World, tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    path = ultralytics.write_trusted_root(tmp_path_factory.mktemp("trust"))
    return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


@pytest.fixture(scope="module")
def production() -> Verifier:
    store = files("sigstore") / "_store" / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev" / "trusted_root.json"
    with as_file(store) as path:
        return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


def test_every_bundle_is_accepted(ultralytics: World, verifier: Verifier) -> None:
    bundles = ultralytics.bundles()
    assert len(bundles) == 2 * 37
    for name, bundle in bundles.items():
        kind, payload = verifier.verify_dsse(Bundle.from_json(json.dumps(bundle)), policy.UnsafeNoOp())
        assert kind == "application/vnd.in-toto+json"
        assert json.loads(payload)["subject"][0]["name"] == name


def test_no_bundle_is_accepted_under_the_public_root(ultralytics: World, production: Verifier) -> None:
    for bundle in list(ultralytics.bundles().values())[::12]:
        with pytest.raises(VerificationError):
            production.verify_dsse(Bundle.from_json(json.dumps(bundle)), policy.UnsafeNoOp())


def test_another_world_does_not_accept_them(ultralytics: World, tmp_path: Path) -> None:
    other = build_world(parse_scenario(MINIMAL, "small.toml"))
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(other.write_trusted_root(tmp_path))))
    with pytest.raises(VerificationError):
        verifier.verify_dsse(
            Bundle.from_json(json.dumps(next(iter(ultralytics.bundles().values())))), policy.UnsafeNoOp()
        )


@pytest.mark.parametrize("part", ["payload", "signature", "promise", "root", "checkpoint"])
def test_a_damaged_bundle_is_refused(ultralytics: World, verifier: Verifier, part: str) -> None:
    names = list(ultralytics.bundles())
    text = json.dumps(ultralytics.bundles()[names[3]])
    bundle, donor = json.loads(text), ultralytics.bundles()[names[6]]
    entry, other = (item["verificationMaterial"]["tlogEntries"][0] for item in (bundle, donor))
    if part == "payload":
        bundle["dsseEnvelope"]["payload"] = donor["dsseEnvelope"]["payload"]
    elif part == "signature":
        bundle["dsseEnvelope"]["signatures"] = donor["dsseEnvelope"]["signatures"]
    elif part == "promise":
        entry["inclusionPromise"] = other["inclusionPromise"]
    elif part == "root":
        entry["inclusionProof"]["rootHash"] = other["inclusionProof"]["rootHash"]
    else:
        entry["inclusionProof"]["checkpoint"] = other["inclusionProof"]["checkpoint"]
    with pytest.raises(VerificationError):
        verifier.verify_dsse(Bundle.from_json(json.dumps(bundle)), policy.UnsafeNoOp())


def test_provenance_objects_are_what_the_index_serves(ultralytics: World, verifier: Verifier) -> None:
    seen = 0
    for stored in ultralytics.files:
        if stored.provenance is None:
            assert stored.release.row.door == "token"
            continue
        provenance = Provenance.model_validate_json(json.dumps(stored.provenance))
        (bundle,) = provenance.attestation_bundles
        (attestation,) = bundle.attestations
        assert attestation.statement["subject"][0]["digest"]["sha256"] == stored.sha256
        assert attestation.statement["predicateType"] == AttestationType.PYPI_PUBLISH_V1.value
        assert bundle.publisher.environment == "Release - PyPI"
        verifier.verify_dsse(attestation.to_bundle(), bundle.publisher._as_policy())
        seen += 1
    assert seen == 2 * 37


def leaf(world: World, version: str) -> x509.Certificate:
    (item, *_) = [item for item in world.signed if item.release and item.release.version == version]
    return item.statement.signer.certificate


def claims(certificate: x509.Certificate) -> dict[int, str]:
    """Extension number to text, decoded apart from the lab's encoder (short DER lengths only)."""
    found = {}
    for extension in certificate.extensions:
        arc, _, number = extension.oid.dotted_string.rpartition(".")
        if arc == FULCIO_ARC:
            assert not extension.critical
            raw = extension.value.public_bytes()
            if int(number) >= 8:
                assert raw[0] == 0x0C
                raw = raw[3:] if raw[1] == 0x81 else raw[2:]
            found[int(number)] = raw.decode()
    return found


def test_certificate_carries_the_claims_of_the_run(ultralytics: World) -> None:
    certificate = leaf(ultralytics, "8.3.41")
    repository = "https://github.com/ultralytics/ultralytics"
    config = f"{repository}/.github/workflows/publish.yml@refs/heads/main"
    commit = ultralytics.git.commits["8.3.41"]
    assert claims(certificate) == {
        1: "https://token.actions.githubusercontent.com",
        2: "push",
        3: commit,
        4: "Publish",
        5: "ultralytics/ultralytics",
        6: "refs/heads/main",
        8: "https://token.actions.githubusercontent.com",
        9: config,
        10: commit,
        11: "github-hosted",
        12: repository,
        13: commit,
        14: "refs/heads/main",
        15: "520670205",
        16: "https://github.com/ultralytics",
        17: "26833433",
        18: config,
        19: commit,
        20: "push",
        21: f"{repository}/actions/runs/12168072999/attempts/1",
        22: "public",
    }
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert san.critical
    assert san.value.get_values_for_type(x509.UniformResourceIdentifier) == [config]


def test_certificate_profile(ultralytics: World) -> None:
    certificate = leaf(ultralytics, "8.3.41")
    release = ultralytics.release("8.3.41")
    assert certificate.subject == x509.Name([])
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(minutes=10)
    assert timedelta(0) < release.signed - certificate.not_valid_before_utc <= timedelta(seconds=2)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CODE_SIGNING]
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).critical
    assert certificate.extensions[-1].oid == ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS
    (sct,) = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
    assert certificate.not_valid_before_utc <= sct.timestamp.replace(tzinfo=UTC) <= release.signed


@pytest.mark.parametrize(
    ("published", "environment", "deployment", "subject"),
    [
        ("2025-11-03T23:00:00Z", "pypi", None, None),
        ("2025-11-04T10:00:00Z", "pypi", "pypi", None),
        ("2025-11-04T10:00:00Z", "", None, None),
        ("2026-03-30T23:00:00Z", "pypi", "pypi", None),
        ("2026-03-31T10:00:00Z", "pypi", "pypi", "repo:example-author/small:environment:pypi"),
        ("2026-03-31T10:00:00Z", "", None, "repo:example-author/small:ref:refs/tags/v1.0.0"),
    ],
)
def test_young_extensions_appear_on_their_day(
    published: str, environment: str, deployment: str | None, subject: str | None
) -> None:
    text = MINIMAL.replace("2026-01-01T10:00:00Z", published)
    text = text.replace('trigger = "push"', f'trigger = "push"\nenvironment = "{environment}"')
    world = build_world(parse_scenario(text, "small.toml"))
    found = claims(leaf(world, "1.0.0"))
    assert found.get(23) == deployment
    assert found.get(24) == subject
    assert world.files[0].provenance is not None
    publisher = world.files[0].provenance["attestation_bundles"][0]["publisher"]
    assert publisher["environment"] == (environment or None)


def test_a_reusable_workflow_signs_but_is_not_the_build_config() -> None:
    found = claims(leaf(build_world("reusable-workflow-migration"), "1.9.2"))
    assert "/_publish.yml@" in found[9]
    assert "/release.yml@" in found[18]


def test_a_transfer_changes_names_and_owner_only() -> None:
    world = build_world("repository-transfer")
    before, after = claims(leaf(world, "3.2.1")), claims(leaf(world, "3.2.2"))
    assert before[15] == after[15]
    assert before[17] != after[17]
    assert (before[12], after[12]) == (
        "https://github.com/example-author/tidewheel",
        "https://github.com/example-collective/tidewheel",
    )
    assert after[16] == "https://github.com/example-collective"


def test_only_keys_and_signatures_differ_between_worlds(ultralytics: World) -> None:
    again = build_world("ultralytics-2024-12")
    assert [(f.filename, f.sha256, f.uploaded) for f in again.files] == [
        (f.filename, f.sha256, f.uploaded) for f in ultralytics.files
    ]
    assert [item.statement.statement for item in again.signed] == [
        item.statement.statement for item in ultralytics.signed
    ]
    assert again.releases == ultralytics.releases
    assert again.trusted_root != ultralytics.trusted_root


def test_log_only_entries_have_no_release() -> None:
    text = MINIMAL + '[[log_only]]\nsubject = "small-1.0.1-py3-none-any.whl"\nsigned = 2026-02-01T00:00:00Z\n'
    world = build_world(parse_scenario(text, "small.toml"))
    last = world.signed[-1]
    assert last.release is None
    assert last.statement.entry.integrated == int(datetime(2026, 2, 1, tzinfo=UTC).timestamp())
    assert claims(last.statement.signer.certificate)[14] == "refs/tags/v1.0.1"
    assert not world.files_of("1.0.1")


GITLAB = """[release.identity]
issuer = "https://gitlab.com"
repository = "https://gitlab.com/a-group/within/small"
workflow = ".gitlab-ci.yml"
environment = "release"
"""


def test_what_gitlab_builds_is_accepted_as_its_publishers(tmp_path: Path) -> None:
    """The certificate fits the publisher by the rules of pypi-attestations, and carries none of GitHub's own claims."""
    world = build_world(parse_scenario(MINIMAL + GITLAB, "small.toml"))
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(world.write_trusted_root(tmp_path))))
    provenance = Provenance.model_validate(world.files[0].provenance)
    (bundle,) = provenance.attestation_bundles
    assert isinstance(bundle.publisher, GitLabPublisher)
    assert bundle.publisher.repository == "a-group/within/small"
    verifier.verify_dsse(bundle.attestations[0].to_bundle(), bundle.publisher._as_policy())
    certificate = x509.load_der_x509_certificate(bundle.attestations[0].verification_material.certificate)
    arcs = {
        int(e.oid.dotted_string.rpartition(".")[2])
        for e in certificate.extensions
        if e.oid.dotted_string.startswith(f"{FULCIO_ARC}.")
    }
    assert {1, 8, 11, 21} <= arcs
    assert not arcs & {2, 3, 4, 5, 6}
