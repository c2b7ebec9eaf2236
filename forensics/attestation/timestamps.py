"""Which times are signed: by the log's promise, and by timestamping authorities.

Sources: RFC 3161 section 2.4.2 (TSTInfo); Sigstore's client specification, "Establish a time for the signature".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from forensics.attestation.trust import CertificateAuthority, TrustRoot
from forensics.model.attestation import CheckResult
from forensics.model.times import from_seconds

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

    from forensics.attestation.context import Context


def signed_times(context: Context) -> tuple[tuple[str, datetime], ...]:
    """Return (who, when) for each time whose signature verifies under the trust root of *context*, in UTC."""
    times: list[tuple[str, datetime]] = []
    entry = context.raw.entry
    if entry is not None and entry.integrated and context.promise.result is CheckResult.PASS:
        times.append(("the log", from_seconds(entry.integrated)))
    times += [("the timestamping authority", moment) for moment in context.timestamps if isinstance(moment, datetime)]
    return tuple(times)


def timestamp(root: TrustRoot, token: bytes, message: bytes) -> datetime | str | None:
    """Return the time that the RFC 3161 response *token* signs over *message*, in UTC.

    None where it comes from an authority that the trust root does not know; a sentence where it does not verify.
    Source: RFC 3161 sections 2.4.2 and 2.3.
    """
    from rfc3161_client import decode_timestamp_response

    try:
        response = decode_timestamp_response(token)
        moment = response.tst_info.gen_time
        known = [authority for authority in root.timestamp_authorities if _names(response, authority)]
    except Exception as error:  # the decoder is native code and an attacker's bytes: whatever it raises is this token
        return f"a timestamp cannot be read ({type(error).__name__})"
    if not known:
        return None
    for authority in known:
        if _verifies(response, authority, message) and authority.covers(moment):
            return moment
    return f"the timestamp of {moment:%Y-%m-%d %H:%M:%S} does not verify under the authority it names"


def _names(response: TimeStampResponse, authority: CertificateAuthority) -> bool:
    """Whether the response says that this authority's certificate signed it (CMS IssuerAndSerialNumber)."""
    leaf = authority.issuer
    return any(
        info.serial_number == leaf.serial_number and info.issuer == leaf.issuer
        for info in response.signed_data.signer_infos
    )


def _verifies(response: TimeStampResponse, authority: CertificateAuthority, message: bytes) -> bool:
    from rfc3161_client import VerificationError, VerifierBuilder

    certificates = authority.certificates
    if len(certificates) < 2:
        return False
    builder = VerifierBuilder().tsa_certificate(certificates[0]).add_root_certificate(certificates[-1])
    for certificate in certificates[1:-1]:
        builder = builder.add_intermediate_certificate(certificate)
    try:
        return bool(builder.build().verify_message(response, message))
    except (VerificationError, ValueError):
        return False
