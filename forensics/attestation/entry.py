"""Entries of Rekor v1 as its REST API gives them, and what their bodies say, before anything is believed.

Sources: sigstore/rekor openapi.yaml (LogEntry) and pkg/types/{dsse,hashedrekord,intoto}: the canonical forms of the
entry types. REST writes in hex what bundles write in base64. Unknown kinds are kept and not understood.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forensics.attestation.raw import RawAttestation, RawEntry, decode, items, parse_entry, section
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency.merkle import leaf_hash

_ENTRY_ID = re.compile(r"(?:[0-9a-f]{16})?[0-9a-f]{64}")
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
MAX_PAYLOAD = 4 << 20


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """One entry of a REST answer: the id it was given under, its parts, and the same in the JSON of bundles.

    `uuid` is computed from the body, never taken from the answer.
    """

    entry_id: str
    uuid: str
    raw: RawEntry
    bundled: Mapping[str, Any]
    evidence: tuple[str, ...] = ()

    @property
    def tree_id(self) -> str | None:
        """The shard in the id, in decimal as in checkpoints; None where the id carries none."""
        return str(int(self.entry_id[:-64], 16)) if len(self.entry_id) == 80 else None


@dataclass(frozen=True, slots=True)
class EntryBody:
    """What a body says: signature, signer (certificate in DER, if it is one), payload hash and artifact digests.

    `payload_hash` is a SHA-256 in hex; `artifacts` are `algorithm:hex`; `signatures` is how many it carries.
    """

    kind: str
    signature: bytes = b""
    signatures: int = 0
    certificate: bytes | None = None
    payload_hash: str | None = None
    artifacts: tuple[str, ...] = ()
    understood: bool = False


def read_entry(entry_id: str, data: Any, evidence: tuple[str, ...] = ()) -> LoggedEntry:
    """Return the entry *data* that the REST API gave under *entry_id* (64 or 80 hex digits).

    Raises MalformedEvidence where a part is missing or cannot be read, HostileInput beyond a limit.
    Source: sigstore/rekor openapi.yaml, LogEntry.
    """
    entry_id = entry_id.lower()
    if not _ENTRY_ID.fullmatch(entry_id):
        raise MalformedEvidence("an entry under an id that is none")
    if not isinstance(data, dict):
        raise MalformedEvidence("a log entry that is not an object")
    kind, version = _kind(data.get("body"))
    bundled: dict[str, Any] = {
        "logIndex": _digits(data.get("logIndex"), "logIndex"),
        "logId": {"keyId": _b64(data.get("logID"), "logID")},
        "kindVersion": {"kind": kind, "version": version},
        "integratedTime": _digits(data.get("integratedTime"), "integratedTime"),
        "canonicalizedBody": data.get("body"),
    }
    verification = data.get("verification") or {}
    if not isinstance(verification, dict):
        raise MalformedEvidence("`verification` is not an object")
    if promise := verification.get("signedEntryTimestamp"):
        bundled["inclusionPromise"] = {"signedEntryTimestamp": promise}
    if verification.get("inclusionProof"):
        bundled["inclusionProof"] = _proof(section(verification, "inclusionProof"))
    raw = parse_entry(bundled)
    return LoggedEntry(entry_id, leaf_hash(raw.body).hex(), raw, bundled, evidence)


def read_body(raw: RawEntry) -> EntryBody:
    """Return what the body of *raw* says; a kind that is not known, or a body of another shape, is not understood."""
    try:
        body = json.loads(raw.body)
        reader = _READERS.get(raw.type)
        return reader(raw.type, section(body, "spec")) if reader else EntryBody(raw.type)
    except (MalformedEvidence, HostileInput, ValueError, RecursionError):
        return EntryBody(raw.type)


def as_attestation(entry: LoggedEntry, body: EntryBody) -> RawAttestation:
    """Return the parts that the steps about certificate and log need; the payload is not known."""
    digest = next((a.partition(":")[2] for a in body.artifacts if a.startswith("sha256:")), None)
    return RawAttestation(
        media_type="",
        payload_type="",
        payload=None,
        digest=bytes.fromhex(digest) if digest else None,
        signature=body.signature,
        signatures=body.signatures,
        certificate=body.certificate,
        chain=(),
        key_hint="in the entry",
        entries=(entry.raw,),
        timestamps=(),
    )


def _kind(body: Any) -> tuple[str, str]:
    """Kind and version stand in the body only; `unknown` where they cannot be read."""
    try:
        parsed = json.loads(decode(body, "body"))
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        return "unknown", ""
    names = (parsed.get("kind"), parsed.get("apiVersion"))
    kind, version = (name[:64] if isinstance(name, str) else "unknown" for name in names)
    return kind, version


def _proof(data: Mapping[str, Any]) -> dict[str, Any]:
    hashes = items(data, "hashes", 100_000)
    proof: dict[str, Any] = {
        "logIndex": _digits(data.get("logIndex"), "logIndex"),
        "rootHash": _b64(data.get("rootHash"), "rootHash"),
        "treeSize": _digits(data.get("treeSize"), "treeSize"),
        "hashes": [_b64(value, "hashes") for value in hashes],
    }
    return {**proof, "checkpoint": {"envelope": data["checkpoint"]}} if data.get("checkpoint") else proof


def _digits(value: Any, name: str) -> str:
    """A number as the JSON of bundles writes it."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedEvidence(f"`{name}` is missing or not a number")
    return str(value)


def _b64(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise MalformedEvidence(f"`{name}` is missing or not a string")
    try:
        return base64.b64encode(bytes.fromhex(value)).decode()
    except ValueError as error:
        raise MalformedEvidence(f"`{name}` is not hex") from error


def _dsse(kind: str, spec: Mapping[str, Any]) -> EntryBody:
    rows = items(spec, "signatures", 64)
    first = rows[0] if rows and isinstance(rows[0], dict) else {}
    return EntryBody(
        kind,
        signature=decode(first.get("signature"), "signature"),
        signatures=len(rows),
        certificate=_certificate(decode(first.get("verifier"), "verifier")),
        payload_hash=_sha256(section(spec, "payloadHash")),
        understood=True,
    )


def _hashedrekord(kind: str, spec: Mapping[str, Any]) -> EntryBody:
    signature, stated = section(spec, "signature"), section(section(spec, "data"), "hash")
    algorithm, value = str(stated.get("algorithm")).lower(), str(stated.get("value")).lower()
    known = re.fullmatch(r"[0-9a-f]{40,128}", value) and re.fullmatch(r"sha(1|256|384|512)", algorithm)
    return EntryBody(
        kind,
        signature=decode(signature.get("content"), "content"),
        signatures=1,
        certificate=_certificate(decode(section(signature, "publicKey").get("content"), "publicKey")),
        artifacts=(f"{algorithm}:{value}",) if known else (),
        understood=True,
    )


def _intoto_001(kind: str, spec: Mapping[str, Any]) -> EntryBody:
    content = section(spec, "content")
    payload = content.get("payloadHash")
    return EntryBody(
        kind,
        certificate=_certificate(decode(spec.get("publicKey"), "publicKey")),
        payload_hash=_sha256(payload) if isinstance(payload, dict) else None,
        understood=True,
    )


def _intoto_002(kind: str, spec: Mapping[str, Any]) -> EntryBody:
    content = section(spec, "content")
    rows = items(section(content, "envelope"), "signatures", 64)
    first = rows[0] if rows and isinstance(rows[0], dict) else {}
    recorded = decode(first.get("sig"), "sig")
    try:  # the log holds the base64 of the base64
        signature = base64.b64decode(recorded, validate=True)
    except (binascii.Error, ValueError):
        signature = recorded
    return EntryBody(
        kind,
        signature=signature,
        signatures=len(rows),
        certificate=_certificate(decode(first.get("publicKey"), "publicKey")),
        payload_hash=_sha256(section(content, "payloadHash")),
        understood=True,
    )


_READERS = {
    "dsse/0.0.1": _dsse,
    "hashedrekord/0.0.1": _hashedrekord,
    "intoto/0.0.1": _intoto_001,
    "intoto/0.0.2": _intoto_002,
}


def _sha256(stated: Mapping[str, Any]) -> str | None:
    value = stated.get("value")
    if stated.get("algorithm") != "sha256" or not isinstance(value, str):
        return None
    return value.lower() if re.fullmatch(r"[0-9a-fA-F]{64}", value) else None


def _certificate(pem: bytes) -> bytes | None:
    """The certificate in DER if the verifier is one; a bare public key has none."""
    text = pem.decode("ascii", "replace").strip()
    if not text.startswith(_BEGIN) or _END not in text:
        return None
    return decode("".join(text[len(_BEGIN) : text.index(_END)].split()), "verifier")


def pem_hash(pem: bytes) -> str:
    """Return the search key of a signer: the SHA-256, in hex, of its PEM. Source: sigstore/rekor, IndexKeys."""
    return hashlib.sha256(pem).hexdigest()
