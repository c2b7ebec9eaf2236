"""Merkle trees of transparency logs: inclusion and consistency, SHA-256.

Source: RFC 9162 sections 2.1.1 (hashes), 2.1.3.2 (verifying inclusion) and 2.1.4.2 (verifying consistency);
RFC 6962 section 2.1 defines the same tree. A *hash* is 32 bytes; sizes and indices are counted in leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from forensics.model.errors import HostileInput, MalformedEvidence

HASH_SIZE = 32
MAX_PROOF_HASHES = 64  # a tree of 2**63 leaves has 63 levels; nobody honest sends more
MAX_TREE_SIZE = 2**63
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Return the 32-byte hash of a leaf, SHA-256(0x00 || *entry*). Source: RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the 32-byte hash of an inner node, SHA-256(0x01 || *left* || *right*). Source: RFC 9162 section 2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from_inclusion(leaf: bytes, index: int, size: int, hashes: Sequence[bytes]) -> bytes:
    """Return the root (32 bytes) to which *hashes* lead from the leaf hash *leaf* at *index* in a tree of *size*.

    Raises HostileInput for more than 64 hashes, before anything is hashed, and MalformedEvidence for an index
    outside the tree, a hash that is not 32 bytes long or a wrong number of hashes.
    Source: RFC 9162 section 2.1.3.2.
    """
    _check_hashes([leaf, *_capped(hashes)])
    # Step 1: an index outside the tree proves nothing.
    if not 0 <= index < size <= MAX_TREE_SIZE:
        raise MalformedEvidence(f"leaf {index} is outside a tree of {size} leaves")
    fn, sn, root = index, size - 1, leaf  # steps 2 and 3
    for sibling in hashes:
        if sn == 0:  # step 4.a
            raise MalformedEvidence(f"the proof for leaf {index} of {size} has more than the hashes it needs")
        if fn & 1 or fn == sn:  # step 4.b
            root = node_hash(sibling, root)
            while not fn & 1 and fn:  # step 4.b.ii: skip the levels where this node has no sibling
                fn >>= 1
                sn >>= 1
        else:
            root = node_hash(root, sibling)
        fn >>= 1  # step 4.c
        sn >>= 1
    if sn != 0:  # step 5, first half; the caller compares the root
        raise MalformedEvidence(f"the proof for leaf {index} of {size} has fewer hashes than it needs")
    return root


def verify_inclusion(leaf: bytes, index: int, size: int, hashes: Sequence[bytes], root: bytes) -> bool:
    """Return whether *hashes* prove that the leaf hash *leaf* is at *index* in the tree of *size* with *root*.

    A malformed proof proves nothing: False. Raises HostileInput for more than 64 hashes.
    Source: RFC 9162 section 2.1.3.2.
    """
    try:
        return root_from_inclusion(leaf, index, size, hashes) == root
    except MalformedEvidence:
        return False


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, hashes: Sequence[bytes]) -> bool:
    """Return whether *hashes* prove that the tree of *new_size* extends the tree of *old_size*.

    A malformed proof proves nothing: False. A proof from the empty tree is empty and holds for every tree.
    Raises HostileInput for more than 64 hashes. Source: RFC 9162 section 2.1.4.2.
    """
    path = _capped(hashes)
    if not 0 <= old_size <= new_size <= MAX_TREE_SIZE:
        return False
    if old_size == new_size:  # step 1: the same tree needs no proof
        return not path and old_root == new_root
    try:
        _check_hashes([old_root, new_root, *path])
    except MalformedEvidence:
        return False
    if old_size == 0:  # outside the RFC's algorithm: every tree extends the empty one
        return not path and old_root == EMPTY_ROOT
    return bool(path) and _roots_from_consistency(old_size, new_size, old_root, path) == (old_root, new_root)


def _roots_from_consistency(old_size: int, new_size: int, old_root: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """Return the old and the new root that *path* leads to; two empty strings where it has the wrong length."""
    # Step 2: a complete old tree is itself the first node.
    if old_size & (old_size - 1) == 0:
        path = [old_root, *path]
    fn, sn = old_size - 1, new_size - 1  # step 3
    while fn & 1:  # step 4
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]  # step 5
    for sibling in path[1:]:  # step 6
        if sn == 0:  # step 6.a
            return b"", b""
        if fn & 1 or fn == sn:  # step 6.b
            fr = node_hash(sibling, fr)
            sr = node_hash(sibling, sr)
            while not fn & 1 and fn:
                fn >>= 1
                sn >>= 1
        else:
            sr = node_hash(sr, sibling)
        fn >>= 1  # step 6.c
        sn >>= 1
    return (fr, sr) if sn == 0 else (b"", b"")  # step 7


def _capped(hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) > MAX_PROOF_HASHES:
        raise HostileInput(f"a proof of {len(hashes)} hashes; no honest proof has more than {MAX_PROOF_HASHES}")
    return list(hashes)


def _check_hashes(hashes: list[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise MalformedEvidence(f"a hash of {len(value)} bytes where {HASH_SIZE} are needed")
