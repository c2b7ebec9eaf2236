"""Ask the logs to prove that the checkpoints which others were shown belong to the log of today.

Rekor v1 proves it by its API (log/proof, per shard); for Rekor v2 the proofs are computed from tiles that hash to the
newest checkpoint. Sources: RFC 9162 section 2.1.4, sigstore/rekor openapi.yaml, C2SP tlog-tiles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from forensics.model.checked import NotChecked
from forensics.model.errors import EvidenceError, HostileInput, SourceError
from forensics.sources.checkpoints import Sightings
from forensics.sources.interface import Witness, hex_digest, items, mapping
from forensics.sources.rekor import Rekor
from forensics.sources.rekor_shards import log_info
from forensics.sources.rekor_tiles import HttpTiles, SignedCheckpoint, TileShard, shard_at, shards_of
from forensics.sources.tiles_session import Asking
from forensics.transparency.checkpoint import Checkpoint
from forensics.transparency.cosignature import Cosignature, Standing, cosignatures
from forensics.transparency.cosignature import Witness as Cosigner
from forensics.transparency.history import (
    ConsistencyProof,
    Contradiction,
    SeenCheckpoint,
    Verdict,
    Wrong,
    judge,
    merged,
)
from forensics.transparency.note import note_text
from forensics.transparency.tree import TileTree

LAG = timedelta(minutes=1)
"""Several servers answer for one log. One that is behind the others by less than this is behind, not rolled back."""
PATIENCE = 2.0
"""Seconds before a log that seems to have shrunk is asked again."""

Tick = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A checkpoint of the log and one line under it that is not the log's own."""

    checkpoint: Checkpoint
    line: Cosignature


@dataclass(slots=True)
class Consistency:
    """What came of one log. *head* is its newest checkpoint of today, *unproved* why something is not proved.

    *cosigned*: who else signed its checkpoints, the largest first, held to the witnesses that the user names.
    """

    sightings: Sightings
    verdict: Verdict
    contradictions: list[Contradiction] = field(default_factory=list)
    head: SeenCheckpoint | None = None
    unproved: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    cosigned: list[Cosigned] = field(default_factory=list)

    @property
    def wrong_cosignatures(self) -> list[Cosigned]:
        """The lines with name and key hash of a witness that the key of the witness did not make."""
        return [one for one in self.cosigned if one.line.standing is Standing.WRONG]


async def check_log(
    asking: Asking | None,
    sightings: Sightings,
    rekor: str,
    tiles: str,
    *,
    witnesses: Sequence[Cosigner] = (),
    limit: int = 1000,
    tick: Tick | None = None,
) -> Consistency:
    """Return what all checkpoints of one log say together, after asking for at most *limit* proofs that are missing.

    *rekor* and *tiles* are where the logs are asked. Offline, nobody is; *asking* then reads recorded tiles.
    *witnesses* are those whose cosignatures can be verified.
    """
    proofs = list(sightings.proofs)
    result = Consistency(sightings, judge(sightings.seen, proofs))
    try:
        if asking is not None and not sightings.tree_id:
            await _ask_tiles(asking, result, proofs, tiles, tick)
        elif asking is not None and not asking.offline:
            await _ask_v1(asking, result, proofs, rekor, limit, tick)
    except SourceError as error:
        result.unproved.append(error.what)
        result.evidence += error.evidence
    if asking is None or asking.offline:
        result.head = None
        result.unproved.append("nobody was asked (offline), so the log of today was not seen")
    result.verdict = judge(sightings.seen, proofs)
    result.contradictions += [one for one in result.verdict.contradictions if not _lag(one)]
    result.contradictions += _shrunk(result)
    result.cosigned = _cosigned(sightings, witnesses)
    return result


def _cosigned(sightings: Sightings, witnesses: Sequence[Cosigner]) -> list[Cosigned]:
    """Each line under each checkpoint once, in however many notes it was seen."""
    found = {
        (checkpoint.size, checkpoint.root, line): Cosigned(checkpoint, line)
        for checkpoint in sightings.cosigned
        for line in cosignatures(checkpoint, witnesses)
    }
    return sorted(found.values(), key=lambda one: (-one.checkpoint.size, one.line.witness, str(one.line.time)))


def _lag(found: Contradiction) -> bool:
    times = [one.head_at for one in (found.old, found.new) if one.head_at is not None]
    return found.kind is Wrong.ROLLBACK and len(times) == 2 and abs(times[0] - times[1]) < LAG


def _shrunk(result: Consistency) -> list[Contradiction]:
    """The log signed more entries, for whomever, than it presents today."""
    head, largest = result.head, max(result.sightings.seen, key=lambda one: one.size)
    known = any(one.kind is Wrong.ROLLBACK for one in result.contradictions)
    if head is None or largest.size <= head.size or known or largest.head_at is not None:
        return []
    reason = f"the log presents {head.size} entries today, and signed a checkpoint of {largest.size} before"
    evidence = tuple(sorted({*head.evidence, *largest.evidence}))
    return [Contradiction(Wrong.ROLLBACK, head, largest, reason, evidence)]


async def _ask_v1(
    asking: Asking, result: Consistency, proofs: list[ConsistencyProof], url: str, limit: int, tick: Tick | None
) -> None:
    rekor = Rekor(asking.fresh, url, Witness("Rekor"), asking.kept)
    largest = max(one.size for one in result.sightings.seen)
    await _head_v1(rekor, result, url)
    if result.head is not None and result.head.size < largest:  # perhaps one of several servers is behind
        await asyncio.sleep(PATIENCE)
        await _head_v1(Rekor(asking.renew(), url, rekor.witness), result, url)
    asked: set[tuple[int, int]] = set()
    while True:
        verdict = judge(result.sightings.seen, proofs)
        failed = {(one.old.size, one.new.size) for one in verdict.contradictions if one.kind is Wrong.FAILED_PROOF}
        wanted = [(one.old_size, one.new_size) for one in verdict.needed]
        wanted = [pair for pair in dict.fromkeys([*wanted, *sorted(failed)]) if pair not in asked]
        if not wanted:
            return
        for number, pair in enumerate(wanted):
            if len(asked) >= limit:
                result.unproved.append(
                    f"{len(wanted) - number} proofs were not asked for: {limit} is the limit of one run"
                )
                return
            asked.add(pair)
            client = asking.renew() if pair in failed else asking.kept
            proof = await proof_v1(Rekor(client, url, rekor.witness), result.sightings.tree_id, pair)
            if isinstance(proof, NotChecked):
                result.unproved.append(f"from {pair[0]} to {pair[1]}: {proof.reason}")
                result.evidence += proof.evidence
            else:
                proofs.append(proof)
            if tick:
                tick(len(asked), len(asked) + len(wanted) - number - 1)


async def _head_v1(rekor: Rekor, result: Consistency, url: str) -> None:
    """Add the shard's newest checkpoint to what was seen; raises SourceError where it cannot be had."""
    sightings = result.sightings
    info = await log_info(rekor)
    if isinstance(info, NotChecked):
        raise SourceError(info.reason, evidence=info.evidence)
    for shard in info.value.shards:
        if shard.checkpoint.origin != sightings.log.origin:
            continue
        if not any(shard.signed_by(root) for root in sightings.roots):
            raise SourceError(f"{url} presents a checkpoint that the log's key did not sign", evidence=info.evidence)
        checkpoint = shard.checkpoint
        result.head = SeenCheckpoint.of(checkpoint, info.evidence, datetime.now(UTC))
        sightings.keep(result.head, checkpoint, note_text(checkpoint.note))
        return
    raise SourceError(f"the log at {url} has no shard {sightings.log.origin}", evidence=info.evidence)


async def proof_v1(rekor: Rekor, tree_id: str, pair: tuple[int, int]) -> ConsistencyProof | NotChecked:
    """Return the proof of the shard *tree_id* between two sizes, not verified, or why there is none."""
    outcome = await rekor.json(f"log/proof?firstSize={pair[0]}&lastSize={pair[1]}&treeID={tree_id}")
    if isinstance(outcome, NotChecked):
        return outcome
    try:
        steps = [hex_digest(step) for step in items(mapping(outcome.value).get("hashes"), 10_000)]
        hashes = tuple(bytes.fromhex(step or "") for step in steps)
    except HostileInput as error:
        return NotChecked(error.what, "log", outcome.evidence)
    return ConsistencyProof(*pair, hashes, outcome.evidence)


async def _ask_tiles(
    asking: Asking, result: Consistency, proofs: list[ConsistencyProof], override: str, tick: Tick | None
) -> None:
    sightings = result.sightings
    problems: list[SourceError] = []
    head: SignedCheckpoint | None = None
    reader: HttpTiles | None = None
    largest = max(one.size for one in sightings.seen)
    for shard in _places(sightings, override):
        reader = HttpTiles(shard.url, asking.fresh, asking.kept)
        try:
            candidate = await reader.head(shard)
            if candidate.size < largest and not asking.offline:  # perhaps one of several servers is behind
                await asyncio.sleep(PATIENCE)
                reader = HttpTiles(shard.url, asking.renew(), asking.kept)
                candidate = await reader.head(shard)
        except SourceError as error:
            problems.append(error)
            continue
        except EvidenceError as error:
            problems.append(SourceError(f"{shard.url}: {error.what}", evidence=(reader.seen,) if reader.seen else ()))
            continue
        if (candidate.origin, candidate.key.sha256) == sightings.log:
            head = candidate
            break
    if head is None or reader is None:
        raise problems[0] if problems else SourceError(f"no place is known where {sightings.log.origin} is served")
    sightings.add(head, None if asking.offline else datetime.now(UTC))
    result.head = sightings.seen[-1]
    await _prove_by_tiles(asking, reader, result, proofs, tick)


async def _prove_by_tiles(
    asking: Asking, reader: HttpTiles, result: Consistency, proofs: list[ConsistencyProof], tick: Tick | None
) -> None:
    assert result.head is not None
    head = result.head
    tree = TileTree(reader, head.size, head.root)
    try:
        try:
            await tree.check()
        except EvidenceError:
            client = asking.renew()
            tree = TileTree(HttpTiles(reader.url, client, client), head.size, head.root)
            await tree.check()
    except EvidenceError as error:
        result.contradictions.append(
            Contradiction(Wrong.FAILED_PROOF, head, head, f"its own tiles: {error.what}", head.evidence)
        )
        return
    older = [one for one in merged(result.sightings.seen) if 0 < one.size < head.size]
    for number, size in enumerate(dict.fromkeys(one.size for one in older)):
        try:
            hashes = await tree.consistency(size)
        except EvidenceError as error:
            result.unproved.append(f"from {size} to {head.size}: {error.what}")
            continue
        proofs.append(ConsistencyProof(size, head.size, tuple(hashes), head.evidence))
        if tick:
            tick(number + 1, len(older))


def _places(sightings: Sightings, override: str) -> Iterable[TileShard]:
    for root in sightings.roots:
        for shard in shards_of(root, override):
            if any(log.origin == sightings.log.origin for log in shard.logs):
                yield shard
        if not override:
            for urls in sightings.urls:
                for url in urls.split(","):
                    yield shard_at(root, url)
