"""From an answer of an index to verification jobs."""

from __future__ import annotations

import json
from typing import Any

from forensics.attestation.npm import npm_purl, parse_attestation_list
from forensics.attestation.pep740 import parse_provenance
from forensics.attestation.pool import Job
from forensics.attestation.registry_keys import RegistryKeys
from forensics.model.errors import HostileInput, MalformedEvidence


def jobs_for(data: Any, filename: str, sha256: str | None, evidence: tuple[str, ...]) -> list[Job]:
    """Return one job for each attestation in the provenance object *data* of the file *filename*.

    An object that cannot be read becomes one job that fails its `format` check, so that it is seen. Source: PEP 740.
    """
    try:
        bundles = parse_provenance(data)
    except (MalformedEvidence, HostileInput):
        return [Job("pep740", json.dumps(data).encode(), None, filename, sha256, evidence)]
    return [
        Job("pep740", json.dumps(attestation).encode(), publisher, filename, sha256, evidence)
        for publisher, attestations in bundles
        for attestation in attestations
    ]


def jobs_for_npm(
    data: Any,
    *,
    project: str,
    version: str,
    filename: str,
    sha512: str | None,
    keys: RegistryKeys,
    evidence: tuple[str, ...],
) -> list[Job]:
    """Return one job for each attestation in npm's answer *data* about *version* of *project* (`name`, `@scope/name`).

    *filename* is the name under which the tarball stands in the history, *sha512* its digest in hex as the index has
    it (None where unknown), *keys* the registry keys that count (`registry_keys.keys_for`). An answer or a row that
    cannot be read becomes one job that fails its `format` check, so that it is seen.
    Source: npm's registry API, `/-/npm/v1/attestations/<name>@<version>`.
    """
    purl = npm_purl(project, version)
    try:
        rows = [
            (row.bundle if row.bundle is not None else row.extra, row.predicate_type)
            for row in parse_attestation_list(data)
        ]
    except (MalformedEvidence, HostileInput):
        rows = [(data, None)]
    return [
        Job("npm", json.dumps(found).encode(), None, filename, None, evidence, purl, sha512, keys, stated)
        for found, stated in rows
    ]
