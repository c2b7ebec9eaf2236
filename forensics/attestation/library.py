"""sigstore-python's own decision, and what it refuses to decide.

The parts that were read here are written as a bundle of v0.3 and handed over, so that both judge the same bytes.
Source: sigstore-python 4.5, `sigstore.verify.Verifier`.
"""

from __future__ import annotations

import os
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pybase64

from forensics.attestation.raw import RawAttestation, RawEntry
from forensics.attestation.trust import TrustRoot
from forensics.model.errors import MalformedEvidence
from forensics.model.times import from_seconds

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.verify import Verifier

    from forensics.attestation.context import Context

_DSSE_KINDS = frozenset({"dsse/0.0.1", "hashedrekord/0.0.2"})
_MESSAGE_KINDS = frozenset({"hashedrekord/0.0.1", "hashedrekord/0.0.2"})
_MAX_DETAIL = 300


class AnyIdentity:
    """A policy that accepts every identity: who signed is reported, not enforced, and nothing is logged."""

    def verify(self, cert: Certificate) -> None:
        """Accept *cert*."""


class Library:
    """One `Verifier` under one trust root, made on the first use and kept."""

    def __init__(self, root: TrustRoot) -> None:
        self._root = root
        self._policy = AnyIdentity()

    @cached_property
    def verifier(self) -> Verifier:
        """The verifier. Raises MalformedEvidence where sigstore-python cannot read the trust root."""
        from forensics.attestation.kept import KeptRoot, KeptVerifier

        handle, path = tempfile.mkstemp(suffix=".json")  # `from_file` takes a path only; mkstemp's is private
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(self._root.raw)
            return KeptVerifier(trusted_root=KeptRoot.from_file(path))
        except Exception as error:
            raise MalformedEvidence(f"sigstore-python cannot read the trust root: {one_line(error)}") from error
        finally:
            Path(path).unlink(missing_ok=True)

    def judge(self, raw: RawAttestation, digest: bytes | None) -> str:
        """Return an empty text if sigstore-python accepts the parts *raw*, else its reason in one line.

        *digest* is the SHA-256 of a bare message. Whatever the library raises is its reason: never a traceback.
        Raises MalformedEvidence where it cannot read the trust root.
        """
        from sigstore.hashes import Hashed
        from sigstore.models import Bundle
        from sigstore_models.common.v1 import HashAlgorithm

        verifier = self.verifier
        try:
            bundle = Bundle.from_json(as_bundle(raw))
            if raw.payload is not None:
                verifier.verify_dsse(bundle, self._policy)
            else:
                hashed = Hashed(digest=digest or b"", algorithm=HashAlgorithm.SHA2_256)
                verifier.verify_artifact(hashed, bundle, self._policy)
        except Exception as error:  # an attacker's bytes in somebody else's code: any exception is a no
            return one_line(error) or type(error).__name__
        return ""


def refusal(raw: RawAttestation, digest: bytes | None) -> str:
    """Return why sigstore-python decides nothing about an attestation of this kind; an empty text if it does.

    Source: sigstore-python 4.5.1, `Bundle._verify`, `Verifier._establish_time`, `Verifier.verify_dsse`.
    """
    entry = raw.entry
    if raw.certificate is None:
        return "it does not verify bundles that name a public key instead of a certificate"
    if entry is None:
        return "it does not verify bundles without a transparency log entry"
    if len(raw.entries) > 1 and raw.media_type:
        return "it does not verify bundles with several log entries"
    kinds = _DSSE_KINDS if raw.payload is not None else _MESSAGE_KINDS
    if entry.type not in kinds:
        return f"it does not verify entries of the kind {entry.type[:64]} for this content"
    if entry.proof is None or entry.proof.checkpoint is None:
        return "it does not verify entries without inclusion proof and checkpoint"
    if entry.type == "hashedrekord/0.0.2" and not raw.timestamps:
        return "this log signs no time, and it does not verify such an entry without a timestamp"
    if raw.payload is None and digest is None:
        return "the digest of what was signed is not known"
    return ""


def reads_periods_otherwise(context: Context) -> str:
    """Return why the trust root's periods let sigstore-python decide nothing here; an empty text if they do not.

    In a trust root both ends belong to a period (`sigstore_common.proto`, TimeRange). sigstore-python 4.5.1 ends that
    of a timestamping authority a moment earlier, and looks at no period of a log's key.
    """
    ends = {authority.end for authority in context.root.timestamp_authorities if authority.end is not None}
    if ends and not ends.isdisjoint(context.timestamps):
        return "it lets no timestamping authority count at the last moment of its period"
    entry = context.raw.entry
    key = context.root.log_keys.get(entry.log_id) if entry else None
    try:
        if entry and key and entry.integrated and not key.covers(from_seconds(entry.integrated)):
            return "it does not look at the period of the log's key"
    except ValueError:  # a number that is no time: the step `set` says so
        pass
    return ""


def as_bundle(raw: RawAttestation) -> bytes:
    """Return the parts as a Sigstore bundle of v0.3, in JSON. Source: `sigstore_bundle.proto`."""
    material: dict[str, Any] = {
        "certificate": {"rawBytes": _b64(raw.certificate or b"")},
        "tlogEntries": [_entry(entry) for entry in raw.entries[:1]],
        "timestampVerificationData": {
            "rfc3161Timestamps": [{"signedTimestamp": _b64(token)} for token in raw.timestamps]
        },
    }
    bundle: dict[str, Any] = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material,
    }
    if raw.payload is not None:
        bundle["dsseEnvelope"] = {
            "payload": _b64(raw.payload),
            "payloadType": raw.payload_type,
            "signatures": [{"sig": _b64(raw.signature)}],
        }
    else:
        message: dict[str, Any] = {"signature": _b64(raw.signature)}
        if raw.digest is not None:
            message["messageDigest"] = {"algorithm": "SHA2_256", "digest": _b64(raw.digest)}
        bundle["messageSignature"] = message
    return msgspec.json.encode(bundle)


def one_line(error: BaseException) -> str:
    """Return the first line of what *error* says, at most 300 characters."""
    lines = str(error).split("\n", 1)
    return lines[0].strip()[:_MAX_DETAIL]


def _entry(entry: RawEntry) -> dict[str, Any]:
    row: dict[str, Any] = {
        "logIndex": str(entry.index),
        "logId": {"keyId": _b64(entry.log_id)},
        "kindVersion": {"kind": entry.kind, "version": entry.version},
        "canonicalizedBody": _b64(entry.body),
    }
    if entry.integrated is not None:
        row["integratedTime"] = str(entry.integrated)
    if entry.promise is not None:
        row["inclusionPromise"] = {"signedEntryTimestamp": _b64(entry.promise)}
    if entry.proof is not None:
        row["inclusionProof"] = {
            "logIndex": str(entry.proof.index),
            "rootHash": _b64(entry.proof.root),
            "treeSize": str(entry.proof.size),
            "hashes": [_b64(value) for value in entry.proof.hashes],
            "checkpoint": {"envelope": entry.proof.checkpoint},
        }
    return row


def _b64(value: bytes) -> str:
    return pybase64.b64encode_as_string(value)
