"""A case and what can be done with it: fill it, read it, analyse it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from forensics.investigation.analysis import Analysis, CaseFacts
from forensics.model.attestation import Attestation
from forensics.model.checked import Checked
from forensics.model.endpoints import Endpoints
from forensics.model.errors import NoSuchProject
from forensics.model.project import Project, parse_project
from forensics.model.release import History

if TYPE_CHECKING:
    from forensics.attestation.pool import Job
    from forensics.attestation.trust import TrustRoot
    from forensics.evidence.archive import Archive
    from forensics.evidence.case import Case
    from forensics.evidence.client import Client, Limits
    from forensics.evidence.hosts import HostReport
    from forensics.investigation.clients import Clients
    from forensics.sources.files import FileOptions
    from forensics.sources.gather import Gathered
    from forensics.sources.git import GitWitness
    from forensics.sources.others import Plan
    from forensics.sources.supplements import Supplements
    from forensics.timeline.earlier import Imported
    from forensics.timeline.logged import Logged

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Called with a stage, how many are done, and of how many; many calls a second are fine."""


@dataclass(slots=True)
class Investigation:
    """A case and the trust root that its signatures are checked against. Make one with `start` or `reopen`."""

    case: Case
    root: TrustRoot
    project: Project = field(init=False)
    _verified: dict[Job, Attestation] = field(init=False, repr=False, default_factory=dict)
    _snapshots: tuple[Imported, ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        self.project = parse_project(self.case.meta.project)

    @classmethod
    def start(
        cls,
        project: Project,
        path: Path,
        endpoints: Endpoints,
        *,
        trust_root: bytes | None = None,
        options: Mapping[str, Any] | None = None,
        reconstruction: str | None = None,
        now: datetime | None = None,
    ) -> Investigation:
        """Create a case at *path* and return the investigation of it. *trust_root* defaults to the shipped one.

        Raises UsageError when something is at *path* already, EvidenceError when it cannot be written; for a trust root
        that is none MalformedEvidence, and HostileInput for an oversized one.
        """
        from forensics.attestation.trust import default_root, vouch
        from forensics.evidence.case import Case
        from forensics.sources.leads import leads_for

        root = vouch(trust_root, named=trust_root) if trust_root is not None else default_root()
        case = Case.create(
            path,
            project=project,
            endpoints=endpoints,
            trust_root=root.raw,
            options=options or {},
            reconstruction=reconstruction or (RECONSTRUCTION if root.is_lab else None),
            now=now,
        )
        # Leads speak of the real world; a world of our own making has its own history.
        if root.kind == "production":
            for name, data, source in leads_for(project):
                case.add_import(name, data, kind="lead", source=source, now=now)
        return cls(case, root)

    @classmethod
    def reopen(cls, path: Path, *, trust_root: bytes | None = None) -> Investigation:
        """Open the case at *path*. Its own trust root is used only if we ship its digest or *trust_root* is it.

        Raises CaseNotFound, ForeignCase, DamagedCase, and for a trust root UntrustedRoot, MalformedEvidence,
        HostileInput, as `vouch` does.
        """
        from forensics.attestation.trust import vouch
        from forensics.evidence.case import Case

        case = Case.open(path)
        return cls(case, vouch(case.trust_root(), named=trust_root))

    def collect(
        self,
        *,
        limits: Limits | None = None,
        fresh_after: datetime | None = None,
        search_again: datetime | None = None,
        files: FileOptions | None = None,
        repository: str | None = None,
        progress: Progress | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Ask every source and record what comes back; what an earlier run recorded is not asked again.

        What may vanish is kept before anything else is made of it: after a first judgement, the bytes that *files*
        asks for (by default those of suspects and of the latest releases, with what they are compared with).
        *repository* is the http(s) URL or the path of the repository to ask, in place of the one that sources name.

        Answers recorded before *fresh_after* are asked again; both are kept. Before *search_again*, searches in the log
        are: a search that finds nothing tells something only beside one of the same run that finds what is there.
        Entries of the log never change and are not asked again. What a limit left unasked is written down.
        On KeyboardInterrupt the case is left valid and unfinished; a later call goes on.
        """
        from forensics.evidence.client import Limits
        from forensics.investigation.clients import git_witness, open_clients
        from forensics.sources.files import FileOptions

        endpoints = Endpoints(dict(self.case.meta.endpoints))
        supplements = self.supplements()
        files, bounds = files or FileOptions(), limits or Limits()

        async def run() -> list[str]:
            with self.case.archive() as archive:
                clients = open_clients(
                    archive, endpoints, bounds,
                    file_bytes=files.each, fresh_after=fresh_after, search_again=search_again, say=say,
                )  # fmt: skip
                git = git_witness(self.case, archive, bounds, repository, fresh_after)
                async with clients.ask:
                    problems = await self._ask_everyone(archive, clients, git, supplements, files, progress)
                    return problems + [_left(report) for report in clients.left_over()]

        self.case.finish(run_to_end(run))

    async def _ask_everyone(
        self,
        archive: Archive,
        clients: Clients,
        git: GitWitness,
        supplements: Supplements,
        files: FileOptions,
        progress: Progress | None,
    ) -> list[str]:
        """Ask each source, what may vanish first, and return in words what could not be had."""
        from forensics.investigation.neighbourhood import look_around
        from forensics.sources.gather import Round, gather
        from forensics.sources.others import Asking, ask_after

        client, endpoints = clients.ask, Endpoints(dict(self.case.meta.endpoints))
        gathered = await gather(
            client, endpoints, self.project, progress, supplements=supplements, log=clients.log, git=git
        )
        asking = Asking(self._wanted(gathered, supplements, progress), clients.journal, clients.github)
        asked = Round(client, endpoints, self.project, progress)
        gathered = await ask_after(asked, gathered, archive, supplements, asking)
        problems = [f"{s.source}: {s.problem}" for s in gathered.sources if s.problem] + asking.left
        history, unfetched = await self._preserve(clients.store, gathered, supplements, files, progress)
        await look_around(client, self.case, history, archive.observations())
        return problems + unfetched

    def _wanted(self, gathered: Gathered, supplements: Supplements, progress: Progress | None) -> Plan:
        """Return what a first judgement asks of the further witnesses."""
        from forensics.investigation.wanted import wanted_of_others
        from forensics.signals.engine import judge

        history, _ = self._history(gathered, supplements, None, progress)
        return wanted_of_others(gathered, history, judge(history).assessments)

    async def _preserve(
        self,
        client: Client,
        gathered: Gathered,
        supplements: Supplements,
        options: FileOptions,
        progress: Progress | None,
    ) -> tuple[History, list[str]]:
        """Fetch the bytes that a first judgement asks for; return the history and in words what could not be had."""
        from forensics.signals.engine import judge
        from forensics.sources.files import FilePolicy, fetch_files, wanted_files

        history, _ = self._history(gathered, supplements, None, progress)
        if options.policy is FilePolicy.NONE or "files" not in self.case.meta.endpoints:
            return history, []
        wanted = wanted_files(judge(history).assessments, options)
        tick = (lambda done, total: progress("files", done, total)) if progress else None
        endpoints = Endpoints(dict(self.case.meta.endpoints))
        return history, await fetch_files(client, endpoints, wanted, self.case, options, tick)

    def look_up(
        self,
        *,
        limits: Limits | None = None,
        progress: Progress | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Ask the log and the file store about what was added since collection; of other sources, only what never came.

        Raises ReadOnlyCase for a sealed, zipped or built-in case.
        """
        from datetime import UTC

        if self.case.meta.complete:
            self.case.reopen_for_collection()
        self.collect(limits=limits, search_again=datetime.now(UTC), progress=progress, say=say)

    def gathered(self) -> Gathered:
        """Return what the case's answers say, parsed; nothing is asked of anyone."""
        from forensics.evidence.client import Client
        from forensics.evidence.transport import ReplayingTransport
        from forensics.sources.gather import Round, gather
        from forensics.sources.git import GitWitness
        from forensics.sources.git_record import Records
        from forensics.sources.others import ask_after

        endpoints = Endpoints(dict(self.case.meta.endpoints))
        supplements = self.supplements()

        async def run() -> Gathered:
            with self.case.reading_archive() as archive:
                async with Client(ReplayingTransport(archive)) as client:
                    git = GitWitness(Records(archive))
                    gathered = await gather(client, endpoints, self.project, supplements=supplements, git=git)
                    return await ask_after(Round(client, endpoints, self.project, None), gathered, archive, supplements)

        return run_to_end(run)

    def analyse(
        self,
        *,
        lines: Mapping[str, str] | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> Analysis:
        """Return what follows from the case. *lines* maps version prefixes to release lines of the user's choice.

        Raises NoSuchProject when the index answered that it knows none and nothing else names a release.
        """
        from forensics.compare.archive_case import with_contents
        from forensics.compare.beside import beside
        from forensics.investigation.neighbourhood import with_neighbours
        from forensics.model.versions import rules_of
        from forensics.signals.engine import judge
        from forensics.signals.waves import find_waves
        from forensics.timeline.events import events_of
        from forensics.timeline.lines import find_gaps

        gathered = self.gathered()
        supplements = self.supplements()
        history, logged = self._history(gathered, supplements, workers, progress)
        observations = self.case.observations()
        tick = (lambda done, total: progress("contents", done, total)) if progress else None
        history = with_contents(history, observations, self.case, workers=workers, progress=tick)
        history = with_neighbours(history, self.case)
        if not history.releases and isinstance(gathered.index, Checked) and not gathered.index.value.exists:
            raise NoSuchProject(f"{self.project}: the index knows no such project.")
        judgement = judge(history, lines)
        by_version = {a.release.version: a.release for a in judgement.assessments}
        pairs = [
            (by_version[a.predecessor], a.release)
            for a in judgement.assessments
            if a.verdict.flagged and a.predecessor is not None
        ]
        return Analysis(
            project=self.project,
            case=self._facts(history.collected_at),
            history=history,
            assessments=judgement.assessments,
            waves=find_waves(judgement.assessments),
            gaps=find_gaps([r.version for r in history.releases if r.listed], rules_of(self.project.ecosystem)),
            events=events_of(history),
            suspended=judgement.suspended,
            observations=tuple(observations),
            log_leads=tuple(supplements.log_indices),
            loose_hashes=tuple(dict.fromkeys(supplements.loose_hashes)),
            logged=logged,
            compared=beside(pairs, history.repository, self.case.file),
        )

    def keep_tables(self, analysis: Analysis) -> None:
        """Write the tables of *analysis* into the case as Parquet; a case that cannot be written to is left alone."""
        from forensics.timeline.tables import to_parquet

        if self.case.writable:
            self.case.write_tables({name: to_parquet(frame) for name, frame in analysis.tables().items()})

    def forged_tables(self) -> list[str]:
        """Return the names of tables in the case that do not follow from its evidence, sorted.

        Frames are compared, not files: the bytes depend on the writer's version, and columns that it did not declare
        yet may be lacking. A table that cannot be read, or that nobody declares, does not follow either.
        """
        from forensics.timeline.tables import from_parquet

        kept = self.case.table_names()
        if not kept:
            return []
        true = self.analyse().tables()
        forged: list[str] = []
        for name in kept:
            try:
                found = from_parquet(self.case.table(name))
                same = name in true and found.equals(true[name].select(found.columns))
            except Exception:  # polars raises many kinds for hostile bytes; each means the same here
                same = False
            if not same:
                forged.append(name)
        return sorted(forged)

    def _history(
        self, gathered: Gathered, supplements: Supplements, workers: int | None, progress: Progress | None
    ) -> tuple[History, Logged]:
        """Return the history that the answers give, every attestation verified, and what the log says."""
        from forensics.attestation.registry_keys import keys_for
        from forensics.investigation.earlier import earlier_of, jobs_of_earlier
        from forensics.investigation.verification import jobs_of, verify_held, verify_jobs
        from forensics.timeline.history import build_history
        from forensics.timeline.logged import read_log
        from forensics.timeline.registry_signatures import with_registry_signatures

        files = {f.filename: f for f in gathered.index.value.files} if isinstance(gathered.index, Checked) else {}
        keys = keys_for(self.root, gathered.keys.value if isinstance(gathered.keys, Checked) else None)
        tick = (lambda done, total: progress("verification", done, total)) if progress else None
        jobs = jobs_of(self.project, files, gathered.provenance, keys)
        attested = verify_jobs(self.root, str(self.project), jobs, self._verified, workers, tick)
        before = jobs_of_earlier(self.project, self._snapshots, keys)
        known = verify_jobs(self.root, str(self.project), before, self._verified, workers, tick)
        earlier = earlier_of(self._snapshots, known)
        collected_at = self.case.meta.closed_at or self.case.meta.created_at
        logged = read_log(self.project, gathered, supplements, attested, self.root)
        held = verify_held(self.root, str(self.project), gathered.others.held, self._verified, workers)
        history = build_history(self.project, gathered, supplements, attested, collected_at, logged, earlier, held)
        return with_registry_signatures(history, keys), logged

    def supplements(self) -> Supplements:
        """Return what was imported into the case, earlier cases included, parsed."""
        from forensics.investigation.earlier import read_earlier
        from forensics.sources.supplements import read_supplements

        found = read_supplements(self.case.imports(), self.project)
        self._snapshots = read_earlier(self.case, self.project, found)
        return found

    def _facts(self, collected_at: datetime) -> CaseFacts:
        meta = self.case.meta
        return CaseFacts(
            id=meta.id,
            reconstruction=meta.reconstruction or (RECONSTRUCTION if self.root.is_lab else None),
            collected_at=collected_at,
            complete=meta.state == "complete",
            problems=tuple(meta.problems),
            tool=meta.tool,
            endpoints=meta.endpoints,
            trust_root_sha256=self.root.sha256,
            trust_root_name=self.root.name,
            trust_root_vouched_by=self.root.vouched_by,
        )


def run_to_end(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what the coroutine of *work* returns, also where a loop runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as aside:
        return aside.submit(lambda: asyncio.run(work())).result()


def _left(report: HostReport) -> str:
    named = ", ".join(report.left[:20]) + (" and more" if report.left_count > 20 else "")
    why = f"after failing with: {report.first_failure}" if report.circuit_open else "the request budget was spent"
    return f"{report.host}: {report.left_count} questions were not asked, {why}: {named}"


RECONSTRUCTION = (
    "Reconstruction: made by the project's test lab from public facts, signed by the lab's own root and not by "
    "Sigstore's. No byte of it comes from the incident."
)
"""Shown wherever a case of the lab is shown."""
