"""The text of files that differ between two artifacts, line by line, within limits."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from forensics.compare.archive_pool import read_member_texts
from forensics.compare.artifacts import ContentsDiff, FileChange
from forensics.model.contents import Member

MAX_BYTES = 256 * 2**10
"""Size of a file whose text is compared; larger ones are only named."""
MAX_SOURCE_LINES = 4000
MAX_LINES = 400
"""Lines of difference that are kept of one file."""
MAX_FILES = 400
MAX_WIDTH = 400
"""Characters that are kept of one line."""


@dataclass(frozen=True, slots=True)
class TextDiff:
    """The difference of one file as unified lines (`+`, `-`, ` `, `@@`), as they are, or why there is none."""

    path: str
    lines: tuple[str, ...]
    reason: str = ""
    left_out: int = 0


def text_diffs(
    diff: ContentsDiff, before: tuple[str, bytes] | None, after: tuple[str, bytes] | None
) -> Iterator[TextDiff]:
    """Yield the differences of the files of *diff*; *before* and *after* are name and bytes of the artifacts.

    What runs unasked comes first, then what can run, then the rest; removed files are not spelt out.
    """
    changes = sorted((*diff.added, *diff.changed), key=lambda c: (-c.after.runs.rank if c.after else 0, c.path))
    shown = changes[:MAX_FILES]
    old = _texts(before, (c.before for c in shown))
    new = _texts(after, (c.after for c in shown))
    for change in shown:
        yield _text_diff(change, old, new)
    for change in changes[MAX_FILES:]:
        yield TextDiff(change.path, (), f"more than {MAX_FILES} files differ")


def _texts(artifact: tuple[str, bytes] | None, members: Iterable[Member | None]) -> dict[str, bytes]:
    paths = frozenset(m.path for m in members if m is not None and m.size <= MAX_BYTES)
    return read_member_texts(artifact[1], artifact[0], paths, MAX_BYTES) if artifact and paths else {}


def _text_diff(change: FileChange, old: dict[str, bytes], new: dict[str, bytes]) -> TextDiff:
    sides: list[list[str]] = []
    for member, texts in ((change.before, old), (change.after, new)):
        data = texts.get(member.path) if member else b""
        if data is None:
            size = member.size if member else 0
            why = f"larger than {MAX_BYTES:,} bytes" if size > MAX_BYTES else "its bytes could not be read"
            return TextDiff(change.path, (), why)
        if b"\0" in data[:8000]:
            return TextDiff(change.path, (), "not text")
        lines = data.decode("utf-8", "backslashreplace").split("\n")
        if len(lines) > MAX_SOURCE_LINES:
            return TextDiff(change.path, (), f"more than {MAX_SOURCE_LINES:,} lines")
        sides.append([line[:MAX_WIDTH] + ("…" if len(line) > MAX_WIDTH else "") for line in lines])
    before, after = sides
    lines = list(difflib.unified_diff(before, after, lineterm="", n=2))
    found = [line for line in lines if not line.startswith(("+++ ", "--- "))]
    return TextDiff(change.path, tuple(found[:MAX_LINES]), "", max(0, len(found) - MAX_LINES))
