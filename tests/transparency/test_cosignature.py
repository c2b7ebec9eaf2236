from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from forensics.model.errors import MalformedEvidence
from forensics.transparency.checkpoint import parse_checkpoint
from forensics.transparency.cosignature import (
    Cosignature,
    Standing,
    Witness,
    cosignatures,
    parse_witness,
    signed_message,
)
from forensics.transparency.note import parse_note

# The example of C2SP tlog-cosignature; its key is not published, so only what is signed can be compared.
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
LINE = (
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
KEY = Ed25519PrivateKey.generate()
WITNESS = Witness("witness.example", KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def line(seconds: int, *, name: str = WITNESS.name, text: str = TEXT, key: Ed25519PrivateKey = KEY) -> str:
    signed = f"cosignature/v1\ntime {seconds}\n{text}".encode()
    value = WITNESS.hint + (seconds & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big") + key.sign(signed)
    return f"— {name} {base64.b64encode(value).decode()}\n"


def test_the_signed_message_is_that_of_the_specification() -> None:
    stamp = int.from_bytes(parse_note(TEXT + "\n" + LINE).signatures[0].signature[:8], "big")
    assert signed_message(TEXT, stamp) == b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()


def test_lines_are_verified_wrong_or_unknown_and_the_logs_own_left_alone() -> None:
    short = f"— {WITNESS.name} {base64.b64encode(WITNESS.hint + bytes(10)).decode()}\n"
    lines = [
        line(4, name="example.com/behind-the-sofa"),
        line(1_700_000_000),
        LINE,
        line(5, name="somebody.else"),
        line(6, text=TEXT.replace("20852163", "20852164")),
        line(7, key=Ed25519PrivateKey.generate()),
        line(2**62),
        short,
    ]
    checkpoint = parse_checkpoint(TEXT + "\n" + "".join(lines))
    found = cosignatures(checkpoint, [WITNESS])
    assert found[0] == Cosignature(
        "witness.example", WITNESS.hint, Standing.VERIFIED, datetime.fromtimestamp(1_700_000_000, UTC)
    )
    standings = [(one.witness, one.standing) for one in found[1:]]
    assert standings == [
        ("witness.example.com/w1", Standing.UNKNOWN),
        ("somebody.else", Standing.UNKNOWN),
        *[("witness.example", Standing.WRONG)] * 4,
    ]
    assert all(one.time is None for one in found[1:])
    assert [bool(one.reason) for one in found[1:]] == [False, False, True, True, True, True]
    for strangers in ([], [Witness("witness.example", bytes(32))]):
        assert {one.standing for one in cosignatures(checkpoint, strangers)} == {Standing.UNKNOWN}
        assert len(cosignatures(checkpoint, strangers)) == 7


def test_a_verifier_key_is_read_and_any_other_refused() -> None:
    encoded = base64.b64encode(b"\x04" + WITNESS.public_key).decode()
    assert parse_witness(f"witness.example+{WITNESS.hint.hex()}+{encoded}") == WITNESS
    wrong = base64.b64encode(b"\x01" + WITNESS.public_key).decode()
    for text in ("", "a+b", f"+{WITNESS.hint.hex()}+{encoded}", f"witness.example+00000000+{encoded}",
                 f"witness.example+{WITNESS.hint.hex()}+{wrong}", f"witness.example+zz+{encoded}"):  # fmt: skip
        with pytest.raises(MalformedEvidence):
            parse_witness(text)
