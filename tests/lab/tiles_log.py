"""A Rekor v2 log: a tree that grows, its tiles and bundles, and checkpoints signed with Ed25519.

Follows C2SP tlog-tiles, tlog-checkpoint and signed-note, and the entry kinds of rekor-tiles: hashedrekord and dsse
0.0.2.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.lab.claims import Claims
from tests.lab.merkle import MerkleTree
from tests.lab.pki import Authority, Signer

WIDTH = 256
ORIGIN = "log2026-1.lab.example"
START = datetime(2026, 5, 1, tzinfo=UTC)


class TilesLog:
    """Entries in order. ``size`` leaves can be shown of it, as they were at any earlier time."""

    def __init__(self, origin: str = ORIGIN, key: ed25519.Ed25519PrivateKey | None = None) -> None:
        self.origin = origin
        self.key = key or ed25519.Ed25519PrivateKey.generate()
        self.entries: list[bytes] = []
        self.tree = _Tree()

    def extend(self, bodies: Iterable[bytes]) -> None:
        """Append entries."""
        for body in bodies:
            self.entries.append(body)
            self.tree.append(body)

    def fork(self, at: int) -> TilesLog:
        """Another log under the same name and key that shares the first ``at`` entries."""
        other = TilesLog(self.origin, self.key)
        other.extend(self.entries[:at])
        return other

    @property
    def public_key(self) -> bytes:
        """The key as SubjectPublicKeyInfo in DER."""
        encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(encoding, form)

    @property
    def key_id(self) -> bytes:
        """SHA-256 of name, newline, 0x01 and the 32 bytes of the key."""
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return hashlib.sha256(self.origin.encode() + b"\n\x01" + raw).digest()

    def checkpoint(self, size: int | None = None, root: bytes | None = None) -> str:
        """The signed note over the first ``size`` leaves, or over any ``root``."""
        count = len(self.entries) if size is None else size
        text = f"{self.origin}\n{count}\n{_b64(self.tree.root(count) if root is None else root)}\n"
        return f"{text}\n— {self.origin} {_b64(self.key_id[:4] + self.key.sign(text.encode()))}\n"

    def tile(self, level: int, index: int, width: int = WIDTH) -> bytes:
        """The tile of hashes: node i of it is the root over 256**level leaves."""
        return b"".join(self.tree.row(8 * level, index * WIDTH, width))

    def bundle(self, index: int, width: int = WIDTH) -> bytes:
        """The bundle of entries: each after its length in two bytes."""
        part = self.entries[index * WIDTH : index * WIDTH + width]
        return b"".join(len(body).to_bytes(2, "big") + body for body in part)

    def in_trust_root(self, base_url: str | None = None) -> dict[str, object]:
        """The log as a ``tlogs`` row of a trust root."""
        return {
            "baseUrl": base_url or f"https://{self.origin}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": _b64(self.public_key),
                "keyDetails": "PKIX_ED25519",
                "validFor": {"start": "2025-01-01T00:00:00Z"},
            },
            "logId": {"keyId": _b64(self.key_id)},
        }


class _Tree(MerkleTree):
    def row(self, level: int, start: int, count: int) -> list[bytes]:
        """Neighbouring roots of perfect subtrees."""
        return self._levels[level][start : start + count] if level < len(self._levels) else []


@dataclass(frozen=True)
class Writer:
    """Somebody who signs: entries of it are written quickly, most with a signature that signs nothing."""

    signer: Signer

    def __post_init__(self) -> None:
        certificate = {"rawBytes": _b64(self.signer.der)}
        verifier = _json({"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": certificate})
        object.__setattr__(self, "_verifier", verifier)

    def record(self, message: bytes) -> bytes:
        """A hashedrekord 0.0.2 entry with a true signature over ``message``."""
        return self._record(hashlib.sha256(message).digest(), self.signer.sign(message))

    def signed(self, message: bytes, signature: bytes) -> bytes:
        """A hashedrekord 0.0.2 entry for a signature over ``message`` that was made before."""
        return self._record(hashlib.sha256(message).digest(), signature)

    def filler(self, noise: random.Random) -> bytes:
        """A hashedrekord 0.0.2 entry that no log would take: its signature is noise."""
        return self._record(noise.randbytes(32), noise.randbytes(71))

    def envelope(self, payload: bytes) -> bytes:
        """A dsse 0.0.2 entry with a true signature over ``payload``, an in-toto statement."""
        kind = b"application/vnd.in-toto+json"
        signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        digest = _b64(hashlib.sha256(payload).digest())
        return (
            '{"apiVersion":"0.0.2","kind":"dsse","spec":{"dsseV002":{"payloadHash":{"algorithm":"SHA2_256",'
            f'"digest":"{digest}"}},"signatures":[{{"content":"{_b64(self.signer.sign(signed))}",'
            f'"verifier":{self._verifier}}}]}}}}}}'
        ).encode()

    def _record(self, digest: bytes, signature: bytes) -> bytes:
        return (
            '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256",'
            f'"digest":"{_b64(digest)}"}},"signature":{{"content":"{_b64(signature)}",'
            f'"verifier":{self._verifier}}}}}}}}}'
        ).encode()

    _verifier: str = ""


def writer(authority: Authority, number: int, moment: datetime | None = None, san: str | None = None) -> Writer:
    """A GitHub workflow of its own, or the one with the name ``san``, with a certificate from ``moment`` on."""
    repository = f"https://github.com/owner-{number % 97}/project-{number}"
    ref = f"refs/tags/v{number % 10}.{number % 7}.0"
    path = ".github/workflows/release.yml"
    if san is not None:
        repository, _, rest = san.partition("/.github/")
        path, _, ref = f".github/{rest}".partition("@")
    claims = Claims(
        issuer="https://token.actions.githubusercontent.com",
        repository=repository,
        repository_id=700_000_000 + number,
        owner_id=9_000_000 + number % 97,
        signer=path,
        config=path,
        ref=ref,
        trigger="release",
        runner="github-hosted",
        environment="pypi",
        visibility="public",
        commit=hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest(),
        run_id=12_000_000_000 + number,
        attempt=1,
        log="",
    )
    return Writer(authority.issue(claims, moment or START + timedelta(seconds=number)))


def big_log(
    authority: Authority,
    count: int,
    planted: dict[int, bytes],
    *,
    writers: int = 50,
    spread: timedelta = timedelta(days=10),
) -> TilesLog:
    """A log of ``count`` entries by many, with the ``planted`` ones at their indices; certificates in order of time."""
    log = TilesLog()
    noise = random.Random(count)
    step = max(1, count // writers)
    made: list[Writer] = []
    for number in range(-(-count // step)):
        made.append(writer(authority, number, START + spread * number / writers))
    log.extend(planted.get(index) or made[index // step].filler(noise) for index in range(count))
    return log


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(value: object) -> str:
    """Canonical JSON: sorted keys, no spaces. Every string here is ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
