"""Hunting in the transparency log: from one signer to everything it signed.

What the case holds is a frame. Questions go to the log through the same sources as the command's, and are answered
from the case unless asked otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from forensics.graph.ties import identity_key
from forensics.model.identity import Identity
from forensics.notebook import markup
from forensics.notebook.columns import judged_frame
from forensics.timeline.tables import frame_of

if TYPE_CHECKING:
    import polars as pl

    from forensics.evidence.client import Client
    from forensics.investigation import Analysis, Investigation
    from forensics.model.checked import NotChecked
    from forensics.model.log import LogRecord
    from forensics.model.release import Artifact

Row = tuple[Any, ...]
_SAME = ("subject", "repository", "repository_id", "workflow", "run", "commit")


@dataclass(frozen=True, slots=True)
class LogAnswer:
    """What a question to the log brought: `entries` (columns as in `log_entries`), and what could not be had.

    `covered` says of a scan what was searched. No entries is no absence: a search index is best effort, and a scan
    tells of the range that it covered.
    """

    entries: pl.DataFrame
    not_checked: pl.DataFrame
    covered: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        names = ("log_index", "signed_at", "verified", "repository", "workflow", "ref", "commit")
        head = ("index", "signed (UTC)", "verified", "repository", "workflow", "ref", "commit")
        columns = self.entries.select(names)
        found = markup.table(head, list(columns.iter_rows()), "Entries of the log")
        none = markup.paragraph("Nothing was found. That is no absence.")
        unknown = [f"{what}: {reason} [needs {needs}]" for what, reason, needs, _ in self.not_checked.iter_rows()]
        return str(
            (found if self.entries.height else none)
            + markup.items(self.covered)
            + (markup.section("Could not check", markup.items(unknown)) if unknown else markup.items(()))
        )


class LogView:
    """The transparency log as a case knows it, and ways to ask it."""

    def __init__(self, investigation: Investigation, analysis: Analysis) -> None:
        self._investigation = investigation
        self._analysis = analysis

    @cached_property
    def _rows(self) -> list[tuple[Identity | None, Row]]:
        return list(_entries(self._analysis))

    @cached_property
    def entries(self) -> pl.DataFrame:
        """Every entry that the case holds, each once; `forensics.columns("log_entries")` explains the columns."""
        return judged_frame("log_entries", [row for _, row in self._rows])

    @cached_property
    def signers(self) -> pl.DataFrame:
        """Who signed: repository, workflow, trigger, with number of entries, first and last time, and index listing."""
        import polars as pl

        by = ("issuer", "repository", "repository_id", "workflow", "trigger")
        return self.entries.group_by(by, maintain_order=True).agg(
            pl.len().alias("entries"),
            (~pl.col("in_index")).sum().alias("not_in_index"),
            pl.col("signed_at").min().alias("first"),
            pl.col("signed_at").max().alias("last"),
        )

    def signed_by(self, who: str | int | Identity) -> pl.DataFrame:
        """Return all entries of one signer, with the columns of `entries`.

        *who* is the index of an entry or an `Identity`: then the same signer is meant, by issuer, repository and owner
        id, and workflow. A text is a subject alternative name, repository, repository id, workflow, run or commit, in
        full. Raises UsageError for an index that the case does not hold or that names no signer.
        """
        import polars as pl

        if isinstance(who, str):
            return self.entries.filter(pl.any_horizontal(pl.col(name) == who for name in _SAME))
        key = identity_key(who if isinstance(who, Identity) else self._signer(who))
        rows = [row for signer, row in self._rows if signer is not None and identity_key(signer) == key]
        return judged_frame("log_entries", rows)

    def _signer(self, index: int) -> Identity:
        from forensics.model.errors import UsageError

        for signer, row in self._rows:
            if row[0] == index and signer is not None:
                return signer
        raise UsageError(
            f"The case holds no entry {index} with a signer.",
            meaning="Nothing was asked.",
            advice=f"`.log.entries` lists what it holds; `.log.search(index={index}, offline=False)` asks the log.",
        )

    def search(
        self,
        *,
        hash: str | None = None,  # noqa: A002 - the word of the command
        index: int | None = None,
        uuid: str | None = None,
        email: str | None = None,
        public_key: str | None = None,
        subject: str | None = None,
        limit: int = 50,
        offline: bool = True,
    ) -> LogAnswer:
        """Put one question to Rekor v1 and verify every entry that comes; as `forensics log search`.

        From what the case recorded, unless *offline* is False: then the log is asked, and the case keeps the answer.
        *public_key* is PEM. Raises UsageError for none or several questions, ReadOnlyCase where the case cannot keep an
        answer.
        """
        from forensics.model.errors import UsageError
        from forensics.sources.rekor_search import answer

        values = {"hash": hash, "index": index, "uuid": uuid, "email": email, "public_key": public_key,
                  "subject": subject}  # fmt: skip
        given = [(name, value) for name, value in values.items() if value is not None]
        url = self._investigation.case.meta.endpoints.get("rekor")
        if len(given) != 1:
            raise UsageError(
                "Say one thing to search for.", advice="One of hash, index, uuid, email, public_key and subject."
            )
        if url is None:
            raise UsageError("This case was begun without a transparency log.", advice="Start a new case.")
        root = self._investigation.root
        records, missed = self._through_case(lambda client: answer(client, url, given[0], root, limit), offline)
        return LogAnswer(judged_frame("log_entries", [_of_record(r) for r in records]), _missed(missed))

    def scan(
        self,
        *,
        identity: str | None = None,
        regex: str | None = None,
        email: str | None = None,
        digest: str | None = None,
        log: str | None = None,
        from_index: int | None = None,
        to_index: int | None = None,
        offline: bool = True,
    ) -> LogAnswer:
        """Search Rekor v2 entry by entry, everything hashed up to a signed checkpoint; as `forensics log scan`.

        *log* is a URL or the name of a log of the trust root; all of them otherwise. *to_index* is included. *offline*
        as in `search`. Raises UsageError for nothing to look for, and indices without a single log.
        """
        from forensics.model.errors import UsageError
        from forensics.sources.tiles_scan import Wanted
        from forensics.transparency import matching

        named: tuple[tuple[Callable[[str], Any], str | None], ...] = (
            (matching.subject, identity), (matching.expression, regex), (matching.email, email),
            (matching.digest, digest),
        )  # fmt: skip
        sought = [make(value) for make, value in named if value is not None]
        if not sought:
            raise UsageError("Say whom or what to look for.", advice="identity, regex, email or digest.")
        wanted = Wanted(from_index, None if to_index is None else to_index + 1)
        scans = self._scan(matching.Matcher(sought), wanted, log, offline)
        rows = [_of_record(record) for scanned in scans for _, record in scanned.found]
        lines: list[tuple[str, str, str, list[str]]] = []
        for one in scans:
            if one.problem:
                lines.append((one.log, one.problem, "the log", list(one.evidence)))
            lines += [(one.log, f"{g.text}: not proved: {g.reason}", "the log", []) for g in one.broken]
            lines += [(one.log, f"{g.text}: {g.reason}", "the log", []) for g in one.unasked]
        covered = tuple(one.coverage.text() for one in scans if one.coverage is not None)
        return LogAnswer(judged_frame("log_entries", rows), _missing(lines), covered)

    def _scan(self, matcher: Any, wanted: Any, log: str | None, offline: bool) -> list[Any]:
        from forensics.evidence.client import Limits
        from forensics.investigation import run_to_end
        from forensics.model.errors import UsageError
        from forensics.sources.rekor_tiles import courteous, pick, shards_of
        from forensics.sources.tiles_scan import scan_shard
        from forensics.sources.tiles_session import asking

        case, root = self._investigation.case, self._investigation.root
        shards = pick(shards_of(root, case.meta.endpoints.get("rekor_tiles", "")), log, root)
        if wanted.by_index and len(shards) > 1:
            names = ", ".join(shard.name for shard in shards)
            raise UsageError("An index counts in one log.", advice=f"Choose one with log=: {names}.")
        limits = courteous(Limits(), [shard.url for shard in shards], 10_000_000)

        async def run() -> list[Any]:
            async with asking(case, limits, offline=offline) as session:
                return [await scan_shard(session, shard, root, matcher, wanted) for shard in shards]

        found = run_to_end(run)
        self._settle(offline)
        return found

    def _through_case(
        self, ask: Callable[[Client], Awaitable[tuple[list[LogRecord], list[NotChecked]]]], offline: bool
    ) -> tuple[list[LogRecord], list[NotChecked]]:
        from forensics.evidence.client import Limits
        from forensics.investigation import run_to_end
        from forensics.sources.rekor_search import through_case

        found = run_to_end(lambda: through_case(self._investigation.case, Limits(), ask, offline=offline))
        self._settle(offline)
        return found

    def _settle(self, offline: bool) -> None:
        """Make the tables of the case follow from what it holds now: observations were added to it."""
        case = self._investigation.case
        if not offline and case.meta.complete and case.table_names():
            self._investigation.keep_tables(self._investigation.analyse())

    def _repr_html_(self) -> str:
        head = ("repository", "workflow", "trigger", "entries", "not in the index", "first (UTC)", "last (UTC)")
        names = ("repository", "workflow", "trigger", "entries", "not_in_index", "first", "last")
        rows = list(self.signers.select(names).iter_rows())
        return str(markup.table(head, rows, f"Who signed the {self.entries.height} log entries of this case"))


def _entries(analysis: Analysis) -> Iterator[tuple[Identity | None, Row]]:
    """Every entry once: of attestations, of what was found for a digest, of what only the log knows."""
    seen: set[tuple[str, int]] = set()
    for release in analysis.history.releases:
        for artifact in release.artifacts:
            for a in (*artifact.attestations, *artifact.vanished):
                if a.log_entry is None or (a.log_entry.log_id, a.log_entry.index) in seen:
                    continue
                seen.add((a.log_entry.log_id, a.log_entry.index))
                verified = {"valid": True, "invalid": False}.get(a.verification.status.value)
                known = _listed(artifact, release.listed)
                what = (release.version, artifact.filename, a.subject_sha256 or artifact.sha256, known)
                yield a.identity, (
                    a.log_entry.index, a.log_entry.log_id, a.signed_at, verified, *what, *_who(a.identity),
                    list(a.evidence),
                )  # fmt: skip
    # What no release claims is not listed, if the index could be asked at all.
    nowhere = False if analysis.history.unasked is None else None
    left = [(one.record, one.version, one.filename, nowhere) for one in analysis.history.log_only]
    if analysis.logged is not None:
        left += [(record, None, None, nowhere) for some in analysis.logged.records.values() for record in some]
    for record, version, filename, known in left:
        if (record.log_id, record.index) not in seen:
            seen.add((record.log_id, record.index))
            yield record.identity, _of_record(record, version, filename, known)


def _listed(artifact: Artifact, release: bool | None) -> bool | None:
    return None if release is None else artifact.listed


def _of_record(
    record: LogRecord, version: str | None = None, filename: str | None = None, listed: bool | None = None
) -> Row:
    digest = next((a.partition(":")[2] for a in record.artifacts if a.startswith("sha256:")), None)
    at = record.integrated_at or (record.identity.not_before if record.identity else None)
    return (record.index, record.log_id, at, record.verified, version, filename, digest, listed,
            *_who(record.identity), list(record.evidence))  # fmt: skip


def _who(who: Identity | None) -> tuple[str | None, ...]:
    if who is None:
        return (None,) * 9
    return (who.subject_alternative_name, who.oidc_issuer, who.repository, who.source_repository_identifier,
            who.workflow, who.ref, who.trigger, who.run_invocation_uri, who.commit)  # fmt: skip


def _missed(missed: list[NotChecked]) -> pl.DataFrame:
    return _missing([("search", one.reason, one.needs, list(one.evidence)) for one in missed])


def _missing(rows: list[tuple[str, str, str, list[str]]]) -> pl.DataFrame:
    return frame_of(rows, {"what": "str", "reason": "str", "needs": "str", "evidence": "list[str]"})
