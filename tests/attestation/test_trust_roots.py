from __future__ import annotations

import json
import pickle

import pytest
from attestation_kit import Kit

from forensics.attestation.trust import known_roots, shipped_root, vouch
from forensics.model.errors import HostileInput, MalformedEvidence, UntrustedRoot


def test_the_shipped_root_is_vouched_for_and_complete() -> None:
    root = shipped_root().check()
    assert root.sha256 in known_roots()
    assert (root.kind, root.is_lab, root.vouched_by) == ("production", False, "shipped with release-forensics")
    assert {key.name for key in root.log_keys.values()} == {"rekor.sigstore.dev", "log2025-1.rekor.sigstore.dev"}
    assert len(root.authorities) == 2


def test_the_shipped_root_is_the_one_sigstore_carries() -> None:
    from importlib import resources

    store = resources.files("sigstore._store")
    files = [item / "trusted_root.json" for item in store.iterdir() if item.name.endswith("sigstore.dev")]
    assert shipped_root().raw in [file.read_bytes() for file in files]


def test_a_root_that_nobody_named_is_refused(kit: Kit) -> None:
    with pytest.raises(UntrustedRoot, match=kit.root.sha256):
        vouch(kit.root.raw)
    with pytest.raises(UntrustedRoot):
        vouch(kit.root.raw, b"another file")
    with pytest.raises(UntrustedRoot):
        vouch(kit.root.raw + b"\n", kit.root.raw)


def test_a_named_root_is_used_and_says_so(kit: Kit) -> None:
    assert kit.root.vouched_by == "named by the user"
    assert pickle.loads(pickle.dumps(kit.root)).check().sha256 == kit.root.sha256


_END = "2030-01-01T00:00:00Z"


def test_a_key_stands_in_for_what_a_named_root_lacks(kit: Kit) -> None:
    raw = json.dumps({"mediaType": json.loads(kit.root.raw)["mediaType"]}).encode()
    with pytest.raises(MalformedEvidence, match="names no certificate authority"):
        vouch(raw, raw)
    assert vouch(raw, raw, bare=True).log_keys == {}


def test_a_period_without_start_is_no_period(kit: Kit) -> None:
    root = json.loads(kit.root.raw)
    root["tlogs"][0]["publicKey"]["validFor"] = {"end": _END}
    raw = json.dumps(root).encode()
    with pytest.raises(MalformedEvidence, match="without a start"):
        vouch(raw, raw)


def _changed(kit: Kit, part: str, value: object) -> bytes:
    return json.dumps(json.loads(kit.root.raw) | {part: value}).encode()


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("mediaType", "application/json"),
        ("tlogs", "no list"),
        ("tlogs", []),
        ("tlogs", [{"publicKey": {"rawBytes": "!!"}}]),
        ("tlogs", [{"publicKey": {"rawBytes": "AAAA"}}]),
        ("certificateAuthorities", [{"certChain": {"certificates": []}}]),
        ("certificateAuthorities", [{"certChain": {"certificates": [{"rawBytes": "AAAA"}]}}]),
        ("certificateAuthorities", []),
    ],
)
def test_a_root_that_cannot_be_read_is_malformed(kit: Kit, part: str, value: object) -> None:
    raw = _changed(kit, part, value)
    with pytest.raises(MalformedEvidence):
        vouch(raw, raw)


def test_what_is_no_root_at_all() -> None:
    for raw in (b"", b"[]", b"{", b"[" * 100_000, b"\xff"):
        with pytest.raises(MalformedEvidence):
            vouch(raw, raw)
    with pytest.raises(HostileInput):
        vouch(b" " * (5 << 20))
