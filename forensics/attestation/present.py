"""A verification for a reader and for a program. Outside text is made visible before it leaves."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from forensics.attestation.files import FileVerification
from forensics.attestation.registry_signature import status_of_signatures
from forensics.attestation.statement import label_of_predicate
from forensics.model.attestation import Attestation, CheckResult, RegistrySignature, Verification, VerificationStatus
from forensics.model.build import BuildFacts
from forensics.model.claims import label_of
from forensics.model.identity import Identity
from forensics.model.text import visible
from forensics.model.times import to_iso, to_minute

Line = tuple[str, str]
_VALID = VerificationStatus.VALID
_MAX_VERSIONS = 20
_SHORT = (
    "subject_alternative_name",
    "issuer",
    "issuer_v1",
    "source_repository_uri",
    "source_repository_digest",
    "source_repository_ref",
    "build_config_uri",
    "build_trigger",
    "runner_environment",
    "run_invocation_uri",
    "deployment_environment",
)
"""The claims that a reader sees; `--json` has them all."""

_RESULT = {
    CheckResult.PASS: ("green", "pass"),
    CheckResult.FAIL: ("red", "FAIL"),
    CheckResult.NOT_CHECKED: ("yellow", "not checked"),
}
_STATUS = {
    VerificationStatus.VALID: "green bold",
    VerificationStatus.INVALID: "red bold",
    VerificationStatus.NOT_CHECKED: "yellow bold",
}


def as_text(found: FileVerification, about: str) -> list[Line]:
    """Return the lines (rich style, text) that tell a reader about *found*; *about* is what it was compared with."""
    lines = [("bold", f"{visible(found.name)}: {found.kind}"), ("", f"  compared with {visible(about)}")]
    for attestation in found.attestations:
        lines += _attestation_lines(attestation)
    lines += _signature_lines(found)
    return [*lines, (_STATUS[found.status], f"  => {found.status.value}"), ("", "")]


def unreadable_as_text(name: str, reason: str) -> list[Line]:
    """Return the lines (rich style, text) for a file that could not be read at all."""
    return [("bold", visible(name)), ("red bold", f"  => unreadable: {visible(reason)}"), ("", "")]


def as_json(found: FileVerification) -> dict[str, Any]:
    """Return *found* as it stands in `forensics/verify/1`."""
    return {
        "file": visible(found.name),
        "kind": found.kind,
        "status": found.status.value,
        "attestations": [attestation_as_json(attestation) for attestation in found.attestations],
        "registry_signatures": [
            _signature_as_json(version, each) for version, signatures in found.versions for each in signatures
        ],
        "unsigned_versions": [visible(version) for version in found.unsigned],
    }


def unreadable_as_json(name: str, reason: str) -> dict[str, Any]:
    """Return a file that could not be read as it stands in `forensics/verify/1`."""
    return {
        "file": visible(name),
        "kind": None,
        "status": "unreadable",
        "reason": visible(reason),
        "attestations": [],
    }


def attestation_as_json(attestation: Attestation) -> dict[str, Any]:
    """Return one attestation with its identity, log entry and checks; times in RFC 3339, digests in hex."""
    entry = attestation.log_entry
    signed = attestation.signed_at
    return {
        "status": attestation.verification.status.value,
        "digest": attestation.digest,
        "predicate_type": visible(attestation.predicate_type),
        "subject": {
            "name": _visible(attestation.subject_name),
            "sha256": _visible(attestation.subject_sha256),
            "sha512": _visible(attestation.subject_sha512),
        },
        "signed_at": to_iso(signed) if signed else None,
        "identity": _identity_as_json(attestation.identity),
        "registry_key": _visible(attestation.registry_key),
        "build": _build_as_json(attestation.build),
        "disagreements": [
            {"about": each.about, "predicate": visible(each.stated), each.witness: visible(each.actual)}
            for each in attestation.disagreements
        ],
        "log_entry": {"log_id": entry.log_id, "index": entry.index, "kind": visible(entry.kind)} if entry else None,
        "trust_root": attestation.verification.trust_root,
        "checks": _checks_as_json(attestation.verification),
    }


def _signature_as_json(version: str, signature: RegistrySignature) -> dict[str, Any]:
    return {
        "version": visible(version),
        "status": signature.verification.status.value,
        "purl": visible(signature.purl),
        "integrity": visible(signature.integrity),
        "published": to_iso(signature.published) if signature.published else None,
        "registry_key": visible(signature.registry_key),
        "registry_keys": signature.verification.trust_root,
        "checks": _checks_as_json(signature.verification),
    }


def _checks_as_json(verification: Verification) -> list[dict[str, str]]:
    return [
        {"name": check.name, "result": check.result.value, "detail": visible(check.detail)}
        for check in verification.checks
    ]


def _build_as_json(build: BuildFacts | None) -> dict[str, Any] | None:
    """What the predicate says, without what it leaves out."""
    if build is None:
        return None
    rows: dict[str, Any] = {}
    for field in fields(build):
        value = getattr(build, field.name)
        if isinstance(value, tuple):
            rows[field.name] = [[visible(text) for text in pair] for pair in value]
        elif value is not None:
            rows[field.name] = visible(value) if isinstance(value, str) else value
    return rows


def _identity_as_json(identity: Identity | None) -> dict[str, Any] | None:
    if identity is None:
        return None
    claims: dict[str, Any] = {name: visible(value) for name, value in identity.claims().items()}
    for name in ("not_before", "not_after", "sct_time"):
        if (moment := getattr(identity, name)) is not None:
            claims[name] = to_iso(moment)
    if identity.unknown_claims:
        claims["unknown_claims"] = [list(pair) for pair in identity.unknown_claims]
    return claims


def _attestation_lines(attestation: Attestation) -> list[Line]:
    what = label_of_predicate(attestation.predicate_type)
    lines = [("bold", f"  {visible(what) or 'Attestation'}: {_visible(attestation.subject_name) or 'no subject read'}")]
    if attestation.identity is not None:
        claims = attestation.identity.claims()
        if claims.get("issuer") == claims.get("issuer_v1"):
            claims.pop("issuer_v1", None)
        for name in _SHORT:
            if name in claims:
                lines.append(("", f"    {label_of(name)}: {visible(claims[name])}"))
    if (signed := attestation.signed_at) is not None:
        lines.append(("", f"    Signed: {to_minute(signed)} UTC"))
    if (entry := attestation.log_entry) is not None:
        lines.append(("", f"    Log entry: {entry.index} ({visible(entry.kind)})"))
    lines += _check_lines(attestation.verification)
    for each in attestation.disagreements:
        lines.append(("red", f"    differs     {visible(each.sentence())}: the {each.witness} counts."))
    status = attestation.verification.status
    return [*lines, (_STATUS[status], f"    {status.value}")]


def _signature_lines(found: FileVerification) -> list[Line]:
    """Each version whose registry signatures do not all hold, step by step; the others in one line."""
    rows = found.versions
    shown = rows if len(rows) == 1 else [row for row in rows if status_of_signatures(row[1]) is not _VALID]
    lines: list[Line] = []
    for version, signatures in shown[:_MAX_VERSIONS]:
        for signature in signatures:
            lines.append(("bold", f"  Registry signature of {visible(signature.purl or version)}"))
            lines += _check_lines(signature.verification)
            status = signature.verification.status
            lines.append((_STATUS[status], f"    {status.value}"))
    if len(shown) > _MAX_VERSIONS:
        lines.append(("yellow", f"  and {len(shown) - _MAX_VERSIONS} more such versions; `--json` has them all"))
    if len(rows) > len(shown):
        lines.append(
            ("green", f"  Registry signatures hold for {len(rows) - len(shown)} of {len(rows)} signed versions")
        )
    if found.unsigned:
        named = ", ".join(visible(version) for version in found.unsigned[:_MAX_VERSIONS])
        more = " and more" if len(found.unsigned) > _MAX_VERSIONS else ""
        lines.append(("yellow", f"  {len(found.unsigned)} versions carry no registry signature: {named}{more}"))
    return lines


def _check_lines(verification: Verification) -> list[Line]:
    lines = []
    for check in verification.checks:
        style, word = _RESULT[check.result]
        lines.append((style, f"    {word:<11} {check.name:<20} {visible(check.detail)}"))
    return lines


def _visible(text: str | None) -> str | None:
    return visible(text) if text is not None else None
