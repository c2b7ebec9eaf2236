"""npm's registry signatures: real and made by the lab, tampered, replayed, expired, under unknown keys."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attestation_kit import flip
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_bundles import KEY_ID, NAME, OTHER_ID, VERSION, World

from forensics.attestation.evaluate import Evaluator
from forensics.attestation.files import verify_document
from forensics.attestation.registry_keys import RegistryKeys, load_registry_keys, parse_registry_keys, shipped_keys
from forensics.attestation.registry_signature import (
    check_registry_signatures,
    is_packument,
    parse_packument,
    sha512_of_integrity,
    status_of_signatures,
)
from forensics.model.attestation import RegistrySignature, VerificationStatus
from forensics.model.errors import EvidenceError, HostileInput, MalformedEvidence

TARBALL = b"not a tarball, but bytes"
SHA512 = hashlib.sha512(TARBALL).hexdigest()
INTEGRITY = "sha512-" + base64.b64encode(hashlib.sha512(TARBALL).digest()).decode()
PUBLISHED = "2026-01-02T03:04:05.678Z"


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture
def packument(world: World) -> dict[str, Any]:
    dist = {"integrity": INTEGRITY, "signatures": [world.registry_signature(INTEGRITY)]}
    document = {"name": NAME, "version": VERSION, "dist": dist}
    return {"name": NAME, "versions": {VERSION: document}, "time": {VERSION: PUBLISHED}}


def check(data: Any, keys: RegistryKeys, sha512: str | None = SHA512) -> list[RegistrySignature]:
    found = parse_packument(data)
    assert not found.unreadable
    return [one for each in found.signed for one in check_registry_signatures(each, keys, sha512=sha512)]


def results(signature: RegistrySignature) -> dict[str, str]:
    return {each.name: each.result.value for each in signature.verification.checks}


def failures(signature: RegistrySignature) -> set[str]:
    return {each.name for each in signature.verification.failed()}


def test_a_signed_version_passes_every_step(world: World, packument: dict[str, Any]) -> None:
    (found,) = check(packument, world.keys)
    steps = ("registry-key", "key-validity", "signature", "subject")
    assert results(found) == dict.fromkeys(steps, "pass")
    assert found.verification.status is VerificationStatus.VALID
    assert found.verification.trust_root == world.keys.sha256
    assert found.purl == "pkg:npm/%40acme/demo@1.2.3"
    assert found.published == datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    (alone,) = check(packument["versions"][VERSION], world.keys, None)
    assert alone.verification.status is VerificationStatus.VALID
    assert results(alone)["subject"] == "not checked"


def _dist(data: Any) -> Any:
    return data["versions"][VERSION]["dist"]


def _flipped(row: dict[str, str]) -> None:
    row["sig"] = flip(row["sig"])


TAMPERINGS: dict[str, tuple[Any, set[str]]] = {
    "signature": (lambda d: _flipped(_dist(d)["signatures"][0]), {"signature"}),
    "no base64": (lambda d: _dist(d)["signatures"][0].update(sig="?"), {"signature"}),
    "digest": (lambda d: _dist(d).update(integrity="sha512-" + base64.b64encode(b"x" * 64).decode()),
               {"signature", "subject"}),
    "name": (lambda d: (d.update(name="other"), d["versions"][VERSION].update(name="other")), {"signature"}),
    "replayed name": (lambda d: d.update(name="other"), {"subject"}),
    "replayed version": (lambda d: d.update(versions={"9.9.9": d["versions"][VERSION]}), {"subject"}),
    "another key": (lambda d: _dist(d)["signatures"][0].update(keyid=OTHER_ID), {"signature"}),
    "no key id": (lambda d: _dist(d)["signatures"][0].update(keyid=""), {"registry-key"}),
    "unknown key": (lambda d: _dist(d)["signatures"][0].update(keyid="SHA256:none"), set()),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERINGS)
def test_each_tampering_fails_the_step_that_is_about_it(world: World, packument: dict[str, Any], name: str) -> None:
    changed = copy.deepcopy(packument)
    TAMPERINGS[name][0](changed)
    (found,) = check(changed, world.keys)
    assert failures(found) == TAMPERINGS[name][1]
    wanted = VerificationStatus.INVALID if TAMPERINGS[name][1] else VerificationStatus.NOT_CHECKED
    assert found.verification.status is wanted


def test_another_tarball_fails_the_subject(world: World, packument: dict[str, Any]) -> None:
    (found,) = check(packument, world.keys, "0" * 128)
    assert failures(found) == {"subject"}


@pytest.mark.parametrize(
    ("end", "stated", "status"),
    [
        (datetime(2026, 1, 3, tzinfo=UTC), True, "valid"),
        (datetime(2026, 1, 2, 3, 4, 5, 678000, UTC), True, "invalid"),  # valid only before its end
        (datetime(2025, 1, 1, tzinfo=UTC), True, "invalid"),
        (datetime(2025, 1, 1, tzinfo=UTC), False, "not checked"),
        (None, False, "valid"),
    ],
)
def test_expiry_is_judged_by_the_time_of_publishing(
    world: World, packument: dict[str, Any], end: datetime | None, stated: bool, status: str
) -> None:
    keys = RegistryKeys(tuple(replace(key, end=end, start=datetime(2026, 6, 1, tzinfo=UTC)) for key in world.keys.keys))
    if not stated:
        del packument["time"]
    (found,) = check(packument, keys)
    assert found.verification.status.value == status
    assert failures(found) == ({"key-validity"} if status == "invalid" else set())


def test_two_signatures_of_a_rotation(world: World, packument: dict[str, Any]) -> None:
    _dist(packument)["signatures"].append({"keyid": "SHA256:next", "sig": "AAAA"})
    found = check(packument, world.keys)
    assert [each.verification.status.value for each in found] == ["valid", "not checked"]
    assert status_of_signatures(found) is VerificationStatus.VALID
    _dist(packument)["signatures"][1]["keyid"] = OTHER_ID
    assert status_of_signatures(check(packument, world.keys)) is VerificationStatus.INVALID
    assert status_of_signatures(()) is VerificationStatus.NOT_CHECKED


@pytest.mark.parametrize(
    ("integrity", "found"),
    [
        (INTEGRITY, SHA512),
        (f"sha1-AAAA {INTEGRITY}?x", SHA512),
        ("sha512-AAAA", None),
        ("sha512-?", None),
        ("", None),
        ("sha1-AAAA", None),
    ],
)
def test_the_digest_in_an_integrity_text(integrity: str, found: str | None) -> None:
    assert sha512_of_integrity(integrity) == found


@pytest.mark.evidence
def test_every_version_of_a_real_packument(evidence: Path) -> None:
    data = json.loads((evidence / "npm" / "packuments" / "lodash.abbreviated.json").read_bytes())
    found = check(data, shipped_keys(), None)
    assert len(found) == len(data["versions"]) == 117
    assert {results(each)["signature"] for each in found} == {"pass"}
    assert {results(each)["registry-key"] for each in found} == {"pass"}
    # The abbreviated document states no times, and the first key has expired.
    assert [each.verification.status.value for each in found].count("valid") == 3
    with_times = data | {"time": dict.fromkeys(data["versions"], "2024-01-01T00:00:00Z")}
    assert {each.verification.status.value for each in check(with_times, shipped_keys(), None)} == {"valid"}
    for version in data["versions"].values():
        version["dist"]["integrity"] = INTEGRITY
    assert {tuple(failures(each)) for each in check(data, shipped_keys(), None)} == {("signature",)}


def verify(world: World, data: Any, sha512: str | None = None) -> Any:
    evaluator = Evaluator(world.root, independent=True)
    return verify_document(json.dumps(data).encode(), name="x", evaluator=evaluator, keys=world.keys, sha512=sha512)


def test_documents_are_recognised(world: World, packument: dict[str, Any]) -> None:
    found = verify(world, packument, SHA512)
    assert (found.kind, found.status) == ("npm packument", VerificationStatus.VALID)
    assert results(found.versions[0][1][0])["subject"] == "pass"
    assert verify(world, packument["versions"][VERSION]).kind == "npm version document"
    with pytest.raises(MalformedEvidence, match="no signed version"):
        verify(world, packument, "0" * 128)
    packument["versions"]["2.0.0"] = {"name": NAME, "version": "2.0.0", "dist": {"integrity": INTEGRITY}}
    found = verify(world, packument)
    assert (found.unsigned, found.status) == (("2.0.0",), VerificationStatus.NOT_CHECKED)
    packument["versions"]["3.0.0"] = {"name": NAME, "version": "3.0.0", "dist": {"signatures": ["x"]}}
    found = verify(world, packument)
    assert found.status is VerificationStatus.INVALID
    assert failures(dict(found.versions)["3.0.0"][0]) == {"format"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["name", "version", "dist", "signatures", "integrity", "keyid", "sig", "versions", "time", "1"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=300, deadline=None)
def test_documents_of_any_shape_end_in_a_typed_error_or_a_verdict(data: Any) -> None:
    is_packument(data)
    try:
        found = parse_packument(data)
    except EvidenceError:
        return
    for each in found.signed:
        assert check_registry_signatures(each, shipped_keys())


KEY: dict[str, Any] = {"keyid": "k", "key": base64.b64encode(b"spki").decode(), "expires": "2025-01-29T00:00:00.000Z"}


def test_keys_are_read_leniently_and_strange_ones_left_out() -> None:
    strange: list[Any] = [
        None, 3, {}, {"keyid": "k"}, {"keyid": "k", "key": "?"}, KEY | {"expires": "tomorrow"}, KEY | {"expires": 3},
        KEY | {"keyid": 3}, {"keyId": "k", "publicKey": {"rawBytes": None}}, {"keyId": "k", "publicKey": "x"},
    ]  # fmt: skip
    found = parse_registry_keys({"keys": [*strange, KEY | {"later": 1}], "later": 2}, "me")
    (one,) = found.keys
    assert (one.key_id, one.spki, one.usage, one.vouched_by) == ("k", b"spki", "", "me")
    assert one.end == datetime(2025, 1, 29, tzinfo=UTC)
    assert found.find("k", "npm:signatures") is one
    assert found.find("k", "npm:attestations") is one
    assert found.find("other", "npm:signatures") is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"keys": 3}', b'{"keys": []}', b'{"keys": [{}]}', b"\xff"])
def test_a_named_file_without_keys_is_an_error(raw: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        load_registry_keys(raw)


@pytest.mark.parametrize("raw", [b"[" * 5000, b" " * (2 << 20), json.dumps({"keys": [{}] * 300}).encode()])
def test_a_file_of_keys_has_limits(raw: bytes) -> None:
    with pytest.raises(HostileInput):
        load_registry_keys(raw)


def test_a_key_of_one_usage_is_not_taken_for_the_other(world: World, packument: dict[str, Any]) -> None:
    keys = RegistryKeys(tuple(replace(key, usage="npm:attestations") for key in world.keys.keys))
    (found,) = check(packument, keys)
    assert found.verification.status is VerificationStatus.NOT_CHECKED
    assert f"unknown registry key {KEY_ID}" in found.verification.checks[0].detail
