"""Search the shards of Rekor v2 for identities: which entries, how they were proved, and what could not be searched.

Sources: C2SP tlog-tiles; the search itself is `forensics.transparency.scan`. A part that does not hash to the log's
checkpoint is asked for once more, past every cache of ours; only what fails again is held against the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from forensics.attestation.trust import TrustRoot
from forensics.model.errors import EvidenceError, SourceError, UsageError
from forensics.model.log import LogRecord
from forensics.sources.rekor_tiles import HttpTiles, SignedCheckpoint, TileShard
from forensics.sources.tiles_record import record_of_hit, vouched
from forensics.sources.tiles_session import Asking
from forensics.transparency.coverage import Coverage, Gap, united
from forensics.transparency.entries import Generation, parse_entry
from forensics.transparency.matching import Matcher
from forensics.transparency.ranges import Span
from forensics.transparency.scan import Hit, ScanResult, scan_bundles
from forensics.transparency.tiles import TILE_WIDTH, bundle_bounds, bundle_leaves, width_at
from forensics.transparency.timerange import by_certificate, certificate_time
from forensics.transparency.tree import TileTree, read_bundle

if TYPE_CHECKING:
    from forensics.sources.rekor_views import Disagreement

NEIGHBOURS = 4
Tick = Callable[[int, int], None]
"""Called with entries searched and entries to search."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: from index *begin* to *end*, the latter not included, or from *since* to *until*; None: all."""

    begin: int | None = None
    end: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def by_index(self) -> bool:
        """Whether an index is given."""
        return self.begin is not None or self.end is not None

    @property
    def by_time(self) -> bool:
        """Whether a time is given."""
        return self.since is not None or self.until is not None

    def span(self, size: int) -> Span:
        """Return the entries of a log of *size*. Raises UsageError for indices that it does not have."""
        begin, end = self.begin or 0, size if self.end is None else self.end
        if not 0 <= begin <= end <= size:
            raise UsageError(f"Entries {begin} to {end - 1} are not within the log, which has {size} entries.")
        return Span(begin, end)


@dataclass(slots=True)
class Scanned:
    """What came of one log. *unasked* could not be had, *broken* does not hash to what the log signed.

    *disagreements* are signed checkpoints of different histories. *basis* says how times became indices. *problem* says
    why nothing was searched at all, *unsound* whether that is the log's doing.
    """

    log: str
    url: str
    head: SignedCheckpoint | None = None
    coverage: Coverage | None = None
    found: list[tuple[Hit, LogRecord]] = field(default_factory=list)
    unasked: tuple[Gap, ...] = ()
    broken: tuple[Gap, ...] = ()
    basis: str = ""
    notes: list[str] = field(default_factory=list)
    disagreements: tuple[Disagreement, ...] = ()
    problem: str = ""
    unsound: bool = False
    evidence: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a proof of the log failed."""
        return self.unsound or bool(self.broken or self.disagreements)

    @property
    def incomplete(self) -> bool:
        """Whether something could not be asked."""
        return bool(self.problem or self.unasked)


async def scan_shard(
    asking: Asking,
    shard: TileShard,
    root: TrustRoot,
    matcher: Matcher,
    wanted: Wanted,
    *,
    concurrency: int = 8,
    tick: Tick | None = None,
    head: SignedCheckpoint | None = None,
) -> Scanned:
    """Return what *shard* holds of what *matcher* seeks; *head* is a checkpoint to take instead of the newest.

    Raises UsageError for indices outside the log; whatever else goes wrong is in the result.
    """
    scanned = Scanned(shard.name, shard.url)
    reader = HttpTiles(shard.url, asking.fresh, asking.kept)
    try:
        scanned.head = head = head or await reader.head(shard)
        scanned.log = head.origin
        await _scan(asking, reader, root, matcher, wanted, head, scanned, concurrency, tick)
    except SourceError as error:
        scanned.problem, scanned.evidence = error.what, error.evidence
    except EvidenceError as error:
        scanned.problem, scanned.unsound = error.what, True
        scanned.evidence = (reader.seen,) if reader.seen else ()
    return scanned


async def _scan(
    asking: Asking,
    reader: HttpTiles,
    root: TrustRoot,
    matcher: Matcher,
    wanted: Wanted,
    head: SignedCheckpoint,
    scanned: Scanned,
    concurrency: int,
    tick: Tick | None,
) -> None:
    reader = await _sound(asking, reader, head)
    span = wanted.span(head.size)
    if wanted.by_time:
        span, scanned.basis = await span_of_times(reader, root, head, wanted, span)
    total, done = span.end - span.begin, 0

    def progress(entries: int) -> None:
        nonlocal done
        done += entries
        if tick:
            tick(done, total)

    run = {"checkpoint": head.checkpoint, "concurrency": concurrency, "progress": progress}
    result = await scan_bundles(reader, matcher, span, **run)  # type: ignore[arg-type]
    broken = [gap for gap in result.coverage.gaps if gap.reason not in reader.missed]
    readers = [reader]
    if broken and not asking.offline:
        client = asking.renew()
        again = HttpTiles(reader.url, client, client, reader.seen)
        readers.append(again)
        result = await _once_more(again, matcher, result, broken, run, scanned)
    missed = set().union(*(one.missed for one in readers))
    scanned.coverage = result.coverage
    scanned.unasked = tuple(gap for gap in result.coverage.gaps if gap.reason in missed)
    scanned.broken = tuple(gap for gap in result.coverage.gaps if gap.reason not in missed)
    scanned.evidence = _evidence(readers, head, scanned.broken)
    scanned.found = [
        (hit, record_of_hit(hit, root, head, _evidence(readers, head, [Gap(hit.index, hit.index + 1, "")])))
        for hit in result.hits
    ]


async def _sound(asking: Asking, reader: HttpTiles, head: SignedCheckpoint) -> HttpTiles:
    """Return a reader whose tiles at the right edge hash to *head*: a new one if those of *reader* do not."""
    try:
        await TileTree(reader, head.size, head.checkpoint.root).check()
        return reader
    except EvidenceError:
        if asking.offline:
            raise
    client = asking.renew()
    reader = HttpTiles(reader.url, client, client, reader.seen)
    await TileTree(reader, head.size, head.checkpoint.root).check()
    return reader


async def _once_more(
    reader: HttpTiles,
    matcher: Matcher,
    first: ScanResult,
    broken: Iterable[Gap],
    run: dict[str, object],
    scanned: Scanned,
) -> ScanResult:
    """Search the *broken* parts again with *reader*, and return both searches as one."""
    hits = list(first.hits)
    coverage = replace(first.coverage, gaps=tuple(gap for gap in first.coverage.gaps if gap not in broken))
    for gap in broken:
        second = await scan_bundles(reader, matcher, Span(gap.begin, gap.end), **run)  # type: ignore[arg-type]
        hits += second.hits
        coverage = united(coverage, [second.coverage])
        scanned.notes += [
            f"{Gap(*healed, '').text} came with other content first ({gap.reason}); asked again, it hashes to the tree"
            for healed in second.coverage.ranges
        ]
    return ScanResult(tuple(sorted(hits, key=lambda hit: hit.index)), coverage)


async def span_of_times(
    reader: HttpTiles, root: TrustRoot, head: SignedCheckpoint, wanted: Wanted, within: Span
) -> tuple[Span, str]:
    """Return the entries *within* the log that can be of the times *wanted*, and how they were found.

    Raises as `TileTree` does.
    """
    times = _Times(reader, root, head)
    since = wanted.since or datetime(2000, 1, 1, tzinfo=UTC)
    until = wanted.until or datetime(9000, 1, 1, tzinfo=UTC)
    found = await by_certificate(times.around, since, until, within)
    begin, end = max(within.begin, found.span.begin - TILE_WIDTH), min(within.end, found.span.end + TILE_WIDTH)
    return Span(begin, end), f"{found.basis}, and {TILE_WIDTH} entries; {len(times.bundles)} bundles read for it"


class _Times:
    """When entries were signed, by the certificates around them.

    Only certificates of an authority of the root count, in bundles that hash to the checkpoint: anybody may log another
    one, with any time in it. An old certificate may be used again much later, so it is the middle of its neighbours'.
    """

    def __init__(self, reader: HttpTiles, root: TrustRoot, head: SignedCheckpoint) -> None:
        self.bundles: dict[int, list[bytes]] = {}
        self._reader = reader
        self._root = root
        self._tree = TileTree(reader, head.size, head.checkpoint.root)
        self._known: dict[bytes | None, datetime | None] = {}

    async def around(self, index: int) -> datetime | None:
        """Return the middle one of the times of the entries around *index*."""
        near = range(max(0, index - NEIGHBOURS), min(self._tree.size, index + NEIGHBOURS + 1))
        times = sorted([time for one in near if (time := await self._time(one)) is not None])
        return times[len(times) // 2] if times else None

    async def _time(self, index: int) -> datetime | None:
        entries = await self._entries(index // TILE_WIDTH)
        try:
            view = parse_entry(entries[index % TILE_WIDTH], Generation.V2) if entries else None
        except EvidenceError:
            return None
        if view is None:
            return None
        if view.certificate not in self._known:
            self._known[view.certificate] = certificate_time(view) if vouched(view, self._root) else None
        return self._known[view.certificate]

    async def _entries(self, number: int) -> list[bytes]:
        """The entries of a bundle; none where it does not hash to the tree, which is named when it is searched."""
        if number not in self.bundles:
            self.bundles[number] = []
            try:
                data = await read_bundle(self._reader, self._tree.size, number)
                bounds = bundle_bounds(data, width_at(self._tree.size, None, number))
                if await self._tree.holds_bundle(number, bundle_leaves(data, bounds)):
                    self.bundles[number] = [data[start:stop] for start, stop in bounds]
            except EvidenceError:
                pass
        return self.bundles[number]


def _evidence(readers: Iterable[HttpTiles], head: SignedCheckpoint, gaps: Iterable[Gap]) -> tuple[str, ...]:
    numbers = {n for gap in gaps for n in range(gap.begin // TILE_WIDTH, -(-gap.end // TILE_WIDTH))}
    seen = [reader.bundles.get(number, "") for number in sorted(numbers) for reader in readers]
    return tuple(dict.fromkeys(one for one in (*head.evidence, *seen) if one))
