"""Witness cosignatures: others than the log saw the same checkpoint.

Source: C2SP tlog-cosignature, Ed25519 ("cosignature/v1", signature type 0x04). Lines of other types, of unknown
witnesses and the log's own are left alone: whoever cannot be recognised says nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from forensics.model.errors import MalformedEvidence
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


@dataclass(frozen=True, slots=True)
class Cosignature:
    """The statement of *witness* that it saw the checkpoint as the largest, at *time* by its own clock."""

    witness: str
    time: datetime


def cosignatures(note: Note, witnesses: Iterable[Witness]) -> list[Cosignature]:
    """Return the cosignatures of *note* by these *witnesses* that verify, in the order of the note.

    A line with another name or hint is ignored, one that does not verify does not count.
    Raises MalformedEvidence for a witness whose key cannot be read. Source: C2SP tlog-cosignature.
    """
    known = list(witnesses)
    found = []
    for line in note.signatures:
        for witness in known:
            if (line.name, line.hint) == (witness.name, witness.hint):
                found.extend(_verified(note, line, witness))
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


def _verified(note: Note, line: NoteSignature, witness: Witness) -> list[Cosignature]:
    if len(line.signature) != _TIMESTAMP_BYTES + _SIGNATURE_BYTES:
        return []
    seconds = int.from_bytes(line.signature[:_TIMESTAMP_BYTES], "big")
    if seconds > _LAST_SECOND:  # the specification allows up to 2**63 - 1
        return []
    if not witness.key.verifies(line.signature[_TIMESTAMP_BYTES:], signed_message(note.text, seconds)):
        return []
    return [Cosignature(witness.name, datetime.fromtimestamp(seconds, UTC))]
