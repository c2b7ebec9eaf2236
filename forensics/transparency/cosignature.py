"""Witness cosignatures: others than the log saw the same checkpoint.

Source: C2SP tlog-cosignature, Ed25519 ("cosignature/v1", signature type 0x04). Lines of other types and of witnesses
that nobody named prove nothing: they are told as unknown, and the log's own are left alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from forensics.model.errors import MalformedEvidence
from forensics.transparency.checkpoint import Checkpoint
from forensics.transparency.keys import PublicKey
from forensics.transparency.note import Note, NoteSignature

_SIGNATURE_TYPE = b"\x04"
_ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")  # SPKI of an Ed25519 key, up to its 32 raw bytes
_TIMESTAMP_BYTES = 8
_SIGNATURE_BYTES = 64
_LAST_SECOND = 253402300799  # the end of the year 9999, the last that `datetime` knows


@dataclass(frozen=True)
class Witness:
    """Someone who cosigns checkpoints: the name of the key and its 32 raw bytes (Ed25519)."""

    name: str
    public_key: bytes

    @property
    def hint(self) -> bytes:
        """The first four bytes of the key id: SHA-256(name || 0x0A || 0x04 || key). Source: section "Format"."""
        return hashlib.sha256(self.name.encode() + b"\n" + _SIGNATURE_TYPE + self.public_key).digest()[:4]

    @property
    def key(self) -> PublicKey:
        """The key as SubjectPublicKeyInfo. Raises MalformedEvidence when used, if it is none."""
        return PublicKey(_ED25519_PREFIX + self.public_key, self.name)


class Standing(StrEnum):
    """What a line under a checkpoint that is not the log's own is worth."""

    VERIFIED = "verified"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A line under a checkpoint: that *witness*, with the key of this *hint*, saw it as the largest one.

    *time* is when, by the clock of the witness, and None unless the line is verified. *reason* is why it is wrong.
    """

    witness: str
    hint: bytes
    standing: Standing
    time: datetime | None = None
    reason: str = ""


def cosignatures(checkpoint: Checkpoint, witnesses: Iterable[Witness]) -> list[Cosignature]:
    """Return every line under *checkpoint* that is not the log's own, in the order of the note, held to *witnesses*.

    Wrong is a line with the name and key hash of a witness that its key did not make. One with another name or another
    key hash is unknown, whoever it claims to be: a witness may have several keys.
    Raises MalformedEvidence for a witness whose key cannot be read. Source: C2SP tlog-cosignature, signed-note.
    """
    known = list(witnesses)
    found = []
    for line in checkpoint.note.signatures:
        named = [one for one in known if (line.name, line.hint) == (one.name, one.hint)]
        if named or line.name != checkpoint.log_name:
            found.append(_judged(checkpoint.note, line, named))
    return found


def signed_message(note_text: str, seconds: int) -> bytes:
    """Return what an Ed25519 cosignature signs: the header line, the time line and the whole note text.

    Source: C2SP tlog-cosignature, "Ed25519 signed message".
    """
    return f"cosignature/v1\ntime {seconds}\n{note_text}".encode()


def parse_witness(verifier_key: str) -> Witness:
    """Return the witness written as `<name>+<hint in hex>+<base64 of 0x04 and the key>`.

    Raises MalformedEvidence for anything else. Source: C2SP signed-note, "Verifier keys".
    """
    name, _, rest = verifier_key.partition("+")
    hint, _, encoded = rest.partition("+")
    try:
        value = base64.b64decode(encoded, validate=True)
        stated = bytes.fromhex(hint)
    except (binascii.Error, ValueError) as error:
        raise MalformedEvidence("a verifier key that cannot be read") from error
    witness = Witness(name, value[1:])
    if not name or value[:1] != _SIGNATURE_TYPE or len(value) != 33 or witness.hint != stated:
        raise MalformedEvidence("a verifier key that is not an Ed25519 cosigner's")
    return witness


def _judged(note: Note, line: NoteSignature, named: Iterable[Witness]) -> Cosignature:
    """*line*, held to the witnesses that have its name and hint; with 4 bytes of hint there may be several."""
    standing, reason = Standing.UNKNOWN, ""
    for witness in named:
        standing, reason = Standing.WRONG, _fault(note, line, witness)
        if not reason:
            return Cosignature(line.name, line.hint, Standing.VERIFIED, datetime.fromtimestamp(_seconds(line), UTC))
    return Cosignature(line.name, line.hint, standing, reason=reason)


def _seconds(line: NoteSignature) -> int:
    return int.from_bytes(line.signature[:_TIMESTAMP_BYTES], "big")


def _fault(note: Note, line: NoteSignature, witness: Witness) -> str:
    """What is wrong with *line* as a cosignature of *witness*; empty where it holds."""
    if len(line.signature) != _TIMESTAMP_BYTES + _SIGNATURE_BYTES:
        return f"it has {len(line.signature)} bytes instead of {_TIMESTAMP_BYTES + _SIGNATURE_BYTES}"
    if _seconds(line) > _LAST_SECOND:  # the specification allows up to 2**63 - 1
        return "it states a time after the year 9999"
    if not witness.key.verifies(line.signature[_TIMESTAMP_BYTES:], signed_message(note.text, _seconds(line))):
        return "the key of the witness did not sign this checkpoint at the time that the line states"
    return ""
