from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.model.errors import HostileInput, MalformedEvidence, SourceError
from forensics.transparency.checkpoint import parse_checkpoint
from forensics.transparency.merkle import verify_consistency, verify_inclusion
from forensics.transparency.ranges import CompactRange, Node, Span, decompose, perfect_root, root_of
from forensics.transparency.tiles import (
    TileName,
    bundle_bounds,
    bundle_leaves,
    parse_path,
    plan,
    right_edge,
    split_bundle,
    split_tile,
    width_at,
)
from forensics.transparency.tree import TileTree, read_bundle
from tests.transparency.made import MadeLog, leaf, mth

TESSERA = Path(__file__).parents[3] / "shared" / "evidence" / "tlog-tiles" / "tessera-testlog"
LEAVES = [leaf(b"entry %d" % number) for number in range(600)]


@settings(deadline=None)
@given(st.integers(0, 300))
def test_a_tree_grown_leaf_by_leaf_has_the_root_of_the_definition(size: int) -> None:
    assert root_of(LEAVES[:size]) == mth(LEAVES[:size])


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_ranges_merge_into_the_whole_wherever_they_are_cut(one: int, other: int, size: int) -> None:
    cuts = sorted((min(one, size), min(other, size)))
    parts = []
    for begin, end in zip([0, *cuts], [*cuts, size], strict=True):
        part = CompactRange(begin)
        for value in LEAVES[begin:end]:
            part.append(value)
        assert [node for node, _ in part.nodes] == decompose(Span(begin, end))
        parts.append(part)
    whole = parts[0]
    for part in parts[1:]:
        whole.merge(part)
    assert whole.root() == mth(LEAVES[:size])


def test_what_cannot_be_part_of_a_tree_is_refused() -> None:
    part = CompactRange(1)
    part.append(LEAVES[1])
    for wrong in (
        lambda: part.root(),
        lambda: part.merge(CompactRange(5)),
        lambda: part.push(4, LEAVES[0]),
        lambda: part.append(b"short"),
        lambda: perfect_root(LEAVES[:3]),
        lambda: decompose(Span(4, 2)),
        lambda: CompactRange(2**63).append(LEAVES[0]),
    ):
        with pytest.raises(MalformedEvidence):
            wrong()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (TileName(0, 1234067), "tile/0/x001/x234/067"),
        (TileName(0, 0), "tile/0/000"),
        (TileName(3, 999, 255), "tile/3/999.p/255"),
        (TileName(None, 1000, 7), "tile/entries/x001/000.p/7"),
    ],
)
def test_paths_are_those_of_the_specification(name: TileName, path: str) -> None:
    assert name.path == path
    assert parse_path(path) == name


@settings(deadline=None)
@given(st.integers(0, 2**55), st.one_of(st.none(), st.integers(0, 63)), st.integers(1, 256))
def test_every_path_is_read_as_it_was_written(index: int, level: int | None, width: int) -> None:
    assert parse_path(TileName(level, index, width).path) == TileName(level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        *("tile/64/000", "tile/00/000", "tile/0/1", "tile/0/x000/001", "tile/0/000.p/0", "tile/0/000.p/256"),
        *("tile/0/000.p/01", "tile/-1/000", "tile/0/001/002", "tile/entries", "tile/0/000/", "../tile/0/000"),
        "tile/0/٠٠٠",
    ],
)
def test_other_paths_name_no_tile(path: str) -> None:
    with pytest.raises(MalformedEvidence):
        parse_path(path)


def test_widths_are_those_of_the_specification() -> None:
    # The example of C2SP tlog-tiles, "Partial Tiles".
    assert [width_at(70_000, 0, index) for index in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [width_at(70_000, 1, index) for index in (0, 1, 2)] == [256, 17, 0]
    assert width_at(70_000, 2, 0) == 1
    assert right_edge(70_000) == [TileName(2, 0, 1), TileName(1, 1, 17), TileName(0, 273, 112)]
    assert right_edge(256) == [TileName(1, 0, 1)]
    assert right_edge(0) == []
    assert plan(70_000, 0, 273) == (TileName(0, 273, 112), TileName(0, 273))
    assert plan(70_000, None, 0) == (TileName(None, 0),)
    with pytest.raises(MalformedEvidence):
        plan(70_000, 0, 274)


def test_tiles_and_bundles_of_another_length_are_refused() -> None:
    full = b"".join(LEAVES[:256])
    assert split_tile(full, 3) == LEAVES[:3]
    for wrong in (full[:-1], full[:64], b""):
        with pytest.raises(MalformedEvidence):
            split_tile(wrong, 3)
    with pytest.raises(HostileInput):
        split_tile(full + b"x", 256)
    bundle = b"\x00\x01a\x00\x00\x00\x02bc"
    assert split_bundle(bundle, 3) == [b"a", b"", b"bc"]
    assert bundle_leaves(bundle, bundle_bounds(bundle, 3)) == [leaf(b"a"), leaf(b""), leaf(b"bc")]
    for wrong in (bundle[:-1], bundle + b"\x00", bundle + b"\x00\x00", b"", b"\xff\xff"):
        with pytest.raises(MalformedEvidence):
            split_bundle(wrong, 3)
    with pytest.raises(MalformedEvidence):
        split_bundle(b"\x00\x00" * 257, 256)
    with pytest.raises(HostileInput):
        split_bundle(bytes(256 * 65_537 + 1), 256)
    assert split_bundle(b"\x00\x00" * 256, 100) == [b""] * 100


@settings(deadline=None)
@given(st.integers(1, 600), st.data())
def test_proofs_from_tiles_hold_for_every_leaf_and_every_pair_of_sizes(size: int, data: st.DataObject) -> None:
    async def check() -> None:
        tree = TileTree(LOG, size, mth(LOG.leaves[:size]))
        smaller = data.draw(st.integers(1, size))
        index = data.draw(st.integers(0, smaller - 1))
        oldest = data.draw(st.integers(0, smaller))
        root, old = mth(LOG.leaves[:smaller]), mth(LOG.leaves[:oldest])
        assert await tree.root_at(smaller) == root
        assert verify_inclusion(LOG.leaves[index], index, smaller, await tree.inclusion(index, smaller), root)
        assert verify_consistency(oldest, smaller, old, root, await tree.consistency(oldest, smaller))
        assert await tree.leaf(index) == LOG.leaves[index]
        assert await tree.root_at(0) == mth([])

    asyncio.run(check())


LOG = MadeLog([b"entry %d" % number for number in range(600)])


def test_a_tile_that_was_wrong_is_asked_for_once() -> None:
    log = MadeLog([b"%d" % at for at in range(600)])
    log.changed[0, 1] = asyncio.run(log.tile(0, 0, 256))
    tree = TileTree(log, 600, mth(log.leaves))
    log.asked.clear()
    for index in (256, 300):
        with pytest.raises(MalformedEvidence, match="tile/0/001"):
            asyncio.run(tree.leaf(index))
    assert asyncio.run(tree.leaf(255)) == log.leaves[255]
    assert log.asked.count((0, 1, 256)) == 1


def test_only_tiles_that_the_checkpoint_implies_are_asked_for() -> None:
    log = MadeLog(LOG.bodies)
    tree = TileTree(log, 600, mth(log.leaves))
    asyncio.run(tree.inclusion(3))
    assert set(log.asked) == {(1, 0, 2), (0, 2, 88), (0, 0, 256)}


def test_a_partial_tile_that_is_gone_is_taken_from_the_full_one() -> None:
    log = MadeLog(LOG.bodies)
    log.gone = {(0, 1, 44), (None, 1, 44)}
    tree = TileTree(log, 300, mth(log.leaves[:300]))
    proof = asyncio.run(tree.inclusion(299))
    assert verify_inclusion(log.leaves[299], 299, 300, proof, mth(log.leaves[:300]))
    data = asyncio.run(read_bundle(log, 300, 1))
    assert split_bundle(data, 44) == log.bodies[256:300]
    log.gone |= {(0, 1, 256)}
    with pytest.raises(SourceError):
        asyncio.run(TileTree(log, 300, mth(log.leaves[:300])).check())


@pytest.mark.parametrize("place", [(0, 0), (0, 2), (1, 0)])
def test_a_changed_tile_is_found_out_before_anything_rests_on_it(place: tuple[int, int]) -> None:
    async def check() -> None:
        log = MadeLog(LOG.bodies)
        whole = await log.tile(*place, width_at(600, *place))
        log.changed[place] = whole[:-1] + bytes([whole[-1] ^ 1])
        with pytest.raises(MalformedEvidence):
            await TileTree(log, 600, mth(log.leaves)).inclusion(3)

    asyncio.run(check())


def test_another_root_than_the_checkpoints_is_refused() -> None:
    for size in (1, 255, 256, 600):
        with pytest.raises(MalformedEvidence):
            asyncio.run(TileTree(LOG, size, bytes(32)).check())
    with pytest.raises(MalformedEvidence):
        asyncio.run(TileTree(LOG, 600, mth(LOG.leaves)).node(Node(3, 75)))
    with pytest.raises(MalformedEvidence):
        asyncio.run(TileTree(LOG, 600, mth(LOG.leaves)).consistency(3, 601))


class Tessera:
    """The published log, read from its files."""

    async def tile(self, level: int, index: int, width: int) -> bytes:
        return (TESSERA / TileName(level, index, width).path).read_bytes()

    async def entries(self, index: int, width: int) -> bytes:
        return (TESSERA / TileName(None, index, width).path).read_bytes()

    async def checkpoint(self) -> bytes:
        return (TESSERA / "checkpoint").read_bytes()


@pytest.mark.evidence
def test_every_proof_between_the_published_checkpoints_comes_from_the_published_tiles() -> None:
    if not TESSERA.is_dir():
        pytest.skip("the folder of evidence is not beside the checkout")

    async def check() -> None:
        roots = {}
        for size in range(16):
            found = parse_checkpoint((TESSERA / f"checkpoint.{size}").read_text())
            assert found.size == size
            roots[size] = found.root
        for size in range(1, 16):
            tree = TileTree(Tessera(), size, roots[size])
            data = await read_bundle(Tessera(), size, 0)
            leaves = bundle_leaves(data, bundle_bounds(data, size))
            assert await tree.holds_bundle(0, leaves)
            assert root_of(leaves) == roots[size]
            for index in range(size):
                assert verify_inclusion(leaves[index], index, size, await tree.inclusion(index), roots[size])
                proof = await tree.consistency(index)
                assert verify_consistency(index, size, roots[index], roots[size], proof)

    asyncio.run(check())
