"""The workflow files of attested commits: which are kept, and how they stand in one recorded answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from forensics.model.source import SourceTree

MAX_FILES = 200
"""Different workflow files that are kept, those of the newest releases first."""
MAX_BYTES = 512 * 2**10
"""Size of one file; none that a person wrote is as large."""
GITHUB = re.compile(r"\.github/workflows/[^/]+\.ya?ml")
_HEAD = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) blob (\d{1,9})")


def wanted_blobs(trees: Iterable[SourceTree], named: frozenset[str]) -> dict[str, str]:
    """Return path by blob id of the workflow files to keep; *named* are the paths that certificates name.

    Without any, every workflow file of GitHub Actions is one that could have signed.
    """
    found: dict[str, str] = {}
    for tree in trees:
        for path, mode, blob in tree.files:
            if mode.startswith("100") and (path in named if named else GITHUB.fullmatch(path)):
                found.setdefault(blob, path)
            if len(found) >= MAX_FILES:
                return found
    return found


def read_workflows(printed: bytes) -> Mapping[str, bytes]:
    """Return the files of an answer by blob id, from `git cat-file --batch`; larger ones and odd lines are left out."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(printed):
        line_end = printed.find(b"\n", at)
        if line_end < 0:
            break
        head = _HEAD.fullmatch(printed[at:line_end])
        at = line_end + 1
        if head is None:  # `<id> missing`
            continue
        size = int(head.group(2))
        if size <= MAX_BYTES and at + size <= len(printed):
            found[head.group(1).decode()] = printed[at : at + size]
        at += size + 1
    return found
