"""Logs made for tests: entries, bundles, tiles, notes. Encodes on its own, with the standard library."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from forensics.model.errors import BadAnswer

ARC = "1.3.6.1.4.1.57264.1."
WORKFLOW = "https://github.com/acme/demo/.github/workflows/release.yml@refs/tags/v1.0"
ISSUER = "https://token.actions.githubusercontent.com"
DEFAULT_CLAIMS = {
    1: ISSUER,
    2: "release",
    8: ISSUER,
    12: "https://github.com/acme/demo",
    15: "700000001",
    20: "release",
}
_KEY = ec.generate_private_key(ec.SECP256R1())
_LOG_KEY = ed25519.Ed25519PrivateKey.generate()
LOG_NAME = "log.made.example"
START = datetime(2026, 1, 1, tzinfo=UTC)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def utf8_string(text: str) -> bytes:
    content = text.encode()
    size = len(content)
    length = (
        bytes([size]) if size < 128 else b"\x81" + bytes([size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    )
    return b"\x0c" + length + content


@cache
def certificate(
    san: str = WORKFLOW,
    claims: tuple[tuple[int, str | bytes], ...] = tuple(DEFAULT_CLAIMS.items()),
    email: bool = False,
    minutes: int = 0,
) -> bytes:
    """A self-signed certificate (DER) with this name and these claims."""
    name: x509.GeneralName = x509.RFC822Name(san) if email else x509.UniformResourceIdentifier(san)
    start = START + timedelta(minutes=minutes)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "made")]))
        .public_key(_KEY.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(minutes=10))
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
    )
    for number, text in claims:
        value = text if isinstance(text, bytes) else text.encode() if number <= 6 else utf8_string(text)
        oid = x509.ObjectIdentifier(f"{ARC}{number}")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
    return builder.sign(_KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def pem(der: bytes, label: str = "CERTIFICATE", width: int = 64, newline: str = "\n") -> bytes:
    text = b64(der)
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    return newline.join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def spki() -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return _KEY.public_key().public_bytes(serialization.Encoding.DER, form)


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def v2_value(verifier: dict[str, object], digest: bytes = bytes(32), dsse: bool = False) -> dict[str, object]:
    signature = {"content": b64(b"signature"), "verifier": {"keyDetails": "PKIX_ECDSA_P256_SHA_256", **verifier}}
    stated = {"algorithm": "SHA2_256", "digest": b64(digest)}
    if dsse:
        spec: dict[str, object] = {"dsseV002": {"payloadHash": stated, "signatures": [signature]}}
    else:
        spec = {"hashedRekordV002": {"data": stated, "signature": signature}}
    return {"apiVersion": "0.0.2", "kind": "dsse" if dsse else "hashedrekord", "spec": spec}


def v2_entry(der: bytes, digest: bytes = bytes(32), dsse: bool = False) -> bytes:
    return canonical(v2_value({"x509Certificate": {"rawBytes": b64(der)}}, digest, dsse))


def v1_value(kind: str, verifier: bytes, digest: str = "00" * 32) -> dict[str, object]:
    """A dsse, hashedrekord, intoto (0.0.2) or rpm entry."""
    stated = {"algorithm": "sha256", "value": digest}
    signature, key = b64(b"signature"), b64(verifier)
    version = "0.0.1"
    if kind == "dsse":
        spec: dict[str, object] = {
            "envelopeHash": stated, "payloadHash": stated, "signatures": [{"signature": signature, "verifier": key}]
        }  # fmt: skip
    elif kind == "hashedrekord":
        spec = {"data": {"hash": stated}, "signature": {"content": signature, "publicKey": {"content": key}}}
    elif kind == "intoto":
        version = "0.0.2"
        signed = {"publicKey": key, "sig": b64(signature.encode())}
        envelope = {"payloadType": "application/vnd.in-toto+json", "signatures": [signed]}
        spec = {"content": {"envelope": envelope, "hash": stated, "payloadHash": stated}}
    else:
        spec = {"package": {"hash": stated, "headers": {}}, "publicKey": {"content": key}}
    return {"apiVersion": version, "kind": kind, "spec": spec}


def leaf(body: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + body).digest()


def mth(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, as written, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + mth(leaves[:split]) + mth(leaves[split:])).digest()


class MadeLog:
    """A v2 log of these entries that serves tiles from memory, each computed from the leaves. *gone*: answered 404.

    *asked* collects every request as (level or None, index, width).
    """

    def __init__(self, bodies: Sequence[bytes], size: int | None = None) -> None:
        self.bodies = list(bodies)
        self.leaves = [leaf(body) for body in self.bodies]
        self.size = len(self.bodies) if size is None else size
        self.gone: set[tuple[int | None, int, int]] = set()
        self.changed: dict[tuple[int | None, int], bytes] = {}
        self.asked: list[tuple[int | None, int, int]] = []

    async def tile(self, level: int, index: int, width: int) -> bytes:
        self._ask(level, index, width)
        if (level, index) in self.changed:
            return self.changed[level, index]
        span = 256**level
        first = index * 256
        runs = [self.leaves[at * span : (at + 1) * span] for at in range(first, first + width)]
        if any(len(run) < span for run in runs):
            raise BadAnswer("404")
        return b"".join(mth(run) for run in runs)

    async def entries(self, index: int, width: int) -> bytes:
        self._ask(None, index, width)
        if (None, index) in self.changed:
            return self.changed[None, index]
        bodies = self.bodies[index * 256 : index * 256 + width]
        if len(bodies) < width:
            raise BadAnswer("404")
        return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)

    async def checkpoint(self) -> bytes:
        return self.note().encode()

    def note(self, size: int | None = None) -> str:
        size = self.size if size is None else size
        text = f"{LOG_NAME}\n{size}\n{b64(mth(self.leaves[:size]))}\n"
        raw = _LOG_KEY.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        hint = hashlib.sha256(LOG_NAME.encode() + b"\n\x01" + raw).digest()[:4]
        return f"{text}\n— {LOG_NAME} {b64(hint + _LOG_KEY.sign(text.encode()))}\n"

    def _ask(self, level: int | None, index: int, width: int) -> None:
        self.asked.append((level, index, width))
        if (level, index, width) in self.gone:
            raise BadAnswer("404")
