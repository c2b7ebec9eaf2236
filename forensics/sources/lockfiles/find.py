"""Lockfiles and manifests below a directory. Nothing is followed out of it, and nothing in it is run."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from forensics.model.errors import UsageError
from forensics.sources.lockfiles.follow import Found, follow, regular
from forensics.sources.lockfiles.read import UNREAD, kind_of_content, kind_of_name

MAX_FILES = 200_000
"""Most lockfiles and manifests that one call looks at."""
_NEVER = frozenset({".git", ".hg", ".svn", "__pycache__"})
_INSTALLED = (".package-lock.json", ".pnpm/lock.yaml")
"""What npm and pnpm write into `node_modules` about what they installed there."""


def find_lockfiles(places: Sequence[Path]) -> tuple[list[Found], list[tuple[str, str]]]:
    """Return the lockfiles and manifests that *places* are or hold, by name, and what is not read, with the reason.

    Files are what their name says, else what their content says. Symbolic links below a directory are not followed;
    below `node_modules` only what was installed is read. Files that requirements name by `-r` and `-c` are read too,
    within the place, for a file within its directory. Raises UsageError for a place that is not there or a file that is
    no lockfile.
    """
    found: dict[str, Found] = {}
    unread: list[tuple[str, str]] = []
    roots: dict[str, str] = {}
    for place in places:
        if place.is_dir():
            for path, kind in _below(place, unread):
                found.setdefault(path, Found(path, path, kind))
                roots.setdefault(path, str(place))
                if len(found) > MAX_FILES:
                    raise UsageError(f"{place} holds more than {MAX_FILES:,} lockfiles.", advice="Name parts of it.")
        else:
            found.setdefault(str(place), Found(str(place), str(place), _kind_of_file(place)))
            roots.setdefault(str(place), str(place.parent))
    follow(found, roots, unread)
    return sorted(found.values(), key=lambda f: f.shown), sorted(set(unread))


def _kind_of_file(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            # It is read twice; a pipe has nothing left the second time, and would look like a file that names nothing.
            raise UsageError(f"{path} is no regular file.", advice="Write what it holds to a file, and name that.")
        with path.open("rb") as file:
            head = file.read(65536)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    kind = kind_of_name(path.as_posix()) or kind_of_content(head)
    if kind is None:
        raise UsageError(f"{path} is no lockfile or manifest of a kind that is known.")
    return kind


def _below(place: Path, unread: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    def failed(error: OSError) -> None:
        unread.append((str(error.filename), f"it cannot be read: {error.strerror}"))

    for folder, folders, names in os.walk(place, onerror=failed):
        if os.path.basename(folder) == "node_modules":  # noqa: PTH119 -- os.walk gives texts, and there are many
            folders[:] = []
            names = [name for name in _INSTALLED if Path(folder, name).is_file()]
        folders[:] = sorted(name for name in folders if name not in _NEVER)
        for name in sorted(names):
            path = f"{folder}/{name}"
            kind = "pnpm-lock" if name == ".pnpm/lock.yaml" else kind_of_name(path)
            if kind is None:
                if name in UNREAD:
                    unread.append((path, "lockfiles of this kind are not read"))
            elif regular(path):
                yield path, kind
            else:
                unread.append((path, "it is a symbolic link or no regular file, and is not followed"))
