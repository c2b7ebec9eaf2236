"""An attestation taken apart: the bytes in it, before anything is believed.

PEP 740 attestations and Sigstore bundles come to the same parts. Reading is lenient about what is there beside the
parts, and strict about the parts.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pybase64

from forensics.model.errors import HostileInput, MalformedEvidence

IN_TOTO = "application/vnd.in-toto+json"
MAX_STATEMENT = 4 << 20
MAX_ENTRIES = 32
MAX_TIMESTAMPS = 32  # as Sigstore's clients have it
MAX_ATTESTATIONS = 64
MAX_PARTS = 64  # signatures, certificates
_UINT64 = 2**64


@dataclass(frozen=True, slots=True)
class RawProof:
    """An inclusion proof: *index* and *size* in leaves of its shard, hashes from the leaf upwards."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class RawEntry:
    """A transparency log entry. *index* is the global one; *integrated* is seconds since the epoch."""

    index: int
    log_id: bytes
    kind: str
    version: str
    integrated: int | None
    promise: bytes | None
    proof: RawProof | None
    body: bytes

    @property
    def type(self) -> str:
        """Kind and version, `dsse/0.0.1`."""
        return f"{self.kind}/{self.version}"


@dataclass(frozen=True, slots=True)
class RawAttestation:
    """The parts of one attestation. *payload* is None where a bare message was signed; then *digest* is its SHA-256.

    *key_hint* stands for a public key that the bundle only names; *key_id* is what the envelope calls the key.
    """

    media_type: str
    payload_type: str
    payload: bytes | None
    digest: bytes | None
    signature: bytes
    signatures: int
    certificate: bytes | None
    chain: tuple[bytes, ...]
    key_hint: str | None
    entries: tuple[RawEntry, ...]
    timestamps: tuple[bytes, ...]
    key_id: str = ""

    @property
    def entry(self) -> RawEntry | None:
        """The entry that counts: the first."""
        return self.entries[0] if self.entries else None


def parse_json(data: bytes) -> Any:
    """Return what `json.loads` makes of *data*, in a third of its time where msgspec takes it; raises as that does.

    msgspec refuses more (lone surrogates, NaN, other encodings than UTF-8) and reads what it takes alike.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return json.loads(data)


def section(data: Any, name: str) -> Mapping[str, Any]:
    """Return the object under *name*. Raises MalformedEvidence where it is missing or not an object."""
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, dict):
        raise MalformedEvidence(f"`{name}` is missing or not an object")
    return value


def items(data: Mapping[str, Any], name: str, limit: int) -> list[Any]:
    """Return the list under *name*, empty where it is missing or null.

    Raises MalformedEvidence where it is no list, HostileInput where it is longer than *limit*.
    """
    value = data.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedEvidence(f"`{name}` is not a list")
    if len(value) > limit:
        raise HostileInput(f"`{name}` has {len(value)} elements; the limit is {limit}")
    return value


def text(data: Mapping[str, Any], name: str) -> str:
    """Return the string under *name*. Raises MalformedEvidence where it is missing or not a string."""
    value = data.get(name)
    if not isinstance(value, str):
        raise MalformedEvidence(f"`{name}` is missing or not a string")
    return value


def octets(data: Mapping[str, Any], name: str, limit: int = 1 << 20) -> bytes:
    """Return the bytes that the base64 text under *name* stands for; line breaks in it are borne.

    Raises MalformedEvidence where it is missing or not base64, HostileInput above *limit* bytes.
    """
    value = text(data, name)
    if len(value) > limit * 2:
        raise HostileInput(f"`{name}` has {len(value)} characters of base64; the limit is {limit} bytes")
    return decode(value, name)


def decode(value: Any, name: str) -> bytes:
    """Return the bytes that the base64 text *value* stands for. Raises MalformedEvidence, naming *name*."""
    if not isinstance(value, str):
        raise MalformedEvidence(f"`{name}` is not a string")
    try:
        return pybase64.b64decode(value, None, True)
    except (binascii.Error, ValueError):
        pass  # rarely, there are line breaks in it
    try:
        return binascii.a2b_base64("".join(value.split()), strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedEvidence(f"`{name}` is not base64") from error


def number(data: Mapping[str, Any], name: str) -> int | None:
    """Return the integer under *name*, written as a number or as protobuf JSON's string; None where missing.

    Raises MalformedEvidence for anything else, including numbers outside 0 to 2**64.
    """
    value = data.get(name)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _UINT64:
        raise MalformedEvidence(f"`{name}` is not a number of 64 bits")
    return value


def parse_entry(data: Any) -> RawEntry:
    """Return the transparency log entry *data*, in the protobuf JSON of bundles and PEP 740.

    Raises MalformedEvidence where a part cannot be read, HostileInput beyond a limit.
    Source: Sigstore's protobuf specification, `sigstore_rekor.proto`, TransparencyLogEntry.
    """
    if not isinstance(data, dict):
        raise MalformedEvidence("a transparency log entry that is not an object")
    kind = section(data, "kindVersion")
    promise = data.get("inclusionPromise")
    return RawEntry(
        index=number(data, "logIndex") or 0,  # protobuf JSON leaves zeros out
        log_id=octets(section(data, "logId"), "keyId"),
        kind=text(kind, "kind"),
        version=text(kind, "version"),
        integrated=number(data, "integratedTime"),
        promise=octets(section(data, "inclusionPromise"), "signedEntryTimestamp") if promise else None,
        proof=_proof(section(data, "inclusionProof")) if data.get("inclusionProof") else None,
        body=octets(data, "canonicalizedBody", 2 * MAX_STATEMENT),
    )


def _proof(data: Mapping[str, Any]) -> RawProof:
    # No limit on the number of hashes here: the step that checks the proof refuses it by name.
    hashes = data.get("hashes") or []
    if not isinstance(hashes, list):
        raise MalformedEvidence("`hashes` is not a list")
    if len(hashes) > 100_000:
        raise HostileInput(f"`hashes` has {len(hashes)} elements")
    checkpoint = data.get("checkpoint")
    return RawProof(
        index=number(data, "logIndex") or 0,
        size=number(data, "treeSize") or 0,
        root=octets(data, "rootHash"),
        hashes=tuple(decode(value, "hashes") for value in hashes),
        checkpoint=text(section(data, "checkpoint"), "envelope") if checkpoint else None,
    )
