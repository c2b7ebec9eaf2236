"""`forensics log watch`: from the stored checkpoint on, what is new is searched and nothing old may change."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli.common import Ask, note
from forensics.cli.log_sought import (
    ClaimOption,
    ConfigOption,
    DigestOption,
    EmailOption,
    FingerprintOption,
    FormOption,
    IdentityOption,
    IssuerOption,
    Options,
    RegexOption,
    Search,
    search_of,
)
from forensics.cli.options import EndpointOption, MaxWaitOption, QuietOption, TrustRootOption
from forensics.model.errors import HostileInput, MalformedEvidence, SourceError, UsageError

if TYPE_CHECKING:
    from forensics.model.log import LogRecord
    from forensics.sources.rekor_tiles import TileShard
    from forensics.sources.tiles_watch import Contradicted, State, Watch
    from forensics.transparency.scan import Hit

CONTRADICTION_EXIT = 4
UNASKED_EXIT = 1
TRIES = 3
"""How often in a row the log may be behind itself, or serve what does not hash, before that is held against it."""


def watch(
    state: Annotated[Path, typer.Option("--state", metavar="FILE", help="Where the watch keeps how far it has come.")],
    log: Annotated[str | None, typer.Option("--log", metavar="URL|NAME", help="The log of Rekor v2 to watch.")] = None,
    identity: IdentityOption = None,
    identity_regex: RegexOption = None,
    email: EmailOption = None,
    issuer: IssuerOption = None,
    claim: ClaimOption = None,
    digest: DigestOption = None,
    fingerprint: FingerprintOption = None,
    config: ConfigOption = None,
    interval: Annotated[float, typer.Option("--interval", metavar="S", min=0, help="Seconds between polls.")] = 300.0,
    once: Annotated[bool, typer.Option("--once", help="Poll once and exit, as from cron.")] = False,
    max_polls: Annotated[
        int | None, typer.Option("--max-polls", metavar="N", min=1, help="Exit after N polls.")
    ] = None,
    start_at_head: Annotated[
        bool, typer.Option("--start-at-head", help="Without a readable state, begin at the end of the log.")
    ] = False,
    start_at: Annotated[
        int | None, typer.Option("--start-at", metavar="N", min=0, help="Without a readable state, begin at entry N.")
    ] = None,
    log_info: Annotated[
        Path | None, typer.Option("--log-info", metavar="FILE", help="Without a state, go on from rekor-monitor's.")
    ] = None,
    metadata: Annotated[
        Path | None,
        typer.Option("--metadata", metavar="FILE", help="Beside --log-info: how far rekor-monitor's search had come."),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object on each line.")] = False,
    form: FormOption = None,
    trust_root: TrustRootOption = None,
    endpoint: EndpointOption = None,
    max_wait: MaxWaitOption = 10.0,
    quiet: QuietOption = False,
) -> None:
    """Watch a log for identities; prove with each step that it only grew.

    A match is printed before the state moves on: after a kill it may be printed again, never omitted. A fork, a split
    view or a rollback ends the watch with exit 4 and keeps the state. Exit 1 when the last poll could not be made.
    """
    import asyncio

    from forensics.cli.log_scan import output_form
    from forensics.cli.log_session import logs_of

    ask = Ask(None, trust_root=trust_root, endpoint=endpoint, max_wait=max_wait, quiet=quiet)
    search = search_of(Options(identity, identity_regex, email, issuer, claim, digest, fingerprint, config))
    form = output_form(form, json_output)
    for text in search.notes:
        note(ask, text)
    logs = logs_of(ask)
    shards = logs.shards(log)
    if len(shards) != 1:
        names = ", ".join(shard.name for shard in shards)
        raise UsageError("A watch is of one log.", advice=f"Choose one with --log: {names}.")
    if start_at_head and start_at is not None:
        raise UsageError("--start-at-head and --start-at say different things.")
    begin = _Begin.of(state, start_at_head, start_at, log_info, metadata, search)
    if begin.log_info is not None and not state.exists():
        note(ask, f"There is no state: the watch goes on from rekor-monitor's {begin.log_info}.")
    with _locked(state):
        known = begin.state(shards[0])
        watching = _watch(shards[0], logs.root, search, known, state, form)
        loop = _Loop(ask, watching, shards[0].url, 1 if once else max_polls, interval, once)
        raise typer.Exit(asyncio.run(loop.run(begin, state, form)))


@dataclass(frozen=True, slots=True)
class _Begin:
    """Where a watch begins: with its state, or, only if it is told so, anew."""

    path: Path
    at_head: bool
    at: int | None
    log_info: Path | None
    metadata: Path | None

    @classmethod
    def of(
        cls, path: Path, at_head: bool, at: int | None, log_info: Path | None, metadata: Path | None, search: Search
    ) -> _Begin:
        """What the options say; where they are silent, the files that rekor-monitor's configuration names."""
        known = search.configuration
        if log_info is None and metadata is not None:
            raise UsageError("--metadata is of no use without --log-info, which holds the checkpoint.")
        if log_info is None and known is not None and known.log_info_file and not at_head and at is None:
            log_info = Path(known.log_info_file) if Path(known.log_info_file).is_file() else None
            if log_info and known.metadata_file and Path(known.metadata_file).is_file():
                metadata = Path(known.metadata_file)
        return cls(path, at_head, at, log_info, metadata)

    @property
    def anew(self) -> bool:
        return self.at_head or self.at is not None

    def state(self, shard: TileShard) -> State | None:
        """Return the state to go on from; None to begin anew. Raises UsageError where neither may be."""
        from forensics.sources.tiles_watch import load_state

        try:
            data = self.path.read_bytes() if self.path.exists() else None
        except OSError as error:
            raise UsageError(f"--state {self.path} cannot be read: {error.strerror}.") from None
        if data is None:
            if self.log_info is not None:
                return self._foreign(shard)
            if self.anew:
                return None
            raise self._refused("There is no state", "so it is not known which entries were searched")
        try:
            return load_state(data, shard)
        except (MalformedEvidence, HostileInput) as error:
            if not self.anew:
                raise self._refused(f"The state is damaged ({error.what})", "so nothing rests on it") from None
            self.path.with_name(f"{self.path.name}.damaged").write_bytes(data)
            return None

    def _refused(self, what: str, why: str) -> UsageError:
        return UsageError(
            f"{what}: {self.path}.",
            meaning=f"Nothing was watched, {why}.",
            advice="Begin anew with --start-at-head or --start-at N; `log scan` searches what lies before.",
        )

    def _foreign(self, shard: TileShard) -> State:
        """The last checkpoint in the file of another monitor, and how far its search had come, if a file says so.

        It writes the checkpoint before it searches: without the metadata, a search that was broken off is not seen.
        """
        from forensics.sources.tiles_watch import State
        from forensics.transparency.checkpoint import Checkpoint
        from forensics.transparency.monitor_files import last_checkpoint, read_checkpoints

        assert self.log_info is not None
        try:
            text = self.log_info.read_text("utf-8")
            found = last_checkpoint(text)
        except (OSError, UnicodeDecodeError, MalformedEvidence) as error:
            raise UsageError(f"--log-info {self.log_info} cannot be read: {error}.") from None
        if found is None:
            raise UsageError(f"--log-info {self.log_info} holds no checkpoint.")
        origin, size = (found.origin, found.size) if isinstance(found, Checkpoint) else found[:2]
        if not any(log.origin == origin for log in shard.logs):
            raise UsageError(f"--log-info {self.log_info} is of {origin[:100]!r}, not of {shard.name}.")
        return State(origin, shard.url, min(size, self._searched(size)), read_checkpoints(text)[-1])

    def _searched(self, size: int) -> int:
        from forensics.transparency.monitor_files import read_metadata

        if self.metadata is None:
            return size
        try:
            return read_metadata(self.metadata.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, MalformedEvidence) as error:
            raise UsageError(f"--metadata {self.metadata} cannot be read: {error}.") from None


def _locked(state: Path) -> Any:
    """Keep a second watch from the same state."""
    import contextlib
    import os

    from forensics.evidence.durable import lock

    @contextlib.contextmanager
    def held() -> Any:
        path = state.with_name(f"{state.name}.lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise UsageError(f"--state {state} cannot be written beside: {error.strerror}.") from None
        try:
            lock(descriptor, path)
            yield
        finally:
            os.close(descriptor)

    return held()


def _watch(shard: TileShard, root: Any, search: Search, known: State | None, path: Path, form: str) -> Watch:
    from forensics.evidence.durable import write_atomically
    from forensics.sources.tiles_watch import Watch

    def emit(hit: Hit, record: LogRecord) -> None:
        _print_match(form, search, hit, record)
        sys.stdout.flush()

    return Watch(shard, root, search.matcher, known, emit, lambda state: write_atomically(path, state.dumps()))


def _print_match(form: str, search: Search, hit: Hit, record: LogRecord) -> None:
    from forensics.cli.entries import show
    from forensics.cli.log_scan import match_doc, match_lines, monitor_lines
    from forensics.report.build_log import record_doc
    from forensics.sources.tiles_watch import SCHEMA

    if form == "json":
        line = {"schema": SCHEMA, "entry": record_doc(record), "matches": [match_doc(one) for one in hit.matches]}
        typer.echo(json.dumps(line, ensure_ascii=True))
    elif form == "rekor-monitor":
        show(monitor_lines(search, hit.matches, record.index, ""))
    else:
        show([*match_lines(hit, record), ""])


@dataclass(slots=True)
class _Loop:
    """Polls, waits, and gives up only over what the log signed."""

    ask: Ask
    watching: Watch
    url: str
    polls: int | None
    interval: float
    once: bool

    async def run(self, begin: _Begin, path: Path, form: str) -> int:
        import asyncio

        from forensics.sources.tiles_watch import Contradicted, Doubtful

        made = failures = doubts = 0
        while True:
            made += 1
            try:
                await self._poll(begin)
                failures = doubts = 0
            except Contradicted as error:
                return _report(error, path, form)
            except SourceError as error:
                failures += 1
                doubts = doubts + 1 if isinstance(error, Doubtful) else 0
                note(self.ask, f"{error.what} ({failures} in a row)")
                if doubts >= TRIES:
                    return _report(_final(error, self.watching), path, form)
            if self.once and doubts:
                made -= 1  # a second look, before cron comes again
            if self.polls is not None and made >= self.polls:
                return UNASKED_EXIT if failures else 0
            await asyncio.sleep(self._pause(failures))

    def _pause(self, failures: int) -> float:
        if not failures:
            return self.interval
        longest = max(self.interval, 1.0)
        return min(longest, 2.0 ** min(failures - 1, 12)) * random.uniform(0.5, 1.0)  # noqa: S311 -- not secret

    async def _poll(self, begin: _Begin) -> None:
        """One poll, through clients of its own: what failed in an earlier one is asked again."""
        from forensics.cli.log_session import limits_of
        from forensics.sources.rekor_tiles import courteous
        from forensics.sources.tiles_session import asking

        async with asking(None, courteous(limits_of(self.ask), [self.url], 1_000_000)) as session:
            if self.watching.state is None:
                await self.watching.begin(session, begin.at)
            await self.watching.poll(session)
        for text in self.watching.notes:
            note(self.ask, text)
        self.watching.notes.clear()


def _final(error: SourceError, watching: Watch) -> Contradicted:
    """What may have passed and did not."""
    from forensics.sources.tiles_watch import Behind, Contradicted
    from forensics.transparency.history import Wrong

    kind = Wrong.ROLLBACK if isinstance(error, Behind) else Wrong.FAILED_PROOF
    old = watching.state.note if watching.state else ""
    return Contradicted(kind, f"{error.what}, {TRIES} times in a row", old, getattr(error, "note", ""))


def _report(error: Contradicted, path: Path, form: str) -> int:
    """Print the contradiction with both notes, and keep it beside the state."""
    from forensics.cli.entries import show
    from forensics.evidence.durable import write_atomically
    from forensics.sources.tiles_watch import SCHEMA

    found = {"kind": error.kind.value, "reason": error.reason, "notes": [*error.notes]}
    kept = path.with_name(f"{path.name}.contradiction.json")
    write_atomically(kept, (json.dumps({"schema": SCHEMA, "contradiction": found}, indent=2) + "\n").encode())
    if form == "json":
        typer.echo(json.dumps({"schema": SCHEMA, "contradiction": found}, ensure_ascii=True))
    else:
        lines = [f"CONTRADICTION  {error.kind.value}: {error.reason}", f"  kept in      {kept}"]
        for name, text in zip(("the checkpoint before", "the checkpoint now"), error.notes, strict=True):
            lines += [f"  {name}:", *(f"    {line}" for line in text.splitlines())]
        show(lines)
    sys.stdout.flush()
    return CONTRADICTION_EXIT
