"""Checkpoints over time: is the log that we are shown today the one that was shown to others then?

Every attestation carries a checkpoint, so a case holds many of one log. Two of them agree if one tree is proved to
extend the other, or a third is proved to extend both. That both extend a third proves nothing: that is what a fork
looks like. Source: RFC 6962 section 2.1.2 (consistency) and section 5.3 (monitors).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from forensics.model.errors import EvidenceError, MalformedEvidence
from forensics.transparency.checkpoint import Checkpoint
from forensics.transparency.merkle import EMPTY_ROOT, verify_consistency


@dataclass(frozen=True, slots=True)
class SeenCheckpoint:
    """A checkpoint whose signature the caller has verified, and the observations that it came in.

    *head_at*: when the log itself presented it as its newest; None for one that came in a bundle or from somebody else,
    which may be older than others without any wrong.
    """

    origin: str
    size: int
    root: bytes
    evidence: tuple[str, ...] = ()
    head_at: datetime | None = None

    @classmethod
    def of(
        cls, checkpoint: Checkpoint, evidence: tuple[str, ...] = (), head_at: datetime | None = None
    ) -> SeenCheckpoint:
        """Return *checkpoint* as seen in the observations *evidence*."""
        return cls(checkpoint.origin, checkpoint.size, checkpoint.root, evidence, head_at)


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """Hashes (32 bytes each) that are said to prove that the tree of *new_size* extends that of *old_size*."""

    old_size: int
    new_size: int
    hashes: tuple[bytes, ...]
    evidence: tuple[str, ...] = ()


class Wrong(StrEnum):
    """What kind of contradiction."""

    SPLIT_VIEW = "split view"
    FAILED_PROOF = "proof that fails"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two checkpoints of one log that do not go together, in the order of their sizes, and why."""

    kind: Wrong
    old: SeenCheckpoint
    new: SeenCheckpoint
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeededProof:
    """A proof to ask for: from the tree of *old_size* to that of *new_size*."""

    old_size: int
    new_size: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checkpoints of one log say together.

    *chains*: every checkpoint once, in groups that are each proved to be the history of their last one. One chain
    without contradictions is one history. *needed*: the fewest proofs that would make it one.
    """

    origin: str
    chains: tuple[tuple[SeenCheckpoint, ...], ...]
    contradictions: tuple[Contradiction, ...]
    needed: tuple[NeededProof, ...]

    @property
    def consistent(self) -> bool:
        """Whether every pair is proved consistent and nothing contradicts."""
        return not self.contradictions and len(self.chains) <= 1

    def proved(self, one: SeenCheckpoint, other: SeenCheckpoint) -> bool:
        """Return whether these two are proved to be parts of the history of the last one of a chain."""
        both = {(one.size, one.root), (other.size, other.root)}
        return any(both <= {(seen.size, seen.root) for seen in chain} for chain in self.chains)


def merged(checkpoints: Iterable[SeenCheckpoint]) -> list[SeenCheckpoint]:
    """Return each different checkpoint once, in the order of size and root, with the evidence of all its sightings.

    *head_at* is the latest. Raises MalformedEvidence for checkpoints of more than one origin.
    """
    found: dict[tuple[int, bytes], SeenCheckpoint] = {}
    origins = set()
    for seen in checkpoints:
        origins.add(seen.origin)
        known = found.get((seen.size, seen.root))
        evidence = tuple(sorted({*seen.evidence, *(known.evidence if known else ())}))
        times = [item.head_at for item in (seen, known) if item is not None and item.head_at is not None]
        found[seen.size, seen.root] = SeenCheckpoint(
            seen.origin, seen.size, seen.root, evidence, max(times, default=None)
        )
    if len(origins) > 1:
        raise MalformedEvidence(f"checkpoints of {len(origins)} logs cannot be compared with each other")
    return [found[key] for key in sorted(found)]


def needed_proofs(checkpoints: Iterable[SeenCheckpoint]) -> list[NeededProof]:
    """Return the fewest proofs that connect *checkpoints*: from each size to the next. None from the empty tree.

    Raises MalformedEvidence for checkpoints of more than one origin.
    """
    sizes = sorted({seen.size for seen in merged(checkpoints)} - {0})
    return [NeededProof(old, new) for old, new in pairwise(sizes)]


def judge(checkpoints: Iterable[SeenCheckpoint], proofs: Iterable[ConsistencyProof] = ()) -> Verdict:
    """Return what *checkpoints* of one origin say together, given *proofs*.

    A proof counts for every pair of checkpoints of its two sizes. A proof that fails between two checkpoints which
    other proofs connect is not held against the log: whoever handed it over may have damaged it.
    Raises MalformedEvidence for checkpoints of more than one origin.
    """
    seen = merged(checkpoints)
    extends: list[set[int]] = [set() for _ in seen]  # for each checkpoint those that are proved to extend it
    failed: list[tuple[int, int, ConsistencyProof]] = []
    for proof in proofs:
        for old, new in _pairs(seen, proof):
            if _holds(seen[old], seen[new], proof):
                extends[old].add(new)
            else:
                failed.append((old, new, proof))
    above = _closure(seen, extends)
    contradictions = [
        *_split_views(seen),
        *(_failure(seen[old], seen[new], proof) for old, new, proof in failed if not above[old] & above[new]),
        *_rollbacks(seen),
    ]
    chains = _chains(seen, above)
    needed = [NeededProof(old[-1].size, new[-1].size) for old, new in pairwise(chains)]
    return Verdict(
        seen[0].origin if seen else "",
        chains,
        tuple(contradictions),
        tuple(proof for proof in needed if 0 < proof.old_size < proof.new_size),
    )


def _pairs(seen: Sequence[SeenCheckpoint], proof: ConsistencyProof) -> list[tuple[int, int]]:
    if proof.old_size >= proof.new_size:
        return []
    old = [number for number, item in enumerate(seen) if item.size == proof.old_size]
    new = [number for number, item in enumerate(seen) if item.size == proof.new_size]
    return [(one, other) for one in old for other in new]


def _holds(old: SeenCheckpoint, new: SeenCheckpoint, proof: ConsistencyProof) -> bool:
    try:
        return verify_consistency(old.size, new.size, old.root, new.root, proof.hashes)
    except EvidenceError:  # more hashes than any honest proof has
        return False


def _closure(seen: Sequence[SeenCheckpoint], extends: Sequence[set[int]]) -> list[int]:
    """For each checkpoint, as bits, those that are proved to extend it, itself among them; sizes are in order."""
    above = [0] * len(seen)
    for number in reversed(range(len(seen))):
        above[number] = 1 << number
        for larger in extends[number]:
            above[number] |= above[larger]
    if seen and seen[0].size == 0:  # the empty tree needs no proof
        above[0] |= 1 << len(seen) - 1 if seen[0].root == EMPTY_ROOT else 0
    return above


def _split_views(seen: Sequence[SeenCheckpoint]) -> list[Contradiction]:
    return [
        Contradiction(
            Wrong.SPLIT_VIEW,
            old,
            new,
            f"two different roots were signed for the same size, {old.size}",
            tuple(sorted({*old.evidence, *new.evidence})),
        )
        for old, new in pairwise(seen)
        if old.size == new.size
    ]


def _failure(old: SeenCheckpoint, new: SeenCheckpoint, proof: ConsistencyProof) -> Contradiction:
    return Contradiction(
        Wrong.FAILED_PROOF,
        old,
        new,
        f"the proof from {old.size} to {new.size} does not lead to both roots, and no other connects them",
        tuple(sorted({*old.evidence, *new.evidence, *proof.evidence})),
    )


def _rollbacks(seen: Sequence[SeenCheckpoint]) -> list[Contradiction]:
    """A log that presented a smaller tree as its newest after it had presented a larger one."""
    heads = sorted((item for item in seen if item.head_at is not None), key=lambda item: (item.head_at, item.size))
    found = []
    largest: SeenCheckpoint | None = None
    for item in heads:
        if largest is not None and item.size < largest.size:
            reason = f"the log presented {item.size} entries after it had presented {largest.size}"
            evidence = tuple(sorted({*item.evidence, *largest.evidence}))
            found.append(Contradiction(Wrong.ROLLBACK, item, largest, reason, evidence))
        else:
            largest = item
    return found


def _chains(seen: Sequence[SeenCheckpoint], above: Sequence[int]) -> tuple[tuple[SeenCheckpoint, ...], ...]:
    """The checkpoints under the largest, then those left under the largest of those, and so on; smallest first."""
    left = list(range(len(seen)))
    chains: list[tuple[SeenCheckpoint, ...]] = []
    while left:
        last = left[-1]
        chains.append(tuple(seen[number] for number in left if above[number] >> last & 1))
        left = [number for number in left if not above[number] >> last & 1]
    return tuple(reversed(chains))
