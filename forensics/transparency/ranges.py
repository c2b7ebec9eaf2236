"""Compact ranges: the few hashes that stand for a run of leaves, and which runs a proof is made of.

Source: RFC 6962 section 2.1 (Merkle tree hash, audit paths, consistency proofs). A *node* is (level, index): the
perfect subtree over the leaves [index << level, (index + 1) << level). Sizes and indices are counted in leaves, hashes
are 32 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from forensics.model.errors import MalformedEvidence
from forensics.transparency.merkle import EMPTY_ROOT, HASH_SIZE, MAX_TREE_SIZE, node_hash


@dataclass(frozen=True, slots=True)
class Node:
    """A perfect subtree: the leaves [index << level, (index + 1) << level)."""

    level: int
    index: int


class Span(NamedTuple):
    """The leaves [begin, end)."""

    begin: int
    end: int


class CompactRange:
    """The hashes of the perfect subtrees that cover the leaves [begin, end), grown from its right end.

    Source: RFC 6962 section 2.1: the tree of n leaves splits at the largest power of two smaller than n.
    """

    def __init__(self, begin: int = 0) -> None:
        self.begin = begin
        self.end = begin
        self._nodes: list[tuple[int, int, bytes]] = []

    @property
    def nodes(self) -> tuple[tuple[Node, bytes], ...]:
        """The subtrees from left to right, each with its hash."""
        return tuple((Node(level, index), value) for level, index, value in self._nodes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash. Raises MalformedEvidence for a hash that is not 32 bytes long."""
        self.push(0, leaf)

    def push(self, level: int, value: bytes) -> None:
        """Add a perfect subtree of 2**level leaves by its hash *value*.

        Raises MalformedEvidence for a hash that is not 32 bytes long, a subtree that cannot stand at this place, or a
        tree of more than 2**63 leaves.
        """
        if len(value) != HASH_SIZE:
            raise MalformedEvidence(f"a hash of {len(value)} bytes where {HASH_SIZE} are needed")
        if self.end & ((1 << level) - 1) or self.end + (1 << level) > MAX_TREE_SIZE:
            raise MalformedEvidence(f"no subtree of 2**{level} leaves can begin at leaf {self.end}")
        index = self.end >> level
        self.end += 1 << level
        # A right child whose left sibling is there becomes their parent.
        while index & 1 and self._nodes and self._nodes[-1][0] == level:
            value = node_hash(self._nodes.pop()[2], value)
            index >>= 1
            level += 1
        self._nodes.append((level, index, value))

    def merge(self, other: CompactRange) -> None:
        """Add the leaves of *other*, which must begin where this range ends. Raises MalformedEvidence otherwise."""
        if other.begin != self.end:
            raise MalformedEvidence(f"leaves from {other.begin} cannot follow leaves up to {self.end}")
        for level, _, value in other._nodes:
            self.push(level, value)

    def root(self) -> bytes:
        """Return the Merkle tree hash of the leaves [0, end). Raises MalformedEvidence for a range that begins later.

        Source: RFC 6962 section 2.1.
        """
        if self.begin != 0:
            raise MalformedEvidence(f"leaves from {self.begin} on have no root of their own")
        if not self._nodes:
            return EMPTY_ROOT
        value = self._nodes[-1][2]
        for _, _, left in reversed(self._nodes[:-1]):
            value = node_hash(left, value)
        return value


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree with these leaf hashes. Raises MalformedEvidence for a hash of the wrong length.

    Source: RFC 6962 section 2.1.
    """
    tree = CompactRange()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over *hashes*, whose number must be a power of two; each is 32 bytes, which is not checked here.

    The same as `root_of` and several times faster: this is where scanning spends its time beside the leaves.
    Source: RFC 6962 section 2.1. Raises MalformedEvidence for any other number of hashes.
    """
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise MalformedEvidence(f"{len(hashes)} hashes are not those of a perfect subtree")
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
    return hashes[0]


def decompose(span: Span) -> list[Node]:
    """Return the perfect subtrees that cover *span*, from left to right.

    Raises MalformedEvidence for a span that is not one.
    """
    begin, end = span
    if not 0 <= begin <= end <= MAX_TREE_SIZE:
        raise MalformedEvidence(f"[{begin}, {end}) is not a run of leaves")
    nodes = []
    while begin < end:
        aligned = (begin & -begin).bit_length() - 1 if begin else 63
        level = min(aligned, (end - begin).bit_length() - 1)
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return nodes


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Return the runs of leaves whose hashes prove leaf *index* in the tree of *size*, in the order of the proof.

    Raises MalformedEvidence for an index outside the tree. Source: RFC 6962 section 2.1.1, PATH(m, D[n]).
    """
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise MalformedEvidence(f"leaf {index} is outside a tree of {size} leaves")
    spans: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        split = begin + _largest_power_below(end - begin)
        if index < split:
            spans.append(Span(split, end))
            end = split
        else:
            spans.append(Span(begin, split))
            begin = split
    return spans[::-1]


def consistency_spans(old_size: int, new_size: int) -> list[Span]:
    """Return the runs of leaves whose hashes prove that the tree of *new_size* extends that of *old_size*.

    Empty for equal sizes and for an empty old tree. Raises MalformedEvidence for sizes in the wrong order.
    Source: RFC 6962 section 2.1.2, PROOF(m, D[n]).
    """
    if not 0 <= old_size <= new_size <= MAX_TREE_SIZE:
        raise MalformedEvidence(f"a tree of {new_size} leaves cannot extend one of {old_size}")
    if old_size in (0, new_size):
        return []
    spans: list[Span] = []
    begin, end, whole = 0, new_size, True
    while old_size != end:  # SUBPROOF(m, D[n], b): the three cases
        split = begin + _largest_power_below(end - begin)
        if old_size <= split:
            spans.append(Span(split, end))
            end = split
        else:
            spans.append(Span(begin, split))
            begin, whole = split, False
    if not whole:
        spans.append(Span(begin, end))
    return spans[::-1]


def _largest_power_below(count: int) -> int:
    """The largest power of two smaller than *count*, which is at least 2."""
    return 1 << (count - 1).bit_length() - 1
