"""A Rekor v1 log: its entries, promises, checkpoints and proofs over a tree that grows with time.

Follows Rekor's ``openapi.yaml`` and the entry types' canonical forms. Bodies are RFC 8785 JSON; the UUID is
the RFC 6962 leaf hash; the signed entry timestamp covers body, integratedTime, logID and global logIndex.
"""

from __future__ import annotations

import base64
import bisect
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.merkle import MerkleTree
from tests.lab.pki import spki

TREE_ID = 2718281828459045235
"""The active shard; its 16 hex digits lead every entry id."""

OLD_TREE_ID = 1414213562373095048
OFFSET = 121_904_262
"""Entries in the inactive shard: the global index of the active shard's first entry."""

ORIGIN = f"rekor.lab.example - {TREE_ID}"
NAME = "rekor.lab.example"


def b64(data: bytes) -> str:
    """Standard base64 as text."""
    return base64.b64encode(data).decode()


def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One log entry. ``keys`` are the strings the search index finds it by."""

    index: int
    body: bytes
    integrated: int
    uuid: str
    promise: bytes
    keys: frozenset[str]

    @property
    def global_index(self) -> int:
        """The index over all shards."""
        return OFFSET + self.index

    @property
    def entry_id(self) -> str:
        """Tree id and UUID, 80 hex digits."""
        return f"{TREE_ID:016x}{self.uuid}"


class RekorLog:
    """The log and its key. Entries must come in order of time."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.log_id = hashlib.sha256(spki(self.key)).digest()
        self.entries: list[Entry] = []
        self.tree = MerkleTree()
        self._checkpoints: dict[int, str] = {}
        self._by_uuid: dict[str, Entry] = {}
        self._by_key: dict[str, list[Entry]] = {}

    @property
    def public_key(self) -> str:
        """The log's key in PEM."""
        public = self.key.public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def append(self, body: bytes, integrated: datetime, keys: Iterable[str]) -> Entry:
        """Integrate an entry at a moment, which must not lie before the last entry's."""
        moment = int(integrated.timestamp())
        if self.entries and moment < self.entries[-1].integrated:
            raise ValueError("entries must be appended in order of time")
        index = self.tree.append(body)
        promised: dict[str, Any] = {
            "body": b64(body),
            "integratedTime": moment,
            "logID": self.log_id.hex(),
            "logIndex": OFFSET + index,
        }
        promise = self._sign(rfc8785.dumps(promised))
        entry = Entry(index, body, moment, self.tree.leaf(index).hex(), promise, frozenset(keys))
        self.entries.append(entry)
        self._by_uuid[entry.uuid] = entry
        for key in entry.keys:
            self._by_key.setdefault(key, []).append(entry)
        return entry

    def fork(self, at: int) -> RekorLog:
        """Another log under the same name and key that shares the first ``at`` entries; the index is not taken over."""
        other = RekorLog()
        other.key, other.log_id = self.key, self.log_id
        other.entries = self.entries[:at]
        other._by_uuid = {entry.uuid: entry for entry in other.entries}
        for entry in other.entries:
            other.tree.append(entry.body)
        return other

    def size_at(self, moment: datetime) -> int:
        """How many entries the active shard held at a moment."""
        return bisect.bisect_right(self.entries, moment.timestamp(), key=lambda entry: entry.integrated)

    def by_uuid(self, uuid: str, size: int) -> Entry | None:
        """The entry with this leaf hash among the first ``size``."""
        entry = self._by_uuid.get(uuid)
        return entry if entry is not None and entry.index < size else None

    def by_global_index(self, index: int, size: int) -> Entry | None:
        """The entry at a global index among the first ``size`` of the active shard."""
        return self.entries[index - OFFSET] if OFFSET <= index < OFFSET + size else None

    def by_key(self, key: str, size: int) -> list[Entry]:
        """The entries among the first ``size`` that the search index holds under a key."""
        return [entry for entry in self._by_key.get(key, ()) if entry.index < size]

    def checkpoint(self, size: int) -> str:
        """The signed note over the tree of ``size`` leaves; the same note each time it is asked for."""
        if size not in self._checkpoints:
            self._checkpoints[size] = self._note(ORIGIN, size, self.tree.root(size))
        return self._checkpoints[size]

    def old_shard(self) -> dict[str, Any]:
        """The inactive shard as ``GET /api/v1/log`` describes it. Its entries are not served."""
        root = hashlib.sha256(b"the lab's inactive shard").digest()
        if -1 not in self._checkpoints:
            self._checkpoints[-1] = self._note(f"{NAME} - {OLD_TREE_ID}", OFFSET, root)
        return {
            "rootHash": root.hex(),
            "signedTreeHead": self._checkpoints[-1],
            "treeID": str(OLD_TREE_ID),
            "treeSize": OFFSET,
        }

    def bundle_entry(self, entry: Entry, size: int) -> dict[str, Any]:
        """The entry as a bundle carries it (protobuf JSON), with its proof in the tree of ``size`` leaves."""
        body = json.loads(entry.body)
        return {
            "logIndex": str(entry.global_index),
            "logId": {"keyId": b64(self.log_id)},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "integratedTime": str(entry.integrated),
            "inclusionPromise": {"signedEntryTimestamp": b64(entry.promise)},
            "inclusionProof": {
                "logIndex": str(entry.index),
                "rootHash": b64(self.tree.root(size)),
                "treeSize": str(size),
                "hashes": [b64(step) for step in self.tree.inclusion(entry.index, size)],
                "checkpoint": {"envelope": self.checkpoint(size)},
            },
            "canonicalizedBody": b64(entry.body),
        }

    def rest_entry(self, entry: Entry, size: int) -> dict[str, Any]:
        """The entry as the REST API gives it, with its proof in the tree of ``size`` leaves."""
        return {
            entry.entry_id: {
                "body": b64(entry.body),
                "integratedTime": entry.integrated,
                "logID": self.log_id.hex(),
                "logIndex": entry.global_index,
                "verification": {
                    "inclusionProof": {
                        "checkpoint": self.checkpoint(size),
                        "hashes": [step.hex() for step in self.tree.inclusion(entry.index, size)],
                        "logIndex": entry.index,
                        "rootHash": self.tree.root(size).hex(),
                        "treeSize": size,
                    },
                    "signedEntryTimestamp": b64(entry.promise),
                },
            }
        }

    def _note(self, origin: str, size: int, root: bytes) -> str:
        """A signed note: text, blank line, em dash, name, base64 of key hint and signature."""
        text = f"{origin}\n{size}\n{b64(root)}\n"
        return f"{text}\n— {NAME} {b64(self.log_id[:4] + self._sign(text.encode()))}\n"

    def _sign(self, message: bytes) -> bytes:
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


def dsse_body(envelope: bytes, payload: bytes, signature: bytes, pem: bytes) -> bytes:
    """The canonical body of a dsse 0.0.1 entry."""
    return rfc8785.dumps(
        {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": sha256(envelope)},
                "payloadHash": {"algorithm": "sha256", "value": sha256(payload)},
                "signatures": [{"signature": b64(signature), "verifier": b64(pem)}],
            },
        }
    )


def dsse_keys(envelope: bytes, payload: bytes, pem: bytes, san: str, subjects: Iterable[str]) -> set[str]:
    """What a dsse entry is found by: certificate, SAN, payload and envelope hash, and every subject digest."""
    return {
        f"sha256:{sha256(pem)}",
        san.lower(),
        f"sha256:{sha256(payload)}",
        f"sha256:{sha256(envelope)}",
        *subjects,
    }


def hashedrekord_body(digest: str, signature: bytes, pem: bytes) -> bytes:
    """The canonical body of a hashedrekord 0.0.1 entry."""
    return rfc8785.dumps(
        {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": digest}},
                "signature": {"content": b64(signature), "publicKey": {"content": b64(pem)}},
            },
        }
    )
