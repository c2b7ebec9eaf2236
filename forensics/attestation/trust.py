"""Trust roots: whose certificates and logs count, and who says so.

Source: Sigstore's protobuf specification, `sigstore_trustroot.proto` (media type
`application/vnd.dev.sigstore.trustedroot+json`). A root is used only if its digest is one that this distribution
vouches for, or the user named it. Certificates and keys are loaded when they are first needed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

from forensics.model.errors import HostileInput, MalformedEvidence, UntrustedRoot
from forensics.model.times import parse_time
from forensics.transparency.keys import PublicKey

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

MAX_ROOT = 4 << 20
SHIPPED = "shipped with release-forensics"
NAMED = "named by the user"
REFRESHED = "refreshed from TUF"


@dataclass(frozen=True)
class CertificateAuthority:
    """One chain of a root, from the certificate that signs leaves up to its root, with the time it counts for."""

    chain: tuple[bytes, ...]
    uri: str
    start: datetime | None
    end: datetime | None

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """The chain as `cryptography` holds it. Raises MalformedEvidence."""
        from cryptography.x509 import load_der_x509_certificate

        try:
            return tuple(load_der_x509_certificate(der) for der in self.chain)
        except ValueError as error:
            raise MalformedEvidence(f"the trust root holds a certificate that cannot be read: {error}") from error

    @cached_property
    def issuer(self) -> Certificate:
        """The certificate that signs leaves."""
        return self.certificates[0]

    @cached_property
    def name(self) -> bytes:
        """The name of that certificate in DER, as leaves state it."""
        return self.issuer.subject.public_bytes()

    @cached_property
    def label(self) -> str:
        """The same for a reader (RFC 4514)."""
        return self.issuer.subject.rfc4514_string()

    @cached_property
    def windows(self) -> tuple[tuple[str, datetime, datetime], ...]:
        """(name, start, end) of the validity of each certificate of the chain."""
        return tuple(
            (cert.subject.rfc4514_string(), cert.not_valid_before_utc, cert.not_valid_after_utc)
            for cert in self.certificates
        )

    def covers(self, moment: datetime) -> bool:
        """Return whether the trust root lets this chain count at *moment*."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment <= self.end)


@dataclass(frozen=True)
class TransparencyLog:
    """One transparency log of a root: where it is served, and its key, named after that place without the scheme.

    That name is the origin of a Rekor v2 log, and the part before the tree id in the origins of Rekor v1.
    """

    base_url: str
    key: PublicKey

    @property
    def origin(self) -> str:
        """The place without its scheme. Source: Sigstore's Rekor v2 client specification, section 4.4."""
        return self.key.name


@dataclass(frozen=True)
class TrustRoot:
    """A trust root as it was read. *kind* is `production`, `lab` or `named`; *vouched_by* says why it counts."""

    raw: bytes = field(repr=False)
    name: str
    kind: str
    vouched_by: str

    @cached_property
    def sha256(self) -> str:
        """The digest of the file, in hex: what a case and a verification refer to."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def is_lab(self) -> bool:
        """Whether this root was made for reconstructions: what it proves is nothing about the world."""
        return self.kind == "lab"

    @cached_property
    def authorities(self) -> tuple[CertificateAuthority, ...]:
        """The certificate authorities. Raises MalformedEvidence."""
        return tuple(_authorities(self._document, "certificateAuthorities"))

    @cached_property
    def timestamp_authorities(self) -> tuple[CertificateAuthority, ...]:
        """The timestamping authorities. Raises MalformedEvidence."""
        return tuple(_authorities(self._document, "timestampAuthorities"))

    @cached_property
    def log_keys(self) -> dict[bytes, PublicKey]:
        """The transparency logs by key id (32 bytes), each under the id the root states and those of its key."""
        return _keys(self._document, "tlogs")

    @cached_property
    def logs(self) -> tuple[TransparencyLog, ...]:
        """The transparency logs in the order of the root. Raises MalformedEvidence."""
        return tuple(_logs(self._document))

    @cached_property
    def ct_keys(self) -> dict[bytes, PublicKey]:
        """The certificate transparency logs by log id (32 bytes)."""
        return _keys(self._document, "ctlogs")

    @cached_property
    def _document(self) -> dict[str, Any]:
        return _parse(self.raw)

    def check(self, *, bare: bool = False) -> TrustRoot:
        """Load everything in the root and return it. Raises MalformedEvidence where a part cannot be read.

        So it does where no authority or no log is named, unless *bare*: a key stands in for what the root lacks.
        """
        for authority in (*self.authorities, *self.timestamp_authorities):
            assert authority.certificates
        for key in (*self.log_keys.values(), *self.ct_keys.values()):
            assert key.loaded
        if not bare and not (self.authorities and self.log_keys):
            raise MalformedEvidence("the trust root names no certificate authority or no transparency log")
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Only what was read travels to another process; the rest is loaded there again."""
        return {name: self.__dict__[name] for name in ("raw", "name", "kind", "vouched_by")}


@cache
def shipped_root() -> TrustRoot:
    """Return the trust root of Sigstore's public good instance that this distribution carries."""
    raw = resources.files("forensics").joinpath("trust", "sigstore-production.json").read_bytes()
    return vouch(raw)


def default_root() -> TrustRoot:
    """Return the root of Sigstore's public good instance: the latest refreshed from TUF, or the shipped one."""
    from forensics.evidence.roots import kept_roots

    refreshed = [root for root in kept_roots() if root.official]
    return vouch(refreshed[-1].raw) if refreshed else shipped_root()


@cache
def known_roots() -> dict[str, dict[str, str]]:
    """Return the roots that this distribution vouches for: SHA-256 in hex to `name`, `kind` and `note`."""
    import tomllib

    text = resources.files("forensics").joinpath("trust", "known.toml").read_text("utf-8")
    return {digest: {key: str(value) for key, value in row.items()} for digest, row in tomllib.loads(text).items()}


def vouch(raw: bytes, named: bytes | None = None, *, bare: bool = False) -> TrustRoot:
    """Return the trust root *raw* (the bytes of its file) if somebody vouches for it.

    That is this distribution, by the digest in `known.toml`; TUF, from which the user had it refreshed; or the user,
    who named a file with the bytes *named*; *bare*: that one may name neither authority nor log.
    Raises UntrustedRoot otherwise, MalformedEvidence for a root that cannot be read, HostileInput above 4 MiB.
    """
    if len(raw) > MAX_ROOT:
        raise HostileInput(f"a trust root of {len(raw)} bytes; the limit is {MAX_ROOT}")
    digest = hashlib.sha256(raw).hexdigest()
    row = known_roots().get(digest)
    if row is not None:
        return TrustRoot(raw, row["name"], row["kind"], SHIPPED)
    if named is not None and hashlib.sha256(named).hexdigest() == digest:
        return TrustRoot(raw, f"root {digest[:12]}", "named", NAMED).check(bare=bare)
    return _refreshed(raw, digest)


def _refreshed(raw: bytes, digest: str) -> TrustRoot:
    """The root with this digest among those that the user had refreshed. Raises UntrustedRoot when it is none."""
    from forensics.evidence.roots import kept_roots

    for kept in kept_roots():
        if kept.sha256 == digest:
            name = "Sigstore public good instance" if kept.official else f"root of {kept.url}"
            return TrustRoot(raw, name, "production" if kept.official else "named", REFRESHED).check()
    raise UntrustedRoot(
        f"the trust root with SHA-256 {digest} is neither shipped nor named by the user, and TUF gave no such root"
    )


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedEvidence("the trust root is not JSON") from error
    media = document.get("mediaType") if isinstance(document, dict) else None
    if not isinstance(media, str) or "trustedroot" not in media:
        raise MalformedEvidence("the file is not a Sigstore trust root")
    assert isinstance(document, dict)
    return document


def _rows(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = document.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MalformedEvidence(f"the trust root's {name} are not a list of objects")
    return rows


def _authorities(document: dict[str, Any], name: str) -> Iterator[CertificateAuthority]:
    for row in _rows(document, name):
        try:
            chain = tuple(_bytes(item["rawBytes"]) for item in row["certChain"]["certificates"])
            start, end = _period(row.get("validFor"))
        except (KeyError, TypeError, AttributeError) as error:
            raise MalformedEvidence(f"the trust root has one of {name} that cannot be read") from error
        if not chain:
            raise MalformedEvidence(f"the trust root has one of {name} without a certificate")
        yield CertificateAuthority(chain, str(row.get("uri", "")), start, end)


def _keys(document: dict[str, Any], name: str) -> dict[bytes, PublicKey]:
    keys: dict[bytes, PublicKey] = {}
    for row in _rows(document, name):
        try:
            host = str(row.get("baseUrl", "")).rpartition("://")[2].partition("/")[0]
            key = PublicKey(_bytes(row["publicKey"]["rawBytes"]), host, *_period(row["publicKey"].get("validFor")))
            stated = [_bytes(row[part]["keyId"]) for part in ("logId", "checkpointKeyId") if row.get(part)]
        except (KeyError, TypeError, AttributeError) as error:
            raise MalformedEvidence(f"the trust root has one of {name} that cannot be read") from error
        for key_id in (*stated, key.sha256, key.key_id):
            keys.setdefault(key_id, key)
    return keys


def _logs(document: dict[str, Any]) -> Iterator[TransparencyLog]:
    for row in _rows(document, "tlogs"):
        try:
            url = str(row.get("baseUrl", "")).rstrip("/")
            spki = _bytes(row["publicKey"]["rawBytes"])
        except (KeyError, TypeError) as error:
            raise MalformedEvidence("the trust root has one of tlogs that cannot be read") from error
        yield TransparencyLog(url, PublicKey(spki, url.rpartition("://")[2]))


def _period(value: Any) -> tuple[datetime | None, datetime | None]:
    """Both ends of a TimeRange; without one, no limit. One without its start is no period: the start is required."""
    if value is None:
        return None, None
    if not value.get("start"):
        raise MalformedEvidence("the trust root has a period without a start")
    try:
        start, end = (parse_time(value[side]) if value.get(side) else None for side in ("start", "end"))
    except ValueError as error:
        raise MalformedEvidence("the trust root has a period that cannot be read") from error
    return start, end


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise MalformedEvidence("the trust root holds bytes that are not base64") from error
