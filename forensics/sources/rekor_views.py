"""The checkpoints to which entries of Rekor v1 were proved: one history, or a log that shows several.

Every entry brings the checkpoint of the moment in which it was asked for. Each may be signed and each proof may hold,
and the log has forked all the same; that shows only where checkpoints are compared. Source: RFC 9162 section 2.1.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from forensics.model.checked import NotChecked
from forensics.sources.checkpoints_prove import proof_v1
from forensics.sources.rekor import Rekor
from forensics.sources.rekor_tiles import SignedCheckpoint
from forensics.transparency.coverage import Gap, joined, joined_gaps
from forensics.transparency.history import ConsistencyProof, Contradiction, SeenCheckpoint, judge, needed_proofs
from forensics.transparency.ranges import Span

MAX_PROOFS = 100
"""Proofs asked for in one search. A log that grows signs a checkpoint for every answer; `log check` asks for all."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two signed checkpoints of one log that do not go together; *notes* are both, the smaller one first."""

    found: Contradiction
    notes: tuple[str, str]


@dataclass(slots=True)
class Views:
    """What entries were proved to. *apart*: entries whose checkpoint is of another history than the log's head."""

    heads: tuple[SignedCheckpoint, ...]
    disagreements: list[Disagreement] = field(default_factory=list)
    apart: tuple[Gap, ...] = ()
    notes: list[str] = field(default_factory=list)
    _seen: dict[tuple[str, int, bytes], SignedCheckpoint] = field(default_factory=dict)
    _spans: dict[tuple[str, int, bytes], list[Span]] = field(default_factory=dict)

    def add(self, signed: SignedCheckpoint, index: int) -> None:
        """Take note that the entry at the global *index* was proved to *signed*."""
        key = _key(signed)
        self._seen.setdefault(key, signed)
        spans = self._spans.setdefault(key, [])
        if spans and spans[-1].end == index:
            spans[-1] = Span(spans[-1].begin, index + 1)
        else:
            spans.append(Span(index, index + 1))

    async def compare(self, rekor: Rekor) -> None:
        """Ask for the proofs that make one history of all that was seen, and note what does not go together."""
        for head in self.heads:
            others = [one for key, one in self._seen.items() if one.origin == head.origin and key != _key(head)]
            if others:
                await self._compare(rekor, head, others)

    async def _compare(self, rekor: Rekor, head: SignedCheckpoint, others: Sequence[SignedCheckpoint]) -> None:
        seen = [_seen(one) for one in (head, *others)]
        some = _some(seen)
        pairs = [(pair.old_size, pair.new_size) for pair in needed_proofs(some)]
        proofs, missing = await _proofs(rekor, head, pairs)
        verdict = judge(seen, proofs)
        unproved = [one for one in seen[1:] if not verdict.proved(seen[0], one)]
        if not verdict.contradictions:
            if unproved:
                self.notes.append(_unproved(len(unproved), head, missing))
            return
        doubted = {(one.size, one.root) for found in verdict.contradictions for one in (found.old, found.new)}
        suspects = [one for one in unproved if one in some or (one.size, one.root) in doubted]
        # Between neighbours a proof may fail through the fault of either: now each by itself, with the head.
        direct = dict.fromkeys((min(one.size, head.size), max(one.size, head.size)) for one in suspects)
        pairs = [pair for pair in direct if pair[0] < pair[1] and pair not in pairs]
        proofs += (await _proofs(rekor, head, pairs[:MAX_PROOFS]))[0]
        raw = {(one.size, one.checkpoint.root): one.raw for one in (*others, head)}
        self.disagreements += [
            Disagreement(one, (raw[one.old.size, one.old.root], raw[one.new.size, one.new.root]))
            for one in judge(seen, proofs).contradictions
        ]
        apart = [one for one in suspects if not judge((seen[0], one), proofs).consistent]
        self.apart = joined_gaps([*self.apart, *self._gaps(head, apart)])

    def _gaps(self, head: SignedCheckpoint, apart: Sequence[SeenCheckpoint]) -> list[Gap]:
        reason = "proved to a checkpoint of {} entries that is not of the history which the log presents, of {}"
        return [
            Gap(*span, reason.format(one.size, head.size))
            for one in apart
            for span in joined(self._spans[one.origin, one.size, one.root])
        ]


async def _proofs(
    rekor: Rekor, head: SignedCheckpoint, pairs: Sequence[tuple[int, int]]
) -> tuple[list[ConsistencyProof], str]:
    """The proofs of *pairs* of sizes that could be had, and why another could not."""
    found, missing = [], ""
    for pair in pairs:
        proof = await proof_v1(rekor, head.origin.partition(" - ")[2], pair)
        if isinstance(proof, NotChecked):
            missing = missing or proof.reason
        else:
            found.append(proof)
    return found, missing


def _unproved(count: int, head: SignedCheckpoint, missing: str) -> str:
    why = missing or f"{MAX_PROOFS} proofs are the limit of one search"
    return (
        f"{count} of the checkpoints of {head.origin} that entries came with are not proved to be of one history "
        f"({why}); kept in a case, `log check` proves them"
    )


def _key(signed: SignedCheckpoint) -> tuple[str, int, bytes]:
    return signed.origin, signed.size, signed.checkpoint.root


def _seen(signed: SignedCheckpoint) -> SeenCheckpoint:
    return SeenCheckpoint.of(signed.checkpoint, tuple(filter(None, signed.evidence)))  # unrecorded answers have no id


def _some(seen: Sequence[SeenCheckpoint]) -> list[SeenCheckpoint]:
    """The first of *seen*, the largest, and as many of the others, evenly apart, as proofs may be asked for."""
    others = sorted(seen[1:], key=lambda one: one.size)
    step = -(-len(others) // (MAX_PROOFS - 1))
    return [seen[0], *others[::-step]]
