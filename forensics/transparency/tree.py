"""A tree read from its tiles: every tile checked against a verified checkpoint before anything rests on it.

Sources: C2SP tlog-tiles; RFC 6962 section 2.1. The tiles at the right edge are checked together, by computing the root
from all of them; any other by its own root, which its parent tile holds.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from forensics.model.errors import MalformedEvidence, SourceError
from forensics.transparency.merkle import EMPTY_ROOT, MAX_TREE_SIZE
from forensics.transparency.ranges import (
    CompactRange,
    Node,
    Span,
    consistency_spans,
    decompose,
    inclusion_spans,
    perfect_root,
)
from forensics.transparency.tiles import (
    TILE_WIDTH,
    TileName,
    TileReader,
    plan,
    right_edge,
    split_tile,
    tile_of,
    width_at,
)

MAX_TILES_HELD = 2048  # of 8 KiB each


class TileTree:
    """The tree of *size* leaves with *root* (32 bytes), of a checkpoint that the caller has verified.

    Every method raises a SourceError where a tile cannot be had, and MalformedEvidence where one does not belong to the
    tree.
    """

    def __init__(self, reader: TileReader, size: int, root: bytes) -> None:
        if not 0 <= size <= MAX_TREE_SIZE:
            raise MalformedEvidence(f"a tree of {size} leaves")
        self.size = size
        self.root = root
        self._reader = reader
        self._edge: dict[tuple[int, int], list[bytes]] | None = None
        self._held: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        self._refused: set[tuple[int, int]] = set()

    async def check(self) -> None:
        """Compute the root from the tiles at the right edge, and compare it with the checkpoint's."""
        await self._right_edge()

    async def tile(self, level: int, index: int) -> list[bytes]:
        """Return the hashes (32 bytes each) of the tile at *level*, *index*, checked up to the root.

        Raises MalformedEvidence for a tile that does not hash to the tree, and what the reader raises.
        """
        edge = await self._right_edge()
        key = (level, index)
        if key in edge:
            return edge[key]
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        # One that was wrong is not asked for again: a tile stands above 256 bundles, and would be for each of them.
        hashes = [] if key in self._refused else await self._fetch(level, index)
        parent = await self.tile(level + 1, index // TILE_WIDTH)
        if not hashes or perfect_root(hashes) != parent[index % TILE_WIDTH]:
            self._refused.add(key)
            raise MalformedEvidence(f"the tile {TileName(level, index).path} does not hash to the tree of {self.size}")
        self._held[key] = hashes
        if len(self._held) > MAX_TILES_HELD:
            self._held.popitem(last=False)
        return hashes

    async def node(self, node: Node) -> bytes:
        """Return the hash of the perfect subtree *node*. Raises MalformedEvidence for one outside the tree."""
        if (node.index + 1) << node.level > self.size:
            raise MalformedEvidence(f"leaf {((node.index + 1) << node.level) - 1} is outside a tree of {self.size}")
        name, part = tile_of(node)
        return perfect_root((await self.tile(name.level or 0, name.index))[part])

    async def leaf(self, index: int) -> bytes:
        """Return the hash of the leaf *index*."""
        return await self.node(Node(0, index))

    async def root_at(self, size: int) -> bytes:
        """Return the root that the tree had when it had *size* leaves."""
        return await self._span(Span(0, size)) if size else EMPTY_ROOT

    async def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """Return the proof for leaf *index* in the tree as it had *size* leaves (default: all).

        Source: RFC 6962 section 2.1.1.
        """
        spans = inclusion_spans(index, self._known(size))
        return [await self._span(span) for span in spans]

    async def consistency(self, old_size: int, new_size: int | None = None) -> list[bytes]:
        """Return the proof that the tree of *new_size* leaves (default: all) extends that of *old_size*.

        Source: RFC 6962 section 2.1.2.
        """
        spans = consistency_spans(old_size, self._known(new_size))
        return [await self._span(span) for span in spans]

    async def holds_bundle(self, index: int, leaves: list[bytes]) -> bool:
        """Return whether *leaves* are the leaf hashes of the bundle *index*, all that the tree has of it."""
        if len(leaves) != width_at(self.size, None, index):
            return False
        if len(leaves) < TILE_WIDTH:
            return leaves == await self.tile(0, index)
        return perfect_root(leaves) == await self.node(Node(8, index))

    def _known(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise MalformedEvidence(f"a tree of {self.size} leaves proves nothing about one of {size}")
        return size

    async def _span(self, span: Span) -> bytes:
        """The hash of a run of leaves that begins at a multiple of the power of two it is cut at."""
        nodes = decompose(span)
        part = CompactRange()
        for node in nodes:  # as if the run began at leaf 0: the shape of its tree is the same
            part.push(node.level, await self.node(node))
        return part.root()

    async def _right_edge(self) -> dict[tuple[int, int], list[bytes]]:
        """The partial tiles, after the root was computed from them."""
        if self._edge is None:
            edge = {}
            whole = CompactRange()
            for name in right_edge(self.size):
                level = name.level or 0
                hashes = await self._fetch(level, name.index)
                edge[level, name.index] = hashes
                for value in hashes:
                    whole.push(8 * level, value)
            if whole.root() != self.root:
                raise MalformedEvidence(f"the tiles do not hash to the root of the checkpoint of size {self.size}")
            self._edge = edge
        return self._edge

    async def _fetch(self, level: int, index: int) -> list[bytes]:
        names = plan(self.size, level, index)
        data = await _first(names, lambda name: self._reader.tile(level, index, name.width))
        return split_tile(data, names[0].width)


async def read_bundle(reader: TileReader, size: int, index: int) -> bytes:
    """Return the bundle *index* of a tree of *size* leaves; where the partial one is gone, the full one.

    Nothing is checked. Raises SourceError where neither can be had, MalformedEvidence for an index outside of the tree.
    Source: C2SP tlog-tiles, "Log entries".
    """
    return await _first(plan(size, None, index), lambda name: reader.entries(index, name.width))


async def _first(names: tuple[TileName, ...], ask: Callable[[TileName], Awaitable[bytes]]) -> bytes:
    for name in names[:-1]:
        try:
            return await ask(name)
        except SourceError:
            continue
    return await ask(names[-1])
