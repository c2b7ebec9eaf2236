"""The registry's keys: one that expired, and the one that followed it two weeks earlier, as npm's own did."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.pki import spki

SECOND_FROM = datetime(2025, 1, 13, tzinfo=UTC)
FIRST_UNTIL = datetime(2025, 1, 29, tzinfo=UTC)


@dataclass(frozen=True)
class RegistryKey:
    """One key of the registry; it signs versions and publish attestations."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def keyid(self) -> str:
        """``SHA256:`` and the unpadded base64 of the digest of the public key in DER."""
        digest = hashlib.sha256(spki(self.key)).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    @property
    def pem(self) -> bytes:
        """The public key in PEM."""
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, message: bytes) -> bytes:
        """ECDSA P-256 with SHA-256, in DER."""
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


@dataclass(frozen=True)
class RegistryKeys:
    """Both keys, and which one is in use when."""

    first: RegistryKey = field(default_factory=RegistryKey)
    second: RegistryKey = field(default_factory=RegistryKey)
    _made: dict[str, dict[str, str]] = field(default_factory=dict)

    def at(self, moment: datetime) -> RegistryKey:
        """The key that signs what is published at a moment."""
        return self.second if moment >= SECOND_FROM else self.first

    def listed(self, moment: datetime) -> dict[str, Any]:
        """The body of ``/-/npm/v1/keys`` at a moment: the first key expires once there is a second."""
        if moment < SECOND_FROM:
            return {"keys": [_row(self.first, None)]}
        return {"keys": [_row(self.first, FIRST_UNTIL), _row(self.second, None)]}

    def signature(self, name: str, version: str, integrity: str, published: datetime) -> dict[str, str]:
        """A row of ``dist.signatures``: over name, version and integrity; the same one each time."""
        message = f"{name}@{version}:{integrity}"
        if message not in self._made:
            key = self.at(published)
            signature = base64.b64encode(key.sign(message.encode())).decode()
            self._made[message] = {"keyid": key.keyid, "sig": signature}
        return dict(self._made[message])


def _row(key: RegistryKey, expires: datetime | None) -> dict[str, Any]:
    return {
        "expires": expires.strftime("%Y-%m-%dT%H:%M:%S.000Z") if expires else None,
        "keyid": key.keyid,
        "keytype": "ecdsa-sha2-nistp256",
        "scheme": "ecdsa-sha2-nistp256",
        "key": base64.b64encode(spki(key.key)).decode(),
    }
