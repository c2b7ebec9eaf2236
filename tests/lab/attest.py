"""PyPI publish attestations: statement, DSSE envelope, log entry and the PEP 740 object.

The statement's bytes are what pypi-attestations signs: fixed key order, no spaces, predicate ``null``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pypi_attestations import AttestationType

from tests.lab.pki import Signer
from tests.lab.rekor import Entry, RekorLog, b64, dsse_body, dsse_keys

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def publish_statement(filename: str, digest: str) -> bytes:
    """The in-toto statement that a file was published under this name."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": filename, "digest": {"sha256": digest}}],
        "predicateType": AttestationType.PYPI_PUBLISH_V1.value,
        "predicate": None,
    }
    return json.dumps(statement, separators=(",", ":"), ensure_ascii=False).encode()


def pae(payload: bytes) -> bytes:
    """DSSE v1 pre-authentication encoding."""
    kind = PAYLOAD_TYPE.encode()
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])


@dataclass(frozen=True)
class SignedStatement:
    """A statement that was signed and logged."""

    statement: bytes
    signature: bytes
    signer: Signer
    entry: Entry

    def attestation(self, log: RekorLog, size: int) -> dict[str, Any]:
        """The PEP 740 attestation, proving inclusion in the tree of ``size`` leaves."""
        return {
            "version": 1,
            "verification_material": {
                "certificate": b64(self.signer.der),
                "transparency_entries": [log.bundle_entry(self.entry, size)],
            },
            "envelope": {"statement": b64(self.statement), "signature": b64(self.signature)},
        }

    def bundle(self, log: RekorLog, size: int) -> dict[str, Any]:
        """The same as a Sigstore bundle v0.3."""
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(self.signer.der)},
                "tlogEntries": [log.bundle_entry(self.entry, size)],
            },
            "dsseEnvelope": {
                "payload": b64(self.statement),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": b64(self.signature)}],
            },
        }


def sign_and_log(
    log: RekorLog, signer: Signer, san: str, statement: bytes, digest: str, moment: datetime
) -> SignedStatement:
    """Sign a statement about one subject and append it to the log."""
    signature = signer.sign(pae(statement))
    envelope = json.dumps(
        {"payload": b64(statement), "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": b64(signature)}]}
    ).encode()
    body = dsse_body(envelope, statement, signature, signer.pem)
    keys = dsse_keys(envelope, statement, signer.pem, san, [f"sha256:{digest}"])
    return SignedStatement(statement, signature, signer, log.append(body, moment, keys))
