"""Waves: runs of flagged releases of one line, what lies before and after, and how long they could be installed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from forensics.model.checked import Checked
from forensics.model.finding import Assessment, Exposure, Wave
from forensics.timeline.events import removal_statement


def find_waves(assessments: Sequence[Assessment]) -> tuple[Wave, ...]:
    """Return the waves in order of their first publication.

    A wave is a run of consecutive flagged releases of a line. The neighbours are the nearest that are not flagged: a
    repaired release nearly always follows quickly, and one light finding for that must not hide it.
    """
    lines: dict[str, list[Assessment]] = defaultdict(list)
    for assessment in assessments:
        lines[assessment.line].append(assessment)
    waves = [wave for line, members in lines.items() for wave in _of_line(line, members)]
    order = {assessment.release.version: index for index, assessment in enumerate(assessments)}
    return tuple(sorted(waves, key=lambda wave: order[wave.releases[0]]))


def _of_line(line: str, members: list[Assessment]) -> list[Wave]:
    waves: list[Wave] = []
    start = 0
    while start < len(members):
        if not members[start].verdict.flagged:
            start += 1
            continue
        end = start
        while end + 1 < len(members) and members[end + 1].verdict.flagged:
            end += 1
        waves.append(_wave(line, members, start, end))
        start = end + 1
    return waves


def _wave(line: str, members: list[Assessment], start: int, end: int) -> Wave:
    bad = members[start : end + 1]
    before = _good(members[at] for at in range(start - 1, -1, -1))
    after = _good(members[at] for at in range(end + 1, len(members)))
    exposures = tuple((a.release.version, exposure_of(a)) for a in bad)
    return Wave(
        line=line,
        releases=tuple(a.release.version for a in bad),
        last_good=before.release.version if before else None,
        last_good_not_checked=len(before.not_checked) if before else 0,
        first_good=after.release.version if after else None,
        first_good_not_checked=len(after.not_checked) if after else 0,
        exposure=_span([exposure for _, exposure in exposures]),
        exposures=exposures,
    )


def _good(candidates: Iterable[Assessment]) -> Assessment | None:
    return next((a for a in candidates if not a.verdict.flagged), None)


def exposure_of(assessment: Assessment) -> Exposure:
    """Return from when to when one release could be installed; open-ended, with the reason, where no end is known."""
    release = assessment.release
    removed = release.removed
    if isinstance(removed, Checked) and removed.value is not None:
        statement = removal_statement(release)
        source = statement[1] if statement else "an import"
        return Exposure(release.published, removed.value, release.published_by, source)
    if isinstance(removed, Checked):
        reason = "the index still lists it" + (", yanked" if release.yanked else "")
        return Exposure(release.published, None, release.published_by, "", reason)
    return Exposure(release.published, None, release.published_by, "", removed.reason)


def _span(exposures: Sequence[Exposure]) -> Exposure:
    """Join exposures: from the first start to the last end; open-ended as soon as one is."""
    starts = [e for e in exposures if e.start is not None]
    first = min(starts, key=lambda e: e.start) if starts else exposures[0]  # type: ignore[arg-type,return-value]
    unended = next((e for e in exposures if e.end is None), None)
    if unended is not None:
        return Exposure(first.start, None, first.start_source, "", unended.end_reason)
    last = max(exposures, key=lambda e: e.end)  # type: ignore[arg-type,return-value]
    return Exposure(first.start, last.end, first.start_source, last.end_source)
