"""From a provenance object to verification jobs."""

from __future__ import annotations

import json
from typing import Any

from forensics.attestation.pep740 import parse_provenance
from forensics.attestation.pool import Job
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
