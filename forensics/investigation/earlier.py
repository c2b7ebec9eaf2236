"""Earlier cases of the same project: handed over as snapshots, and read with everything else that was imported."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from forensics.model.attestation import Attestation
from forensics.model.checked import Checked
from forensics.model.endpoints import Endpoints
from forensics.model.errors import ForensicsError, UsageError
from forensics.model.project import Project, parse_project
from forensics.timeline.earlier import Earlier, Imported, name_files, publications_of

if TYPE_CHECKING:
    from pathlib import Path

    from forensics.attestation.pool import Job
    from forensics.attestation.registry_keys import RegistryKeys
    from forensics.evidence.case import Case
    from forensics.evidence.imports import Import
    from forensics.sources.supplements import Supplements

KIND = "snapshot"


def import_earlier(case: Case, path: Path) -> Import:
    """Add to *case* what the index said when the earlier case at *path* was collected; return the import.

    The same earlier case is added once. Raises UsageError for a case of another project, an unfinished one or the case
    itself, CaseNotFound, DamagedCase, and ReadOnlyCase where *case* cannot be added to.
    """
    from forensics.evidence.case import Case as Opened
    from forensics.investigation.core import run_to_end
    from forensics.sources.snapshot import make_snapshot

    other = Opened.open(path)
    meta = other.meta
    if meta.project != case.meta.project:
        raise UsageError(f"The case {path} is about {meta.project}, not {case.meta.project}.")
    if meta.id == case.meta.id:
        raise UsageError(f"{path} is the case itself.", advice="Name an earlier case of the same project.")
    if not meta.complete:
        raise UsageError(f"The case {path} is not complete.", advice="Finish it with `forensics timeline --case`.")
    at, digest = meta.closed_at or meta.created_at, other.digest()
    source = f"case {meta.id}, collected {at:%Y-%m-%d}, sha256:{digest}"
    # Record ids are random, so the same case never makes the same bytes twice.
    if (known := next((i for i in case.imports() if (i.kind, i.source) == (KIND, source)), None)) is not None:
        return known

    async def make() -> bytes:
        with other.reading_archive() as archive:
            return await make_snapshot(
                archive, parse_project(meta.project), Endpoints(dict(meta.endpoints)), case=meta.id,
                digest=digest, at=at,
            )  # fmt: skip

    return case.add_import(f"snapshot-{meta.id}.warc.gz", run_to_end(make), kind=KIND, source=source)


def read_earlier(case: Case, project: Project, supplements: Supplements) -> tuple[Imported, ...]:
    """Return the snapshots of *case*, oldest first; name their files in *supplements*, and what cannot be read."""
    from forensics.investigation.core import run_to_end
    from forensics.sources.snapshot import read_snapshot

    found: list[Imported] = []
    for item in case.imports():
        if item.kind != KIND:
            continue
        try:
            snapshot = run_to_end(partial(read_snapshot, item.read(), project))
            found.append(Imported(snapshot, item.observation.id))
        except ForensicsError as error:
            supplements.problems.append(f"{item.name}: {error.what}")
    found.sort(key=lambda one: (one.snapshot.at, one.observation))
    name_files(supplements, found)
    return tuple(found)


def jobs_of_earlier(project: Project, snapshots: Sequence[Imported], keys: RegistryKeys) -> list[Job]:
    """Return what is to be verified of the attestations that *snapshots* hold."""
    from forensics.investigation.verification import jobs_of

    return [
        job
        for one in snapshots
        if one.index
        for job in jobs_of(
            project, {f.filename: f for f in one.index.files}, one.snapshot.provenance, keys, cite=one.observation
        )
    ]


def earlier_of(snapshots: Sequence[Imported], attested: dict[str, tuple[Attestation, ...]]) -> Earlier:
    """Return what *snapshots* add to a history; *attested* are their verified attestations."""
    seen: dict[str, tuple[Attestation, ...]] = {}
    for one in snapshots:
        for filename, outcome in sorted(one.snapshot.provenance.items()):
            if isinstance(outcome, Checked):
                seen.setdefault(filename, ())
    for filename, found in attested.items():
        distinct = {a.digest: a for a in reversed(found)}
        seen[filename] = tuple(reversed(distinct.values()))
    names = tuple(dict.fromkeys(one.snapshot.case for one in snapshots))
    return Earlier(names, seen, publications_of(snapshots), tuple(one.observation for one in snapshots))
