"""Search a range of Rekor v1 for identities, entry by entry: ten in one answer, each with its own proof.

Sources: sigstore/rekor openapi.yaml (entries/retrieve), RFC 9162 section 2.1.3. There is no faster way through this
API; a search by digest or subject (`forensics.sources.rekor`) is one question where this is thousands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from forensics.attestation.entry import LoggedEntry, read_entry
from forensics.attestation.record import record_of
from forensics.attestation.trust import TrustRoot
from forensics.model.checked import NotChecked
from forensics.model.errors import EvidenceError, SourceError
from forensics.sources.interface import Witness, items, mapping, on_this_machine
from forensics.sources.rekor import AT_ONCE, Rekor
from forensics.sources.rekor_gather import polite
from forensics.sources.rekor_shards import LogInfo, log_info
from forensics.sources.rekor_tiles import SignedCheckpoint, TileShard, verified_checkpoint
from forensics.sources.rekor_views import MAX_PROOFS, Views
from forensics.sources.tiles_scan import Scanned, Tick, Wanted
from forensics.sources.tiles_session import Asking
from forensics.transparency.coverage import Coverage, Gap, joined, joined_gaps, united, without
from forensics.transparency.matching import Matcher
from forensics.transparency.merkle import leaf_hash, verify_inclusion
from forensics.transparency.note import note_text
from forensics.transparency.ranges import Span
from forensics.transparency.scan import Found, Scanner
from forensics.transparency.timerange import by_integrated_time

if TYPE_CHECKING:
    from forensics.evidence.client import Limits


@dataclass(slots=True)
class _Range:
    """What came of the entries asked for, by global index. *entries* are those that hold something sought."""

    scanner: Scanner
    found: Found = field(default_factory=Found)
    covered: list[Span] = field(default_factory=list)
    entries: dict[int, LoggedEntry] = field(default_factory=dict)
    unasked: list[Gap] = field(default_factory=list)
    broken: list[Gap] = field(default_factory=list)
    evidence: dict[str, None] = field(default_factory=dict)

    def search(self, entry: LoggedEntry, body: bytes) -> None:
        """Search an entry that was proved, and keep it only if it holds something."""
        index, hits = entry.raw.index, len(self.found.hits)
        self.scanner.body(body, index, self.found)
        self.covered.append(Span(index, index + 1))
        if len(self.found.hits) > hits:
            self.entries[index] = entry

    def refuse(self, index: int, reason: str, evidence: Iterable[str]) -> None:
        """Take note that the entry at *index* came and was not what the log signed."""
        self.broken.append(Gap(index, index + 1, reason))
        self.evidence.update(dict.fromkeys(evidence))

    def coverage(self, shard: str, span: Span) -> Coverage:
        """Return what was covered of *span*."""
        whole = Coverage(shard, span, (), each_proved=True)
        gaps = tuple(joined_gaps([*self.unasked, *self.broken]))
        unread = (tuple(self.found.unparsable), tuple(self.found.unreadable))
        return united(whole, [Coverage(shard, span, joined(self.covered), gaps, *unread)])


def patient(limits: Limits, url: str, entries: int | None) -> Limits:
    """Return *limits* for reading *entries* of the log at *url*, twice where it must be; None: as many as a day has.

    A log on this machine needs no sparing.
    """
    limits = polite(limits, url)
    if on_this_machine(url):
        limits = replace(limits, per_second=100_000.0)
    asked = 2 * (100_000 if entries is None else entries) // AT_ONCE + 2 * MAX_PROOFS + 1000
    return replace(limits, requests_per_host=max(limits.requests_per_host, asked))


async def scan_range(
    asking: Asking,
    url: str,
    root: TrustRoot,
    matcher: Matcher,
    wanted: Wanted,
    *,
    concurrency: int,
    tick: Tick | None = None,
) -> Scanned:
    """Return what the entries *wanted*, by global index, of the log at *url* hold of what *matcher* seeks.

    Every entry is proved by its own inclusion proof, to a checkpoint that a log of *root* signed; others are gaps,
    after they were asked for twice. The checkpoints are compared: entries of another history than the log's head are
    gaps too, although what they hold is found. At most *concurrency* questions are under way. Raises UsageError for
    indices outside the log.
    """
    rekor = Rekor(asking.fresh, url, Witness("Rekor"), asking.kept)
    scanned = Scanned("v1", rekor.api)
    info = await log_info(rekor)
    if isinstance(info, NotChecked):
        scanned.problem, scanned.evidence = info.reason, info.evidence
        return scanned
    if unsigned := [shard for shard in info.value.shards if shard.active and not shard.signed_by(root)]:
        scanned.problem, scanned.unsound = f"no log of the trust root signed shard {unsigned[0].tree_id}", True
        scanned.evidence = info.evidence
        return scanned
    scanned.log = info.value.shards[-1].checkpoint.log_name
    span = wanted.span(info.value.size)
    try:
        if wanted.by_time:
            span, scanned.basis = await _span_of_times(rekor, root, info.value, wanted, span)
    except SourceError as error:
        scanned.problem, scanned.evidence = error.what, error.evidence
        return scanned
    proofs = _Proofs(root, rekor.api, info.value)
    found = _Range(Scanner(matcher))
    await _read(rekor, proofs, [span], found, concurrency, tick)
    if found.broken and not asking.offline:
        await _once_more(Rekor(asking.renew(), url, rekor.witness), proofs, found, scanned)
    await proofs.views.compare(rekor)
    _conclude(scanned, found, proofs, span)
    scanned.evidence = (*info.evidence, *found.evidence)
    found.found.hits.sort(key=lambda hit: hit.index)
    scanned.found = [(hit, record_of(found.entries[hit.index], root, info.value.offsets)) for hit in found.found.hits]
    return scanned


def _conclude(scanned: Scanned, found: _Range, proofs: _Proofs, span: Span) -> None:
    """Say what was covered: without the entries of another history, of which the contradiction is the proof."""
    views = proofs.views
    coverage = found.coverage(f"{scanned.log} (global indices)", span)
    apart = [Span(gap.begin, gap.end) for gap in views.apart]
    coverage = replace(coverage, ranges=without(coverage.ranges, apart))
    scanned.coverage = replace(coverage, gaps=joined_gaps([*coverage.gaps, *views.apart]))
    scanned.unasked, scanned.broken = joined_gaps(found.unasked), joined_gaps([*found.broken, *views.apart])
    scanned.disagreements = tuple(views.disagreements)
    scanned.notes += views.notes


async def _read(
    rekor: Rekor, proofs: _Proofs, spans: Sequence[Span], found: _Range, concurrency: int, tick: Tick | None = None
) -> None:
    starts = iter([(start, span.end) for span in spans for start in range(span.begin, span.end, AT_ONCE)])
    total = sum(span.end - span.begin for span in spans)
    done = 0

    async def tens() -> None:
        nonlocal done
        for start, end in starts:
            stop = min(start + AT_ONCE, end)
            await _retrieve(rekor, proofs, Span(start, stop), found)
            done += stop - start
            if tick:
                tick(done, total)

    await asyncio.gather(*(tens() for _ in range(concurrency + 1)))  # one is judged while the others wait


async def _once_more(rekor: Rekor, proofs: _Proofs, found: _Range, scanned: Scanned) -> None:
    """Ask again for what is not as the log signed it, past whatever remembers answers; say what is right now."""
    doubted, found.broken = joined_gaps(found.broken), []
    for gap in doubted:
        before = len(found.covered)
        await _read(rekor, proofs, [Span(gap.begin, gap.end)], found, 1)
        scanned.notes += [
            f"{Gap(*healed, '').text} came with other content first ({gap.reason}); asked again, it is proved"
            for healed in joined(found.covered[before:])
        ]


async def _retrieve(rekor: Rekor, proofs: _Proofs, span: Span, found: _Range) -> None:
    url = f"{rekor.api}/log/entries/retrieve"
    asked = rekor.kept.post(url, json={"logIndexes": list(range(span.begin, span.end))})
    outcome = await rekor.witness.ask(asked, "log")
    if isinstance(outcome, NotChecked):
        found.unasked.append(Gap(*span, outcome.reason))
        return
    rows: Any = None
    try:
        if outcome.value.status == 200:
            rows = outcome.value.json()
    except (EvidenceError, SourceError):
        rows = None
    if not isinstance(rows, list):
        found.unasked.append(Gap(*span, f"the log answered HTTP {outcome.value.status} and no list of entries"))
        return
    left, strangers = dict.fromkeys(range(*span)), 0
    for index, name, data in _named(rows):
        if index not in left:
            strangers += 1
            continue
        del left[index]
        try:
            entry = read_entry(name, data, outcome.evidence)
            problem = proofs.problem(entry)
        except EvidenceError as error:
            problem = f"it cannot be read: {error.what}"
        if problem:
            found.refuse(index, problem, outcome.evidence)
        else:
            found.search(entry, str(data["body"]).encode())
    for index in left:
        if strangers:
            found.refuse(index, "the log returned another entry in its place", outcome.evidence)
        else:
            found.unasked.append(Gap(index, index + 1, "the log did not return it"))


def _named(rows: list[Any]) -> Iterable[tuple[object, str, dict[str, Any]]]:
    """Each entry of an answer: the global index that it claims, its id and what there is of it."""
    for row in items(rows, AT_ONCE):
        for name, data in mapping(row).items():
            stated = mapping(data).get("logIndex")
            yield stated if type(stated) is int else None, name, mapping(data)


class _Proofs:
    """Inclusion proofs against checkpoints, each of which is verified once; *views* are those that proved entries."""

    def __init__(self, root: TrustRoot, url: str, info: LogInfo) -> None:
        self._shard = TileShard(url, root.logs)
        self._offsets = info.offsets
        self._signed: dict[str, SignedCheckpoint | None] = {}
        heads = (self._of(note_text(shard.checkpoint.note), info.evidence) for shard in info.shards)
        self.views = Views(tuple(head for head in heads if head is not None))

    def problem(self, entry: LoggedEntry) -> str:
        """Return why *entry* is not proved to be in the log at its index; empty where it is."""
        proof = entry.raw.proof
        if proof is None or proof.checkpoint is None:
            return "it came without a proof"
        signed = self._of(proof.checkpoint, entry.evidence)
        if signed is None:
            return "no log of the trust root signed its checkpoint"
        leaf, root = leaf_hash(entry.raw.body), signed.checkpoint.root
        try:
            proved = verify_inclusion(leaf, proof.index, signed.size, proof.hashes, root)
        except EvidenceError:  # more hashes than any honest proof has
            proved = False
        if not proved:
            return "its proof does not lead to the signed root"
        tree_id = signed.origin.partition(" - ")[2]
        if self._offsets.get(tree_id, -1) + proof.index != entry.raw.index:
            return "its proof is of another index"
        self.views.add(signed, entry.raw.index)
        return ""

    def _of(self, note: str, evidence: tuple[str, ...]) -> SignedCheckpoint | None:
        if note not in self._signed:
            if len(self._signed) > 4096:
                self._signed.clear()
            try:
                self._signed[note] = verified_checkpoint(note, self._shard, evidence)
            except EvidenceError:
                self._signed[note] = None
        return self._signed[note]


async def _span_of_times(
    rekor: Rekor, root: TrustRoot, info: LogInfo, wanted: Wanted, within: Span
) -> tuple[Span, str]:
    """Halve the shards that can hold the times *wanted*, newest first; older ones are not asked without need."""

    async def time_of(index: int) -> datetime | None:
        outcome = await rekor.at_index(index)
        if isinstance(outcome, NotChecked):
            raise SourceError(f"the time of entry {index} is not known: {outcome.reason}", evidence=outcome.evidence)
        if outcome.value is None:
            raise SourceError(f"the log does not return entry {index}", evidence=outcome.evidence)
        return record_of(outcome.value, root, info.offsets).integrated_at

    since = wanted.since or datetime(2000, 1, 1, tzinfo=UTC)
    until = wanted.until or datetime(9000, 1, 1, tzinfo=UTC)
    begin = within.end
    for shard in reversed([one for one in info.shards if one.size]):
        begin = shard.offset
        first = await time_of(begin) if begin else None
        if first is not None and first < since:
            break
    found = await by_integrated_time(time_of, since, until, Span(max(begin, within.begin), within.end))
    return found.span, f"{found.basis}; {found.asked} entries asked"
