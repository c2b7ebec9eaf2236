"""Entries of Rekor v1 as its REST API gives them, and what their bodies say, before anything is believed.

Source: sigstore/rekor openapi.yaml (LogEntry); bodies are read by `transparency.entries`. REST writes in hex what
bundles write in base64. Unknown kinds are kept and not understood.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from forensics.attestation.raw import RawAttestation, RawEntry, decode, items, parse_entry, section
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency import entries
from forensics.transparency.merkle import leaf_hash

_ENTRY_ID = re.compile(r"(?:[0-9a-f]{16})?[0-9a-f]{64}")
_UNDERSTOOD = frozenset({"dsse/0.0.1", "hashedrekord/0.0.1", "intoto/0.0.1", "intoto/0.0.2"})
_ALGORITHM = re.compile(r"sha(1|256|384|512)")
_HEX = re.compile(r"[0-9a-f]{40,128}")


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """One entry of a REST answer: the id it was given under, its parts, and the same in the JSON of bundles.

    `uuid` is computed from the body, never taken from the answer.
    """

    entry_id: str
    uuid: str
    raw: RawEntry
    bundled: Mapping[str, Any] = field(compare=False)
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
    if raw.type not in _UNDERSTOOD:
        return EntryBody(raw.type)
    try:
        view = entries.parse_entry(raw.body, entries.Generation.V1)
    except (MalformedEvidence, HostileInput):
        return EntryBody(raw.type)
    if not view.verifiers or f"{view.kind}/{view.version}" != raw.type:
        return EntryBody(raw.type)
    certificates = view.verifiers[0].certificates
    return EntryBody(
        raw.type,
        signature=view.signature or b"",
        signatures=len(view.signatures),
        certificate=certificates[0] if certificates else None,
        payload_hash=next((d.value for d in view.digests if d.role == "payload" and _is_sha256(d)), None),
        artifacts=tuple(f"{d.algorithm}:{d.value}" for d in view.digests if d.role == "artifact" and _is_digest(d)),
        understood=True,
    )


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


def _is_sha256(digest: entries.Digest) -> bool:
    return digest.algorithm == "sha256" and len(digest.value) == 64 and _is_digest(digest)


def _is_digest(digest: entries.Digest) -> bool:
    return bool(_ALGORITHM.fullmatch(digest.algorithm) and _HEX.fullmatch(digest.value))
