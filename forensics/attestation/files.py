"""Files of attestations: what a file is, and each attestation in it verified.

Recognised: PEP 740 provenance objects and attestations, Sigstore bundles, JSON lines of bundles, and the npm registry's
list of attestations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from forensics.attestation.bundle import is_bundle
from forensics.attestation.context import Expected
from forensics.attestation.depth import MAX_DEPTH, text_within_depth
from forensics.attestation.evaluate import Evaluator
from forensics.attestation.pep740 import is_attestation, is_provenance, parse_provenance
from forensics.attestation.raw import MAX_ATTESTATIONS
from forensics.model.attestation import Attestation, VerificationStatus
from forensics.model.errors import HostileInput, MalformedEvidence

MAX_FILE = 64 << 20
PROVENANCE = "PEP 740 provenance object"
ATTESTATION = "PEP 740 attestation"
BUNDLE = "Sigstore bundle"
BUNDLES = "Sigstore bundles, one on each line"
NPM = "npm registry attestations"


@dataclass(frozen=True, slots=True)
class FileVerification:
    """What a file turned out to be, and what its attestations come to together."""

    name: str
    kind: str
    attestations: tuple[Attestation, ...]

    @property
    def status(self) -> VerificationStatus:
        """Invalid if one attestation is, not checked if none is invalid and one is not checked, else valid."""
        found = {attestation.verification.status for attestation in self.attestations}
        for status in (VerificationStatus.INVALID, VerificationStatus.NOT_CHECKED):
            if status in found:
                return status
        return VerificationStatus.VALID if found else VerificationStatus.NOT_CHECKED


def verify_document(
    raw: bytes,
    *,
    name: str,
    evaluator: Evaluator,
    sha256: str | None = None,
    artifact_name: str | None = None,
) -> FileVerification:
    """Return the verification of the file *name* with the bytes *raw*.

    *sha256* (hex) and *artifact_name* say which artifact its attestations should be about, as far as that is known.
    Raises MalformedEvidence for a file that is none of the kinds above or holds no attestation, HostileInput for more
    than 64 MiB, 200 levels of JSON or 64 attestations.
    """
    if len(raw) > MAX_FILE:
        raise HostileInput(f"a file of {len(raw)} bytes; the limit is {MAX_FILE}")
    known = Expected(None, artifact_name, sha256)
    kind, documents = _documents(raw)
    found: list[Attestation] = []
    for data in documents:
        if kind == PROVENANCE:
            for publisher, rows in parse_provenance(data):
                found.extend(evaluator.expecting(replace(known, publisher=publisher), row) for row in rows)
        elif kind == ATTESTATION:
            found.append(evaluator.expecting(known, data))
        elif kind == NPM:  # names packages by purl and SHA-512: a file name and a SHA-256 say nothing about them
            found.append(evaluator.bundle(data))
        else:
            found.append(evaluator.bundle(data, filename=artifact_name, sha256=sha256))
    if not found:
        raise MalformedEvidence("the file holds no attestation")
    return FileVerification(name, kind, tuple(found))


def _documents(raw: bytes) -> tuple[str, list[Any]]:
    data = _load(raw)
    if data is None:
        lines = [line for line in raw.splitlines() if line.strip()]
        if len(lines) > MAX_ATTESTATIONS:
            raise HostileInput(f"a file of {len(lines)} lines; the limit is {MAX_ATTESTATIONS} attestations")
        rows = [_load(line) for line in lines]
        if rows and all(is_bundle(row) for row in rows):
            return BUNDLES, rows
        raise MalformedEvidence("the file is neither JSON nor lines of Sigstore bundles")
    if is_provenance(data):
        return PROVENANCE, [data]
    if is_attestation(data):
        return ATTESTATION, [data]
    if is_bundle(data):
        return BUNDLE, [data]
    listed = data.get("attestations") if isinstance(data, Mapping) else None
    if isinstance(listed, list) and listed and all(_is_npm(row) for row in listed):
        if len(listed) > MAX_ATTESTATIONS:
            raise HostileInput(f"a file of {len(listed)} attestations; the limit is {MAX_ATTESTATIONS}")
        return NPM, [row["bundle"] for row in listed]
    raise MalformedEvidence("the file is JSON, but no attestation, provenance object or bundle")


def _is_npm(row: Any) -> bool:
    return isinstance(row, Mapping) and is_bundle(row.get("bundle"))


def _load(raw: bytes) -> Any:
    """Parsed JSON, None for what is not JSON. Raises HostileInput where it is nested too deeply."""
    if not text_within_depth(raw):
        raise HostileInput(f"JSON nested more than {MAX_DEPTH} levels deep")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
