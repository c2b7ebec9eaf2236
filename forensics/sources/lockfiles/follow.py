"""The files that requirements name by `-r` and `-c`, within the place that the user named."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from forensics.model.errors import EvidenceError
from forensics.sources.lockfiles.python import references
from forensics.sources.lockfiles.read import text_of
from forensics.sources.lockfiles.records import MAX_BYTES

MAX_FOLLOWED = 2_000
"""Most files that one call reads because others name them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read: where it is, the name to show, and its kind."""

    path: str
    shown: str
    kind: str


def follow(found: dict[str, Found], roots: dict[str, str], unread: list[tuple[str, str]]) -> None:
    """Add to *found* what its requirements name, and what those name; to *unread* what is not followed, and why.

    *roots* are the directories, by the path of a file, out of which nothing is followed. Each file is read once, so
    that files which name each other come to an end.
    """
    waiting = sorted((one for one in found.values() if one.kind == "requirements"), key=lambda one: one.path)
    known = {os.path.realpath(one.path) for one in waiting}
    followed = 0
    while waiting:
        one = waiting.pop()
        for where, name in _references(one.path):
            target = _target(one.path, name)
            if target in known:
                continue
            reason = _refusal(target, os.path.realpath(roots[one.path]))
            if not reason and followed >= MAX_FOLLOWED:
                reason = f"more than {MAX_FOLLOWED:,} files are named so"
            if reason or target is None:
                unread.append((one.shown, f"{where} names {name[:200]}, which is not read: {reason}"))
                continue
            followed += 1
            known.add(target)
            path = _beside(one.path, name)
            found[path] = Found(path, path, "requirements")
            roots[path] = roots[one.path]
            waiting.append(found[path])


def regular(path: str) -> bool:
    """Return whether *path* is a regular file itself, and no symbolic link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _references(path: str) -> list[tuple[str, str]]:
    """What the file names; nothing where it cannot be read, which is told when it is examined."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES)
        return references(text_of(data))
    except (OSError, EvidenceError):
        return []


def _target(path: str, name: str) -> str | None:
    """Where *name* leads from the real directory of *path*; None for what is no path."""
    if "://" in name or "\0" in name:
        return None
    return os.path.normpath(os.path.join(os.path.realpath(os.path.dirname(path)), name))  # noqa: PTH118, PTH120


def _refusal(target: str | None, root: str) -> str:
    if target is None:
        return "it is no file here"
    if os.path.commonpath([target, root]) != root:
        return "it lies outside of what was named"
    if os.path.realpath(target) != target or not regular(target):
        return "it is a symbolic link or no regular file" if os.path.lexists(target) else "there is no such file"
    return ""


def _beside(path: str, name: str) -> str:
    """The path of *name* as *path* is written: below `./` where that is."""
    joined = os.path.normpath(os.path.join(os.path.dirname(path), name))  # noqa: PTH118, PTH120
    return f"./{joined}" if path.startswith("./") else joined
