"""What every package index comes to: files, versions, tags; and what an ecosystem contributes to a collection.

An ecosystem is one `PackageIndex`: how its index is asked, how its attestations are, and what its file names say. All
else (advisories, repository, log, history, signals) works on `Index` and does not know which index it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.project import Project
from forensics.model.publication import NO_PUBLICATION, Publication
from forensics.model.release import ProjectStatus
from forensics.sources.interface import Witness

if TYPE_CHECKING:
    from forensics.attestation.registry_keys import RegistryKeys
    from forensics.evidence.client import Client

PROBES = 3
"""Files asked about before an attestation service's silence is believed, where the index does not vouch itself."""


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One file as the index lists it. `provenance` is a URL or predicate type, None for an observed absence.

    Digests are lower-case hex. `path` is where the file store keeps it.
    """

    filename: str
    version: str
    kind: str
    sha256: str | None
    size: int | None
    uploaded_at: datetime | None
    yanked: bool
    yanked_reason: str | None
    path: str | None
    provenance: Outcome[str | None]
    evidence: tuple[str, ...]
    sha512: str | None = None

    @property
    def digest(self) -> str | None:
        """The digest that the index states, and that logs are searched by: SHA-512 on npm, SHA-256 elsewhere."""
        return self.sha512 or self.sha256


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """What the index states of a version as a whole.

    `listed` is False for one that the index remembers and no longer offers; `published` is its word for the time.
    """

    version: str
    listed: bool
    published: datetime | None
    publication: Outcome[Publication] = NO_PUBLICATION
    note: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """What the index says about a project. `exists` is False only when it answered and knows no such project.

    `unplaced` are listed files whose version nobody states, and names too long to be any: kept, never analysed.
    `links` are the URLs of the project page, those labelled as source first: claims of whoever uploaded last.
    `versions` is what is stated of versions as a whole, `tags` the named versions beside `latest` (npm's dist-tags),
    `removed_at` when the whole project was taken away. `serial` is the journal's serial that the answer is as of; only
    an index itself states one.
    """

    exists: bool
    status: ProjectStatus
    files: tuple[IndexFile, ...]
    empty_versions: tuple[str, ...]
    latest: str | None
    contradictions: tuple[tuple[str, str, str, str], ...]
    evidence: tuple[str, ...]
    unplaced: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    versions: Mapping[str, VersionRecord] = field(default_factory=dict)
    tags: tuple[tuple[str, str], ...] = ()
    removed_at: datetime | None = None
    not_checked: tuple[tuple[str, NotChecked], ...] = ()
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class ProvenanceAnswer:
    """The attestations of one file as the index gave them; `data` None: it says that there are none."""

    filename: str
    data: dict[str, Any] | None
    digest: str | None


Provenance = dict[str, Outcome[ProvenanceAnswer]]
"""Answers by file name."""
Ask = Callable[[IndexFile], Awaitable[Outcome[ProvenanceAnswer]]]
Tick = Callable[[int, int], None]
ReadIndex = Callable[["Client", Endpoints, Project, Witness], Awaitable[Outcome[Index]]]
ReadProvenance = Callable[
    ["Client", Endpoints, Project, tuple[IndexFile, ...], Witness, Tick | None], Awaitable[Provenance]
]

ReadKeys = Callable[["Client", Endpoints, Witness], Awaitable[Outcome["RegistryKeys"]]]


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """What one ecosystem contributes.

    `name` and `provenance_name` are the witnesses' names; `service` is the endpoint's key, without which a case has
    nothing of it. `read_keys` asks for the keys that the index itself signs with, where it does. `version_of` gives the
    version that a file's name states, `kind_of` what kind of file it is.
    """

    name: str
    provenance_name: str
    service: str
    read: ReadIndex
    read_provenance: ReadProvenance
    version_of: Callable[[str, Project], str | None]
    kind_of: Callable[[str], str]
    read_keys: ReadKeys | None = None


def newest_first(files: tuple[IndexFile, ...]) -> tuple[IndexFile, ...]:
    """Return *files* by upload time, newest first; files without a time come last, by name."""
    timed = sorted(
        (f for f in files if f.uploaded_at is not None), key=lambda f: (f.uploaded_at, f.filename), reverse=True
    )
    return (*timed, *sorted((f for f in files if f.uploaded_at is None), key=lambda f: f.filename))


async def ask_provenance(files: tuple[IndexFile, ...], ask: Ask, service: str, progress: Tick | None) -> Provenance:
    """Return the attestations of each file, by name; asked in order, those that the index states before the unknown.

    Files whose absence the index vouches for are not asked. Where the index says nothing, PROBES files are asked
    first; if none gets an answer that *service* could have given, the rest is not asked, and says so.
    """
    stated = [f for f in files if isinstance(f.provenance, Checked) and f.provenance.value]
    unknown = [f for f in files if isinstance(f.provenance, NotChecked)]
    results: Provenance = {
        f.filename: Checked(ProvenanceAnswer(f.filename, None, None), f.provenance.evidence)
        for f in files
        if isinstance(f.provenance, Checked) and f.provenance.value is None
    }
    silent = await _probe(ask, unknown, results)
    rest = [f for f in unknown if f.filename not in results]
    if silent is not None:
        results |= {f.filename: silent for f in rest}
        results |= {f.filename: _neither(f, results[f.filename], service) for f in unknown}
        rest = []
    await _ask_all(ask, [*stated, *rest], results, progress)
    return results


async def _probe(ask: Ask, unknown: Sequence[IndexFile], results: Provenance) -> NotChecked | None:
    """Ask for the first few; return the last failure if none was answered, None as soon as one is."""
    silent: NotChecked | None = None
    for file in unknown[:PROBES]:
        results[file.filename] = outcome = await ask(file)
        if isinstance(outcome, Checked):
            return None
        silent = outcome
    return silent


def _neither(file: IndexFile, outcome: Outcome[ProvenanceAnswer], service: str) -> Outcome[ProvenanceAnswer]:
    """Join the two reasons: why the index does not tell, and why *service* did not either."""
    if isinstance(outcome, Checked) or isinstance(file.provenance, Checked):
        return outcome
    reason = f"{file.provenance.reason}; {service} did not tell either ({outcome.reason})"
    return NotChecked(reason, outcome.needs, (*file.provenance.evidence, *outcome.evidence))


async def _ask_all(ask: Ask, queue: Sequence[IndexFile], results: Provenance, progress: Tick | None) -> None:
    done = 0

    async def one(file: IndexFile) -> None:
        nonlocal done
        results[file.filename] = await ask(file)
        done += 1
        if progress:
            progress(done, len(queue))

    await asyncio.gather(*(one(file) for file in queue))
