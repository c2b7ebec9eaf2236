"""The row about reports: how the time of writing the page grows with the releases, and that it stays a page."""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import timedelta

from bench.row import Row
from bench.timing import alternate
from forensics.investigation import Analysis
from forensics.model.release import History, Release

LARGEST = 5_000_000
"""Bytes of a page that a browser opens at once, which the report promises for 10,000 releases."""


def analysis(count: int) -> Analysis:
    """Return the analysis of *count* releases: every hundredth follows its predecessor at once, which is notable."""
    from bench.histories import history
    from forensics.investigation.analysis import CaseFacts
    from forensics.model.versions import rules_of
    from forensics.signals.engine import judge
    from forensics.signals.waves import find_waves
    from forensics.timeline.events import events_of
    from forensics.timeline.lines import find_gaps

    told = _hurried(history(count))
    judgement = judge(told)
    case = CaseFacts("bench", None, told.collected_at, True, (), "bench", {}, "0" * 64, "bench", "bench")
    return Analysis(
        project=told.project,
        case=case,
        history=told,
        assessments=judgement.assessments,
        waves=find_waves(judgement.assessments),
        gaps=find_gaps([release.version for release in told.releases], rules_of(told.project.ecosystem)),
        events=events_of(told),
        suspended=judgement.suspended,
        observations=(),
        log_leads=(),
        loose_hashes=(),
    )


def _hurried(told: History) -> History:
    def sooner(release: Release, before: Release) -> Release:
        assert before.published is not None
        at = before.published + timedelta(minutes=1)
        return replace(release, published=at, artifacts=tuple(replace(a, uploaded_at=at) for a in release.artifacts))

    releases = [
        sooner(release, told.releases[at - 1]) if at % 100 == 99 else release
        for at, release in enumerate(told.releases)
    ]
    return replace(told, releases=tuple(releases))


def render_growth(quick: bool) -> float:
    """Time from the analysis to the page of ten times the releases, against once.

    The collector is off, as `timeit` has it: into whose turn a full collection falls tells nothing about growth.
    Raises RuntimeError for a page that is too large to be one, or of a history in which nothing is found.
    """
    from forensics.report.build import build_document
    from forensics.report.html import render_html

    small, large = analysis(200 if quick else 1000), analysis(2000 if quick else 10_000)
    size = len(render_html(build_document(large)).encode())
    found = sum(bool(a.findings) for a in large.assessments)
    if size > LARGEST or not found:
        raise RuntimeError(f"the page has {size:,} bytes, {found:,} releases with findings")
    gc.disable()
    try:
        one, ten = alternate(
            [lambda: render_html(build_document(small)), lambda: render_html(build_document(large))], 1 if quick else 5
        )
    finally:
        gc.enable()
    return ten / one


REPORT_ROWS: tuple[Row, ...] = (Row("report 10x the releases as HTML / 1x", 11.0, False, render_growth),)
