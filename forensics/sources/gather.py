"""Ask every witness about one project. The same code runs live and from a case: the client decides which it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.project import Project
from forensics.model.release import Advisory, SourceStatus
from forensics.model.source import NO_SOURCE
from forensics.sources.git import GitWitness, Repository, commits_in_log, home_of
from forensics.sources.integrity import ProvenanceAnswer, read_provenance
from forensics.sources.interface import Witness
from forensics.sources.osv import read_advisories
from forensics.sources.pypi import Index, IndexFile, read_index
from forensics.sources.rekor import Rekor
from forensics.sources.rekor_gather import LogAnswers, ask_log
from forensics.sources.rekor_plan import plan_for
from forensics.sources.supplements import Supplements

if TYPE_CHECKING:
    from forensics.evidence.client import Client

Progress = Callable[[str, int, int], None]
"""Called with a stage, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Every answer about one project, parsed and not judged. `provenance` is by file name.

    `log` is None where there was nothing to ask it, or nobody to ask. `repository` is what git says.
    """

    index: Outcome[Index]
    provenance: dict[str, Outcome[ProvenanceAnswer]]
    advisories: Outcome[tuple[Advisory, ...]]
    sources: tuple[SourceStatus, ...]
    log: LogAnswers | None = None
    repository: Outcome[Repository] = NO_SOURCE


@dataclass(frozen=True, slots=True)
class LogClients:
    """Who asks the log: searches through *ask*, entries, which never change, through *kept*."""

    ask: Client
    kept: Client


async def gather(
    client: Client,
    endpoints: Endpoints,
    project: Project,
    progress: Progress | None = None,
    *,
    supplements: Supplements | None = None,
    log: LogClients | None = None,
    git: GitWitness | None = None,
) -> Gathered:
    """Return what the index, its Integrity API, OSV, the repository and the transparency log say about *project*.

    What can vanish is asked first: the index, then provenance, newest file first, then the repository; then the log,
    which forgets nothing, about what *supplements* name and the index does not list. An outage of one source never
    stops another.
    """
    index_witness, integrity_witness, osv_witness = Witness("PyPI index"), Witness("PyPI Integrity API"), Witness("OSV")
    advisories_task = asyncio.ensure_future(read_advisories(client, endpoints, project, osv_witness))
    try:
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
    finally:
        await asyncio.gather(_ended(advisories_task), return_exceptions=True)
    witnesses = [index_witness, integrity_witness, osv_witness]
    repository: Outcome[Repository] = NO_SOURCE
    if git is not None and "git" in endpoints.urls:  # cases of earlier versions have no repository
        git_witness = Witness("git")
        repository = await git.ask(
            home_of(index, provenance, endpoints),
            git_witness,
            (lambda done, total: progress("repository", done, total)) if progress else None,
        )
        witnesses += [git_witness] if git_witness.asked else []
    answers: LogAnswers | None = None
    if "rekor" in endpoints.urls:  # cases of earlier versions have no log
        log_witness = Witness("Rekor")
        log = log or LogClients(client, client)
        answers = await ask_log(
            Rekor(log.ask, endpoints["rekor"], log_witness, log.kept),
            plan_for(index, provenance, supplements or Supplements()),
            (lambda done, total: progress("log", done, total)) if progress else None,
        )
        witnesses += [log_witness] if answers else []
    if git is not None and answers is not None and isinstance(repository, Checked):
        repository = await git.ask_more(repository, commits_in_log(answers))
    return Gathered(index, provenance, advisories, tuple(w.status() for w in witnesses), answers, repository)


async def _ended(task: asyncio.Future[Any]) -> None:
    """Wait for the end of a task that nobody needs any more: it must not outlive the archive it writes to."""
    task.cancel()
    await task


def newest_first(files: tuple[IndexFile, ...]) -> tuple[IndexFile, ...]:
    """Return *files* by upload time, newest first; files without a time come last, by name."""
    timed = sorted(
        (f for f in files if f.uploaded_at is not None), key=lambda f: (f.uploaded_at, f.filename), reverse=True
    )
    return (*timed, *sorted((f for f in files if f.uploaded_at is None), key=lambda f: f.filename))
