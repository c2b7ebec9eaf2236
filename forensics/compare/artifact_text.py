"""The text of files that differ between two artifacts, line by line, within limits."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from forensics.compare.archive_pool import Job, read_member_texts
from forensics.compare.artifacts import ContentsDiff, FileChange
from forensics.model.contents import Member, Runs

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


@dataclass(frozen=True, slots=True)
class Pair:
    """Two artifacts to spell out the difference of, and how to get the bytes of each (None: there are none)."""

    diff: ContentsDiff
    before: Job | None
    after: Job | None


def text_diffs(pairs: Sequence[Pair]) -> list[tuple[TextDiff, ...]]:
    """Return the differences of the files of each pair, every archive read once.

    What runs unasked comes first, then what newly reaches for something, then what can run, then the rest; removed
    files are not spelt out.
    """
    shown = [_ordered(pair.diff) for pair in pairs]
    wanted = [
        side
        for pair, changes in zip(pairs, shown, strict=True)
        for side in (_wanted(pair.before, (c.before for c in changes)), _wanted(pair.after, (c.after for c in changes)))
    ]
    texts = read_member_texts(wanted, MAX_BYTES)
    return [
        (
            *(_text_diff(change, texts[2 * number], texts[2 * number + 1]) for change in changes[:MAX_FILES]),
            *(TextDiff(change.path, (), f"more than {MAX_FILES} files differ") for change in changes[MAX_FILES:]),
        )
        for number, changes in enumerate(shown)
    ]


def _ordered(diff: ContentsDiff) -> list[FileChange]:
    def weight(change: FileChange) -> tuple[int, bool, int, str]:
        rank = change.after.runs.rank if change.after else 0
        early = rank if rank > Runs.IMPORT.rank else 0
        return -early, not change.reaches, -rank, change.path

    return sorted((*diff.added, *diff.changed), key=weight)


def _wanted(job: Job | None, members: Iterable[Member | None]) -> tuple[Job, frozenset[str]]:
    if job is None:
        return Job("", lambda: None), frozenset()
    return job, frozenset(m.path for m in members if m is not None and m.size <= MAX_BYTES)


def _text_diff(change: FileChange, old: dict[str, bytes], new: dict[str, bytes]) -> TextDiff:
    sides: list[bytes] = []
    for member, texts in ((change.before, old), (change.after, new)):
        data = texts.get(member.path) if member else b""
        if data is None:
            size = member.size if member else 0
            why = f"larger than {MAX_BYTES:,} bytes" if size > MAX_BYTES else "its bytes could not be read"
            return TextDiff(change.path, (), why)
        sides.append(data)
    return diff_texts(change.path, *sides)


def diff_texts(path: str, old: bytes, new: bytes) -> TextDiff:
    """Return how two texts differ, line by line; the text of *path* is as its author left it, and is not escaped."""
    sides: list[list[str]] = []
    for data in (old, new):
        if len(data) > MAX_BYTES:
            return TextDiff(path, (), f"larger than {MAX_BYTES:,} bytes")
        if b"\0" in data[:8000]:
            return TextDiff(path, (), "not text")
        lines = data.decode("utf-8", "backslashreplace").split("\n")
        if len(lines) > MAX_SOURCE_LINES:
            return TextDiff(path, (), f"more than {MAX_SOURCE_LINES:,} lines")
        sides.append([line[:MAX_WIDTH] + ("…" if len(line) > MAX_WIDTH else "") for line in lines])
    before, after = sides
    changed = list(difflib.unified_diff(before, after, lineterm="", n=2))[2:]  # without the two lines of names
    return TextDiff(path, tuple(changed[:MAX_LINES]), "", max(0, len(changed) - MAX_LINES))
