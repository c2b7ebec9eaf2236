"""The witnesses beside index, log and repository: each optional, each asked after what can vanish was kept.

`ask_after` is called twice in the life of a case: when it is collected, with a plan of what a first judgement asks for,
and whenever it is read, without one. Then nobody is asked, and what the case holds of each witness is what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.ci import CiRun, CurrentName, RunRef
from forensics.model.held import FileRef
from forensics.model.journal import NO_ACCOUNTS, NO_ADVICE, NO_JOURNAL, Journal, Member
from forensics.model.opinion import NO_OPINION
from forensics.model.project import Ecosystem
from forensics.model.release import Advisory, SourceStatus
from forensics.sources.accounts import read_members
from forensics.sources.depsdev import DepsDev, Opinions
from forensics.sources.github import Access, Hub, read_names, read_runs, recorded_names, recorded_runs
from forensics.sources.github_attestations import HeldAnswer, read_held, recorded_files
from forensics.sources.interface import Witness
from forensics.sources.journal import JournalPages
from forensics.sources.journal_collect import JournalCollector, Window
from forensics.sources.osv import BATCH, advised_among

if TYPE_CHECKING:
    from forensics.evidence.archive import Archive
    from forensics.evidence.client import Client
    from forensics.sources.gather import Gathered, Round
    from forensics.sources.supplements import Supplements


@dataclass(frozen=True, slots=True)
class Others:
    """What the further witnesses say; each not collected until it was asked.

    `advisories` are those of deps.dev, asked for only where OSV did not answer.
    """

    journal: Outcome[Journal] = NO_JOURNAL
    members: Outcome[tuple[Member, ...]] = NO_ACCOUNTS
    opinions: Outcome[Opinions] = NO_OPINION
    advisories: tuple[Advisory, ...] = ()
    runs: Mapping[RunRef, Outcome[CiRun]] = field(default_factory=dict)
    names: tuple[Outcome[CurrentName], ...] = ()
    held: Mapping[FileRef, HeldAnswer] = field(default_factory=dict)
    sources: tuple[SourceStatus, ...] = ()


NO_OTHERS = Others()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a first judgement wants of the further witnesses, the most wanted first.

    `windows` of the journal and single `serials` in it; CI runs; `names`: kind and number of repositories and owners;
    `files` whose attestations GitHub is asked for.
    """

    windows: tuple[Window, ...] = ()
    serials: tuple[int, ...] = ()
    runs: tuple[RunRef, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    files: tuple[FileRef, ...] = ()


@dataclass(slots=True)
class Asking:
    """Who asks in a collection: *journal* records, and recalls nothing by itself."""

    plan: Plan
    journal: Client
    github: Access
    left: list[str] = field(default_factory=list)


async def ask_after(
    asked: Round, gathered: Gathered, archive: Archive, supplements: Supplements, asking: Asking | None = None
) -> Gathered:
    """Return *gathered* with what the further witnesses say; with *asking* they are asked first.

    deps.dev is asked about the digests that *supplements* name. What was left unasked stands in `asking.left`
    afterwards, in words.
    """
    before = len(asked.witnesses)
    runs, names, held = await _github(asked, archive, asking)
    journal = await _journal(asked, archive, asking)
    members = await _members(asked)
    opinions, advisories = await _depsdev(asked, gathered, supplements)
    statuses = tuple(witness.status() for witness in asked.witnesses[before:])
    others = Others(journal, members, opinions, advisories, runs, names, held, statuses)
    return replace(gathered, others=others, sources=(*gathered.sources, *statuses))


async def _journal(asked: Round, archive: Archive, asking: Asking | None) -> Outcome[Journal]:
    if "journal" not in asked.endpoints.urls or asked.project.ecosystem is not Ecosystem.PYPI:
        return NO_JOURNAL
    pages = JournalPages(archive, asked.endpoints["journal"])
    if asking is not None:
        collector = JournalCollector(asking.journal, pages, asked.project)
        asking.left += await collector.collect(asking.plan.serials, asking.plan.windows, datetime.now(UTC))
    witness = asked.witness("PyPI journal")
    outcome = pages.read(asked.project, witness)
    if not witness.asked and not witness.problem:
        asked.forget(witness)
    return outcome


async def _github(
    asked: Round, archive: Archive, asking: Asking | None
) -> tuple[dict[RunRef, Outcome[CiRun]], tuple[Outcome[CurrentName], ...], dict[FileRef, HeldAnswer]]:
    """Return the CI runs, current names and attestations that are wanted, and those that the case holds."""
    if "github" not in asked.endpoints.urls:
        return {}, (), {}
    base, witness = asked.endpoints["github"], asked.witness("GitHub")
    plan, access = (asking.plan, asking.github) if asking else (Plan(), None)
    hub = Hub(access.kept if access else asked.client, base, witness)
    if access is not None:
        hub.fresh, hub.token = access.fresh, access.token
        if asking:
            asking.left += _over(plan, access)
    wanted = plan.runs[: access.runs] if access else ()
    refs = dict.fromkeys((*wanted, *recorded_runs(archive, base)))
    runs = await read_runs(hub, tuple(refs), asked.tick("runs"))
    names = await read_names(hub, dict.fromkeys((*plan.names, *recorded_names(archive, base))))
    files = plan.files[: access.files] if access else ()
    sought = dict.fromkeys((*files, *recorded_files(archive, base)))
    held = await read_held(hub, tuple(sought), asked.tick("attestations"))
    if not witness.asked:
        asked.forget(witness)
    return runs, names, held


def _over(plan: Plan, access: Access) -> list[str]:
    """Return in words what of *plan* is over the limits of *access*."""
    runs, files = len(plan.runs) - access.runs, len(plan.files) - access.files
    over = [f"GitHub: {runs} runs of ordinary releases were not asked for: {access.runs} are the limit"]
    over = over if runs > 0 else []
    if files > 0:
        over.append(f"GitHub: attestations of {files} files were not asked for: {access.files} are the limit")
    return over


async def _depsdev(
    asked: Round, gathered: Gathered, supplements: Supplements
) -> tuple[Outcome[Opinions], tuple[Advisory, ...]]:
    if "depsdev" not in asked.endpoints.urls:
        return NO_OPINION, ()
    base, witness = asked.endpoints["depsdev"], asked.witness("deps.dev")
    opinions = await DepsDev(asked.client, base, asked.project, witness).opinions()
    if isinstance(opinions, NotChecked):
        return opinions, ()
    # Digests may have been imported since the collection; what was not asked about them then is no failure.
    aside = DepsDev(asked.client, base, asked.project, Witness("deps.dev"))
    opinions = replace(opinions, value=await aside.with_hashes(opinions.value, _digests(supplements)))
    if not isinstance(gathered.advisories, NotChecked):
        return opinions, ()
    return opinions, await aside.advisories(opinions.value)


def _digests(supplements: Supplements) -> tuple[str, ...]:
    """Digests of files that supplements name, and loose ones: whether anybody knows a version that holds them."""
    named = [file.sha256 for file in supplements.files if file.sha256]
    return tuple(sorted({*named, *(digest for digest, _, _ in supplements.loose_hashes)}))


async def _members(asked: Round) -> Outcome[tuple[Member, ...]]:
    if "journal" not in asked.endpoints.urls or asked.project.ecosystem is not Ecosystem.PYPI:
        return NO_ACCOUNTS
    members = await read_members(asked.client, asked.endpoints, asked.project, asked.witness("PyPI roles"))
    if isinstance(members, NotChecked) or "osv" not in asked.endpoints.urls:
        return members
    names = sorted({name for one in members.value if isinstance(one.others, Checked) for name in one.others.value})
    if not names:
        return members
    witness = asked.witness("OSV, other projects")
    found = await advised_among(asked.client, asked.endpoints, asked.project.ecosystem, names[:BATCH], witness)
    return replace(members, value=tuple(_advised(member, found) for member in members.value))


def _advised(member: Member, found: Outcome[dict[str, tuple[str, ...]]]) -> Member:
    if isinstance(found, NotChecked) or isinstance(member.others, NotChecked):
        return replace(member, advised=found if isinstance(found, NotChecked) else NO_ADVICE)
    theirs = {name: found.value[name] for name in member.others.value if name in found.value}
    return replace(member, advised=Checked(theirs, found.evidence))
