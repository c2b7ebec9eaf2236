"""Watch a shard of Rekor v2 from a checkpoint on: what is new is searched, and that nothing old changed is proved.

Sources: C2SP tlog-tiles, RFC 9162 section 2.1.4 (consistency). The state moves on only over entries that hash to a
checkpoint which extends the last one, and after what was found in them was handed over: a kill repeats, never omits.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from forensics.attestation.trust import TrustRoot
from forensics.model.errors import EvidenceError, MalformedEvidence, SourceError, UsageError
from forensics.model.log import LogRecord
from forensics.sources.rekor_tiles import HttpTiles, SignedCheckpoint, TileShard, verified_checkpoint
from forensics.sources.tiles_record import record_of_hit
from forensics.sources.tiles_session import Asking
from forensics.transparency.checkpoint import parse_checkpoint
from forensics.transparency.history import Wrong
from forensics.transparency.matching import Matcher
from forensics.transparency.ranges import Span
from forensics.transparency.scan import Hit, scan_bundles
from forensics.transparency.tiles import TILE_WIDTH
from forensics.transparency.tree import TileTree

SCHEMA = "forensics/log-watch/1"
CHUNK = 64 * TILE_WIDTH
"""Entries after which the state is written."""
MAX_STATE = 4 << 20
_UNSIGNED = "\n— unsigned AAAAAAAA\n"


@dataclass(frozen=True, slots=True)
class State:
    """How far a watch has come: every entry before *next* was searched; *note* is the last checkpoint.

    The note is without signatures where another monitor left it so.
    """

    log: str
    url: str
    next: int
    note: str

    @property
    def size(self) -> int:
        """The size of the last checkpoint."""
        return self._parsed()[0]

    @property
    def root(self) -> bytes:
        """Its root hash, 32 bytes."""
        return self._parsed()[1]

    def _parsed(self) -> tuple[int, bytes]:
        checkpoint = parse_checkpoint(self.note if "\n\n" in self.note else self.note.rstrip("\n") + "\n" + _UNSIGNED)
        return checkpoint.size, checkpoint.root

    def dumps(self) -> bytes:
        """Return the state as the file holds it."""
        plain = {"schema": SCHEMA, "log": self.log, "url": self.url, "next": self.next, "checkpoint": self.note}
        return (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()


class Contradicted(EvidenceError):
    """The log contradicts what it signed before: *notes* are the older checkpoint and the newer one."""

    default_meaning = "The log shows different histories to different people, or has lost entries. The state is kept."
    default_advice = "Keep both checkpoints, compare them with other monitors, and tell the operators of the log."

    def __init__(self, kind: Wrong, reason: str, old: str, new: str) -> None:
        super().__init__(f"{kind.value}: {reason}")
        self.kind = kind
        self.reason = reason
        self.notes = (old, new)


class Doubtful(SourceError):
    """What was served does not hash to what the log signed (*note*); another answer may put that right."""

    def __init__(self, what: str, note: str) -> None:
        super().__init__(what)
        self.note = note


class Behind(Doubtful):
    """The log presents an older state of itself, as a server does that is behind the others."""


def load_state(data: bytes, shard: TileShard) -> State:
    """Return the state in the file *data*, a checkpoint of *shard* in it.

    Raises MalformedEvidence for one that cannot be read or whose checkpoint no log of *shard* signed, HostileInput for
    an oversized checkpoint, UsageError for a state of another log.
    """
    try:
        plain = json.loads(data[: MAX_STATE + 1])
        state = State(plain["log"], plain["url"], plain["next"], plain["checkpoint"])
        right = plain["schema"] == SCHEMA and type(state.next) is int and isinstance(state.note, str)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedEvidence("a state that cannot be read") from error
    if not right or not 0 <= state.next <= state.size:
        raise MalformedEvidence("a state that cannot be read")
    if not any(log.origin == state.log for log in shard.logs):
        raise UsageError(f"The state is of {state.log!r}, not of {shard.name}.")
    if "\n\n" in state.note:
        signed = verified_checkpoint(state.note, shard)
        if signed.origin != state.log:
            raise MalformedEvidence("a state whose checkpoint is of another log")
    return state


Emit = Callable[[Hit, LogRecord], None]
Save = Callable[[State], None]


class Watch:
    """One watch. *emit* is handed every match once (after a kill, again), *save* every state that was reached."""

    def __init__(
        self, shard: TileShard, root: TrustRoot, matcher: Matcher, state: State | None, emit: Emit, save: Save
    ) -> None:
        self.state = state
        self.notes: list[str] = []
        self._shard = shard
        self._root = root
        self._matcher = matcher
        self._emit = emit
        self._save = save
        self._emitted: set[int] = set()

    async def begin(self, asking: Asking, start: int | None) -> None:
        """Begin anew, at the entry *start* or at the end of the log (None), at a checkpoint whose tiles hash to it.

        Raises SourceError, and UsageError for a *start* beyond the log.
        """
        reader = HttpTiles(self._shard.url, asking.fresh, asking.kept)
        head = await self._head(reader)
        if start is not None and start > head.size:
            raise UsageError(f"--start-at {start} is beyond the log, which has {head.size} entries.")
        await self._sound(TileTree(reader, head.size, head.checkpoint.root), head)
        self._move(State(head.origin, self._shard.url, head.size if start is None else start, head.raw))

    async def poll(self, asking: Asking) -> int:
        """Search what is new and return how many entries that was.

        Raises Contradicted for a proved fork or split view, Behind and Doubtful for what may pass, SourceError for what
        could not be had. The state is as far as everything before it was searched.
        """
        assert self.state is not None
        reader = HttpTiles(self._shard.url, asking.fresh, asking.kept)
        head = await self._head(reader)
        await self._extends(reader, self.state, head)
        begin = self.state.next
        while self.state.next < head.size:
            await self._chunk(reader, head, Span(self.state.next, min(head.size, self.state.next + CHUNK)))
        if self.state.note != head.raw:
            self._move(replace(self.state, note=head.raw))
        return head.size - begin

    async def _head(self, reader: HttpTiles) -> SignedCheckpoint:
        try:
            return await reader.head(self._shard)
        except EvidenceError as error:  # nothing that the log signed: it contradicts nobody
            raise SourceError(f"{self._shard.url} presents {error.what}") from error

    async def _extends(self, reader: HttpTiles, old: State, head: SignedCheckpoint) -> None:
        size, root = head.size, head.checkpoint.root
        if head.origin != old.log:
            raise SourceError(f"{self._shard.url} presents the log {head.origin[:100]!r}, not {old.log!r}")
        if size == old.size:
            if root != old.root:
                raise Contradicted(Wrong.SPLIT_VIEW, f"two roots were signed for {size} entries", old.note, head.raw)
            return
        larger = TileTree(reader, *((size, root) if size > old.size else (old.size, old.root)))
        try:
            await self._sound(larger, head)
            same = await larger.root_at(min(size, old.size)) == (old.root if size > old.size else root)
        except (EvidenceError, SourceError) as error:
            if size < old.size:  # whoever presents less need not have the rest
                raise self._behind(old, head) from error
            if isinstance(error, EvidenceError):
                raise Doubtful(error.what, head.raw) from error
            raise
        if not same:
            reason = f"the tree of {size} entries and that of {old.size}, both signed, are of different histories"
            raise Contradicted(Wrong.SPLIT_VIEW, reason, old.note, head.raw)
        if size < old.size:
            raise self._behind(old, head)

    def _behind(self, old: State, head: SignedCheckpoint) -> Behind:
        return Behind(f"{self._shard.url} presents {head.size} entries after {old.size}", head.raw)

    async def _sound(self, tree: TileTree, head: SignedCheckpoint) -> None:
        try:
            await tree.check()
        except EvidenceError as error:
            raise Doubtful(error.what, head.raw) from error

    async def _chunk(self, reader: HttpTiles, head: SignedCheckpoint, span: Span) -> None:
        assert self.state is not None
        try:
            result = await scan_bundles(reader, self._matcher, span, checkpoint=head.checkpoint)
        except EvidenceError as error:
            raise Doubtful(error.what, head.raw) from error
        gaps = result.coverage.gaps
        end = gaps[0].begin if gaps else span.end
        for hit in result.hits:
            # What lies behind a gap is searched again with it.
            if hit.index < end and hit.index not in self._emitted:
                self._emit(hit, record_of_hit(hit, self._root, head, ()))
                self._emitted.add(hit.index)
        unread = (*result.coverage.unparsable, *result.coverage.unreadable)
        self.notes += [f"entry {one.index} could not be read: {one.reason}" for one in unread if one.index < end]
        if end > self.state.next:
            self._move(replace(self.state, next=end, note=head.raw))
        if gaps:
            words = f"entry {gaps[0].text}: {gaps[0].reason}"
            raise SourceError(words) if gaps[0].reason in reader.missed else Doubtful(words, head.raw)

    def _move(self, state: State) -> None:
        self.state = state
        self._save(state)
        self._emitted = {index for index in self._emitted if index >= state.next}
