"""Files of attestations: what a file is, and each attestation in it verified.

Recognised: PEP 740 provenance objects and attestations, Sigstore bundles, JSON lines of bundles, the npm registry's
list of attestations, and its documents of packages and versions, whose registry signatures are verified.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from forensics.attestation.bundle import is_bundle
from forensics.attestation.context import Expected
from forensics.attestation.depth import MAX_DEPTH, text_within_depth
from forensics.attestation.evaluate import Evaluator, Work, in_step
from forensics.attestation.npm import is_attestation_list, parse_attestation_list, subject_is_npm
from forensics.attestation.pep740 import is_attestation, is_provenance, parse_provenance
from forensics.attestation.raw import MAX_ATTESTATIONS
from forensics.attestation.registry_keys import RegistryKeys
from forensics.attestation.registry_signature import (
    check_registry_signatures,
    is_packument,
    parse_packument,
    sha512_of_integrity,
    status_of_signatures,
    unreadable_signature,
)
from forensics.model.attestation import Attestation, RegistrySignature, VerificationStatus
from forensics.model.errors import HostileInput, MalformedEvidence

MAX_FILE = 64 << 20
PROVENANCE = "PEP 740 provenance object"
ATTESTATION = "PEP 740 attestation"
BUNDLE = "Sigstore bundle"
BUNDLES = "Sigstore bundles, one on each line"
NPM = "npm registry attestations"
PACKUMENT = "npm packument"
VERSION = "npm version document"


@dataclass(frozen=True, slots=True)
class FileVerification:
    """What a file turned out to be, and what its attestations or registry signatures come to together.

    `versions` are the registry signatures by version; `unsigned` are versions that carry none.
    """

    name: str
    kind: str
    attestations: tuple[Attestation, ...]
    versions: tuple[tuple[str, tuple[RegistrySignature, ...]], ...] = ()
    unsigned: tuple[str, ...] = ()

    @property
    def status(self) -> VerificationStatus:
        """Invalid if one part is, not checked if none is invalid and one is not checked or not signed, else valid."""
        found = {attestation.verification.status for attestation in self.attestations}
        found |= {status_of_signatures(signatures) for _, signatures in self.versions}
        found |= {VerificationStatus.NOT_CHECKED} if self.unsigned else set()
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
    sha512: str | None = None,
    keys: RegistryKeys | None = None,
    signer: Expected | None = None,
) -> FileVerification:
    """Return the verification of the file *name* with the bytes *raw*.

    *sha256*, *sha512* (hex) and *artifact_name* say which artifact it should be about, as far as that is known; npm
    names versions by SHA-512. *keys* are the registry keys that count; None for none. *signer* says who must have
    signed each attestation: of it, `identity`, `issuer` and `key` count.
    Raises MalformedEvidence for a file that is none of the kinds above, holds no attestation, or holds a registry's
    signatures where a signer is expected; HostileInput for more than 64 MiB, 200 levels of JSON or 64 attestations.
    """
    if len(raw) > MAX_FILE:
        raise HostileInput(f"a file of {len(raw)} bytes; the limit is {MAX_FILE}")
    known = replace(signer or Expected(), filename=artifact_name, sha256=sha256, keys=keys)
    kind, documents = _documents(raw)
    if kind in (PACKUMENT, VERSION):
        if known.about_signer:
            raise MalformedEvidence("a registry signs versions with its own keys; no other signer can be expected")
        return _registry_signatures(name, kind, documents[0], sha512, keys or RegistryKeys())
    works: list[Work] = []
    for data in documents:
        if kind == PROVENANCE:
            for publisher, rows in parse_provenance(data):
                works.extend(evaluator.expecting(replace(known, publisher=publisher), row) for row in rows)
        elif kind == ATTESTATION:
            works.append(evaluator.expecting(known, data))
        elif kind == NPM:  # names versions by purl and SHA-512: a file name and a SHA-256 say nothing about them
            expected = replace(known, filename=None, sha256=None, sha512=sha512)
            for row in parse_attestation_list(data):
                bundle = row.bundle if row.bundle is not None else row.extra
                works.append(evaluator.expecting_npm(expected, bundle, stated=row.predicate_type))
        else:
            works.append(evaluator.expecting_bundle(_of_bundle(data, known, sha512), data))
    found = in_step(works)
    if not found:
        raise MalformedEvidence("the file holds no attestation")
    return FileVerification(name, kind, tuple(found))


def _of_bundle(data: Any, known: Expected, sha512: str | None) -> Expected:
    """What to expect of a bundle: npm's statements name a version and its SHA-512, no file and no SHA-256.

    A SHA-256 alone is still compared: whoever knows no more is not told that a statement is about that file.
    """
    if subject_is_npm(data):
        return replace(known, filename=None, sha256=None if sha512 else known.sha256, sha512=sha512)
    return known


def _registry_signatures(name: str, kind: str, data: Any, sha512: str | None, keys: RegistryKeys) -> FileVerification:
    """The registry's signatures in the documents of a package; only the version of a tarball at hand is about it."""
    found = parse_packument(data)
    about = {
        each.version for each in found.signed if sha512 is not None and sha512_of_integrity(each.integrity) == sha512
    }
    if kind == PACKUMENT and sha512 is not None and not about:
        raise MalformedEvidence("no signed version in the packument has the digest of the artifact")
    versions = [
        (
            each.version,
            check_registry_signatures(each, keys, sha512=sha512 if kind == VERSION or each.version in about else None),
        )
        for each in found.signed
    ]
    package = data.get("name") if isinstance(data.get("name"), str) else ""
    versions += [(v, (unreadable_signature(package, v, reason, keys),)) for v, reason in found.unreadable]
    return FileVerification(name, kind, (), tuple(versions), found.unsigned)


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
    if is_attestation_list(data):
        return NPM, [data]
    if is_packument(data):
        return PACKUMENT if isinstance(data.get("versions"), Mapping) else VERSION, [data]
    raise MalformedEvidence("the file is JSON, but no attestation, provenance object, bundle or signed npm document")


def _load(raw: bytes) -> Any:
    """Parsed JSON, None for what is not JSON. Raises HostileInput where it is nested too deeply."""
    if not text_within_depth(raw):
        raise HostileInput(f"JSON nested more than {MAX_DEPTH} levels deep")
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
