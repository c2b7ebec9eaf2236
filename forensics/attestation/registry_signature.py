"""npm's registry signatures: the registry's countersignature over name, version and digest of every version.

The signed message is `<name>@<version>:<dist.integrity>`, the signature ECDSA P-256 with SHA-256 in base64 DER.
Sources: npm's documentation, "About registry signatures"; npm/pacote `lib/registry.js`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from forensics.attestation.checks_key import KEY_VALIDITY, REGISTRY_KEY, judge_key, judge_period
from forensics.attestation.context import failed, not_checked, passed
from forensics.attestation.npm import npm_purl
from forensics.attestation.raw import decode, items, text
from forensics.attestation.registry_keys import SIGNATURES, RegistryKey, RegistryKeys
from forensics.model.attestation import Check, CheckResult, RegistrySignature, Verification, VerificationStatus
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.model.times import time_of

MAX_SIGNATURES = 64
MAX_VERSIONS = 100_000
FORMAT = "format"
SIGNATURE = "signature"
SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class SignedVersion:
    """What of a version's document is signed, and what is known beside it.

    `signatures` are (key id, base64). `published` is the time that the registry states and `listed_as` the
    (name, version) under which it lists the document, both unsigned; None where it states none.
    """

    name: str
    version: str
    integrity: str
    signatures: tuple[tuple[str, str], ...]
    published: datetime | None = None
    listed_as: tuple[str, str] | None = None

    @property
    def message(self) -> bytes:
        """The bytes that the registry signs."""
        return f"{self.name}@{self.version}:{self.integrity}".encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class SignedVersions:
    """The versions of a packument: signed, without signature, and unreadable as (version, why)."""

    signed: tuple[SignedVersion, ...]
    unsigned: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]


def is_packument(data: Any) -> bool:
    """Return whether *data* has the shape of a packument or a version's document in which a version is signed."""
    if not isinstance(data, Mapping):
        return False
    versions = data.get("versions")
    documents = versions.values() if isinstance(versions, Mapping) else (data,)
    return any(
        isinstance(each, Mapping) and isinstance(each.get("dist"), Mapping) and "signatures" in each["dist"]
        for each in documents
    )


def parse_packument(data: Any) -> SignedVersions:
    """Return what is signed in a packument, full or abbreviated, or in the document of one version.

    Raises MalformedEvidence where *data* (parsed JSON) is neither, HostileInput for more than 100,000 versions.
    Source: npm's registry API, "Package metadata".
    """
    if not isinstance(data, Mapping):
        raise MalformedEvidence("a packument that is not an object")
    if not isinstance(data.get("versions"), Mapping):
        return _sorted_out([(str(data.get("version") or ""), data, None, None)])
    versions, times = data["versions"], data.get("time")
    if len(versions) > MAX_VERSIONS:
        raise HostileInput(f"a packument of {len(versions)} versions; the limit is {MAX_VERSIONS}")
    name = data.get("name")
    known = times if isinstance(times, Mapping) else {}
    return _sorted_out(
        [
            (version, document, time_of(known.get(version)), (name, version) if isinstance(name, str) else None)
            for version, document in versions.items()
        ]
    )


def parse_signed_version(
    data: Any, published: datetime | None = None, listed_as: tuple[str, str] | None = None
) -> SignedVersion | None:
    """Return the signed parts of a version's document *data* (parsed JSON); None where it carries no signature.

    Raises MalformedEvidence where name, version, digest or a signature is missing or no text, HostileInput for more
    than 64 signatures. Source: npm's registry API, `versions[v].dist.signatures`.
    """
    dist = data.get("dist") if isinstance(data, Mapping) else None
    if not isinstance(dist, Mapping) or not dist.get("signatures"):
        return None
    rows = items(dist, "signatures", MAX_SIGNATURES)
    if not all(isinstance(row, Mapping) for row in rows):
        raise MalformedEvidence("a registry signature that is not an object")
    pairs = tuple((text(row, "keyid"), text(row, "sig")) for row in rows)
    name, version, integrity = text(data, "name"), text(data, "version"), text(dist, "integrity")
    return SignedVersion(name, version, integrity, pairs, published, listed_as)


def check_registry_signatures(
    signed: SignedVersion, keys: RegistryKeys, *, sha512: str | None = None, evidence: tuple[str, ...] = ()
) -> tuple[RegistrySignature, ...]:
    """Return each signature of *signed* with its steps `registry-key`, `key-validity`, `signature` and `subject`.

    *sha512* (hex) is that of the tarball at hand, compared with the signed digest; None where there is none. A key id
    that is not known is not checked. The verdict's trust root is the digest of *keys*. Never raises for bad input.
    """
    return tuple(
        RegistrySignature(
            purl=npm_purl(signed.name, signed.version),
            integrity=signed.integrity,
            registry_key=key_id,
            published=signed.published,
            verification=_verify(signed, key_id, signature, keys, sha512),
            evidence=evidence,
        )
        for key_id, signature in signed.signatures
    )


def unreadable_signature(name: str, version: str, reason: str, keys: RegistryKeys) -> RegistrySignature:
    """Return what stands for a signed version that cannot be read: `format` failed for *reason*, status invalid."""
    verification = Verification(VerificationStatus.INVALID, (failed(FORMAT, f"{reason}."),), keys.sha256)
    return RegistrySignature(npm_purl(name, version), "", "", None, verification)


def sha512_of_integrity(integrity: str) -> str | None:
    """Return the SHA-512, in hex, of a Subresource Integrity text such as `dist.integrity`; None where it has none.

    Source: W3C Subresource Integrity, section 3.5; several digests are separated by spaces.
    """
    for part in integrity.split():
        algorithm, _, encoded = part.partition("?")[0].partition("-")
        if algorithm == "sha512":
            try:
                digest = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                continue
            if len(digest) == 64:
                return digest.hex()
    return None


def status_of_signatures(signatures: Sequence[RegistrySignature]) -> VerificationStatus:
    """Return invalid if one signature is, valid if one holds and none is invalid, else not checked."""
    found = {signature.verification.status for signature in signatures}
    for status in (VerificationStatus.INVALID, VerificationStatus.VALID):
        if status in found:
            return status
    return VerificationStatus.NOT_CHECKED


def _sorted_out(
    rows: list[tuple[str, Any, datetime | None, tuple[str, str] | None]],
) -> SignedVersions:
    signed, unsigned, unreadable = [], [], []
    for version, document, published, listed_as in rows:
        try:
            found = parse_signed_version(document, published, listed_as)
        except (MalformedEvidence, HostileInput) as error:
            unreadable.append((version, str(error)))
            continue
        if found is None:
            unsigned.append(version)
        else:
            signed.append(found)
    return SignedVersions(tuple(signed), tuple(unsigned), tuple(unreadable))


def _verify(signed: SignedVersion, key_id: str, signature: str, keys: RegistryKeys, sha512: str | None) -> Verification:
    key = keys.find(key_id, SIGNATURES)
    checks = (
        judge_key(key_id, key),
        _check_period(signed, key),
        _check_signature(signed, signature, key),
        _check_subject(signed, sha512),
    )
    results = {check.name: check.result for check in checks}
    if CheckResult.FAIL in results.values():
        status = VerificationStatus.INVALID
    elif all(results[name] is CheckResult.PASS for name in (REGISTRY_KEY, KEY_VALIDITY, SIGNATURE)):
        status = VerificationStatus.VALID
    else:
        status = VerificationStatus.NOT_CHECKED
    return Verification(status, checks, keys.sha256)


def _check_period(signed: SignedVersion, key: RegistryKey | None) -> Check:
    """The registry signs no time, so the expiry is judged by the time of publishing that it states beside.

    The start does not count: registries sign what was published long before. Source: npm/pacote `lib/registry.js`.
    """
    if key is None:
        return not_checked(KEY_VALIDITY, "the period of an unknown key is not known.")
    if key.end is None:
        return passed(KEY_VALIDITY, "the key has no expiry.")
    if signed.published is None:
        return not_checked(KEY_VALIDITY, "the key has expired, and the document states no time of publishing.")
    stated = "the registry states that it was published at"
    return judge_period(replace(key, start=None), signed.published, stated)


def _check_signature(signed: SignedVersion, signature: str, key: RegistryKey | None) -> Check:
    what = f"{signed.name}@{signed.version} and its digest"
    if key is None:
        return not_checked(SIGNATURE, "the key is not known.")
    try:
        holds = key.public.verifies(decode(signature, "sig"), signed.message)
    except (MalformedEvidence, HostileInput) as error:
        return failed(SIGNATURE, f"the signature cannot be read: {error}.")
    if not holds:
        return failed(SIGNATURE, f"the registry's key did not sign {what}.")
    return passed(SIGNATURE, f"the registry's key signed {what}.")


def _check_subject(signed: SignedVersion, sha512: str | None) -> Check:
    """Signed metadata can be replayed under another name or version, so the listing counts as well."""
    own, stated = (signed.name, signed.version), sha512_of_integrity(signed.integrity)
    if signed.listed_as is not None and signed.listed_as != own:
        listed = "@".join(signed.listed_as)
        return failed(SUBJECT, f"signed for {'@'.join(own)!r}, but the registry lists it as {listed!r}.")
    if sha512 is None:
        return not_checked(SUBJECT, "no tarball to compare the signed digest with.")
    if stated is None:
        return not_checked(SUBJECT, "the signed digest is not a SHA-512.")
    if stated != sha512.lower():
        return failed(SUBJECT, f"the signed digest is sha512 {stated[:12]}…, the tarball's {sha512[:12].lower()}….")
    return passed(SUBJECT, f"the tarball has the signed digest, sha512 {stated[:12]}….")
