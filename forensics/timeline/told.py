"""Dated things that no release and no advisory holds: what the further witnesses tell of, as events."""

from __future__ import annotations

from forensics.model.checked import Checked
from forensics.model.event import Event
from forensics.model.release import Release
from forensics.sources.index import Index
from forensics.sources.others import Others
from forensics.timeline.journal import journal_events
from forensics.timeline.witnesses import run_events


def told_events(others: Others, index: Index | None, releases: tuple[Release, ...]) -> tuple[Event, ...]:
    """Return what the further witnesses tell of, in the order of the witnesses."""
    found: list[Event] = []
    if isinstance(others.journal, Checked):
        found += journal_events(others.journal.value, index)
    found += run_events(releases, others)
    return tuple(found)
