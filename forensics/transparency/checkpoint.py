"""Checkpoints: what a log signs about its tree.

Source: C2SP tlog-checkpoint. The text of the note is origin, size and root, each on a line of its own, then
extension lines. Rekor v1 writes `<host> - <tree id>` as origin, Rekor v2 the host alone.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from forensics.model.errors import MalformedEvidence
from forensics.transparency.merkle import HASH_SIZE, MAX_TREE_SIZE
from forensics.transparency.note import Note, parse_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's statement: *size* leaves have the root hash *root* (32 bytes). Signed by the lines of *note*."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...]
    note: Note

    @property
    def log_name(self) -> str:
        """The origin without Rekor v1's tree id: the name under which the log signs."""
        return self.origin.partition(" - ")[0]


def parse_checkpoint(raw: str) -> Checkpoint:
    """Return the checkpoint written as the signed note *raw*; no signature is checked here.

    Raises MalformedEvidence for anything the specification does not allow, HostileInput for an oversized note.
    Source: C2SP tlog-checkpoint, "Note text".
    """
    note = parse_note(raw)
    lines = note.text[:-1].split("\n")
    if len(lines) < 3:
        raise MalformedEvidence("a checkpoint of fewer than three lines")
    origin, size, root, *extensions = lines
    if not origin:
        raise MalformedEvidence("a checkpoint without an origin")
    if not _SIZE.fullmatch(size) or int(size) > MAX_TREE_SIZE:
        raise MalformedEvidence("a checkpoint whose size is not a decimal number")
    if not all(extensions):
        raise MalformedEvidence("a checkpoint with an empty extension line")
    return Checkpoint(origin, int(size), _root(root), tuple(extensions), note)


def _root(encoded: str) -> bytes:
    try:
        value = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedEvidence("a checkpoint whose root is not base64") from error
    if len(value) != HASH_SIZE:
        raise MalformedEvidence(f"a checkpoint whose root has {len(value)} bytes instead of {HASH_SIZE}")
    return value
