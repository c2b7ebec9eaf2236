"""What of a whole project could not be checked, and how each source did."""

from __future__ import annotations

from forensics.model.checked import Checked, NotChecked
from forensics.model.release import Release, SourceStatus
from forensics.sources.gather import Gathered
from forensics.sources.index import Index
from forensics.sources.supplements import Supplements
from forensics.timeline.lines import find_gaps

NAMED = 5
"""Names in one sentence."""


def missed_of(
    gathered: Gathered, supplements: Supplements, index: Index | None, releases: tuple[Release, ...]
) -> list[tuple[str, NotChecked]]:
    """Return what was missed, by source: failures, unreadable imports, names without a version, unread pages."""
    found = [
        (status.source, NotChecked(status.problem, status.source, status.evidence))
        for status in gathered.sources
        if status.problem
    ]
    found += [("import", NotChecked(problem, "a readable file")) for problem in supplements.problems]
    if index and index.unplaced:
        reason = f"the index lists names of which nobody states a readable version: {_few(index.unplaced)}"
        found.append(("listed files", NotChecked(reason, "the legacy API", index.evidence)))
    return [*found, *(index.not_checked if index else ()), *_unread(gathered, releases)]


def _unread(gathered: Gathered, releases: tuple[Release, ...]) -> list[tuple[str, NotChecked]]:
    """Return the gaps between versions of which the journal was not read: it may name what was there."""
    outcome = gathered.others.journal
    if not isinstance(outcome, Checked):
        return []
    times = {release.version: release.published for release in releases}
    unread = []
    for gap in find_gaps([release.version for release in releases if release.listed]):
        start, end = times.get(gap.after), times.get(gap.before)
        if start and end and start < end and not outcome.value.covers(start, end):
            unread.append(f"{gap.after} to {gap.before}")
    if not unread:
        return []
    reason = f"the journal was not read between the neighbours of missing version numbers: {_few(tuple(unread))}"
    return [("journal", NotChecked(reason, "journal", outcome.evidence[:3]))]


def import_status(supplements: Supplements) -> tuple[SourceStatus, ...]:
    """Return how reading the imports went, nothing where there are none."""
    if not supplements.asked:
        return ()
    read = supplements.asked - len(supplements.problems)
    problem = supplements.problems[0] if supplements.problems else None
    return (SourceStatus("imports", supplements.asked, read, problem),)


def _few(names: tuple[str, ...]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if names[NAMED:] else "")
