"""Ask every witness about one project. The same code runs live and from a case: the client decides which it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.project import Project
from forensics.model.release import Advisory, SourceStatus
from forensics.model.source import NO_SOURCE
from forensics.model.versions import rules_of
from forensics.sources.ecosystems import package_index
from forensics.sources.git import GitWitness, Repository, commits_in_log, home_of
from forensics.sources.index import Index, PackageIndex, Provenance, ProvenanceAnswer, newest_first
from forensics.sources.interface import Witness
from forensics.sources.osv import read_advisories
from forensics.sources.others import NO_OTHERS, Others
from forensics.sources.rekor import Rekor
from forensics.sources.rekor_gather import LogAnswers, ask_log
from forensics.sources.rekor_plan import plan_for
from forensics.sources.supplements import Supplements

if TYPE_CHECKING:
    from forensics.attestation.registry_keys import RegistryKeys
    from forensics.evidence.client import Client

Progress = Callable[[str, int, int], None]
"""Called with a stage, how many are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Every answer about one project, parsed and not judged. `provenance` is by file name.

    `log` is None where there was nothing to ask it, or nobody to ask. `repository` is what git says. `keys` are those
    that the index says it signs with, None for an index that does not sign. `others` is what further witnesses say.
    """

    index: Outcome[Index]
    provenance: dict[str, Outcome[ProvenanceAnswer]]
    advisories: Outcome[tuple[Advisory, ...]]
    sources: tuple[SourceStatus, ...]
    log: LogAnswers | None = None
    repository: Outcome[Repository] = NO_SOURCE
    keys: Outcome[RegistryKeys] | None = None
    others: Others = NO_OTHERS


@dataclass(frozen=True, slots=True)
class LogClients:
    """Who asks the log: searches through *ask*, entries, which never change, through *kept*."""

    ask: Client
    kept: Client


class Round:
    """One round of questions about a project: whom it goes to, in which order they were asked, how each did."""

    def __init__(self, client: Client, endpoints: Endpoints, project: Project, progress: Progress | None) -> None:
        self.client = client
        self.endpoints = endpoints
        self.project = project
        self.progress = progress
        self.witnesses: list[Witness] = []

    def witness(self, name: str) -> Witness:
        """Return a new witness, counted from now on."""
        self.witnesses.append(Witness(name))
        return self.witnesses[-1]

    def forget(self, witness: Witness) -> None:
        """Leave a witness out of the count: there was nothing to ask it."""
        self.witnesses.remove(witness)

    def tick(self, stage: str) -> Callable[[int, int], None] | None:
        """Return what to call with how much of *stage* is done and of how much, if anybody wants to know."""
        progress = self.progress
        return (lambda done, total: progress(stage, done, total)) if progress else None


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
    """Return what the index, its attestations, OSV, the repository and the transparency log say about *project*.

    What can vanish is asked first: the index, then provenance, newest file first, then the repository; then the log,
    which forgets nothing, about what *supplements* name and the index does not list. An outage of one source never
    stops another.
    """
    asked = Round(client, endpoints, project, progress)
    named = package_index(project.ecosystem)
    index_witness, attested_witness = asked.witness(named.name), asked.witness(named.provenance_name)
    named_ids = tuple(identifier for identifier, _, _ in (supplements or Supplements()).advisory_ids)
    # What takes long and waits for nobody runs beside the rest.
    aside = asyncio.ensure_future(read_advisories(client, endpoints, project, asked.witness("OSV"), named_ids))
    try:
        index = await named.read(client, endpoints, project, index_witness)
        provenance = await _ask_provenance(asked, named, index, attested_witness)
        keys = await named.read_keys(client, endpoints, index_witness) if named.read_keys else None
        advisories = await aside
    finally:
        await asyncio.gather(_ended(aside), return_exceptions=True)
    repository = await _ask_repository(asked, git, index, provenance)
    answers = await _ask_log(asked, log, index, provenance, supplements or Supplements())
    if git is not None and answers is not None and isinstance(repository, Checked):
        repository = await git.ask_more(repository, commits_in_log(answers))
    statuses = tuple(w.status() for w in asked.witnesses)
    return Gathered(index, provenance, advisories, statuses, answers, repository, keys)


async def _ask_provenance(asked: Round, named: PackageIndex, index: Outcome[Index], witness: Witness) -> Provenance:
    """Return the attestations of every listed file, newest first."""
    if isinstance(index, NotChecked):
        return {}
    files, tick = newest_first(index.value.files), asked.tick("provenance")
    return await named.read_provenance(asked.client, asked.endpoints, asked.project, files, witness, tick)


async def _ask_repository(
    asked: Round, git: GitWitness | None, index: Outcome[Index], provenance: Provenance
) -> Outcome[Repository]:
    """Return what the repository that certificates or the index name says."""
    if git is None or "git" not in asked.endpoints.urls:  # cases of earlier versions have no repository
        return NO_SOURCE
    witness = asked.witness("git")
    home = home_of(index, provenance, asked.endpoints)
    repository = await git.ask(home, witness, asked.tick("repository"))
    if not witness.asked:
        asked.forget(witness)
    return repository


async def _ask_log(
    asked: Round, log: LogClients | None, index: Outcome[Index], provenance: Provenance, supplements: Supplements
) -> LogAnswers | None:
    """Return what the log answers, None where there is nothing to ask it, or nobody to ask."""
    if "rekor" not in asked.endpoints.urls:  # cases of earlier versions have no log
        return None
    witness = Witness("Rekor")
    log = log or LogClients(asked.client, asked.client)
    rekor = Rekor(log.ask, asked.endpoints["rekor"], witness, log.kept)
    answers = await ask_log(
        rekor, plan_for(index, provenance, supplements, rules_of(asked.project.ecosystem)), asked.tick("log")
    )
    if answers is not None:
        asked.witnesses.append(witness)
    return answers


async def _ended(task: asyncio.Future[Any]) -> None:
    """Wait for the end of a task that nobody needs any more: it must not outlive the archive it writes to."""
    task.cancel()
    await task
