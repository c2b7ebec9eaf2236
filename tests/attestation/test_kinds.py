"""Every kind of entry, keyed and keyless, in both generations of the log: valid as made, refused once changed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from attestation_kit import detail, failures, results
from bundle_kit import changed, entry_of, tamperings
from lab_bundles import (
    KEY_ID,
    KINDS,
    MOMENT,
    NAME,
    OTHER_ID,
    PURL,
    SHA512,
    VERSION,
    World,
    claims,
    provenance,
    publish,
    statement,
)

from forensics.attestation.checks import KEY_NAMES, LIBRARY, NAMES
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.jobs import jobs_for_npm
from forensics.attestation.pool import evaluate_many
from forensics.attestation.registry_keys import RegistryKeys, keys_for, parse_registry_keys, shipped_keys
from forensics.model.attestation import Attestation, VerificationStatus
from forensics.model.build import Disagreement

THE_LIBRARYS = {"dsse/0.0.1", "hashedrekord/0.0.2"}
"""The kinds that sigstore-python decides, if a certificate signed."""


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def evaluator(world: World) -> Evaluator:
    return Evaluator(world.root, independent=True)


@pytest.mark.parametrize("keyed", [False, True], ids=["keyless", "keyed"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_valid_and_its_tampered_copies_are_not(
    world: World, evaluator: Evaluator, kind: str, keyed: bool
) -> None:
    bundle = world.bundle(kind, keyed=keyed)
    found = evaluator.bundle(bundle, keys=world.keys)
    assert found.verification.status is VerificationStatus.VALID, found.verification.checks
    assert tuple(results(found)) == (KEY_NAMES if keyed else NAMES)
    assert results(found)[LIBRARY] == ("pass" if kind in THE_LIBRARYS and not keyed else "not checked")
    assert found.registry_key == (KEY_ID if keyed else None)
    quick = Evaluator(world.root)
    assert quick.bundle(bundle, keys=world.keys) == found
    for what, (change, step) in tamperings(bundle, OTHER_ID).items():
        data = changed(bundle, change)
        broken = evaluator.bundle(data, keys=world.keys)
        assert broken.verification.status is not VerificationStatus.VALID, what
        assert not step or step in failures(broken), (what, failures(broken))
        assert "our own" not in detail(broken, LIBRARY), (what, detail(broken, LIBRARY))
        assert quick.bundle(data, keys=world.keys) == broken, what


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_of_another_signer_is_seen_in_the_body(world: World, evaluator: Evaluator, kind: str) -> None:
    """The entry is sound and of the same payload, but somebody else's signature was logged."""
    mine, other = world.bundle(kind, keyed=False), world.bundle(kind, keyed=False)
    assert mine["dsseEnvelope"]["payload"] == other["dsseEnvelope"]["payload"]
    mine["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
    found = evaluator.bundle(mine)
    assert "log-body" in failures(found)
    assert "certificate differs" in detail(found, "log-body")


def test_an_answer_with_its_served_keys(world: World) -> None:
    rows = [world.bundle(kind, keyed=keyed) for kind in KINDS for keyed in (False, True)]
    answer = {"attestations": [{"bundle": row, "later": {"than": "this"}} for row in rows], "page": 1}
    served = parse_registry_keys(world.served)
    jobs = jobs_of(answer, keys_for(world.root, served))
    assert len(set(jobs)) == len(rows)
    for found in evaluate_many(world.root, jobs, workers=1):
        assert found.verification.status is VerificationStatus.VALID
        assert results(found)["subject"] == "pass"
        assert (found.subject_name, found.subject_sha512) == (PURL, SHA512)
    assert evaluate_many(world.root, jobs, workers=2) == evaluate_many(world.root, jobs, workers=1)


def jobs_of(answer: Any, keys: RegistryKeys, **changes: Any) -> list[Any]:
    known = {"project": NAME, "version": VERSION, "filename": "demo-1.2.3.tgz", "sha512": SHA512} | changes
    return jobs_for_npm(answer, keys=keys, evidence=("o-1",), **known)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": "1.2.4"}, "1.2.4"),
        ({"project": "demo"}, "pkg:npm/demo@1.2.3"),
        ({"sha512": "cd" * 64}, "cdcdcdcdcdcd"),
    ],
)
def test_a_bundle_of_another_version_fails_its_subject(world: World, change: dict[str, str], says: str) -> None:
    answer = {"attestations": [{"bundle": world.bundle("dsse/0.0.1", keyed=True)}]}
    (found,) = evaluate_many(world.root, jobs_of(answer, world.keys, **change))
    assert failures(found) == {"subject"}
    assert says in detail(found, "subject")
    assert found.evidence == ("o-1",)


@pytest.mark.parametrize("answer", [{}, [], None, {"attestations": 3}, {"attestations": [{}] * 65}])
def test_an_answer_that_cannot_be_read_is_seen(world: World, answer: Any) -> None:
    (found,) = evaluate_many(world.root, jobs_of(answer, world.keys))
    assert failures(found) == {"format"}
    assert found.evidence == ("o-1",)


@pytest.mark.parametrize("row", [{}, None, 3, {"bundle": None, "predicateType": 3}, {"bundle": []}, "x"])
def test_a_row_of_another_shape_is_seen_beside_the_others(world: World, row: Any) -> None:
    answer = {"attestations": [row, {"bundle": world.bundle("intoto/0.0.2", keyed=True)}]}
    strange, good = evaluate_many(world.root, jobs_of(answer, world.keys))
    assert failures(strange) == {"format"}
    assert good.verification.status is VerificationStatus.VALID


def test_a_list_that_states_another_predicate_type_is_refused(world: World) -> None:
    answer = {
        "attestations": [{"predicateType": "https://example/other", "bundle": world.bundle(KINDS[0], keyed=True)}]
    }
    (found,) = evaluate_many(world.root, jobs_of(answer, world.keys))
    assert failures(found) == {"format"}
    assert "https://example/other" in detail(found, "format")


@pytest.mark.parametrize(("hint", "key_id"), [("somebody", ""), ("somebody", "else"), ("", ""), (None, "else")])
def test_a_keyed_bundle_that_is_none_of_a_registry_is_not_checked(
    world: World, evaluator: Evaluator, hint: str | None, key_id: str
) -> None:
    bundle = world.bundle("dsse/0.0.1", keyed=True)
    bundle["verificationMaterial"]["publicKey"] = {"hint": hint}
    bundle["dsseEnvelope"]["signatures"][0]["keyid"] = key_id
    found = evaluator.bundle(bundle, keys=world.keys)
    assert found.verification.status is VerificationStatus.NOT_CHECKED
    assert not failures(found)
    assert results(found)["set"] == "pass"


def test_a_key_that_expired_before_the_log_signed(world: World, evaluator: Evaluator) -> None:
    for kind in (KINDS[0], "dsse/0.0.2"):
        bundle = world.bundle(kind, keyed=True)
        for end, status in ((MOMENT - timedelta(hours=1), "invalid"), (MOMENT + timedelta(hours=1), "valid")):
            keys = RegistryKeys(tuple(replace(key, end=end) for key in world.keys.keys))
            found = evaluator.bundle(bundle, keys=keys)
            assert found.verification.status.value == status
            assert failures(found) == ({"key-validity"} if status == "invalid" else set())


def test_without_a_signed_time_the_period_is_not_checked(world: World, evaluator: Evaluator) -> None:
    bundle = world.bundle("dsse/0.0.2", keyed=True)
    bundle["verificationMaterial"]["timestampVerificationData"] = None
    found = evaluator.bundle(bundle, keys=world.keys)
    assert results(found)["key-validity"] == "not checked"
    assert found.verification.status is VerificationStatus.NOT_CHECKED


def test_a_served_key_counts_only_in_its_own_world(world: World) -> None:
    served = parse_registry_keys(world.served)
    from forensics.attestation.trust import shipped_root

    public = keys_for(shipped_root(), served)
    assert public.find(KEY_ID, "npm:attestations") == served.keys[0]
    assert not served.keys[0].vouched_by
    assert public.find(shipped_keys().keys[0].key_id, "npm:attestations") in shipped_keys().keys
    impostor = replace(shipped_keys().keys[1], spki=served.keys[0].spki, vouched_by="")
    kept = keys_for(shipped_root(), RegistryKeys((impostor,))).find(impostor.key_id, "npm:attestations")
    assert kept == shipped_keys().keys[1]
    own = keys_for(world.root, served)
    assert [bool(key.vouched_by) for key in own.keys] == [True, True]
    assert len(own.keys) == 2


CHANGES = {
    "repository": ({"repository": "https://github.com/evil/demo"}, "https://github.com/acme/demo"),
    "repository id": ({"repository_id": "999"}, "101"),
    "owner id": ({"owner_id": "999"}, "11"),
    "ref": ({"ref": "refs/heads/main"}, "refs/tags/v1.0.0"),
    "commit": ({"commit": "cd" * 20}, "ab" * 20),
    "workflow": ({"path": ".github/workflows/evil.yml"}, ".github/workflows/release.yml"),
    "trigger": ({"trigger": "push"}, "release"),
    "runner": ({"runner": "self-hosted"}, "github-hosted"),
    "run": ({"run": "https://github.com/acme/demo/actions/runs/1/attempts/1"}, "4242"),
    "attempt": ({"run": "https://github.com/acme/demo/actions/runs/4242/attempts/2"}, "1"),
}


@pytest.mark.parametrize("about", CHANGES)
def test_where_predicate_and_certificate_differ_the_certificate_counts(
    world: World, evaluator: Evaluator, about: str
) -> None:
    says, actual = CHANGES[about]
    found = evaluator.bundle(world.bundle("dsse/0.0.1", keyed=False, statement=provenance(**says)))
    assert found.verification.status is VerificationStatus.VALID
    assert [(each.about, each.witness, each.actual) for each in found.disagreements] == [(about, "certificate", actual)]


def test_what_is_the_same_in_another_spelling_is_no_difference(world: World, evaluator: Evaluator) -> None:
    says = {"repository": "https://github.com/Acme/Demo.git", "commit": "AB" * 20}
    found = evaluator.bundle(world.bundle("dsse/0.0.1", keyed=False, statement=provenance(**says)))
    assert found.disagreements == ()
    assert found.build is not None
    assert found.build.repository == "https://github.com/Acme/Demo.git"
    silent = statement("https://slsa.dev/provenance/v1", {"buildDefinition": {"externalParameters": {}}})
    assert evaluator.bundle(world.bundle("dsse/0.0.1", keyed=False, statement=silent)).disagreements == ()


def test_pypi_provenance_is_compared_the_same_way(world: World, evaluator: Evaluator) -> None:
    bundle = world.bundle("dsse/0.0.1", keyed=False, statement=provenance(commit="cd" * 20))
    attestation = {
        "version": 1,
        "verification_material": {
            "certificate": bundle["verificationMaterial"]["certificate"]["rawBytes"],
            "transparency_entries": [entry_of(bundle)],
        },
        "envelope": {
            "statement": bundle["dsseEnvelope"]["payload"],
            "signature": bundle["dsseEnvelope"]["signatures"][0]["sig"],
        },
    }
    found = evaluator.pep740(attestation)
    assert found.verification.status is VerificationStatus.VALID
    assert found.disagreements == (Disagreement("commit", "cd" * 20, "certificate", "ab" * 20),)
    assert found.build is not None
    assert found.build.commit == "cd" * 20


def test_a_publish_predicate_about_another_version_than_its_subject(world: World, evaluator: Evaluator) -> None:
    found = evaluator.bundle(
        world.bundle("dsse/0.0.1", keyed=True, statement=publish(version="9.9.9")), keys=world.keys
    )
    (one,) = found.disagreements
    assert (one.about, one.stated, one.witness, one.actual) == (
        "package",
        "pkg:npm/%40acme/demo@9.9.9",
        "subject",
        PURL,
    )


def v02(entry: str, uri: str, **more: Any) -> bytes:
    invocation = {
        "configSource": {"uri": uri, "digest": {"sha1": "ab" * 20}, "entryPoint": entry},
        "parameters": {"a": {"b": [1]}, "c": None},
    }
    return statement("https://slsa.dev/provenance/v0.2", {"invocation": invocation, **more})


@pytest.mark.parametrize(
    ("entry", "workflow"),
    [
        (".github/workflows/release.yml", ".github/workflows/release.yml"),
        ("Acme/demo/.github/workflows/release.yml@refs/tags/v1.0.0", ".github/workflows/release.yml"),
        ("build-job", None),
    ],
)
def test_entry_points_of_v02(world: World, evaluator: Evaluator, entry: str, workflow: str | None) -> None:
    signed = v02(entry, "git+https://github.com/acme/demo@refs/tags/v1.0.0", metadata={"buildInvocationId": "4242-1"})
    found = evaluator.bundle(world.bundle("intoto/0.0.2", keyed=False, statement=signed))
    assert found.build is not None
    assert (found.build.workflow, found.build.ref, found.build.run_id) == (workflow, "refs/tags/v1.0.0", "4242")
    assert found.build.parameters == (("a.b", "[1]"), ("c", "null"))
    assert found.disagreements == ()


def test_another_repository_in_v02(world: World, evaluator: Evaluator) -> None:
    signed = v02(".github/workflows/release.yml", "git+https://github.com/evil/demo@refs/tags/v1.0.0")
    found = evaluator.bundle(world.bundle("intoto/0.0.2", keyed=False, statement=signed))
    assert [each.about for each in found.disagreements] == ["repository"]


HOSTILE: list[Any] = [
    None, [], "text", 7, {"buildDefinition": []}, {"buildDefinition": {"externalParameters": {"workflow": "x"}}},
    {"buildDefinition": {"resolvedDependencies": {"uri": 1}}, "runDetails": {"metadata": {"invocationId": ["x"]}}},
    {"buildDefinition": {"resolvedDependencies": [None, 3, {"uri": "a" * 900, "digest": []}] * 500}},
    {"buildDefinition": {"externalParameters": {"workflow": {"path": True, "ref": 10**80, "repository": "@@@"}}}},
    {"buildDefinition": {"externalParameters": {str(n): {"x": n} for n in range(3000)}}},
]  # fmt: skip


@pytest.mark.parametrize("predicate", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_predicates_are_read_without_harm(world: World, evaluator: Evaluator, predicate: Any) -> None:
    for kind in ("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"):
        signed = statement(kind, predicate)
        found = evaluator.bundle(world.bundle("dsse/0.0.1", keyed=False, statement=signed))
        assert found.verification.status is VerificationStatus.VALID
        assert found.disagreements == ()
        assert found.build is None or len(found.build.parameters) <= 200
        json.dumps(found.build.claims() if found.build else ())


def test_the_identity_is_that_of_the_certificate(world: World, evaluator: Evaluator) -> None:
    found: Attestation = evaluator.bundle(
        world.bundle("intoto/0.0.1", keyed=False, claims=claims(ref="refs/heads/main")), keys=world.keys
    )
    assert found.identity is not None
    assert found.identity.ref == "refs/heads/main"
    assert [each.about for each in found.disagreements] == ["ref"]
    assert "holds no signature" in detail(found, "log-body")
