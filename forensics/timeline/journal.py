"""What the journal adds to a history: versions only it remembers, when they went, and who got or lost a role."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_version

from forensics.model.event import Event, Lane, TimeKind
from forensics.model.journal import Journal, JournalRow
from forensics.model.times import to_iso
from forensics.sources.index import Index
from forensics.sources.supplements import NamedFile, StatedTime, Supplements

SOURCE = "PyPI journal"
GONE = {"remove release": "removed", "release quarantined": "quarantined"}
"""Actions after which the index does not list a release, in the words of `StatedTime`."""
BACK = {"release quarantine cleared", "new release"}
_FILE = re.compile(r"add (\S+) file (\S+)")
_TOLD = re.compile(
    r"create\b|docdestroy\b|(?:add|remove|change|accepted|invite|revoke_invite) (?:Owner|Maintainer)\b"
    r"|remove (?:release|file|project)\b|(?:un)?yank release\b|(?:project|release) [a-z]+(?: cleared)?\b"
)
"""Actions that are events of their own; an upload is one already where the index lists the file."""


def journal_supplements(journal: Journal, index: Index | None) -> Supplements:
    """Return what the rows say about versions, in the form in which every other source than the index is read.

    A version that the journal names counts as known before the index was asked only up to the serial that the index
    states, or where the journal tells of its removal as well: an index that lags behind has not removed anything.
    """
    found = Supplements()
    listed = {_canonical(file.version) for file in index.files} if index else set()
    for version, rows in _by_version(journal).items():
        gone = _gone(rows)
        if _canonical(version) in listed:
            continue
        if gone is not None or (index is not None and index.serial is not None and rows[0].serial <= index.serial):
            _take(version, rows, gone, found)
    return found


def _by_version(journal: Journal) -> dict[str, list[JournalRow]]:
    found: dict[str, list[JournalRow]] = {}
    for row in journal.rows:
        if row.version is not None:
            found.setdefault(row.version, []).append(row)
    return found


def _canonical(version: str) -> str:
    try:
        return str(canonicalize_version(version, strip_trailing_zero=False))
    except ValueError:  # a number of thousands of digits
        return version


def _gone(rows: list[JournalRow]) -> JournalRow | None:
    """Return the row that took the release away, unless a later one brought it back."""
    gone: JournalRow | None = None
    for row in rows:
        if row.action in GONE:
            gone = row
        elif row.action in BACK:
            gone = None
    return gone


def _take(version: str, rows: list[JournalRow], gone: JournalRow | None, found: Supplements) -> None:
    word = TimeKind.ASSERTED_BY_INDEX
    uploads = [row for row in rows if row.action == "new release" or _FILE.fullmatch(row.action)]
    if uploads:
        first = uploads[0]
        found.times.append(StatedTime(version, "published", first.at, word, SOURCE, first.evidence))
    found.mention(version, SOURCE, "names this version", rows[0].evidence)
    if gone is not None:
        what = GONE[gone.action]
        found.times.append(StatedTime(version, what, gone.at, word, SOURCE, gone.evidence))
        found.mention(version, SOURCE, f"records that it was {what} at {to_iso(gone.at)}", gone.evidence)
    for row in uploads:
        if match := _FILE.fullmatch(row.action):
            found.files.append(NamedFile(match.group(2), version, None, evidence=row.evidence))


def journal_events(journal: Journal, index: Index | None) -> Iterator[Event]:
    """Yield the rows that are events: yanks, roles, files, quarantines, and uploads of what the index does not list.

    The row that took a release away for good is told with the release.
    """
    files = {file.filename for file in index.files} if index else set()
    told = {gone.serial for rows in _by_version(journal).values() if (gone := _gone(rows)) is not None}
    for row in journal.rows:
        upload = _FILE.fullmatch(row.action)
        if upload:
            if upload.group(2) not in files:
                yield _event(row, "uploaded", upload.group(2))
        elif row.serial not in told and (match := _TOLD.match(row.action)):
            yield _event(row, match.group(), row.action[match.end() :].strip() or None)


def _event(row: JournalRow, what: str, subject: str | None) -> Event:
    return Event(
        row.at, TimeKind.ASSERTED_BY_INDEX, Lane.INDEX, what, row.version, subject,
        f"{row.action} (journal, serial {row.serial})", row.evidence,
    )  # fmt: skip
