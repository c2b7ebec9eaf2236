"""Shards of a Rekor v1 log: where each begins, and that one state of a shard extends another.

Sources: sigstore/rekor openapi.yaml (LogInfo, ConsistencyProof), pkg/sharding. The global index counts through all
shards in the order of the answer, the active one last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from forensics.attestation.trust import TrustRoot
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.sources.interface import hex_digest, items, mapping, text
from forensics.sources.rekor import Rekor
from forensics.transparency.checkpoint import Checkpoint, parse_checkpoint
from forensics.transparency.merkle import MAX_TREE_SIZE, verify_consistency
from forensics.transparency.note import signers

MAX_SHARDS = 100


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard: its tree id in decimal, its size in leaves, the global index of its first leaf, its checkpoint."""

    tree_id: str
    size: int
    offset: int
    active: bool
    checkpoint: Checkpoint

    def signed_by(self, root: TrustRoot) -> bool:
        """Whether a log of *root* signed this size and root hash, for this shard and under its own name."""
        names = {key.sha256: key for key in root.log_keys.values()}
        whose = signers(self.checkpoint.note, names.values())
        name, _, tree_id = self.checkpoint.origin.partition(" - ")
        named = any(line.name == name for line in self.checkpoint.note.signatures)
        return bool(whose) and named and tree_id == self.tree_id and self.checkpoint.size == self.size


@dataclass(frozen=True, slots=True)
class LogInfo:
    """The state of a log: its shards, the active one last."""

    shards: tuple[Shard, ...]
    evidence: tuple[str, ...] = ()

    @property
    def offsets(self) -> dict[str, int]:
        """The global index of the first leaf of each shard, by tree id."""
        return {shard.tree_id: shard.offset for shard in self.shards}

    @property
    def size(self) -> int:
        """Entries in all shards."""
        return sum(shard.size for shard in self.shards)


async def log_info(rekor: Rekor) -> Outcome[LogInfo]:
    """Return the state of the log and its shards, offsets computed from the sizes that it states. Not verified."""
    outcome = await rekor.json("log")
    if isinstance(outcome, NotChecked):
        return outcome
    body = mapping(outcome.value)
    rows = [(row, False) for row in items(body.get("inactiveShards"), MAX_SHARDS)] + [(body, True)]
    shards: list[Shard] = []
    offset = 0
    for row, active in rows:
        try:
            shard = _shard(mapping(row), offset, active)
        except (MalformedEvidence, HostileInput) as error:
            return rekor.witness.miss(f"the log's own description cannot be read: {error}", "log", outcome.evidence)
        shards.append(shard)
        offset += shard.size
    return Checked(LogInfo(tuple(shards), outcome.evidence), outcome.evidence)


def _shard(row: dict[str, Any], offset: int, active: bool) -> Shard:
    tree_id, size, head = text(row.get("treeID"), 40), row.get("treeSize"), text(row.get("signedTreeHead"), 100_000)
    if tree_id is None or not tree_id.isdecimal() or head is None:
        raise MalformedEvidence("a shard without id or checkpoint")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < MAX_TREE_SIZE:
        raise MalformedEvidence("a shard without a size")
    checkpoint = parse_checkpoint(head)
    if hex_digest(row.get("rootHash")) != checkpoint.root.hex():
        raise MalformedEvidence("a shard whose root hash is not its checkpoint's")
    return Shard(tree_id, size, offset, active, checkpoint)


async def consistent(rekor: Rekor, old: Checkpoint, new: Checkpoint) -> Outcome[bool]:
    """Return whether the log proves that the tree of *new* extends that of *old*: two checkpoints of one shard.

    The proof is checked against both roots; the root in the answer is the log's newest and does not count.
    NotChecked where the checkpoints are of different shards, or no proof came. Source: RFC 9162 section 2.1.4.
    """
    tree_id = old.origin.partition(" - ")[2]
    if old.origin != new.origin or not tree_id:
        return NotChecked(f"{old.origin[:80]} and {new.origin[:80]} are not of one shard", "log")
    if old.size > new.size:
        old, new = new, old
    if old.size == new.size or not old.size:
        return Checked(verify_consistency(old.size, new.size, old.root, new.root, ()))
    outcome = await rekor.json(f"log/proof?firstSize={old.size}&lastSize={new.size}&treeID={tree_id}")
    if isinstance(outcome, NotChecked):
        return outcome
    steps = [hex_digest(step) for step in items(mapping(outcome.value).get("hashes"), 10_000)]
    try:
        hashes = [bytes.fromhex(step or "") for step in steps]
        return Checked(verify_consistency(old.size, new.size, old.root, new.root, hashes), outcome.evidence)
    except HostileInput as error:
        return rekor.witness.miss(f"{error}", "log", outcome.evidence)
