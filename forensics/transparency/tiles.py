"""Tiles of a transparency log: their names, widths and contents.

Source: C2SP tlog-tiles. A full tile holds 256 hashes of 32 bytes; a level-l tile n spans the leaves
[n * 256**(l+1), (n+1) * 256**(l+1)). A full bundle holds 256 entries, each after its length in two bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency.merkle import HASH_SIZE, MAX_TREE_SIZE
from forensics.transparency.ranges import Node

TILE_WIDTH = 256
TILE_HEIGHT = 8
MAX_TILE_LEVEL = 63
FULL_TILE_BYTES = TILE_WIDTH * HASH_SIZE
MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + 0xFFFF)
_LEAF_PREFIX = sha256(b"\x00")
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)


class TileReader(Protocol):
    """Where tiles come from. Each method returns the bytes as served, without transport compression.

    Each raises a `SourceError` where the answer could not be had, among them `BadAnswer` for a 404. *width* is 256 for
    a full tile or bundle, else that of the partial one; a reader asks for exactly that and leaves falling back to us.
    """

    async def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the tile of hashes at *level*, *index*."""
        ...

    async def entries(self, index: int, width: int) -> bytes:
        """Return the bundle of entries *index*."""
        ...

    async def checkpoint(self) -> bytes:
        """Return the log's newest checkpoint, a signed note."""
        ...


@dataclass(frozen=True, slots=True)
class TileName:
    """Which tile: *level* of the tree (None: a bundle of entries), *index* within it, *width* in hashes or entries."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """The path below the log's prefix: `tile/<L>/<N>[.p/<W>]`. Source: C2SP tlog-tiles, "Merkle Tree"."""
        level = "entries" if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{level}/{index_path(self.index)}{partial}"

    @property
    def full(self) -> TileName:
        """The full tile at this place: what to ask for where a partial one is gone."""
        return TileName(self.level, self.index)


def index_path(index: int) -> str:
    """Return *index* as path elements of three digits, all but the last after an x: 1234067 is x001/x234/067.

    Raises MalformedEvidence for a negative index. Source: C2SP tlog-tiles, "Merkle Tree".
    """
    if index < 0:
        raise MalformedEvidence(f"a tile with the index {index}")
    parts = [f"{index % 1000:03}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03}")
    return "/".join(reversed(parts))


def parse_path(path: str) -> TileName:
    """Return the tile that *path* names. Raises MalformedEvidence for any other text.

    Source: C2SP tlog-tiles, "Merkle Tree" and "Log entries".
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise MalformedEvidence("a path that names no tile")
    level = None if match[1] == "entries" else int(match[1])
    width = int(match[3]) if match[3] else TILE_WIDTH
    index = int(match[2].replace("x", "").replace("/", ""))
    if (level or 0) > MAX_TILE_LEVEL or (match[3] and width >= TILE_WIDTH) or index_path(index) != match[2]:
        raise MalformedEvidence("a path that names no tile")
    return TileName(level, index, width)


def width_at(size: int, level: int | None, index: int) -> int:
    """Return the width (0 to 256) of the tile at *level*, *index* in a tree of *size* leaves; 0 where there is none.

    Clients must not ask for any other. Raises MalformedEvidence for numbers that no tree has. Source: C2SP tlog-tiles,
    "Partial Tiles".
    """
    if not 0 <= size <= MAX_TREE_SIZE or not 0 <= (level or 0) <= MAX_TILE_LEVEL or index < 0:
        raise MalformedEvidence("a tile outside of any tree")
    hashes = size >> (TILE_HEIGHT * (level or 0))
    return max(0, min(TILE_WIDTH, hashes - index * TILE_WIDTH))


def plan(size: int, level: int | None, index: int) -> tuple[TileName, ...]:
    """Return what to ask for, in order: the tile that a tree of *size* implies, then the full one that replaced it.

    Logs may delete a partial tile once the full one is there; its first hashes are the same. Raises MalformedEvidence
    for a tile that the tree does not have. Source: C2SP tlog-tiles, "Partial Tiles".
    """
    width = width_at(size, level, index)
    if width == 0:
        raise MalformedEvidence(f"a tree of {size} leaves has no such tile")
    name = TileName(level, index, width)
    return (name,) if width == TILE_WIDTH else (name, name.full)


def right_edge(size: int) -> list[TileName]:
    """Return the partial tiles of a tree of *size* leaves, from the top down: together they hold its root.

    A tree whose size is a multiple of 256 has none at level 0, and so on. Source: C2SP tlog-tiles, "Partial Tiles".
    """
    names = []
    for level in reversed(range(MAX_TREE_SIZE.bit_length() // TILE_HEIGHT + 1)):
        hashes = size >> (TILE_HEIGHT * level)
        if hashes % TILE_WIDTH:
            names.append(TileName(level, hashes // TILE_WIDTH, hashes % TILE_WIDTH))
    return names


def split_tile(data: bytes, width: int) -> list[bytes]:
    """Return the first *width* hashes of the tile *data*, which may be the partial tile asked for, or the full one.

    Raises MalformedEvidence for any other length, HostileInput for more than a full tile.
    Source: C2SP tlog-tiles, "Merkle Tree".
    """
    if len(data) > FULL_TILE_BYTES:
        raise HostileInput(f"a tile of {len(data)} bytes; a full one has {FULL_TILE_BYTES}")
    if len(data) not in (width * HASH_SIZE, FULL_TILE_BYTES):
        raise MalformedEvidence(f"a tile of {len(data)} bytes where {width} hashes are needed")
    return [data[at : at + HASH_SIZE] for at in range(0, width * HASH_SIZE, HASH_SIZE)]


def bundle_bounds(data: bytes, width: int) -> list[tuple[int, int]]:
    """Return where each of the first *width* entries of the bundle *data* begins and ends.

    The bundle may be the partial one asked for, or the full one. Raises MalformedEvidence for a truncated bundle or one
    of another number of entries, HostileInput beyond 256 entries of 65,535 bytes.
    Source: C2SP tlog-tiles, "Log entries".
    """
    end = len(data)
    if end > MAX_BUNDLE_BYTES:
        raise HostileInput(f"a bundle of {end} bytes; the limit is {MAX_BUNDLE_BYTES}")
    bounds: list[tuple[int, int]] = []
    at = 0
    try:
        while at < end and len(bounds) <= TILE_WIDTH:
            stop = at + 2 + (data[at] << 8 | data[at + 1])
            bounds.append((at + 2, stop))
            at = stop
    except IndexError:
        at = -1
    if at != end or len(bounds) not in (width, TILE_WIDTH):
        raise MalformedEvidence(f"a bundle that is not {width} entries, each after its length")
    return bounds[:width]


def split_bundle(data: bytes, width: int) -> list[bytes]:
    """Return the first *width* entries of the bundle *data*. Raises as `bundle_bounds` does."""
    return [data[start:stop] for start, stop in bundle_bounds(data, width)]


def bundle_leaves(data: bytes, bounds: list[tuple[int, int]]) -> list[bytes]:
    """Return the leaf hashes of the entries of *data* at *bounds*. Source: RFC 6962 section 2.1."""
    prefixed, view = _LEAF_PREFIX.copy, memoryview(data)
    leaves = []
    for start, stop in bounds:  # a copied state and a view: nothing of the entry is copied
        state = prefixed()
        state.update(view[start:stop])
        leaves.append(state.digest())
    return leaves


def tile_of(node: Node) -> tuple[TileName, slice]:
    """Return the full tile that holds what *node* is made of, and which of its hashes.

    A node at a level that is no multiple of 8 is the root of 2, 4, … 128 neighbouring hashes of a tile.
    Source: C2SP tlog-tiles, "Merkle Tree".
    """
    level, within = divmod(node.level, TILE_HEIGHT)
    first = node.index << within
    start = first % TILE_WIDTH
    return TileName(level, first // TILE_WIDTH), slice(start, start + (1 << within))
