from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency.merkle import (
    EMPTY_ROOT,
    leaf_hash,
    node_hash,
    root_from_inclusion,
    verify_consistency,
    verify_inclusion,
)

VECTORS = Path(__file__).parents[3] / "shared" / "evidence" / "merkle-proofs"


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, as written."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162 section 2.1.3.1, as written."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_subproof(size: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """RFC 9162 section 2.1.4.1, as written."""
    if size == len(leaves):
        return [] if whole else [naive_root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if size <= split:
        return [*naive_subproof(size, leaves[:split], whole), naive_root(leaves[split:])]
    return [*naive_subproof(size - split, leaves[split:], False), naive_root(leaves[:split])]


def leaves_of(size: int) -> list[bytes]:
    return [b"leaf %d" % number for number in range(size)]


@given(st.integers(1, 40), st.data())
def test_every_inclusion_proof_of_a_small_tree_holds_and_none_for_another_leaf(size: int, data: st.DataObject) -> None:
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    path, root = naive_path(index, leaves), naive_root(leaves)
    assert root_from_inclusion(leaf_hash(leaves[index]), index, size, path) == root
    assert not verify_inclusion(leaf_hash(b"another"), index, size, path, root)
    wrong = data.draw(st.integers(0, 2 * size).filter(lambda number: number != index))
    assert not verify_inclusion(leaf_hash(leaves[index]), wrong, size, path, root)


@given(st.integers(0, 40), st.integers(0, 40))
def test_every_consistency_proof_of_a_small_tree_holds_and_no_changed_one(one: int, other: int) -> None:
    old, new = sorted((one, other))
    leaves = leaves_of(new)
    proof = naive_subproof(old, leaves, True) if 0 < old < new else []
    roots = naive_root(leaves[:old]), naive_root(leaves)
    assert verify_consistency(old, new, *roots, proof)
    assert not verify_consistency(old, new, *roots, [*proof, bytes(32)])
    for place in range(len(proof)):
        changed = [*proof[:place], bytes(32), *proof[place + 1 :]]
        assert not verify_consistency(old, new, *roots, changed)
    if 0 < old < new:
        assert not verify_consistency(old, new, roots[0], bytes(32), proof)


def test_ten_thousand_hashes_are_refused_before_any_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> bytes:
        raise AssertionError("hashed")

    monkeypatch.setattr("forensics.transparency.merkle.node_hash", forbidden)
    with pytest.raises(HostileInput):
        root_from_inclusion(bytes(32), 0, 2**62, [bytes(32)] * 10_000)
    with pytest.raises(HostileInput):
        verify_consistency(3, 2**62, bytes(32), bytes(32), [bytes(32)] * 65)


def test_the_largest_tree_is_a_matter_of_sixty_three_hashes() -> None:
    root = leaf_hash(b"x")
    for _ in range(63):
        root = node_hash(root, bytes(32))
    assert root_from_inclusion(leaf_hash(b"x"), 0, 2**63, [bytes(32)] * 63) == root


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 2**64)])
def test_an_index_outside_the_tree_is_malformed(index: int, size: int) -> None:
    with pytest.raises(MalformedEvidence):
        root_from_inclusion(bytes(32), index, size, [])


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    assert naive_root([]) == EMPTY_ROOT
    assert not verify_consistency(0, 3, bytes(32), naive_root(leaves_of(3)), [])


@pytest.mark.evidence
def test_all_published_vectors() -> None:
    if not VECTORS.is_dir():
        pytest.skip("the folder of evidence is not beside the checkout")
    wrong, count = [], 0
    for path in sorted(VECTORS.glob("**/*.json")):
        case = json.loads(path.read_text())
        proof = [base64.b64decode(value or "") for value in case["proof"] or []]
        count += 1
        try:
            if "leafIdx" in case:
                leaf, root = (base64.b64decode(case[name] or "") for name in ("leafHash", "root"))
                accepted = verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root)
            else:
                roots = [base64.b64decode(case[name] or "") for name in ("root1", "root2")]
                accepted = verify_consistency(case["size1"], case["size2"], roots[0], roots[1], proof)
        except HostileInput:
            accepted = False
        if accepted == case["wantErr"]:
            wrong.append(str(path.relative_to(VECTORS)))
    assert (count, wrong) == (195, [])
