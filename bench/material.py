"""What the rows are measured on: attestations of the test lab, and histories of many releases."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Attestations:
    """PEP 740 objects of the lab with the files they are about, and the lab's trust root."""

    root: bytes
    objects: tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...]


@cache
def attestations() -> Attestations:
    """Return every attestation of the built-in scenario: (file name, sha256, publisher, attestation object)."""
    from tests.lab import build_world

    world = build_world("ultralytics-2024-12")
    rows = []
    for release in world.releases:
        for stored in world.files_of(release.version):
            if stored.provenance is None:
                continue
            for bundle in stored.provenance["attestation_bundles"]:
                rows += [(stored.filename, stored.sha256, bundle["publisher"], a) for a in bundle["attestations"]]
    with tempfile.TemporaryDirectory() as folder:
        path = world.write_trusted_root(Path(folder))
        return Attestations(Path(path).read_bytes(), tuple(rows))


def jobs(count: int) -> list[Any]:
    """Return *count* verification jobs, the lab's attestations over and over."""
    from forensics.attestation.pool import Job

    material = attestations()
    rows = [material.objects[index % len(material.objects)] for index in range(count)]
    return [Job("pep740", json.dumps(a).encode(), None, name, sha256, ()) for name, sha256, _, a in rows]
