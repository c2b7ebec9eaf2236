"""What all kinds of artifacts share: the file itself, the tree it is made of, and text for size only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.lab.scenario import FileKind

Tree = dict[str, bytes]


@dataclass(frozen=True)
class Artifact:
    """One distribution file.

    ``metadata`` is the wheel's METADATA, which the index serves on its own, or the tarball's ``package.json``.
    """

    filename: str
    kind: FileKind
    data: bytes
    metadata: bytes | None


def normalized(project: str) -> str:
    """The project's name as in PEP 503."""
    return re.sub(r"[-_.]+", "-", project).lower()


def words(project: str, size: int) -> bytes:
    """Text of exactly ``size`` bytes."""
    line = f"{project} data line, for size only\n".encode()
    return (line * (size // len(line) + 1))[:size]
