from __future__ import annotations

import contextlib
import hashlib
import json
from typing import Any

import pytest
from attestation_kit import FILENAME, SHA256, Kit, failures, tampered
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.attestation.depth import text_within_depth, within_depth
from forensics.attestation.evaluate import digest_of
from forensics.attestation.files import verify_document
from forensics.attestation.pep740 import parse_provenance, parse_publisher
from forensics.model.attestation import Attestation, VerificationStatus
from forensics.model.errors import EvidenceError, HostileInput, MalformedEvidence

GITHUB = {"kind": "GitHub", "repository": "acme/demo", "workflow": "release.yml", "environment": ""}


@pytest.fixture(scope="module")
def good(kit: Kit) -> dict[str, Any]:
    return kit.attest()


@pytest.fixture(scope="module")
def bundle(kit: Kit) -> dict[str, Any]:
    return kit.sign().bundle(kit.log, len(kit.log.entries))


def provenance(*attestations: Any, publisher: Any = GITHUB) -> dict[str, Any]:
    return {"version": 1, "attestation_bundles": [{"publisher": publisher, "attestations": list(attestations)}]}


def verify(kit: Kit, data: Any) -> Any:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return verify_document(raw, name="x", evaluator=kit.evaluator, sha256=SHA256, artifact_name=FILENAME)


def test_each_kind_is_recognised(kit: Kit, good: dict[str, Any], bundle: dict[str, Any]) -> None:
    lines = b"\n".join(json.dumps(bundle).encode() for _ in range(2)) + b"\n"
    kinds = {
        "PEP 740 provenance object": (provenance(good, good), 2),
        "PEP 740 attestation": (good, 1),
        "Sigstore bundle": (bundle, 1),
        "Sigstore bundles, one on each line": (lines, 2),
        "npm registry attestations": ({"attestations": [{"bundle": bundle, "later": 1}]}, 1),
    }
    for kind, (data, count) in kinds.items():
        found = verify(kit, data)
        assert (found.kind, len(found.attestations), found.status) == (kind, count, VerificationStatus.VALID)


def test_one_invalid_attestation_makes_the_file_invalid(kit: Kit, good: dict[str, Any]) -> None:
    found = verify(kit, provenance(good, tampered(good, "promise"), "not even an object"))
    assert found.status is VerificationStatus.INVALID
    assert [a.verification.status.value for a in found.attestations] == ["valid", "invalid", "invalid"]
    assert failures(found.attestations[2]) == {"format"}


def test_what_an_index_may_add_is_borne(kit: Kit, good: dict[str, Any]) -> None:
    more = json.loads(json.dumps(good))
    more["verification_material"]["timestamps"] = []
    more["note"] = "of a later version"
    publisher = {"kind": "Forgejo", "claims": {"b": 1, "a": [2]}, "repository": "x", "environment": ""}
    found = verify(kit, provenance(more, publisher=publisher))
    assert found.status is VerificationStatus.VALID
    assert found.attestations[0].publisher.get("claims") == '{"a":[2],"b":1}'
    assert found.attestations[0].publisher.get("environment") is None
    assert parse_publisher(None).kind == "unknown"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"nonsense",
        b'{"attestation_bundles": 3}',
        b'{"version": 2, "attestation_bundles": []}',
    ],
)
def test_other_files_are_malformed(kit: Kit, data: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        verify(kit, data)


def test_limits(kit: Kit, good: dict[str, Any]) -> None:
    for data in (
        b"[" * 300,
        json.dumps(provenance(*[good] * 65)).encode(),
        b'{"verification_material": ' + b"[" * 201 + b"]" * 201 + b"}",
    ):
        with pytest.raises(HostileInput):
            verify(kit, data)
    statement = {**good, "envelope": {**good["envelope"], "statement": "A" * (9 << 20)}}
    assert failures(verify(kit, statement).attestations[0]) == {"format"}


def test_depth_is_counted_without_recursion() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    assert not within_depth(deep)
    assert within_depth(json.loads("[" * 200 + "]" * 200))
    assert not text_within_depth(b"[" * 201)
    assert text_within_depth(b'["' + b"[" * 500 + b'\\"[[["]')
    assert not text_within_depth(b'"a\\"[["' + b"[" * 201)


@pytest.mark.timeout(20)
def test_a_string_that_nobody_closes_is_read_once() -> None:
    assert text_within_depth(b"[]" * 300 + b'"' + b'\\"' * 2_000_000)


def test_a_provenance_object_without_bundles_proves_nothing(kit: Kit) -> None:
    assert parse_provenance({"version": 1, "attestation_bundles": []}) == []
    with pytest.raises(MalformedEvidence):
        verify(kit, provenance())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(place for key, value in children for place in places(value, (*path, key)))]


def put(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy: Any = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = put(copy[path[0]], path[1:], value)
    return copy


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), value=JSON)
def test_mutated_objects_are_typed_outcomes(
    kit: Kit, good: dict[str, Any], bundle: dict[str, Any], data: st.DataObject, value: Any
) -> None:
    whole = data.draw(st.sampled_from([good, bundle, provenance(good)]))
    changed = put(whole, data.draw(st.sampled_from(places(whole))), value)
    for verified in (kit.evaluator.pep740(changed), kit.evaluator.bundle(changed)):
        assert isinstance(verified, Attestation)
        assert all("Traceback" not in check.detail for check in verified.verification.checks)
    with contextlib.suppress(EvidenceError):
        verify(kit, changed)


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_by_name(kit: Kit, raw: bytes) -> None:
    with pytest.raises(EvidenceError):
        verify(kit, raw)


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(), st.lists, max_leaves=5))
def test_the_digest_is_that_of_canonical_json(value: Any) -> None:
    data = {"b": value, "a": {"é": 1, "e": 2, "\U0001f600": 3, "\uffff": 4}}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert digest_of(data) == hashlib.sha256(text.encode()).hexdigest()
