"""The world's ``trusted_root.json`` (media type version 0.1, which is what sigstore-python loads)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.pki import EPOCH, Authority, spki
from tests.lab.rekor import RekorLog, b64

MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
START = EPOCH.strftime("%Y-%m-%dT%H:%M:%SZ")


def trusted_root(authority: Authority, log: RekorLog, timestamping: tuple[Authority, bytes]) -> dict[str, Any]:
    """The trust root of a world: one log, one CT log, one authority, one timestamping authority.

    The timestamping authority signs nothing yet, but a bundle with an empty ``timestampVerificationData``
    is refused under a root that names none.
    """
    stamper, leaf = timestamping
    return {
        "mediaType": MEDIA_TYPE,
        "tlogs": [_log("https://rekor.lab.example", log.key)],
        "ctlogs": [_log("https://ct.lab.example/log", authority.ct_key)],
        "certificateAuthorities": [_chain("https://fulcio.lab.example", authority.organization, authority.chain)],
        "timestampAuthorities": [_chain("https://tsa.lab.example", stamper.organization, [leaf, *stamper.chain])],
    }


def write_trusted_root(root: dict[str, Any], path: Path) -> Path:
    """Write the trust root as JSON."""
    path.write_text(json.dumps(root, indent=2) + "\n", encoding="utf-8")
    return path


def der(certificate: Any) -> bytes:
    """A certificate in DER."""
    encoded: bytes = certificate.public_bytes(serialization.Encoding.DER)
    return encoded


def _log(url: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    public = spki(key)
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": b64(public),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": START},
        },
        "logId": {"keyId": b64(hashlib.sha256(public).digest())},
    }


def _chain(url: str, organization: str, certificates: list[bytes]) -> dict[str, Any]:
    return {
        "subject": {"organization": organization, "commonName": f"{organization} root"},
        "uri": url,
        "certChain": {"certificates": [{"rawBytes": b64(certificate)} for certificate in certificates]},
        "validFor": {"start": START},
    }
