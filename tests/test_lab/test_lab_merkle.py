"""The lab's tree against a naive one, and its proofs against the verifiers of RFC 9162, section 2.1."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.merkle import EMPTY_ROOT, MerkleTree


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_inclusion(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes | None:
    """RFC 9162, section 2.1.3.2."""
    fn, sn, result = index, size - 1, leaf
    for step in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            result = node(step, result)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node(result, step)
        fn, sn = fn >> 1, sn >> 1
    return result if sn == 0 else None


def consistent(first: int, second: int, old: bytes, new: bytes, path: list[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2."""
    if first == second:
        return not path and old == new
    steps = [old, *path] if first & (first - 1) == 0 else list(path)
    if not steps:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(step, fr), node(step, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old and sr == new


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=6), max_size=70), st.data())
def test_roots_and_proofs_at_every_size(leaves: list[bytes], data: st.DataObject) -> None:
    tree = MerkleTree()
    for leaf in leaves:
        tree.append(leaf)
    assert tree.root(0) == EMPTY_ROOT
    assert tree.root() == naive_root(leaves)
    if not leaves:
        return
    size = data.draw(st.integers(1, len(leaves)))
    index = data.draw(st.integers(0, size - 1))
    first = data.draw(st.integers(1, size))
    assert tree.root(size) == naive_root(leaves[:size])
    path = tree.inclusion(index, size)
    assert root_from_inclusion(index, size, tree.leaf(index), path) == tree.root(size)
    assert consistent(first, size, tree.root(first), tree.root(size), tree.consistency(first, size))


def test_all_consistency_proofs_up_to_a_size() -> None:
    tree = MerkleTree()
    for number in range(40):
        tree.append(str(number).encode())
    for second in range(1, 41):
        for first in range(1, second + 1):
            assert consistent(first, second, tree.root(first), tree.root(second), tree.consistency(first, second))


def test_a_large_tree_proves_quickly() -> None:
    tree = MerkleTree()
    for number in range(100_000):
        tree.append(number.to_bytes(4, "big"))
    for index in range(0, 100_000, 997):
        path = tree.inclusion(index, 99_991) if index < 99_991 else []
        assert len(path) <= 17
    assert len(tree.consistency(54_321, 100_000)) <= 18


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3), (0, 4)])
def test_impossible_inclusion_is_refused(index: int, size: int) -> None:
    tree = MerkleTree()
    for number in range(3):
        tree.append(bytes([number]))
    with pytest.raises(ValueError, match=r"leaf|never had"):
        tree.inclusion(index, size)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (3, 2), (1, 4)])
def test_impossible_consistency_is_refused(first: int, second: int) -> None:
    tree = MerkleTree()
    for number in range(3):
        tree.append(bytes([number]))
    with pytest.raises(ValueError, match=r"consistency|never had"):
        tree.consistency(first, second)
