"""Searching a log for identities, with every entry hashed into the tree that a checkpoint signs.

Sources: C2SP tlog-tiles ("Log entries"), RFC 6962 section 2.1. The fast path is in `forensics.transparency.needle`: it
may only pass over entries that cannot match, and never decides that one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from forensics.model.errors import EvidenceError, SourceError, UsageError
from forensics.transparency.checkpoint import Checkpoint
from forensics.transparency.coverage import Coverage, Gap, Unread, joined, joined_gaps, without
from forensics.transparency.entries import EntryView, Generation, decode_body, parse_entry
from forensics.transparency.matching import Match, Matcher
from forensics.transparency.needle import Needle, V1Search, needles_of
from forensics.transparency.ranges import Span
from forensics.transparency.tiles import TILE_WIDTH, TileReader, bundle_bounds, bundle_leaves, width_at
from forensics.transparency.tree import TileTree, read_bundle

_BEGINS = (
    b'{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"',
    b'{"apiVersion":"0.0.2","kind":"dsse","spec":{"dsseV002":{"payloadHash":{"algorithm":"',
)
_BEGIN_V1 = b'{"apiVersion":"0.0.'
_END_V1 = b"}}"
_ENDS = (b'"}}}}}}', b'"}}}]}}}')


NOT_IN_TREE = "does not hash to the tree"
"""Why an entry was not searched that is not the one which the log signed."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that holds something sought: its index in the shard, its bytes, what it says, and the matches."""

    index: int
    body: bytes
    view: EntryView
    matches: tuple[Match, ...]


@dataclass(slots=True)
class Found:
    """What came of some entries. *opened* counts those that had to be read, *leaves* are their hashes if asked for."""

    hits: list[Hit] = field(default_factory=list)
    unparsable: list[Unread] = field(default_factory=list)
    unreadable: list[Unread] = field(default_factory=list)
    opened: int = 0
    leaves: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The hits in the order of the log, and what was covered."""

    hits: tuple[Hit, ...]
    coverage: Coverage


class Scanner:
    """Searches entries for what *matcher* seeks. *fast*: pass over entries that cannot match without reading them."""

    def __init__(self, matcher: Matcher, *, fast: bool = True) -> None:
        self.matcher = matcher
        self.needles: tuple[Needle, ...] | None = needles_of(matcher) if fast else None
        self._v1 = V1Search(self.needles or ())
        self._forms = tuple(dict.fromkeys(form for needle in self.needles or () for form in needle.forms))

    def bundle(self, data: bytes, first: int, width: int, *, hashing: bool = True, only: Span | None = None) -> Found:
        """Search the Rekor v2 bundle *data* of *width* entries, the first of which has the index *first*.

        With *hashing*, the hashes of all leaves are returned as well; with *only*, entries outside are not searched.
        Raises MalformedEvidence or HostileInput for a bundle that is not *width* entries.
        """
        bounds = bundle_bounds(data, width)
        found = Found(leaves=bundle_leaves(data, bounds) if hashing else [])
        numbers: Iterable[int] = range(width)
        if self.needles is not None:
            numbers = sorted(self._candidates(data, bounds))
        for number in numbers:
            if only is None or only.begin <= first + number < only.end:
                start, stop = bounds[number]
                self._judge(data[start:stop], first + number, Generation.V2, found)
        return found

    def body(self, encoded: bytes, index: int, found: Found) -> None:
        """Search one Rekor v1 entry, as the base64 of an answer's `body`, and add what comes of it to *found*."""
        try:
            body = decode_body(encoded)
        except EvidenceError as error:
            found.unparsable.append(Unread(index, error.what))
            return
        usual = body.startswith(_BEGIN_V1) and body.endswith(_END_V1)
        if self.needles is None or not usual or self._v1.candidate(body):
            self._judge(body, index, Generation.V1, found)

    def _candidates(self, data: bytes, bounds: Sequence[tuple[int, int]]) -> set[int]:
        """The entries that must be read: those with a needle in them, and those that are not written as usual."""
        begins, ends = data.startswith, data.endswith
        found = {
            number
            for number, (start, stop) in enumerate(bounds)
            if not (begins(_BEGINS, start, stop) and ends(_ENDS, start, stop))
        }
        for form in (*self._forms, b"\\"):
            at = data.find(form)
            while at >= 0:
                number = _number_of(bounds, at)
                if number is None:
                    break
                found.add(number)
                # The next entry, unless what was found only began in a length: then whatever follows within this one.
                at = data.find(form, max(at + 1, bounds[number][1]) if at >= bounds[number][0] else at + 1)
        return found

    def _judge(self, body: bytes, index: int, generation: Generation, found: Found) -> None:
        found.opened += 1
        try:
            view = parse_entry(body, generation)
        except EvidenceError as error:
            found.unparsable.append(Unread(index, error.what))
            return
        matched = self.matcher.match(view)
        if matched.matches:
            found.hits.append(Hit(index, body, view, matched.matches))
        found.unreadable.extend(Unread(index, reason) for reason in matched.unreadable)


def _number_of(bounds: Sequence[tuple[int, int]], at: int) -> int | None:
    """The entry in which the place *at* lies, or before which, in its length; None behind the last."""
    low, high = 0, len(bounds)
    while low < high:
        middle = (low + high) // 2
        if bounds[middle][1] <= at:
            low = middle + 1
        else:
            high = middle
    return low if low < len(bounds) else None


async def scan_bundles(
    reader: TileReader,
    matcher: Matcher,
    span: Span,
    *,
    checkpoint: Checkpoint,
    shard: str = "",
    hashing: bool = True,
    fast: bool = True,
    concurrency: int = 8,
    progress: Callable[[int], None] | None = None,
) -> ScanResult:
    """Search the entries *span* of a Rekor v2 shard; *checkpoint* is one whose signature the caller has verified.

    Every leaf is hashed and compared with the tree that *checkpoint* signs, by way of tiles that are checked up to its
    root. A bundle that cannot be had or cannot be read, and an entry that does not hash to the tree, becomes a gap, and
    nothing in it a hit. *hashing* False skips all of that. *progress* is called with the number of entries of each
    finished bundle. Raises UsageError for a span outside the tree, MalformedEvidence or SourceError where the tree
    itself fails. Source: C2SP tlog-tiles.
    """
    begin, end = span
    if not 0 <= begin <= end <= checkpoint.size:
        raise UsageError(f"entries {begin} to {end} are not within a log of {checkpoint.size}")
    tree = TileTree(reader, checkpoint.size, checkpoint.root)
    if hashing and begin < end:
        await tree.check()
    scan = _Scan(Scanner(matcher, fast=fast), tree, reader, span, hashing)
    async for entries in scan.run(concurrency):
        if progress is not None:
            progress(entries)
    return scan.result(shard or checkpoint.origin)


class _Scan:
    """One run over a span: bundles are read ahead, a few at a time, and finished in their order."""

    def __init__(self, scanner: Scanner, tree: TileTree, reader: TileReader, span: Span, hashing: bool) -> None:
        self._scanner = scanner
        self._tree = tree
        self._reader = reader
        self._span = span
        self._hashing = hashing
        self._found = Found()
        self._covered: list[Span] = []
        self._gaps: list[Gap] = []

    async def run(self, concurrency: int) -> AsyncIterator[int]:
        begin, end = self._span
        numbers = iter(range(begin // TILE_WIDTH, -(-end // TILE_WIDTH) if end > begin else begin // TILE_WIDTH))
        ahead: list[tuple[int, asyncio.Task[bytes]]] = []
        try:
            while True:
                while len(ahead) < max(1, concurrency) and (number := next(numbers, None)) is not None:
                    ahead.append((number, asyncio.create_task(read_bundle(self._reader, self._tree.size, number))))
                if not ahead:
                    return
                number, task = ahead.pop(0)
                yield await self._bundle(number, task)
        finally:
            for _, task in ahead:
                task.cancel()
            await asyncio.gather(*(task for _, task in ahead), return_exceptions=True)

    async def _bundle(self, number: int, task: asyncio.Task[bytes]) -> int:
        first = number * TILE_WIDTH
        width = width_at(self._tree.size, None, number)
        part = Span(max(first, self._span.begin), min(first + width, self._span.end))
        others: set[int] = set()
        try:
            found = self._scanner.bundle(await task, first, width, hashing=self._hashing, only=part)
            if self._hashing and not await self._tree.holds_bundle(number, found.leaves):
                others = await self._others(number, found.leaves)
        except (EvidenceError, SourceError) as error:
            self._gaps.append(Gap(*part, error.what))
            return 0
        gaps = [Gap(index, index + 1, NOT_IN_TREE) for index in range(*part) if index - first in others]
        self._gaps += gaps
        self._covered += without([part], (Span(gap.begin, gap.end) for gap in gaps))
        self._found.hits += [hit for hit in found.hits if hit.index - first not in others]
        self._found.unparsable += [one for one in found.unparsable if one.index - first not in others]
        self._found.unreadable += [one for one in found.unreadable if one.index - first not in others]
        return part.end - part.begin - len(gaps)

    async def _others(self, number: int, leaves: list[bytes]) -> set[int]:
        """Which entries of a bundle are not the tree's: those whose hashes its tile does not hold; all, without one."""
        try:
            known = await self._tree.tile(0, number)
        except (EvidenceError, SourceError):
            return set(range(len(leaves)))
        return {at for at, (mine, true) in enumerate(zip(leaves, known, strict=True)) if mine != true}

    def result(self, shard: str) -> ScanResult:
        coverage = Coverage(
            shard,
            self._span,
            joined(self._covered),
            joined_gaps(self._gaps),
            tuple(self._found.unparsable),
            tuple(self._found.unreadable),
            self._tree.size if self._hashing else None,
            self._tree.root if self._hashing else None,
        )
        return ScanResult(tuple(self._found.hits), coverage)


def scan_bodies(
    bodies: Iterable[tuple[int, bytes]], matcher: Matcher, span: Span, *, shard: str, fast: bool = True
) -> ScanResult:
    """Search Rekor v1 entries: (index in the shard, base64 of the body as in the API's answers), in any order.

    Entries of *span* that do not come are gaps, entries outside of it are passed over. Nothing is hashed: a v1 entry is
    proved by its own inclusion proof.
    """
    scanner = Scanner(matcher, fast=fast)
    found = Found()
    seen: set[int] = set()
    for index, encoded in bodies:
        if span.begin <= index < span.end and index not in seen:
            scanner.body(encoded, index, found)
            seen.add(index)
    covered = joined(Span(index, index + 1) for index in seen)
    gaps = [Gap(*hole, "not received") for hole in without([span], covered)]
    found.hits.sort(key=lambda hit: hit.index)
    unparsable, unreadable = sorted(found.unparsable, key=_index), sorted(found.unreadable, key=_index)
    coverage = Coverage(shard, span, covered, tuple(gaps), tuple(unparsable), tuple(unreadable))
    return ScanResult(tuple(found.hits), coverage)


def _index(unread: Unread) -> int:
    return unread.index
