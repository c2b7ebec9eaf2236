"""The clients of one collection: one network and one archive, and for each service the patience that it asks for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from forensics.evidence.client import Client, Limits
from forensics.evidence.network import open_network
from forensics.evidence.transport import RecordingTransport
from forensics.model.endpoints import Endpoints
from forensics.sources.gather import LogClients
from forensics.sources.git import GitWitness
from forensics.sources.git_collect import Collector
from forensics.sources.git_record import Records
from forensics.sources.github import Access
from forensics.sources.journal_collect import polite as journal_polite
from forensics.sources.rekor_gather import polite

if TYPE_CHECKING:
    from forensics.evidence.archive import Archive
    from forensics.evidence.case import Case
    from forensics.evidence.hosts import HostReport

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Clients:
    """*ask* for all sources, *store* for files, *log* for the transparency log, *journal* for that of the index.

    *github* asks for CI runs. What an archive holds is not asked again, save through *journal*, which knows by itself
    what is still valid.
    """

    ask: Client
    store: Client
    log: LogClients
    journal: Client
    github: Access

    def left_over(self) -> list[HostReport]:
        """Return of each host what was left unasked, if anything was."""
        every = (self.ask, self.store, self.log.ask, self.log.kept, self.journal, self.github.kept, self.github.fresh)
        return [report for one in every for report in one.left_over().values() if report.left_count]


def open_clients(
    archive: Archive,
    endpoints: Endpoints,
    limits: Limits,
    *,
    file_bytes: int,
    fresh_after: datetime | None,
    search_again: datetime | None,
    say: Callable[[str], None] | None,
) -> Clients:
    """Return clients that record into *archive*; close `ask`, and all are closed.

    Answers from before *fresh_after* are asked again; searches in the log from before *search_again* as well.
    *file_bytes* is the largest file that is fetched.
    """
    network = open_network()

    def client(limits: Limits, fresh: datetime | None) -> Client:
        return Client(RecordingTransport(network, archive, fresh_after=fresh), limits, progress=say)

    hub = replace(limits, concurrency=2)
    slow = polite(limits, endpoints.urls.get("rekor", ""))
    return Clients(
        ask=client(limits, fresh_after),
        store=client(replace(limits, body_bytes=file_bytes), fresh_after),
        log=LogClients(client(slow, search_again or fresh_after), client(slow, None)),
        journal=client(journal_polite(limits, endpoints.urls.get("journal", "")), _NEVER),
        github=Access(client(hub, fresh_after), client(hub, _NEVER), os.environ.get("GITHUB_TOKEN") or None),
    )


def git_witness(
    case: Case, archive: Archive, limits: Limits, repository: str | None, fresh_after: datetime | None
) -> GitWitness:
    """Return who collects the source repository into *case* and its open *archive*.

    *repository* is its http(s) URL or path, None for the one that sources name. Answers from before *fresh_after* are
    asked again.
    """
    records = Records(archive, fresh_after)
    local = repository is not None and "://" not in repository
    collector = Collector(records, case.save_git, seconds=5 * limits.total_seconds, local=local)
    return GitWitness(records, collector, repository)
