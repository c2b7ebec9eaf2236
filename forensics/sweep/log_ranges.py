"""A search of a log of Rekor v2 in pieces, each done by a worker of an engine and hashed to the same checkpoint.

Every piece proves itself, so pieces may be done anywhere and in any order; joined, they cover what one search covers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from forensics.sources.tiles_scan import Scanned, Wanted, scan_shard, span_of_times
from forensics.sources.tiles_session import asking
from forensics.sweep.engine import Engine, Lost, share
from forensics.transparency.coverage import Coverage, Gap, joined_gaps, united
from forensics.transparency.ranges import Span

if TYPE_CHECKING:
    from forensics.attestation.trust import TrustRoot
    from forensics.evidence.client import Limits
    from forensics.sources.rekor_tiles import TileShard
    from forensics.sources.tiles_scan import Tick
    from forensics.transparency.matching import Matcher

PIECE = 256 * 64
"""Entries of one piece: 64 whole bundles, a few seconds of work, and few of the upper tiles fetched twice."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One task: the entries from *begin* to *end*, the latter not included, of the log at *url*.

    *root* is the trust root's file and *head* the checkpoint as it was served: a worker verifies it again, for keys
    cannot be sent.
    """

    url: str
    root: bytes
    matcher: Matcher
    begin: int
    end: int
    head: str
    limits: Limits


def search_piece(piece: Piece) -> Scanned:
    """Return what one piece of the log holds. Whatever goes wrong is in the result."""

    from forensics.attestation.trust import vouch
    from forensics.sources.rekor_tiles import shard_at, verified_checkpoint

    root = vouch(piece.root, named=piece.root)
    shard = shard_at(root, piece.url)
    head = verified_checkpoint(piece.head, shard)

    async def run() -> Scanned:
        async with asking(None, piece.limits) as session:
            wanted = Wanted(piece.begin, piece.end)
            concurrency = piece.limits.concurrency
            return await scan_shard(session, shard, root, piece.matcher, wanted, concurrency=concurrency, head=head)

    return replace(asyncio.run(run()), head=None)


def scan_in_pieces(
    engine: Engine,
    shard: TileShard,
    root: TrustRoot,
    matcher: Matcher,
    wanted: Wanted,
    limits: Limits,
    *,
    piece: int = PIECE,
    tick: Tick | None = None,
) -> Scanned:
    """Return what *shard* holds of what *matcher* seeks, as `scan_shard` does, searched by the workers of *engine*.

    *limits* are for one host and of all workers together. Answers are not kept. A piece of which the workers died is a
    gap. Raises UsageError for indices outside the log.
    """
    begun = asyncio.run(_begin(shard, root, matcher, wanted, limits))
    if begun.problem or begun.head is None or begun.coverage is None:
        return begun
    span, head = begun.coverage.asked, begun.head
    each = share(limits, engine.workers)
    pieces = [Piece(shard.url, root.raw, matcher, first, end, head.raw, each) for first, end in _cut(*span, piece)]
    results: list[Scanned] = []
    done = 0
    for result in engine.run(search_piece, pieces):
        if isinstance(result, Lost):
            gap = Gap(result.task.begin, result.task.end, result.why)
            lost = Coverage(head.origin, span, (), (gap,))
            result = Scanned(head.origin, shard.url, head, lost, unasked=(gap,))
        results.append(result)
        covered = result.coverage.entries if result.coverage else 0
        done += covered
        if tick:
            tick(done, span.end - span.begin)
    return _joined(begun, results)


async def _begin(shard: TileShard, root: TrustRoot, matcher: Matcher, wanted: Wanted, limits: Limits) -> Scanned:
    """Take the newest checkpoint and turn times into indices, by a search of no entry at all."""
    from forensics.model.errors import EvidenceError, SourceError
    from forensics.sources.rekor_tiles import HttpTiles

    async with asking(None, limits) as session:
        empty = await scan_shard(session, shard, root, matcher, Wanted(0, 0), concurrency=1)
        if empty.problem or empty.head is None:
            return empty
        span, basis = wanted.span(empty.head.size), ""
        if wanted.by_time:
            reader = HttpTiles(shard.url, session.fresh, session.kept)
            try:
                span, basis = await span_of_times(reader, root, empty.head, wanted, Span(0, empty.head.size))
            except SourceError as error:
                return replace(empty, problem=error.what, evidence=error.evidence)
            except EvidenceError as error:
                return replace(empty, problem=error.what, unsound=True)
        whole = Coverage(empty.head.origin, span, (), (), (), (), empty.head.size, empty.head.checkpoint.root)
        return replace(empty, coverage=whole, basis=basis)


def _cut(begin: int, end: int, piece: int) -> Iterator[tuple[int, int]]:
    """Yield the pieces of [begin, end), cut where a tile ends."""
    while begin < end:
        stop = min(end, (begin // piece + 1) * piece)
        yield begin, stop
        begin = stop


def _joined(first: Scanned, results: Iterable[Scanned]) -> Scanned:
    """Return the pieces as one search; a piece that could not be begun is a gap with its reason."""
    assert first.coverage is not None
    whole = replace(first, found=[], notes=[])
    parts: list[Coverage] = []
    unasked: list[Gap] = []
    broken: list[Gap] = []
    evidence: dict[str, None] = dict.fromkeys(first.evidence)
    for one in results:
        whole.found += one.found
        whole.notes += one.notes
        whole.unsound = whole.unsound or one.unsound
        whole.problem = whole.problem or one.problem
        evidence |= dict.fromkeys(one.evidence)
        unasked += one.unasked
        broken += one.broken
        if one.coverage is not None:
            parts.append(one.coverage)
    whole.found.sort(key=lambda pair: pair[0].index)
    whole.unasked, whole.broken = joined_gaps(unasked), joined_gaps(broken)
    whole.evidence = tuple(evidence)
    whole.coverage = united(first.coverage, parts)
    return whole
