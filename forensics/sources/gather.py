"""Ask every witness about one project. The same code runs live and from a case: the client decides which it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forensics.model.checked import Checked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.project import Project
from forensics.model.release import Advisory, SourceStatus
from forensics.sources.interface import Witness
from forensics.sources.osv import read_advisories
from forensics.sources.pypi import Index, IndexFile, ProvenanceAnswer, read_index, read_provenance

if TYPE_CHECKING:
    from forensics.evidence.client import Client

Progress = Callable[[str, int, int], None]
"""Called with a stage, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Every answer about one project, parsed and not judged. `provenance` is by file name."""

    index: Outcome[Index]
    provenance: dict[str, Outcome[ProvenanceAnswer]]
    advisories: Outcome[tuple[Advisory, ...]]
    sources: tuple[SourceStatus, ...]


async def gather(client: Client, endpoints: Endpoints, project: Project, progress: Progress | None = None) -> Gathered:
    """Return what the index, its Integrity API and OSV say about *project*.

    What can vanish is asked first: the index, then provenance, newest file first. An outage of one source never
    stops another.
    """
    index_witness, integrity_witness, osv_witness = Witness("PyPI index"), Witness("PyPI Integrity API"), Witness("OSV")
    advisories_task = asyncio.ensure_future(read_advisories(client, endpoints, project, osv_witness))
    index = await read_index(client, endpoints, project, index_witness)
    provenance: dict[str, Outcome[ProvenanceAnswer]] = {}
    if isinstance(index, Checked):
        provenance = await read_provenance(
            client,
            endpoints,
            project,
            newest_first(index.value.files),
            integrity_witness,
            (lambda done, total: progress("provenance", done, total)) if progress else None,
        )
    advisories = await advisories_task
    witnesses = (index_witness, integrity_witness, osv_witness)
    return Gathered(index, provenance, advisories, tuple(w.status() for w in witnesses))


def newest_first(files: tuple[IndexFile, ...]) -> tuple[IndexFile, ...]:
    """Return *files* by upload time, newest first; files without a time come last, by name."""
    timed = sorted(
        (f for f in files if f.uploaded_at is not None), key=lambda f: (f.uploaded_at, f.filename), reverse=True
    )
    return (*timed, *sorted((f for f in files if f.uploaded_at is None), key=lambda f: f.filename))
