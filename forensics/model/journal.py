"""What the journal of an index says: one row for each change, in order, under rising serials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from forensics.model.checked import NotChecked, Outcome

NO_JOURNAL = NotChecked("the index's journal was not collected", "journal")
NO_ADVICE = NotChecked("advisories on its other projects were not asked for", "OSV")
NO_ACCOUNTS = NotChecked("the accounts of the project were not collected", "index")


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One change of the project: the version where it has one, when (UTC, to the second), and the action's words."""

    version: str | None
    at: datetime
    action: str
    serial: int
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the journal that was read without a hole: serials and times (UTC) of its ends, both included."""

    first: int
    last: int
    start: datetime
    end: datetime
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Journal:
    """The rows of one project in the stretches that were read. A row outside them is not absent, it was not read."""

    rows: tuple[JournalRow, ...]
    spans: tuple[Span, ...]
    head: int | None = None
    evidence: tuple[str, ...] = ()

    def covers(self, start: datetime, end: datetime) -> bool:
        """Return whether everything that happened from *start* to *end* (UTC) was read."""
        return any(span.start <= start and end <= span.end for span in self.spans)


@dataclass(frozen=True, slots=True)
class Member:
    """An account that has a role in the project, and the other projects of the same index where it has one.

    `advised` are those of them that have advisories, with the ids.
    """

    account: str
    role: str
    others: Outcome[tuple[str, ...]]
    advised: Outcome[Mapping[str, tuple[str, ...]]] = NO_ADVICE
    evidence: tuple[str, ...] = ()
