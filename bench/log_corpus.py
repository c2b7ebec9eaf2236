"""Logs to measure on: entries of both Rekors over certificates made with `cryptography`, encoded without the package.

Two thousand certificates of different projects, commits and runs serve for all entries, so that what repeats between
them repeats about as often as in a real log; digests and signatures differ from entry to entry.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.lab.claims import Claims
from tests.lab.pki import Authority

WANTED = "https://github.com/acme/wanted/.github/workflows/release.yml@refs/tags/v1.2.3"
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Corpus:
    """Entries of one log: their bodies, and for tiles the bundles of 256. One entry in a thousand is WANTED's."""

    bodies: tuple[bytes, ...]

    @property
    def bundles(self) -> list[bytes]:
        """Full bundles: length in two bytes, entry, 256 times."""
        framed = [len(body).to_bytes(2, "big") + body for body in self.bodies]
        return [b"".join(framed[at : at + 256]) for at in range(0, len(framed) - 255, 256)]


def certificate_of(authority: Authority, number: int, san: str | None = None) -> x509.Certificate:
    """A certificate as Fulcio gives it to a GitHub workflow, with all extensions."""
    repository = f"https://github.com/owner-{number % 97}/project-{number}"
    claims = Claims(
        issuer=ISSUER,
        repository=repository if san is None else san.partition("/.github/")[0],
        repository_id=700_000_000 + number,
        owner_id=9_000_000 + number % 97,
        signer=".github/workflows/release.yml",
        config=".github/workflows/release.yml",
        ref=f"refs/tags/v{number % 10}.{number % 7}.0" if san is None else san.rpartition("@")[2],
        trigger="release",
        runner="github-hosted",
        environment="pypi",
        visibility="public",
        commit=hashlib.sha1(str(number).encode()).hexdigest(),
        run_id=12_000_000_000 + number,
        attempt=1,
        log="",
    )
    return authority.issue(claims, datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=number)).certificate


@cache
def certificates(count: int = 2000) -> tuple[x509.Certificate, ...]:
    """*count* certificates of others, and WANTED's as the last."""
    authority = Authority()
    others = [certificate_of(authority, number) for number in range(count)]
    return (*others, certificate_of(authority, count, WANTED))


def _pick(number: int) -> x509.Certificate:
    pool = certificates()
    return pool[-1] if number % 1000 == 17 else pool[number % (len(pool) - 1)]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _json(value: object) -> bytes:
    """Canonical JSON: sorted keys, no spaces. Every string here is ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


@cache
def v2(count: int) -> Corpus:
    """A Rekor v2 log of hashedrekord 0.0.2 entries."""
    return Corpus(tuple(_v2_entry(_pick(number)) for number in range(count)))


def _v2_entry(certificate: x509.Certificate) -> bytes:
    raw = certificate.public_bytes(serialization.Encoding.DER)
    verifier = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": {"rawBytes": _b64(raw)}}
    record = {
        "data": {"algorithm": "SHA2_256", "digest": _b64(os.urandom(32))},
        "signature": {"content": _b64(os.urandom(71)), "verifier": verifier},
    }
    return _json({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}})


@cache
def v1(count: int) -> Corpus:
    """A Rekor v1 log, as its API answers: each body is base64. Every other entry is dsse, the rest hashedrekord."""
    return Corpus(tuple(base64.b64encode(_v1_entry(_pick(number), number % 2 == 0)) for number in range(count)))


def _v1_entry(certificate: x509.Certificate, dsse: bool) -> bytes:
    pem = _b64(certificate.public_bytes(serialization.Encoding.PEM))
    signature, digest = _b64(os.urandom(71)), os.urandom(32).hex()
    if dsse:
        spec: dict[str, object] = {
            "envelopeHash": {"algorithm": "sha256", "value": os.urandom(32).hex()},
            "payloadHash": {"algorithm": "sha256", "value": digest},
            "signatures": [{"signature": signature, "verifier": pem}],
        }
        return _json({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": digest}},
        "signature": {"content": signature, "publicKey": {"content": pem}},
    }
    return _json({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec})
