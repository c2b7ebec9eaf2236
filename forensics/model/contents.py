"""What is inside an artifact, as far as it was read without unpacking it anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from forensics.model.checked import NotChecked


class Runs(StrEnum):
    """When a file of an artifact can run code, from never to before anyone has used the package."""

    NEVER = "never"
    CALLED = "when called"
    IMPORT = "at import"
    START = "at interpreter start"
    INSTALL = "at install"

    @property
    def rank(self) -> int:
        """0 for never to 4 for at install."""
        return list(Runs).index(self)


PROCESS, NETWORK, DYNAMIC = "processes", "the network", "code made at run time"
DECODED, ENVIRONMENT, CREDENTIALS, NATIVE = "decoded code", "the environment", "credential files", "native code"
"""The things that `Member.reaches` can name."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file: its path inside the artifact, size in bytes, SHA-256 and git blob id (hex), and when it can run.

    `reaches` names what its code could touch (see PROCESS and the constants after it), read from the syntax tree.
    `lf_blob` is the git blob id after CRLF became LF, where that differs. Both digests are empty for a member that is
    there but could not be read.
    """

    path: str
    size: int
    sha256: str
    blob: str
    runs: Runs
    reaches: tuple[str, ...] = ()
    lf_blob: str | None = None

    @property
    def executable(self) -> bool:
        """Whether it can run at all."""
        return self.runs is not Runs.NEVER


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Contents:
    """The files of an artifact, sorted by path; `problems` say what is odd or malformed about the archive itself.

    `dependencies` are requirements as its metadata states them, `hooks` what runs at install, in words, `commands` the
    commands and plug-ins that it declares. `root` is the one directory around everything, with its slash, or empty.
    """

    members: tuple[Member, ...]
    problems: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    root: str = ""
    commands: tuple[str, ...] = ()

    @property
    def unpacked(self) -> int:
        """The size of all files in bytes."""
        return sum(member.size for member in self.members)

    @property
    def largest(self) -> Member | None:
        """The largest file, None for an empty artifact."""
        return max(self.members, key=lambda member: member.size, default=None)


NO_CONTENTS = NotChecked("its bytes were not fetched", "artifact")
