"""Who signed, read from a certificate: leniently, since what cannot be read is evidence too.

Sources: RFC 5280 sections 4.1 and 4.2.1.6, RFC 6962 section 3.3, sigstore/fulcio docs/oid-info.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from forensics.model.claims import (
    BY_OID,
    FULCIO_ROOT_ARC,
    SCT_LIST,
    SUBJECT_ALTERNATIVE_NAME,
    Encoding,
)
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.model.identity import Identity
from forensics.transparency import der
from forensics.transparency.names import OTHER_NAME, claim_text, general_name

MAX_CERTIFICATE = 256 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parts_of(certificate: bytes) -> der.CertificateParts:
    """Return the parts of *certificate* (DER).

    Raises MalformedEvidence for bytes that are not a certificate, HostileInput above 256 KiB. Source: RFC 5280 4.1.
    """
    if len(certificate) > MAX_CERTIFICATE:
        raise HostileInput(f"a certificate of {len(certificate)} bytes; the limit is {MAX_CERTIFICATE}")
    return der.read_certificate(certificate)


@lru_cache(maxsize=16)
def read_signer(certificate: bytes) -> tuple[der.CertificateParts, Identity]:
    """Return the parts of *certificate* (DER) and its claims. Raises as `parts_of` does.

    Files of one release lie beside each other and are as a rule signed with one certificate: the last few are kept.
    """
    parts = parts_of(certificate)
    return parts, identity_of_parts(parts)


def identity_of(certificate: bytes) -> Identity:
    """Return the claims of *certificate* (DER); None where it does not carry one.

    Extensions under Fulcio's arc that this version does not know, or cannot read, are kept in `unknown_claims` as
    (object identifier, value in hex), as are further names beside the first. A certificate without extensions has an
    identity of Nones. Raises MalformedEvidence for bytes that are not a certificate, HostileInput above 256 KiB.
    Source: sigstore/fulcio docs/oid-info.md.
    """
    return read_signer(certificate)[1]


def identity_of_parts(parts: der.CertificateParts) -> Identity:
    """Return the claims in the *parts* of a certificate. See `identity_of`; nothing is raised."""
    claims: dict[str, str] = {}
    unknown: list[tuple[str, str]] = []
    sct_time: datetime | None = None
    for extension in parts.extensions:
        if extension.oid == SUBJECT_ALTERNATIVE_NAME:
            _read_names(extension.value, claims, unknown)
        elif extension.oid == SCT_LIST:
            sct_time = sct_time or _sct_time(extension.value)
        elif extension.oid.startswith(FULCIO_ROOT_ARC + "."):
            _read_claim(extension, claims, unknown)
    return Identity(
        **claims,
        not_before=parts.not_before,
        not_after=parts.not_after,
        sct_time=sct_time,
        unknown_claims=tuple(unknown),
    )


def _read_claim(extension: der.Extension, claims: dict[str, str], unknown: list[tuple[str, str]]) -> None:
    claim = BY_OID.get(extension.oid)
    text = claim_text(extension.value, encoded=claim.encoding is Encoding.DER) if claim else None
    if claim is None or text is None or claim.field in claims:
        unknown.append((extension.oid, extension.value.hex()))
    else:
        claims[claim.field] = text


def _read_names(value: bytes, claims: dict[str, str], unknown: list[tuple[str, str]]) -> None:
    try:
        start, end = der.whole(value, der.SEQUENCE)
        names = list(der.children(value, start, end))
    except MalformedEvidence:
        unknown.append((SUBJECT_ALTERNATIVE_NAME, value.hex()))
        return
    for tag, begin, content, stop in names:
        text = general_name(tag, value[content:stop])
        if text is None or "subject_alternative_name" in claims:
            unknown.append((SUBJECT_ALTERNATIVE_NAME, value[begin:stop].hex()))
            continue
        claims["subject_alternative_name"] = text
        if tag == OTHER_NAME:
            claims["username"] = text


def _sct_time(value: bytes) -> datetime | None:
    """The earliest time that a CT log signed; None where the list cannot be read or names no time."""
    try:
        scts = der.read_scts(value)
        return _EPOCH + timedelta(milliseconds=min(sct.millis for sct in scts)) if scts else None
    except (MalformedEvidence, OverflowError):
        return None
