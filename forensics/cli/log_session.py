"""What the commands on logs share: the case, the trust root, where the logs are, and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from forensics.cli.common import PER_SECOND, Ask, endpoints_from, tell_cut, trust_root_bytes
from forensics.model.errors import UsageError

if TYPE_CHECKING:
    from forensics.attestation.trust import TrustRoot
    from forensics.evidence.case import Case
    from forensics.evidence.client import Limits
    from forensics.sources.rekor_tiles import TileShard


@dataclass(frozen=True, slots=True)
class Logs:
    """Where the evidence is kept, whose keys count, and where the logs are; *tiles* as FORENSICS_REKOR_TILES_URLS."""

    case: Case | None
    root: TrustRoot
    rekor: str
    tiles: str

    def shards(self, wanted: str | None) -> tuple[TileShard, ...]:
        """Return the shards of Rekor v2 that *wanted* means. Raises UsageError."""
        from forensics.sources.rekor_tiles import pick, shards_of

        return pick(shards_of(self.root, self.tiles), wanted, self.root)


def logs_of(ask: Ask) -> Logs:
    """Return what *ask* means. A case brings its endpoints and its trust root, which somebody must vouch for.

    Raises UsageError for `--offline` without a case, and as `open_case`, `endpoints_from` and `vouch` do.
    """
    from forensics.attestation.trust import default_root, vouch

    named = trust_root_bytes(ask)
    endpoints = endpoints_from(ask)
    if ask.case is None:
        if ask.offline:
            raise UsageError("--offline needs the case that holds the answers.", advice="Name it with --case.")
        root = vouch(named, named=named) if named is not None else default_root()
        return Logs(None, root, endpoints["rekor"], endpoints["rekor_tiles"])
    case = open_case(ask.case)
    known = case.meta.endpoints
    root = vouch(case.trust_root(), named=named)
    # A case of an earlier version names no Rekor v2; whoever overrides it now means the logs of today.
    tiles = endpoints["rekor_tiles"] or known.get("rekor_tiles", "")
    return Logs(case, root, known.get("rekor") or endpoints["rekor"], tiles)


def open_case(name: str) -> Case:
    """Return the case called *name*, or at that path. Raises CaseNotFound, ForeignCase, DamagedCase."""
    from forensics.evidence.case import Case
    from forensics.evidence.library import find_case

    return Case.open(find_case(name))


def limits_of(ask: Ask) -> Limits:
    """Return the limits that the options ask for."""
    from forensics.evidence.client import Limits

    return Limits(concurrency=ask.concurrency, per_second=PER_SECOND, max_wait_seconds=ask.max_wait)


def settle(case: Case | None, ask: Ask) -> None:
    """Make the tables of *case* follow from what it holds now: observations were added to it."""
    if case is not None:
        tell_cut(ask, case)
    if case is None or ask.offline or not case.meta.complete or not case.table_names():
        return
    from forensics.investigation import Investigation

    investigation = Investigation.reopen(case.path, trust_root=trust_root_bytes(ask))
    investigation.keep_tables(investigation.analyse())
