"""Search a range of Rekor v1 for identities, entry by entry: ten in one answer, each with its own proof.

Sources: sigstore/rekor openapi.yaml (entries/retrieve), RFC 9162 section 2.1.3. There is no faster way through this
API; a search by digest or subject (`forensics.sources.rekor`) is one question where this is thousands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from forensics.attestation.entry import LoggedEntry, read_entry
from forensics.attestation.record import record_of
from forensics.attestation.trust import TrustRoot
from forensics.model.checked import NotChecked
from forensics.model.errors import EvidenceError, SourceError
from forensics.sources.interface import items, mapping
from forensics.sources.rekor import AT_ONCE, Rekor
from forensics.sources.rekor_shards import LogInfo, log_info
from forensics.sources.tiles_scan import Scanned, Tick, Wanted
from forensics.transparency.checkpoint import parse_checkpoint
from forensics.transparency.coverage import Gap, joined_gaps
from forensics.transparency.matching import Matcher
from forensics.transparency.merkle import leaf_hash, root_from_inclusion
from forensics.transparency.note import signers
from forensics.transparency.ranges import Span
from forensics.transparency.scan import scan_bodies
from forensics.transparency.timerange import by_integrated_time

IN_FLIGHT = 2


@dataclass(slots=True)
class _Range:
    """What came of the entries asked for, by global index."""

    bodies: list[tuple[int, bytes]] = field(default_factory=list)
    entries: dict[int, LoggedEntry] = field(default_factory=dict)
    unasked: list[Gap] = field(default_factory=list)
    broken: list[Gap] = field(default_factory=list)
    evidence: dict[str, None] = field(default_factory=dict)


async def scan_range(
    rekor: Rekor, root: TrustRoot, matcher: Matcher, wanted: Wanted, *, tick: Tick | None = None
) -> Scanned:
    """Return what the entries *wanted*, by global index, hold of what *matcher* seeks.

    Every entry is proved by its own inclusion proof, to a checkpoint that a log of *root* signed; others are
    gaps. Raises UsageError for indices outside the log.
    """
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
    found = await _read(rekor, _Proofs(root, info.value.offsets), span, tick)
    result = scan_bodies(found.bodies, matcher, span, shard=f"{scanned.log} (global indices)")
    scanned.unasked, scanned.broken = joined_gaps(found.unasked), joined_gaps(found.broken)
    scanned.coverage = replace(result.coverage, gaps=joined_gaps([*found.unasked, *found.broken]))
    scanned.evidence = (*info.evidence, *found.evidence)
    scanned.found = [(hit, record_of(found.entries[hit.index], root, info.value.offsets)) for hit in result.hits]
    return scanned


async def _read(rekor: Rekor, proofs: _Proofs, span: Span, tick: Tick | None) -> _Range:
    found = _Range()
    places = asyncio.Semaphore(IN_FLIGHT)
    done = 0

    async def ten(start: int) -> None:
        nonlocal done
        stop = min(start + AT_ONCE, span.end)
        async with places:
            await _retrieve(rekor, proofs, Span(start, stop), found)
        done += stop - start
        if tick:
            tick(done, span.end - span.begin)

    await asyncio.gather(*(ten(start) for start in range(span.begin, span.end, AT_ONCE)))
    return found


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
    got: set[int] = set()
    for entry, body in _entries(rows, outcome.evidence):
        index = entry.raw.index
        if not span.begin <= index < span.end or index in got:
            continue
        got.add(index)
        if problem := proofs.problem(entry):
            found.broken.append(Gap(index, index + 1, problem))
            found.evidence.update(dict.fromkeys(outcome.evidence))
            continue
        found.bodies.append((index, body))
        found.entries[index] = entry
    lost = (index for index in range(span.begin, span.end) if index not in got)
    found.unasked.extend(Gap(index, index + 1, "the log did not return it") for index in lost)


def _entries(rows: list[Any], evidence: tuple[str, ...]) -> Iterable[tuple[LoggedEntry, bytes]]:
    for row in items(rows, AT_ONCE):
        for name, data in mapping(row).items():
            try:
                yield read_entry(name, data, evidence), str(mapping(data).get("body")).encode()
            except EvidenceError:
                continue  # it is then an entry that was not returned


class _Proofs:
    """Inclusion proofs against checkpoints, each of which is verified once."""

    def __init__(self, root: TrustRoot, offsets: dict[str, int]) -> None:
        self._keys = list({key.sha256: key for key in root.log_keys.values()}.values())
        self._offsets = offsets
        self._roots: dict[str, tuple[str, int, bytes] | None] = {}

    def problem(self, entry: LoggedEntry) -> str:
        """Return why *entry* is not proved to be in the log at its index; empty where it is."""
        proof = entry.raw.proof
        if proof is None or proof.checkpoint is None:
            return "it came without a proof"
        signed = self._signed(proof.checkpoint)
        if signed is None:
            return "no log of the trust root signed its checkpoint"
        tree_id, size, root = signed
        try:
            proved = root_from_inclusion(leaf_hash(entry.raw.body), proof.index, size, proof.hashes) == root
        except EvidenceError:
            proved = False
        if not proved:
            return "its proof does not lead to the signed root"
        return (
            "" if self._offsets.get(tree_id, -1) + proof.index == entry.raw.index else "its proof is of another index"
        )

    def _signed(self, note: str) -> tuple[str, int, bytes] | None:
        if note not in self._roots:
            if len(self._roots) > 4096:
                self._roots.clear()
            try:
                checkpoint = parse_checkpoint(note)
                ok = bool(signers(checkpoint.note, self._keys))
                tree_id = checkpoint.origin.partition(" - ")[2]
                self._roots[note] = (tree_id, checkpoint.size, checkpoint.root) if ok else None
            except EvidenceError:
                self._roots[note] = None
        return self._roots[note]


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
