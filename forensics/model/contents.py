"""What is inside an artifact, as far as it was read without unpacking it anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from forensics.model.checked import NotChecked


class Runs(StrEnum):
    """When a file of an artifact can run code."""

    NEVER = "never"
    CALLED = "when called"
    IMPORT = "at import"
    START = "at interpreter start"
    INSTALL = "at install"


@dataclass(frozen=True, slots=True)
class Member:
    """One file: its path inside the artifact, size in bytes, SHA-256 and git blob id (hex), and when it can run.

    `reaches` names what its code newly could touch (process, network, dynamic code, environment, credentials), read
    from the syntax tree.
    """

    path: str
    size: int
    sha256: str
    blob: str
    runs: Runs
    reaches: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of an artifact, sorted by path; `problems` say what is odd or malformed about the archive itself."""

    members: tuple[Member, ...]
    problems: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()


NO_CONTENTS = NotChecked("its bytes were not fetched", "artifact")
