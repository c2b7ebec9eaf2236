from __future__ import annotations

import base64
import contextlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from forensics.model.errors import EvidenceError, HostileInput, MalformedEvidence
from forensics.transparency.checkpoint import parse_checkpoint
from forensics.transparency.keys import PublicKey, note_key_id
from forensics.transparency.note import parse_note, signers

EVIDENCE = Path(__file__).parents[3] / "shared" / "evidence"
CHECKPOINTS = EVIDENCE / "sigstore-java" / "checkpoints"


def spki(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def line(name: str, hint: bytes, signature: bytes) -> str:
    return f"— {name} {base64.b64encode(hint + signature).decode()}\n"


def test_signers_are_found_among_several_lines_and_a_wrong_line_does_not_count() -> None:
    text = "log.example - 7\n3\n" + base64.b64encode(bytes(32)).decode() + "\nextension\n"
    first, second = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    keys = [PublicKey(spki(first), "log.example"), PublicKey(spki(second), "witness.example")]
    lines = [
        line("log.example", keys[0].key_id[:4], first.sign(text.encode(), ec.ECDSA(SHA256()))),
        line("unknown.example", b"abcd", b"whatever"),
        line("witness.example", keys[1].key_id[:4], second.sign(text.encode())),
    ]
    note = parse_note(text + "\n" + "".join(lines))
    assert signers(note, keys) == keys
    assert parse_checkpoint(text + "\n" + "".join(lines)).extensions == ("extension",)
    assert parse_checkpoint(text + "\n" + "".join(lines)).log_name == "log.example"
    changed = parse_note(text.replace("\n3\n", "\n4\n") + "\n" + "".join(lines))
    assert signers(changed, keys) == []


def test_a_text_may_hold_an_empty_line() -> None:
    note = parse_note("one\n\ntwo\n\n" + line("a", b"abcd", b"x"))
    assert note.text == "one\n\ntwo\n"


def test_key_ids_are_those_of_the_specification() -> None:
    # The key of Rekor v2's first shard, with the id that Sigstore's trust root states for it.
    shard = base64.b64decode("MCowBQYDK2VwAyEAt8rlp1knGwjfbcXAYPYAkn0XiLz1x8O4t0YkEhie244=")
    stated = base64.b64decode("zxGZFVvd0FEmjR8WrFwMdcAJ9vtaY/QXf44Y1wUeP6A=")
    assert note_key_id("log2025-1.rekor.sigstore.dev", shard) == stated
    key = ec.generate_private_key(ec.SECP256R1())
    assert note_key_id("any", spki(key)) == PublicKey(spki(key)).sha256
    numbers = spki(rsa.generate_private_key(65537, 2048))
    assert note_key_id("one", numbers) != note_key_id("other", numbers)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "\n\n",
        "text\n\n",
        "text\n\n— name",
        "text\n\n- name YWJjZGU=\n",
        "text\n\n— na me YWJjZGU=\n",
        "text\n\n— name YWJj\n",
        "text\n\n— name !!!!\n",
        "te\x07xt\n\n— name YWJjZGVm\n",
        "text\n\n— na+me YWJjZGVm\n",
    ],
)
def test_what_is_no_note_is_refused(raw: str) -> None:
    with pytest.raises(MalformedEvidence):
        parse_note(raw)


def test_too_large_a_note_and_too_many_signatures_are_refused() -> None:
    with pytest.raises(HostileInput):
        parse_note("x" * (1 << 21))
    with pytest.raises(HostileInput):
        parse_note("text\n\n" + line("name", b"abcd", b"x") * 101)


@pytest.mark.parametrize("size", ["-1", "01", "1_0", "+1", " 1", "٣", "9" * 30, ""])
def test_a_size_that_is_not_a_plain_decimal_is_refused(size: str) -> None:
    root = base64.b64encode(bytes(32)).decode()
    with pytest.raises(MalformedEvidence):
        parse_checkpoint(f"origin\n{size}\n{root}\n\n" + line("a", b"abcd", b"x"))


@given(st.text(alphabet=st.sampled_from("— \nabcd019=+/\x00é"), max_size=80))
def test_any_text_is_read_or_refused_by_name(raw: str) -> None:
    with contextlib.suppress(EvidenceError):
        parse_checkpoint(raw)


@pytest.mark.evidence
def test_published_checkpoints() -> None:
    if not CHECKPOINTS.is_dir():
        pytest.skip("the folder of evidence is not beside the checkout")
    refused = []
    for path in sorted(CHECKPOINTS.glob("*.txt")):
        try:
            assert parse_checkpoint(path.read_text()).size == 37795272
        except MalformedEvidence:
            refused.append(path.name)
    assert len(refused) == 7
    assert all(name.startswith("error_") for name in refused)
    rekor = PublicKey(
        base64.b64decode(
            "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2G2Y+2tabdTV5BcGiBIx0a9fAFwrkBbmLSGtks4L3qX6yYY0zufBnhC8Ur/"
            "iy55GhWP/9A/bY2LhC30M9+RYtw=="
        ),
        "rekor.sigstore.dev",
    )
    for name in ("valid.txt", "valid_multi_sig.txt"):
        assert signers(parse_checkpoint((CHECKPOINTS / name).read_text()).note, [rekor]) == [rekor]
