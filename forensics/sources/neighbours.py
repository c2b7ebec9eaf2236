"""Questions about other packages: since when a newly required one exists, and what the same accounts published.

They follow from what the first answers say, so they are asked last, about few packages, and what was left out is
counted. Source: npm's registry API, `GET /-/v1/search` with `text` and `size`; the packages' own index documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, BadProject, HostileInput
from forensics.model.neighbours import NO_FLEET, Fleet, OtherPublication, Questions
from forensics.model.project import Ecosystem, Project, parse_project
from forensics.model.publication import uploader_in
from forensics.model.release import SourceStatus
from forensics.model.times import time_of
from forensics.sources.ecosystems import package_index
from forensics.sources.index import Index, VersionRecord
from forensics.sources.interface import Witness, items, mapping, text

if TYPE_CHECKING:
    from forensics.evidence.client import Client

SEARCH_SIZE = 250
"""Packages of an account that one answer lists; the registry gives no more at a time."""
MAX_PACKAGES = 60
"""Packages of the accounts that are read, those published last first."""
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What is known of other packages: first publications by name, and what the project's accounts published."""

    ages: Mapping[str, Outcome[datetime]] = field(default_factory=dict)
    fleet: Outcome[Fleet] = NO_FLEET
    sources: tuple[SourceStatus, ...] = ()


async def ask_neighbours(client: Client, endpoints: Endpoints, project: Project, questions: Questions) -> Neighbours:
    """Return what the indexes say; an outage becomes a reason. The same questions replay from a case."""
    if package_index(project.ecosystem).service not in endpoints.urls:
        return Neighbours()
    required, others = Witness("newly required packages"), Witness("packages of the same accounts")
    asker = _Asker(client, endpoints, project, asyncio.Semaphore(AT_ONCE))
    found = await asyncio.gather(*(asker.age(name, required) for name in questions.names))
    fleet = await asker.fleet(questions, others)
    sources = tuple(one.status() for one in (required, others) if one.answered)
    return Neighbours(dict(zip(questions.names, found, strict=True)), fleet, sources)


@dataclass(slots=True)
class _Asker:
    """Who asks, and for which project; documents of other packages are read once."""

    client: Client
    endpoints: Endpoints
    project: Project
    place: asyncio.Semaphore

    async def age(self, name: str, witness: Witness) -> Outcome[datetime]:
        """Return when the index first published anything under *name*."""
        outcome = await self._index(name, witness)
        if isinstance(outcome, NotChecked):
            return outcome
        times = [f.uploaded_at for f in outcome.value.files] + [v.published for v in outcome.value.versions.values()]
        known = [at for at in times if at is not None]
        if not known:
            what = "states no time for it" if outcome.value.exists else "does not know it, or not any more"
            return NotChecked(f"the index {what}", "an earlier copy of its index page", outcome.evidence)
        return Checked(min(known), outcome.evidence)

    async def _index(self, name: str, witness: Witness) -> Outcome[Index]:
        try:
            other = parse_project(f"{self.project.ecosystem.value}:{name}")
        except BadProject:
            return NotChecked("its name is none that the index could know", "the index")
        async with self.place:
            return await package_index(other.ecosystem).read(self.client, self.endpoints, other, witness)

    async def fleet(self, questions: Questions, witness: Witness) -> Outcome[Fleet]:
        """Return what the accounts published elsewhere, of their packages that changed since the questions' time."""
        if self.project.ecosystem is not Ecosystem.NPM:
            return NotChecked("the index does not say which account published a release", "the index's owners")
        if not questions.accounts or questions.since is None:
            return NotChecked("no account that published is known", "the registry's own packument")
        dates: dict[str, datetime] = {}
        evidence: list[str] = []
        listed = 0
        for account in questions.accounts:
            outcome = await self._search(account, witness)
            if isinstance(outcome, NotChecked):
                return outcome
            evidence += outcome.evidence
            packages, total = outcome.value
            listed += max(0, total - len(packages))
            dates.update({name: at for name, at in packages.items() if at >= questions.since})
        dates.pop(self.project.name, None)
        chosen = sorted(dates, key=lambda name: (-dates[name].timestamp(), name))[:MAX_PACKAGES]
        indexes = await asyncio.gather(*(self._index(name, witness) for name in chosen))
        read = [(n, one) for n, one in zip(chosen, indexes, strict=True) if isinstance(one, Checked)]
        publications = [p for name, one in read for p in _published(name, one)]
        publications.sort(key=lambda p: (p.at, p.package, p.version))
        missed = dates.keys() - {name for name, _ in read}
        # The search tells when each package was published last. Of those that it only counts nobody knows.
        until = max((dates[name] for name in missed), default=None) if not listed else None
        fleet = Fleet(questions.accounts, len(read), len(missed) + listed, tuple(publications), tuple(evidence), until)
        return Checked(fleet, tuple(evidence))

    async def _search(self, account: str, witness: Witness) -> Outcome[tuple[dict[str, datetime], int]]:
        """Return the packages of *account* with the time of their latest version, and how many there are."""
        query = f"text={quote(f'maintainer:{account}', safe=':')}&size={SEARCH_SIZE}"
        url = f"{self.endpoints['npm']}/-/v1/search?{query}"
        outcome = await witness.ask(self.client.get(url, accept="application/json"), "the registry's search")
        if isinstance(outcome, NotChecked):
            return outcome
        answer, evidence = outcome.value, outcome.evidence
        if answer.status != 200:
            return witness.miss(
                f"the registry's search answered HTTP {answer.status}", "the registry's search", evidence
            )
        try:
            body = mapping(answer.json())
        except (BadAnswer, HostileInput) as error:
            return witness.miss(error.what, "the registry's search", evidence)
        packages: dict[str, datetime] = {}
        for raw in items(body.get("objects"), SEARCH_SIZE):
            package = mapping(mapping(raw).get("package"))
            name, at = text(package.get("name"), 300), time_of(package.get("date"))
            if name and at:
                packages[name] = at
        total = body.get("total")
        return Checked((packages, total if isinstance(total, int) and total < 10**7 else len(packages)), evidence)


def _published(name: str, index: Checked[Index]) -> list[OtherPublication]:
    return [
        OtherPublication(record.published, name, record.version, _account(record), index.evidence)
        for record in index.value.versions.values()
        if record.published is not None
    ]


def _account(record: VersionRecord) -> str | None:
    uploader = uploader_in(record.publication)
    return uploader.account.name if uploader else None
