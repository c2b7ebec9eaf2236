"""Step `log-body`: what the log recorded is what the attestation carries.

Without it, an entry for something else could be shown as proof (CVE-2022-36056). Sources: sigstore/rekor pkg/types/*
(dsse 0.0.1, hashedrekord 0.0.1, intoto 0.0.1 and 0.0.2); Rekor v2 specification sections 6.1.3 and 6.1.4
(hashedrekord 0.0.2) and rekor-tiles api/proto (dsse 0.0.2).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from forensics.attestation.checks_log import NO_ENTRY
from forensics.attestation.context import Context, failed, not_checked, passed
from forensics.attestation.raw import decode, items, octets, parse_json, section, text
from forensics.attestation.statement import pae
from forensics.model.attestation import Check
from forensics.model.errors import HostileInput, MalformedEvidence

_Body = Mapping[str, Any]


def check_log_body(context: Context) -> Check:
    """Step `log-body`: hash, signature and certificate in the entry's body equal those of the attestation.

    A kind that this version cannot compare is not checked. Source: see the module.
    """
    name, entry = "log-body", context.raw.entry
    if entry is None:
        return not_checked(name, NO_ENTRY)
    compare = _KINDS.get(entry.type)
    if compare is None:
        return not_checked(name, f"entries of the kind {entry.type} cannot be compared by this version.")
    try:
        body = parse_json(entry.body)
        stated = f"{text(body, 'kind')}/{text(body, 'apiVersion')}" if isinstance(body, dict) else "nothing"
        if stated != entry.type:
            return failed(name, f"the body is of the kind {stated}, the entry says {entry.type}.")
        problems = compare(context, section(body, "spec"))
    except (MalformedEvidence, HostileInput, ValueError, RecursionError) as error:
        return failed(name, f"the body of the entry cannot be read: {error}.")
    if problems:
        return failed(name, f"the log recorded something else: {', '.join(problems)}.")
    signer = "certificate" if context.raw.certificate is not None else "key"
    if signer == "key" and context.registry_key is None:
        return passed(name, "the log recorded the same payload and signature.")
    if entry.type == "intoto/0.0.1":  # it holds a hash of the envelope, whose spacing is nowhere fixed
        return passed(name, f"the log recorded the same payload and {signer}; this kind holds no signature.")
    return passed(name, f"the log recorded the same payload, signature and {signer}.")


def _dsse_001(context: Context, spec: _Body) -> list[str]:
    problems = _compare_hash(context, section(spec, "payloadHash"))
    rows = items(spec, "signatures", 64)
    if len(rows) != 1:
        return [*problems, f"it has {len(rows)} signatures"]
    if octets(rows[0], "signature") != context.raw.signature:
        problems.append("the signature differs")
    return problems + _compare_pem(context, octets(rows[0], "verifier"))


def _intoto_001(context: Context, spec: _Body) -> list[str]:
    content = section(spec, "content")
    return _compare_hash(context, section(content, "payloadHash")) + _compare_pem(context, octets(spec, "publicKey"))


def _intoto_002(context: Context, spec: _Body) -> list[str]:
    content = section(spec, "content")
    problems = _compare_hash(context, section(content, "payloadHash"))
    rows = items(section(content, "envelope"), "signatures", 64)
    if len(rows) != 1:
        return [*problems, f"it has {len(rows)} signatures"]
    recorded = octets(rows[0], "sig")
    # Rekor's intoto 0.0.2 holds the base64 of the base64.
    if context.raw.signature not in (recorded, _again(recorded)):
        problems.append("the signature differs")
    return problems + _compare_pem(context, octets(rows[0], "publicKey"))


def _hashedrekord_001(context: Context, spec: _Body) -> list[str]:
    signature, stated = section(spec, "signature"), section(section(spec, "data"), "hash")
    problems = []
    if stated.get("algorithm") != "sha256" or stated.get("value") != (_signed_digest(context) or b"").hex():
        problems.append("the digest differs")
    if octets(signature, "content") != context.raw.signature:
        problems.append("the signature differs")
    return problems + _compare_pem(context, octets(section(signature, "publicKey"), "content"))


def _hashedrekord_002(context: Context, spec: _Body) -> list[str]:
    record = section(spec, "hashedRekordV002")
    problems = _compare_output(section(record, "data"), _signed_digest(context))
    return problems + _compare_v2(context, section(record, "signature"))


def _dsse_002(context: Context, spec: _Body) -> list[str]:
    record = section(spec, "dsseV002")
    payload = context.raw.payload
    digest = hashlib.sha256(payload).digest() if payload is not None else None
    problems = _compare_output(section(record, "payloadHash"), digest)
    rows = items(record, "signatures", 64)
    if len(rows) != 1:
        return [*problems, f"it has {len(rows)} signatures"]
    return problems + _compare_v2(context, rows[0])


_KINDS: dict[str, Callable[[Context, _Body], list[str]]] = {
    "dsse/0.0.1": _dsse_001,
    "dsse/0.0.2": _dsse_002,
    "hashedrekord/0.0.1": _hashedrekord_001,
    "hashedrekord/0.0.2": _hashedrekord_002,
    "intoto/0.0.1": _intoto_001,
    "intoto/0.0.2": _intoto_002,
}


def _signed_digest(context: Context) -> bytes | None:
    """SHA-256 of what was signed: the envelope's PAE, or the message."""
    if context.raw.payload is not None:
        return hashlib.sha256(pae(context.raw.payload_type, context.raw.payload)).digest()
    return message_digest(context)


def message_digest(context: Context) -> bytes | None:
    """Return the SHA-256 of a bare message: what the caller expects, else what the bundle states; None if neither."""
    if context.expected.sha256 is not None:
        try:
            return bytes.fromhex(context.expected.sha256)
        except ValueError:
            return None
    return context.raw.digest


def _compare_hash(context: Context, stated: _Body) -> list[str]:
    if context.raw.payload is None:
        return ["it is of an envelope, and a bare message was signed"]
    if stated.get("algorithm") != "sha256" or stated.get("value") != hashlib.sha256(context.raw.payload).hexdigest():
        return ["the payload's hash differs"]
    return []


def _compare_output(stated: _Body, digest: bytes | None) -> list[str]:
    if stated.get("algorithm") != "SHA2_256":
        return [f"its digest is {str(stated.get('algorithm'))[:32]}, not SHA2_256"]
    return [] if digest is not None and octets(stated, "digest") == digest else ["the digest differs"]


def _compare_v2(context: Context, signature: Any) -> list[str]:
    problems = []
    if octets(signature, "content") != context.raw.signature:
        problems.append("the signature differs")
    verifier = section(signature, "verifier")
    if context.raw.certificate is not None:
        stated = verifier.get("x509Certificate")
        if not isinstance(stated, dict) or octets(stated, "rawBytes") != context.raw.certificate:
            problems.append("the certificate differs")
    elif context.registry_key is not None:
        stated = verifier.get("publicKey")
        if not isinstance(stated, dict) or octets(stated, "rawBytes") != context.registry_key.spki:
            problems.append("the key differs")
    return problems


def _compare_pem(context: Context, pem: bytes) -> list[str]:
    """The body names the signer in PEM; without certificate and key there is nothing to compare it with."""
    if context.raw.certificate is not None:
        what, label, wanted = "certificate", b"CERTIFICATE", context.raw.certificate
    elif context.registry_key is not None:
        what, label, wanted = "key", b"PUBLIC KEY", context.registry_key.spki
    else:
        return []
    begin, end, armoured = b"-----BEGIN %b-----" % label, b"-----END %b-----" % label, pem.strip()
    if not armoured.startswith(begin) or not armoured.endswith(end):
        return [f"it names no {what}"]
    inner = b"".join(armoured[len(begin) : -len(end)].splitlines())
    recorded = decode(inner.decode("ascii", "replace"), "verifier")
    return [] if recorded == wanted else [f"the {what} differs"]


def _again(value: bytes) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""
