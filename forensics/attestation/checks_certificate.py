"""Steps about the certificate: chain, usage, validity, signed certificate timestamp.

Sources: RFC 5280 section 6.1 (path validation) and 4.2.1 (extensions), RFC 6962 sections 3.2 and 3.3 (SCT), Sigstore's
client specification section 4.2 and 4.3 (certificate path, SCT).
"""

from __future__ import annotations

import hashlib
import struct
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from forensics.attestation.checks_log import found_by_hash
from forensics.attestation.context import Context, failed, not_checked, passed
from forensics.attestation.trust import CertificateAuthority
from forensics.model.attestation import Check, CheckResult
from forensics.model.claims import SCT_LIST, SUBJECT_ALTERNATIVE_NAME, label_of
from forensics.model.errors import MalformedEvidence
from forensics.model.times import from_seconds, to_minute
from forensics.transparency.der import SEQUENCE, SignedTimestamp, children, oid_text, read_scts, whole

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_KEY_USAGE = "2.5.29.15"
_BASIC_CONSTRAINTS = "2.5.29.19"
_EXTENDED_KEY_USAGE = "2.5.29.37"
_CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
_KNOWN_CRITICAL = frozenset({_KEY_USAGE, SUBJECT_ALTERNATIVE_NAME, _BASIC_CONSTRAINTS, _EXTENDED_KEY_USAGE})
_NO_AUTHORITY = b"\x30\x00"  # BasicConstraints with both fields left out: not an authority


def without_certificate(context: Context, name: str) -> Check | None:
    """Return the outcome of step *name* where there is no certificate to look at, else None."""
    if context.raw.certificate is None:
        hint = context.raw.key_hint or "without hint"
        return not_checked(name, f"signed with a public key ({hint}), which the trust root does not know.")
    if context.parts is None or not (context.proven or context.certificate is not None):
        return not_checked(name, "the certificate cannot be read.")
    return None


def check_chain(context: Context) -> Check:
    """Step `certificate-chain`: an authority of the trust root issued the certificate.

    An issuer that the trust root does not name is not checked; one that it names but whose key did not sign fails.
    Sources: RFC 5280 section 6.1.3 (a) and (b); Sigstore's client specification, "Certificate path".
    """
    name = "certificate-chain"
    if (missing := without_certificate(context, name)) is not None:
        return missing if context.raw.certificate is None else failed(name, missing.detail)
    for authority in context.candidates:
        # With two authorities of one name, that sigstore-python found a path does not say through which.
        if (context.proven and len(context.candidates) == 1) or _issued(context.certificate, authority.issuer):
            problem = _path_problem(authority, context.moment)
            return failed(name, problem) if problem else passed(name, f"issued by {authority.label}, which is trusted.")
    if context.candidates:
        label = context.candidates[0].label
        return failed(name, f"names {label} as its issuer, but that authority's key did not sign it.")
    issuer = context.certificate.issuer.rfc4514_string() if context.certificate is not None else ""
    return not_checked(name, f"unknown authority: no key id of the trust root belongs to the issuer {issuer!r}.")


def check_usage(context: Context) -> Check:
    """Step `certificate-usage`: digital signatures, code signing, no authority, no unknown critical extension.

    Sources: RFC 5280 sections 4.2.1.3, 4.2.1.9 and 4.2.1.12; Fulcio's certificate specification.
    """
    name = "certificate-usage"
    if (missing := without_certificate(context, name)) is not None:
        return missing
    assert context.parts is not None
    extensions = context.parts.extensions
    values = {extension.oid: extension.value for extension in extensions}
    problems = []
    if len(values) != len(extensions):
        problems.append("it has an extension twice")
    usage = values.get(_KEY_USAGE, b"")
    # BIT STRING: tag, length, unused bits, then bit 0, digitalSignature, comes first.
    if len(usage) < 4 or usage[0] != 0x03 or not usage[3] & 0x80:
        problems.append("its key usage does not allow digital signatures")
    if _CODE_SIGNING not in _purposes(values.get(_EXTENDED_KEY_USAGE, b"")):
        problems.append("its extended key usage is not code signing")
    if values.get(_BASIC_CONSTRAINTS, _NO_AUTHORITY) != _NO_AUTHORITY:
        problems.append("it is a certificate authority")
    unknown = [extension.oid for extension in extensions if extension.critical and extension.oid not in _KNOWN_CRITICAL]
    if unknown:
        problems.append(f"it has unknown critical extensions ({', '.join(unknown)})")
    if problems:
        return failed(name, "; ".join(problems) + ".")
    return passed(name, "the certificate is for digital signatures and code signing.")


def check_validity(context: Context) -> Check:
    """Step `certificate-validity`: every signed time lies within the certificate's validity.

    Source: Sigstore's client specification, "Establish a time for the signature" and "Certificate path".
    """
    name = "certificate-validity"
    if (missing := without_certificate(context, name)) is not None:
        return missing
    assert context.parts is not None
    start, end = context.parts.not_before, context.parts.not_after
    window = f"{to_minute(start)} to {to_minute(end)}"
    problems = [outcome for outcome in context.timestamps if isinstance(outcome, str)]
    for who, moment in context.times:
        if not start <= moment <= end:
            problems.append(f"{who} signed at {to_minute(moment)}, outside the validity {window}")
    if problems:
        return failed(name, "; ".join(problems) + ".")
    if context.times:
        who, moment = context.times[0]
        return passed(name, f"{who} signed the time {to_minute(moment)}, within the validity {window}.")
    if None in context.timestamps:
        return not_checked(name, "the timestamp comes from an unknown authority, no key id of the trust root's.")
    return not_checked(name, _no_time(context))


def check_sct(context: Context) -> Check:
    """Step `sct`: a certificate transparency log signed for the certificate.

    A log that the trust root does not know is not checked. Source: RFC 6962 section 3.2.
    """
    name = "sct"
    if (missing := without_certificate(context, name)) is not None:
        return missing
    assert context.parts is not None
    if not context.candidates:
        return not_checked(name, "the issuer's key is not in the trust root, and the timestamp covers it.")
    lists = [extension.value for extension in context.parts.extensions if extension.oid == SCT_LIST]
    try:
        scts = [sct for value in lists for sct in read_scts(value)]
    except MalformedEvidence as error:
        return failed(name, f"the certificate's signed certificate timestamps cannot be read: {error}.")
    outcomes = [_check_one(context, name, sct) for sct in scts]
    for wanted in (CheckResult.FAIL, CheckResult.PASS, CheckResult.NOT_CHECKED):
        for outcome in outcomes:
            if outcome.result is wanted:
                return outcome
    return failed(name, "the certificate carries no signed certificate timestamp.")


def check_identity(context: Context) -> Check:
    """Step `identity`: the certificate's subject alternative name is the expected one, to the letter.

    Source: Sigstore's client specification section 4.1 (the verifier's policy); RFC 5280 section 4.2.1.6.
    """
    stated = context.identity.subject_alternative_name if context.identity else None
    return _as_expected("identity", label_of("subject_alternative_name"), context.expected.identity, stated)


def check_issuer(context: Context) -> Check:
    """Step `issuer`: the token that the certificate was given for came from the expected issuer.

    Source: sigstore/fulcio docs/oid-info.md, 1.3.6.1.4.1.57264.1.8, or .1.1 in certificates without it.
    """
    identity = context.identity
    claim = label_of("issuer" if identity and identity.issuer else "issuer_v1")
    return _as_expected("issuer", claim, context.expected.issuer, identity.oidc_issuer if identity else None)


def _as_expected(name: str, claim: str, wanted: str | None, stated: str | None) -> Check:
    """A claim that is missing fails as well: who expects a signer is not told that somebody signed."""
    if stated is None:
        return failed(name, f"no certificate that can be read names a signer; {wanted!r} is expected.")
    if stated != wanted:
        return failed(name, f"{claim} is {stated!r}, not {wanted!r}.")
    return passed(name, f"{claim} is {stated!r}.")


def _check_one(context: Context, name: str, sct: SignedTimestamp) -> Check:
    key = context.root.ct_keys.get(sct.log_id)
    if key is None:
        return not_checked(name, f"unknown certificate transparency log key id {sct.log_id.hex()}.")
    moment = from_seconds(sct.millis // 1000)
    when = to_minute(moment)
    if not key.covers(moment):
        return failed(name, f"the timestamp of {when} is of a time for which the trust root does not trust {key.name}.")
    for authority in context.candidates:
        # One authority of that name and sigstore-python's yes: it checked this very signature.
        if context.proven and len(context.candidates) == 1 and found_by_hash(key, sct.log_id):
            return passed(name, f"the certificate transparency log {key.name} signed for it at {when}.")
        if key.verifies(sct.signature, _sct_message(context, authority, sct)):
            return passed(name, f"the certificate transparency log {key.name} signed for it at {when}.")
    return failed(name, f"the timestamp of {when} does not carry a valid signature of {key.name}.")


def _sct_message(context: Context, authority: CertificateAuthority, sct: SignedTimestamp) -> bytes:
    """The bytes that an SCT over a precertificate covers. Source: RFC 6962 section 3.2, digitally-signed struct."""
    assert context.certificate is not None
    tbs = context.certificate.tbs_precertificate_bytes
    return b"".join(
        (
            struct.pack("!BBQH", 0, 0, sct.millis, 1),  # v1, certificate_timestamp, time, precert_entry
            _spki_hash(authority),
            len(tbs).to_bytes(3, "big") + tbs,
            struct.pack("!H", len(sct.extensions)) + sct.extensions,
        )
    )


def _purposes(value: bytes) -> list[str]:
    """The purposes of an extended key usage. Source: RFC 5280 section 4.2.1.12."""
    try:
        start, end = whole(value, SEQUENCE)
        return [oid_text(value[content:stop]) for _, _, content, stop in children(value, start, end)]
    except MalformedEvidence:
        return []


@lru_cache(maxsize=64)
def _spki_hash(authority: CertificateAuthority) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = authority.issuer.public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def _issued(certificate: Certificate | None, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    if certificate is None:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _path_problem(authority: CertificateAuthority, moment: datetime | None) -> str:
    """What is wrong with the authority's own chain, at *moment*; an empty text if nothing is."""
    if (problem := _chain_problem(authority)) or moment is None:
        return problem
    for label, start, end in authority.windows:
        if not start <= moment <= end:
            return f"the authority {label} was not valid at {to_minute(moment)}."
    if not authority.covers(moment):
        return f"the trust root does not trust this authority for {to_minute(moment)}."
    return ""


@lru_cache(maxsize=64)
def _chain_problem(authority: CertificateAuthority) -> str:
    """RFC 5280 section 6.1.4 (k), (l) and (n), and the signatures, for the trust root's own certificates."""
    from cryptography import x509

    for depth, certificate in enumerate(authority.certificates):
        label = certificate.subject.rfc4514_string()
        values = {type(extension.value): extension.value for extension in certificate.extensions}
        constraints, usage = values.get(x509.BasicConstraints), values.get(x509.KeyUsage)
        if not isinstance(constraints, x509.BasicConstraints) or not constraints.ca:
            return f"{label} in the trust root is not an authority."
        if constraints.path_length is not None and constraints.path_length < depth:
            return f"{label} in the trust root allows a shorter path only."
        if isinstance(usage, x509.KeyUsage) and not usage.key_cert_sign:
            return f"{label} in the trust root may not sign certificates."
        above = authority.certificates[min(depth + 1, len(authority.certificates) - 1)]
        if above is not certificate and not _issued(certificate, above):
            return f"{label} in the trust root was not issued by the certificate above it."
    return ""


def _no_time(context: Context) -> str:
    if context.raw.entry is None:
        return "nothing signs a time: there is no log entry and no timestamp."
    if context.promise.result is CheckResult.FAIL:
        return "the log's promise does not verify, so the time in it says nothing."
    if context.raw.entry.promise is not None:
        return "the time is signed by an unknown log."
    return "nothing signs a time: the entry has no promise, and there is no timestamp."
