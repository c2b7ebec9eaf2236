from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency.encoding import decode_base64, pem_blocks
from forensics.transparency.entries import Generation, decode_body, entry_leaf_hash, parse_entry
from tests.transparency.made import b64, canonical, certificate, pem, spki, v1_value, v2_entry, v2_value

EVIDENCE = Path(__file__).parents[3] / "shared" / "evidence"


@pytest.mark.parametrize("kind", ["dsse", "hashedrekord", "intoto", "rpm"])
def test_v1_kinds_say_the_same_in_the_same_words(kind: str) -> None:
    digest = hashlib.sha256(b"artifact").hexdigest()
    view = parse_entry(canonical(v1_value(kind, pem(certificate()), digest.upper())))
    assert (view.kind, view.certificate) == (kind, certificate())
    assert {each.value for each in view.digests} == {digest}
    assert (view.payload_hash == digest) == (kind in ("dsse", "intoto"))
    assert view.signature == (b"signature" if kind != "rpm" else None)
    keyed = parse_entry(canonical(v1_value(kind, pem(spki(), "PUBLIC KEY"))))
    assert (keyed.certificate, keyed.public_key) == (None, spki())
    assert hashlib.sha256(spki()).hexdigest() in keyed.verifiers[0].fingerprints
    assert hashlib.sha256(pem(spki(), "PUBLIC KEY")).hexdigest() in keyed.verifiers[0].fingerprints
    other = parse_entry(canonical(v1_value(kind, b"-----BEGIN PGP PUBLIC KEY BLOCK" if kind == "x" else b"RWQ")))
    assert (other.certificate, other.public_key) == (None, None)


def test_intoto_0_0_1_has_its_key_beside_the_content() -> None:
    stated = {"algorithm": "sha256", "value": "ab" * 32}
    spec = {"content": {"hash": stated}, "publicKey": b64(pem(certificate()))}
    view = parse_entry(canonical({"apiVersion": "0.0.1", "kind": "intoto", "spec": spec}))
    assert view.certificate == certificate()
    assert [(each.role, each.value) for each in view.digests] == [("envelope", "ab" * 32)]


def test_a_signature_of_intoto_is_read_whether_encoded_once_or_twice() -> None:
    value = v1_value("intoto", pem(certificate()))
    assert parse_entry(canonical(value)).signature == b"signature"
    spec = value["spec"]
    assert isinstance(spec, dict)
    spec["content"]["envelope"]["signatures"][0]["sig"] = b64(b"\x30\x02raw")
    assert parse_entry(canonical(value)).signature == b"\x30\x02raw"


@pytest.mark.parametrize("dsse", [False, True])
def test_v2_kinds(dsse: bool) -> None:
    digest = hashlib.sha256(b"artifact").digest()
    body = v2_entry(certificate(), digest, dsse)
    view = parse_entry(body, Generation.V2)
    assert (view.kind, view.version, view.certificate) == ("dsse" if dsse else "hashedrekord", "0.0.2", certificate())
    assert [(each.algorithm, each.value) for each in view.digests] == [("sha256", digest.hex())]
    assert entry_leaf_hash(body) == hashlib.sha256(b"\x00" + body).digest()
    keyed = canonical(v2_value({"publicKey": {"rawBytes": b64(spki())}}, digest, dsse))
    assert parse_entry(keyed).public_key == spki()
    with pytest.raises(MalformedEvidence):
        parse_entry(canonical(v1_value("dsse", pem(certificate()))), Generation.V2)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[]", b"null", b"\xff", b'{"apiVersion":"0.0.2","kind":"hashedrekord"}',
        b'{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{}}', b'{"apiVersion":1,"kind":"dsse","spec":{}}',
        canonical(v2_value({})), canonical(v2_value({"x509Certificate": {"rawBytes": "!"}})),
        canonical(v2_value({"x509Certificate": {"rawBytes": 7}})), b"[" * 100_000,
        b'{"apiVersion":"0.0.1","kind":"x","spec":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        canonical(v1_value("dsse", b"-----BEGIN CERTIFICATE-----\nAAAA")),
    ],
)  # fmt: skip
def test_what_is_no_entry_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        parse_entry(body)


def test_too_large_an_entry_and_too_many_signers_are_refused() -> None:
    with pytest.raises(HostileInput):
        parse_entry(b" " * (9 << 20))
    with pytest.raises(HostileInput):
        decode_body(b"A" * (17 << 20))
    value = v2_value({"x509Certificate": {"rawBytes": ""}}, dsse=True)
    spec = value["spec"]
    assert isinstance(spec, dict)
    spec["dsseV002"]["signatures"] *= 65
    with pytest.raises(HostileInput):
        parse_entry(canonical(value))


def test_base64_is_read_in_every_way_of_writing_it_and_in_no_other() -> None:
    data = bytes(range(256))
    plain, url = base64.b64encode(data), base64.urlsafe_b64encode(data)
    for text in (plain, url, plain.rstrip(b"="), url.rstrip(b"="), plain[:50] + b"\r\n" + plain[50:]):
        assert decode_base64(text) == data
    for text in (b"A", b"Q=", b"QQ=Q", b"QQ==QQ==", b"Q Q=", b"Q\\nQ==", b"\xff", b'QQ"', b"QUI\x00"):
        with pytest.raises(MalformedEvidence):
            decode_base64(text)


def test_pem_is_read_block_by_block() -> None:
    first, second = certificate(), spki()
    text = b"# comment\n" + pem(first, width=76, newline="\r\n") + pem(second, "PUBLIC KEY")
    assert [(block.label, block.content) for block in pem_blocks(text)] == [
        ("CERTIFICATE", first),
        ("PUBLIC KEY", second),
    ]
    headed = pem(first).replace(b"-----\n", b"-----\nProc-Type: 4\nDEK-Info: x\n\n", 1)
    assert pem_blocks(headed)[0].content == first
    assert pem_blocks(b"no block") == []
    for wrong in (pem(first)[:-9], pem(first).replace(b"END CERT", b"END OTHER"), b"-----BEGIN ", b"-----BEGIN A-----"):
        with pytest.raises(MalformedEvidence):
            pem_blocks(wrong)
    with pytest.raises(HostileInput):
        pem_blocks(b"-----BEGIN A-----\n-----END A-----\n" * 65)


@pytest.mark.evidence
def test_every_real_entry_is_read_with_its_signer() -> None:
    if not EVIDENCE.is_dir():
        pytest.skip("the folder of evidence is not beside the checkout")
    kinds: dict[tuple[str, str], int] = {}
    for path in sorted((EVIDENCE / "rekor-v1" / "derived-from-bundles").glob("*.json")):
        for uuid, entry in json.loads(path.read_text()).items():
            body = decode_body(entry["body"].encode())
            view = parse_entry(body, Generation.V1)
            kinds[view.kind, view.version] = kinds.get((view.kind, view.version), 0) + 1
            assert entry_leaf_hash(body).hex() == uuid[-64:]
            assert view.certificate or view.public_key
            assert view.signature is not None
            assert len(view.signature) >= 64
            assert all(len(each.value) in (64, 96, 128) for each in view.digests)
    assert kinds == {("dsse", "0.0.1"): 9, ("hashedrekord", "0.0.1"): 14, ("intoto", "0.0.2"): 14}
    folder = EVIDENCE / "sigstore-java" / "rekor-response" / "valid"
    v2 = base64.b64decode(json.loads((folder / "entry-v2.json").read_text())["canonicalizedBody"])
    assert parse_entry(v2, Generation.V2).certificate is not None
    jar = next(iter(json.loads((folder / "jar-entry.json").read_text()).values()))
    assert parse_entry(decode_body(jar["body"].encode())).certificate is not None
