"""Statements rebuilt byte for byte, from the private Sigstore and from the world's real log."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from attestation_kit import CLAIMS, FILENAME, SHA256, Kit

from forensics.attestation.entry import LoggedEntry, read_body, read_entry
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.record import record_of
from forensics.attestation.recover import MAX_STATEMENTS, Statements, candidate_names, spellings
from forensics.attestation.statement import publish_statement
from forensics.attestation.trust import shipped_root
from forensics.model.attestation import VerificationStatus
from forensics.model.errors import MalformedEvidence


def rest(kit: Kit, signed: Any) -> LoggedEntry:
    ((name, data),) = kit.log.rest_entry(signed.entry, len(kit.log.entries)).items()
    return read_entry(name, data, ("o-1",))


def test_a_rebuilt_attestation_verifies_like_the_index_s_own(kit: Kit) -> None:
    signed = kit.sign()
    statements = Statements()
    statements.add([FILENAME], [SHA256])
    rebuilt = statements.rebuild(rest(kit, signed))
    assert rebuilt is not None
    assert rebuilt.statement == signed.statement
    assert rebuilt.pep740() == signed.attestation(kit.log, len(kit.log.entries))
    found = kit.independent.pep740(rebuilt.pep740(), filename=FILENAME, sha256=SHA256, evidence=("o-1",))
    assert found.verification.status is VerificationStatus.VALID
    assert {c.name for c in found.verification.checks if c.result.value != "pass"} == {"publisher"}
    assert found.identity is not None
    assert found.identity.commit == CLAIMS.commit


@pytest.mark.parametrize(
    ("name", "sha256"), [(FILENAME, "0" * 64), ("demo-1.0.1-py3-none-any.whl", SHA256), ("demo-1.0.0.tar.gz", SHA256)]
)
def test_another_name_or_digest_cannot_be_rebuilt(kit: Kit, name: str, sha256: str) -> None:
    statements = Statements()
    statements.add([name], [sha256])
    assert statements.rebuild(rest(kit, kit.sign())) is None


def test_the_empty_predicate_and_another_spelling_are_tried(kit: Kit) -> None:
    statements = Statements()
    statements.add(["some-thing-1.0.tar.gz"], [SHA256])
    for name, empty in (("some_thing-1.0.tar.gz", True), ("some.thing-1.0.tar.gz", False)):
        payload = publish_statement(name, SHA256, empty_predicate=empty)
        assert hashlib.sha256(payload).hexdigest() in statements._by_hash


@pytest.mark.parametrize(
    ("name", "among"),
    [
        ("Some_Thing-1.0.tar.gz", {"Some_Thing-1.0.tar.gz", "some-thing-1.0.tar.gz", "some_thing-1.0.tar.gz"}),
        ("some_thing-1.0-py3-none-any.whl", {"some-thing-1.0-py3-none-any.whl", "some_thing-1.0-py3-none-any.whl"}),
        ("nothing", {"nothing"}),
        ("-", {"-"}),
        ("a-b.whl", {"a-b.whl"}),
    ],
)
def test_spellings(name: str, among: set[str]) -> None:
    assert among <= set(spellings(name))
    assert spellings(name)[0] == name


def test_candidate_names_follow_the_neighbours() -> None:
    patterns = {
        "wares-1.0.3.tar.gz": "1.0.3",
        "wares-1.0.3-py3-none-any.whl": "1.0.3",
        "wares-1.0.3-cp312-cp312-linux_x86_64.whl": "1.0.3",
        "odd.zip": "1.0.3",
    }
    assert candidate_names(["1.0.4"], patterns) == ("wares-1.0.4.tar.gz", "wares-1.0.4-py3-none-any.whl")
    only = {"w-1-cp312-cp312-linux_x86_64.whl": "1"}
    assert candidate_names(["2"], only) == ("w-2-cp312-cp312-linux_x86_64.whl",)
    assert candidate_names(["2"], {}) == ()


def test_the_number_of_guesses_is_bounded() -> None:
    statements = Statements()
    statements.add(["a-1.tar.gz"], (f"{n:064x}" for n in range(3)))
    before = len(statements._by_hash)
    assert 0 < before <= MAX_STATEMENTS


@pytest.mark.parametrize(
    ("name", "value"),
    [("body", None), ("body", "%"), ("logID", "xyz"), ("logID", None), ("logIndex", "x"), ("verification", [1])],
)
def test_entries_that_cannot_be_read(kit: Kit, name: str, value: Any) -> None:
    ((entry_id, data),) = kit.log.rest_entry(kit.sign().entry, len(kit.log.entries)).items()
    with pytest.raises(MalformedEvidence):
        read_entry(entry_id, {**data, name: value})
    with pytest.raises(MalformedEvidence):
        read_entry("nonsense", data)


def test_a_body_of_another_kind_is_kept_and_not_understood(kit: Kit) -> None:
    entry = kit.log.append(b'{"apiVersion":"9","kind":"future","spec":{}}', kit._moment, ())
    ((name, data),) = kit.log.rest_entry(entry, len(kit.log.entries)).items()
    record = record_of(read_entry(name, data), kit.root)
    assert record.verified
    assert record.kind == "future/9"
    assert next(c for c in record.checks if c.name == "body").result.value == "not checked"
    assert Statements().rebuild(read_entry(name, data)) is None


# Real evidence ------------------------------------------------------------------------------------------------------


def entries(evidence: Path) -> list[tuple[str, LoggedEntry]]:
    folder = evidence / "rekor-v1" / "derived-from-bundles"
    if not folder.is_dir():
        pytest.skip("the folder of log entries is not beside the checkout")
    read = []
    for path in sorted(folder.glob("prod-*.json")):
        ((name, data),) = json.loads(path.read_bytes()).items()
        read.append((path.name, read_entry(name, data)))
    return read


@pytest.mark.evidence
def test_real_entries_of_three_kinds_verify(evidence: Path) -> None:
    root = shipped_root()
    kinds = set()
    for name, entry in entries(evidence):
        record = record_of(entry, root)
        kinds.add(record.kind)
        assert read_body(entry.raw).understood, name
        if name == "prod-27246492.json":  # a conformance case with a checkpoint that nobody signed
            assert [check.name for check in record.failed()] == ["checkpoint"]
        else:
            assert record.verified, name
            assert record.integrated_at is not None
    assert {"dsse/0.0.1", "hashedrekord/0.0.1", "intoto/0.0.2"} <= kinds


@pytest.mark.evidence
def test_the_offset_of_the_active_shard(evidence: Path) -> None:
    offsets = {"1193050959916656506": 121_904_262}
    seen = 0
    for _, entry in entries(evidence):
        check = next(c for c in record_of(entry, shipped_root(), offsets).checks if c.name == "shard")
        seen += check.detail.startswith("leaf") and check.result.value == "pass"
        assert check.result.value != "fail"
    assert seen > 5


@pytest.mark.evidence
def test_sampleproject_is_rebuilt_from_its_name_and_digest(evidence: Path, production: Evaluator) -> None:
    path = evidence / "pep740" / "warehouse" / "sampleproject-4.0.0.tar.gz.provenance"
    original = json.loads(path.read_bytes())["attestation_bundles"][0]["attestations"][0]
    statement = base64.b64decode(original["envelope"]["statement"])
    sha256 = json.loads(statement)["subject"][0]["digest"]["sha256"]
    found = [entry for name, entry in entries(evidence) if name == "prod-147137139.json"]
    statements = Statements()
    statements.add(["sampleproject-4.0.0.tar.gz"], [sha256])
    rebuilt = [r for entry in found if (r := statements.rebuild(entry)) is not None]
    if not rebuilt:  # the log entry at hand is the wheel's: take the body that the index kept
        bundled = original["verification_material"]["transparency_entries"][0]
        body = base64.b64decode(bundled["canonicalizedBody"])
        assert hashlib.sha256(statement).hexdigest() in body.decode()
    assert publish_statement("sampleproject-4.0.0.tar.gz", sha256) == statement
    for one in rebuilt:
        attestation = production.pep740(one.pep740(), filename=one.filename, sha256=sha256)
        assert attestation.verification.status is VerificationStatus.VALID
        assert attestation.identity is not None
        assert attestation.identity.repository == "pypa/sampleproject"
