"""Bundles of npm: how a statement was signed, logged and packed at the time it was made.

Three generations, after what npm's client wrote: until summer 2023 bundles v0.1 with the whole chain, the Rekor kind
intoto 0.0.2 and no inclusion proof; until autumn 2024 bundles v0.2, still intoto; since then bundles v0.3 with dsse
0.0.1. Publish attestations are signed with the registry's key and name it instead of a certificate.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import rfc8785

from tests.lab.attest import PAYLOAD_TYPE, pae
from tests.lab.claims import Claims
from tests.lab.npm_keys import RegistryKey
from tests.lab.npm_statements import provenance_v02, provenance_v1, publish_statement
from tests.lab.pki import Signer
from tests.lab.rekor import Entry, RekorLog, b64, dsse_body, dsse_keys, sha256

WITH_PROOFS = datetime(2023, 9, 1, tzinfo=UTC)
"""From here on bundles are v0.2, carry an inclusion proof, and provenance is SLSA v1."""

WITH_DSSE = datetime(2024, 11, 1, tzinfo=UTC)
"""From here on bundles are v0.3 and entries of kind dsse."""

_OLD = "application/vnd.dev.sigstore.bundle+json;version="
_NEW = "application/vnd.dev.sigstore.bundle.v0.3+json"


@dataclass(frozen=True)
class NpmStatement:
    """A statement that was signed and logged: by a run (``chain``: leaf first) or by the registry (``keyid``)."""

    statement: bytes
    signature: bytes
    entry: Entry
    moment: datetime
    chain: tuple[bytes, ...] = ()
    keyid: str = ""

    def bundle(self, log: RekorLog, size: int) -> dict[str, Any]:
        """The statement as a Sigstore bundle, proving inclusion in the tree of ``size`` leaves where its age does."""
        entry = log.bundle_entry(self.entry, size)
        if self.moment < WITH_PROOFS:
            entry["inclusionProof"] = None
        return {
            "mediaType": self._media_type(),
            "verificationMaterial": {
                **self._verifier(),
                "tlogEntries": [entry],
                "timestampVerificationData": {"rfc3161Timestamps": []},
            },
            "dsseEnvelope": {
                "payload": b64(self.statement),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": b64(self.signature), "keyid": self.keyid}],
            },
        }

    def _media_type(self) -> str:
        if self.moment < WITH_PROOFS:
            return f"{_OLD}0.1"
        return f"{_OLD}0.2" if self.moment < WITH_DSSE or self.keyid else _NEW

    def _verifier(self) -> dict[str, Any]:
        if self.keyid:
            return {"publicKey": {"hint": self.keyid}}
        if self.moment >= WITH_DSSE:
            return {"certificate": {"rawBytes": b64(self.chain[0])}}
        shown = self.chain if self.moment < WITH_PROOFS else self.chain[:1]
        return {"x509CertificateChain": {"certificates": [{"rawBytes": b64(one)} for one in shown]}}


def sign_provenance(
    log: RekorLog,
    signer: Signer,
    above: list[bytes],
    claims: Claims,
    subject: tuple[str, str, str],
    moment: datetime,
) -> NpmStatement:
    """Sign the provenance of ``subject`` (name, version, sha512 in hex) in a run, and log it."""
    statement = provenance_statement(subject, claims, moment)
    signature = signer.sign(pae(statement))
    keys = {claims.san.lower(), f"sha512:{subject[2]}"}
    if moment < WITH_PROOFS:
        keys.add(f"sha1:{claims.commit}")
    entry = _log(log, statement, signature, signer.pem, "", keys, moment)
    return NpmStatement(statement, signature, entry, moment, chain=(signer.der, *above))


def provenance_statement(subject: tuple[str, str, str], claims: Claims, moment: datetime) -> bytes:
    """The provenance of ``subject`` (name, version, sha512 in hex) in the words of its time."""
    return (provenance_v1 if moment >= WITH_PROOFS else provenance_v02)(*subject, claims)


def sign_publish(log: RekorLog, key: RegistryKey, subject: tuple[str, str, str], moment: datetime) -> NpmStatement:
    """Sign, as the registry, that ``subject`` (name, version, sha512 in hex) was accepted, and log it."""
    statement = publish_statement(*subject)
    signature = key.sign(pae(statement))
    entry = _log(log, statement, signature, key.pem, key.keyid, {f"sha512:{subject[2]}"}, moment)
    return NpmStatement(statement, signature, entry, moment, keyid=key.keyid)


def _log(
    log: RekorLog, statement: bytes, signature: bytes, pem: bytes, keyid: str, keys: Iterable[str], moment: datetime
) -> Entry:
    """Append the entry of the kind that the time has."""
    signed = {"sig": b64(signature), **({"keyid": keyid} if keyid else {})}
    envelope = json.dumps(
        {"payload": b64(statement), "payloadType": PAYLOAD_TYPE, "signatures": [signed]}, separators=(",", ":")
    ).encode()
    new = moment >= WITH_DSSE
    body = dsse_body(envelope, statement, signature, pem) if new else intoto_body(statement, signature, pem, keyid)
    return log.append(body, moment, dsse_keys(envelope, statement, pem, "", keys) - {""})


def intoto_body(statement: bytes, signature: bytes, pem: bytes, keyid: str = "") -> bytes:
    """The canonical body of an intoto 0.0.2 entry: the payload is left out, the signature is encoded twice."""
    signed: dict[str, str] = {"publicKey": b64(pem), "sig": b64(b64(signature).encode())}
    if keyid:
        signed["keyid"] = keyid
    envelope: dict[str, Any] = {"payloadType": PAYLOAD_TYPE, "signatures": [signed]}
    whole = {**envelope, "payload": b64(b64(statement).encode())}
    return rfc8785.dumps(
        {
            "apiVersion": "0.0.2",
            "kind": "intoto",
            "spec": {
                "content": {
                    "envelope": envelope,
                    "hash": {"algorithm": "sha256", "value": sha256(rfc8785.dumps(whole))},
                    "payloadHash": {"algorithm": "sha256", "value": sha256(statement)},
                }
            },
        }
    )
