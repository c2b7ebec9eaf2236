"""Whom else to look at: what a repository publishes, and where the accounts of a compromised project have a say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forensics.model.checked import Checked, NotChecked
from forensics.model.errors import Unreachable
from forensics.model.project import Ecosystem, Project

if TYPE_CHECKING:
    from forensics.evidence.client import Limits
    from forensics.investigation import Analysis
    from forensics.sweep.dataset import Dataset

ARCHIVE = "questions.warc.gz"
"""Answers that belong to no project's case, kept beside the tables."""


def published_by(dataset: Dataset, repository: str, limits: Limits, *, offline: bool = False) -> tuple[Project, ...]:
    """Return the projects that *repository* publishes, by deps.dev's word; its answer is kept with the sweep.

    A sweep that asked before does not ask again, and *offline* it only looks up what was answered then. Raises
    UsageError for no repository, Unreachable where deps.dev does not answer: an empty list would read as "it publishes
    nothing".
    """
    from datetime import UTC, datetime

    from forensics.evidence.archive import Archive
    from forensics.evidence.client import Client
    from forensics.evidence.network import open_network
    from forensics.evidence.transport import RecordingTransport, ReplayingTransport
    from forensics.investigation import run_to_end
    from forensics.model.checked import Outcome
    from forensics.sources.depsdev_publisher import read_packages_of, repository_key
    from forensics.sources.interface import Witness

    key = repository_key(repository)

    async def run() -> Outcome[tuple[Project, ...]]:
        with Archive.append_to(dataset.path / ARCHIVE, datetime.now(UTC)) as archive:
            network = ReplayingTransport(archive) if offline else RecordingTransport(open_network(), archive)
            async with Client(network, limits) as client:
                return await read_packages_of(client, dataset.endpoints["depsdev"], key, Witness("deps.dev"))

    found = run_to_end(run)
    if isinstance(found, NotChecked):
        raise Unreachable(
            f"Which packages {key} publishes could not be asked: {found.reason}.",
            meaning="Nothing was swept; that it publishes nothing is not said.",
            advice="Run the same command again later, or name the packages in a LIST.",
        )
    return found.value


def neighbours_of(analysis: Analysis) -> tuple[Project, ...]:
    """Return the other projects in which an account of *analysis* has a role or published, sorted.

    Only what its case holds: the index's roles and what the same accounts were seen to publish.
    """
    kind = analysis.project.ecosystem
    names: set[str] = set()
    members = analysis.history.members
    for member in members.value if isinstance(members, Checked) else ():
        names.update(member.others.value if isinstance(member.others, Checked) else ())
    fleet = analysis.history.fleet
    names.update(p.package for p in (fleet.value.publications if isinstance(fleet, Checked) else ()))
    return tuple(sorted(_projects(kind, names) - {analysis.project}))


def _projects(kind: Ecosystem, names: set[str]) -> set[Project]:
    from forensics.model.errors import BadProject
    from forensics.model.project import parse_project

    found: set[Project] = set()
    for name in names:
        try:
            found.add(parse_project(f"{kind.value}:{name}"))
        except BadProject:  # an index that lists such a name lists what nobody can ask for
            continue
    return found
