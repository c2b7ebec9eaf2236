"""Public keys of logs: loading, key ids, and one way to check a signature.

Sources: C2SP signed-note ("Signatures", key ids), RFC 6962 section 3.2 (log ids), FIPS 186-5, RFC 8032.
`cryptography` is loaded when a key is first used.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from forensics.model.errors import MalformedEvidence

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")  # SPKI of an Ed25519 key, up to its 32 raw bytes


@dataclass(frozen=True)
class PublicKey:
    """A public key as SubjectPublicKeyInfo DER, with the name of whom it belongs to and the time it counts for."""

    spki: bytes
    name: str = ""
    start: datetime | None = None
    end: datetime | None = None

    @cached_property
    def loaded(self) -> PublicKeyTypes:
        """The key as `cryptography` holds it. Raises MalformedEvidence where it cannot be read."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        try:
            return load_der_public_key(self.spki)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise MalformedEvidence(f"a public key that cannot be read: {error}") from error

    @cached_property
    def sha256(self) -> bytes:
        """SHA-256 of the SPKI, 32 bytes: the log id of RFC 6962 section 3.2 and of Rekor v1."""
        return hashlib.sha256(self.spki).digest()

    @cached_property
    def key_id(self) -> bytes:
        """The full key id (32 bytes) whose first four bytes are the hint in a note; see `note_key_id`."""
        return note_key_id(self.name, self.spki)

    def covers(self, moment: datetime) -> bool:
        """Return whether the key counts at *moment*. Both ends belong to it: `sigstore_common.proto`, TimeRange."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment <= self.end)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether *signature* is this key's over *message*; see `verifies`."""
        return verifies(self.loaded, signature, message)


def note_key_id(name: str, spki: bytes) -> bytes:
    """Return the 32-byte key id of the key *spki* (SPKI DER) under the key name *name*.

    Ed25519: SHA-256(name || 0x0A || 0x01 || 32-byte key). ECDSA: SHA-256(SPKI), as Rekor does.
    RSA: SHA-256(name || 0x0A || 0xFF || "PKIX-RSA-PKCS#1v1.5" || SPKI).
    Sources: C2SP signed-note, "Signatures"; Sigstore's Rekor v2 client specification, section 4.4.
    """
    if spki.startswith(_ED25519_PREFIX):
        return hashlib.sha256(name.encode() + b"\n\x01" + spki[len(_ED25519_PREFIX) :]).digest()
    if bytes.fromhex("06092a864886f70d010101") in spki[:32]:  # OID rsaEncryption
        return hashlib.sha256(name.encode() + b"\n\xff" + b"PKIX-RSA-PKCS#1v1.5" + spki).digest()
    return hashlib.sha256(spki).digest()


def is_ed25519(key: PublicKey) -> bool:
    """Return whether *key* is an Ed25519 key, by its SubjectPublicKeyInfo alone. Source: RFC 8410 section 4."""
    return key.spki.startswith(_ED25519_PREFIX) and len(key.spki) == len(_ED25519_PREFIX) + 32


def verifies(key: PublicKeyTypes, signature: bytes, message: bytes) -> bool:
    """Return whether *signature* is *key*'s over *message*.

    ECDSA signatures are DER with the hash that goes with the curve (P-384: SHA-384, or SHA-256 as Sigstore's clients
    make them), RSA is PKCS#1 v1.5 with SHA-256, Ed25519 is pure. Any other key: False.
    Source: Sigstore's algorithm registry.
    """
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            return _ecdsa_verifies(key, signature, message)
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
            return True
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
            return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return False


def _ecdsa_verifies(key: PublicKeyTypes, signature: bytes, message: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    assert isinstance(key, ec.EllipticCurvePublicKey)
    by_size: dict[int, list[hashes.HashAlgorithm]] = {
        384: [hashes.SHA384(), hashes.SHA256()],
        521: [hashes.SHA512(), hashes.SHA256()],
    }
    for algorithm in by_size.get(key.curve.key_size, [hashes.SHA256()]):
        try:
            key.verify(signature, message, ec.ECDSA(algorithm))
        except InvalidSignature:
            continue
        return True
    return False
