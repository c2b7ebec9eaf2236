"""What the readers of archives have in common: limits, entries that are read as a stream, and notes of what is odd."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from forensics.model.errors import HostileInput
from forensics.model.text import visible

CHUNK = 1 << 16
"""Bytes that are unpacked at a time."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Bounds of reading one archive; sizes in bytes. Beyond one of the first six it is not read any further."""

    packed: int = 256 * 2**20
    unpacked: int = 2**30
    members: int = 100_000
    ratio: int = 200
    directory: int = 32 * 2**20
    metadata: int = 16 * 2**20
    ratio_from: int = 32 * 2**20
    name: int = 1024
    depth: int = 64
    kept: int = 4 * 2**20


LIMITS = ArchiveLimits()


class Unreadable(Exception):
    """The bytes of one member cannot be read; those of others can."""


@dataclass(slots=True)
class Entry:
    """One member of an archive: its name as it stands there, its stated size, and its bytes, to be read once, in order.

    `kind` is `file`, `directory`, `link` or `device`. `unreadable` says why the bytes cannot be read, if so.
    """

    name: str
    kind: str
    size: int
    chunks: Iterator[bytes]
    unreadable: str = ""


@dataclass(slots=True)
class Notes:
    """What is odd about an archive, in order of discovery: a bounded number of sentences, each once."""

    limits: ArchiveLimits = LIMITS
    packed: int = 0
    found: dict[str, None] = field(default_factory=dict)
    left_out: int = 0
    unpacked: int = 0
    members: int = 0

    def add(self, problem: str, name: str | None = None) -> None:
        """Note a problem, of the member *name* if given."""
        line = problem if name is None else f"{problem}: {visible(name[:200])}"
        if line in self.found:
            return
        if len(self.found) < 50:
            self.found[line] = None
        else:
            self.left_out += 1

    def lines(self) -> tuple[str, ...]:
        """Return the problems, and how many more there are."""
        more = [f"and {self.left_out} more"] if self.left_out else []
        return (*self.found, *more)

    def count_member(self) -> None:
        """Count one member; raises HostileInput beyond the limit."""
        self.members += 1
        if self.members > self.limits.members:
            raise HostileInput(f"The archive holds more than {self.limits.members:,} members.")

    def count_bytes(self, size: int) -> None:
        """Count *size* unpacked bytes; raises HostileInput beyond the limit or ratio."""
        self.unpacked += size
        limits = self.limits
        if self.unpacked > limits.unpacked:
            raise HostileInput(f"The archive unpacks to more than {limits.unpacked:,} bytes.")
        if self.unpacked > limits.ratio_from and self.unpacked > limits.ratio * max(self.packed, 1):
            raise HostileInput(f"The archive unpacks to more than {limits.ratio} times its size.")


def check_name(name: str, notes: Notes) -> str | None:
    """Return the path that *name* means inside the archive, or None for a name that is no path; note what is odd."""
    if "\x00" in name:
        notes.add("name with a NUL byte", name)
        name = name.partition("\x00")[0]
    if "\\" in name:
        notes.add("name with a backslash", name)
    path = name.replace("\\", "/")
    if path.startswith("/") or (len(path) > 1 and path[1] == ":"):
        notes.add("absolute name", name)
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        notes.add("name that climbs out of the archive", name)
    if len(name) > notes.limits.name or len(parts) > notes.limits.depth:
        notes.add("name longer or deeper than any package needs", name)
    if visible(name) != name:
        notes.add("name with hidden or reordering characters", name)
    return "/".join(parts)[: notes.limits.name] or None
