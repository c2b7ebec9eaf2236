"""Sigstore bundles, media types v0.1 to v0.3, in protobuf JSON.

Source: Sigstore's protobuf specification, `sigstore_bundle.proto` and `sigstore_common.proto`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from forensics.attestation.raw import (
    MAX_ENTRIES,
    MAX_PARTS,
    MAX_STATEMENT,
    MAX_TIMESTAMPS,
    RawAttestation,
    items,
    octets,
    parse_entry,
    section,
    text,
)
from forensics.model.errors import HostileInput, MalformedEvidence

_MEDIA_TYPE = re.compile(r"application/vnd\.dev\.sigstore\.bundle(\+json;version=0\.[123]|\.v0\.3\+json)")


def is_bundle(data: Any) -> bool:
    """Return whether *data* has the shape of a Sigstore bundle."""
    return isinstance(data, dict) and "verificationMaterial" in data


def parse_bundle(data: Any) -> RawAttestation:
    """Return the parts of a Sigstore bundle; it may lack a log entry or name a public key instead of a certificate.

    Raises MalformedEvidence for another media type and for parts that cannot be read, HostileInput for a payload of
    more than 4 MiB or a list beyond its limit. Source: `sigstore_bundle.proto`, Bundle.
    """
    if not isinstance(data, dict):
        raise MalformedEvidence("a bundle that is not an object")
    media_type = text(data, "mediaType")
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise MalformedEvidence("a bundle of a media type other than v0.1, v0.2 and v0.3")
    material = section(data, "verificationMaterial")
    payload_type, payload, digest, signature, signatures, key_id = _content(data)
    certificates, hint = _signer(material)
    entries = tuple(parse_entry(entry) for entry in items(material, "tlogEntries", MAX_ENTRIES))
    return RawAttestation(
        media_type=media_type,
        payload_type=payload_type,
        payload=payload,
        digest=digest,
        signature=signature,
        signatures=signatures,
        certificate=certificates[0] if certificates else None,
        chain=certificates[1:],
        key_hint=hint,
        entries=entries,
        timestamps=_timestamps(material),
        key_id=key_id,
    )


def version_problem(raw: RawAttestation) -> str:
    """Return what *raw* lacks that bundles of its version must have; an empty text if nothing, or if it is no bundle.

    An entry in a bundle of v0.1 needs the log's promise, in later ones the proof of inclusion and its checkpoint.
    Source: `sigstore_bundle.proto`, VerificationMaterial.tlog_entries; `sigstore_rekor.proto`, TransparencyLogEntry.
    """
    if not raw.media_type:
        return ""
    first = raw.media_type.endswith("version=0.1")
    if first and any(entry.promise is None for entry in raw.entries):
        return "a bundle of v0.1 whose log entry carries no inclusion promise"
    if not first and any(entry.proof is None or entry.proof.checkpoint is None for entry in raw.entries):
        return "a bundle of v0.2 or later whose log entry carries no inclusion proof with a checkpoint"
    return ""


def _content(data: Mapping[str, Any]) -> tuple[str, bytes | None, bytes | None, bytes, int, str]:
    """Payload type, payload, digest, signature, number of signatures and key id, of either kind of content."""
    if data.get("dsseEnvelope"):
        envelope = section(data, "dsseEnvelope")
        payload = octets(envelope, "payload", MAX_STATEMENT)
        if len(payload) > MAX_STATEMENT:
            raise HostileInput(f"a payload of {len(payload)} bytes; the limit is {MAX_STATEMENT}")
        signatures = items(envelope, "signatures", MAX_PARTS)
        if not signatures or not isinstance(signatures[0], dict):
            raise MalformedEvidence("an envelope without a signature")
        first, key_id = signatures[0], signatures[0].get("keyid")
        named = key_id if isinstance(key_id, str) else ""
        return text(envelope, "payloadType"), payload, None, octets(first, "sig"), len(signatures), named
    message = section(data, "messageSignature")
    digest = None
    if message.get("messageDigest"):
        stated = section(message, "messageDigest")
        if stated.get("algorithm") in ("SHA2_256", 1):
            digest = octets(stated, "digest")
    return "", None, digest, octets(message, "signature"), 1, ""


def _signer(material: Mapping[str, Any]) -> tuple[tuple[bytes, ...], str | None]:
    """The certificates, the leaf first, or the hint of a public key."""
    if material.get("certificate"):
        return (octets(section(material, "certificate"), "rawBytes"),), None
    if material.get("x509CertificateChain"):
        chain = items(section(material, "x509CertificateChain"), "certificates", MAX_PARTS)
        if not chain or not all(isinstance(item, dict) for item in chain):
            raise MalformedEvidence("a certificate chain without certificates")
        return tuple(octets(item, "rawBytes") for item in chain), None
    if "publicKey" in material:
        hint = section(material, "publicKey").get("hint")
        return (), hint if isinstance(hint, str) else ""
    raise MalformedEvidence("a bundle without certificate and without public key")


def _timestamps(material: Mapping[str, Any]) -> tuple[bytes, ...]:
    if not material.get("timestampVerificationData"):
        return ()
    rows = items(section(material, "timestampVerificationData"), "rfc3161Timestamps", MAX_TIMESTAMPS)
    if not all(isinstance(row, dict) for row in rows):
        raise MalformedEvidence("a timestamp that is not an object")
    return tuple(octets(row, "signedTimestamp") for row in rows)
