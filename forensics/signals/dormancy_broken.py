"""A release after a silence that is long for this project."""

from __future__ import annotations

from datetime import timedelta

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.times import duration
from forensics.signals import thresholds as t
from forensics.signals.comparing import evidence_of
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "dormancy-broken",
    title="Silence broken",
    family=Family.TIME,
    severities=(Severity.LOW,),
    needs=("index",),
    benign_if=(
        "the line was finished and got a fix after all, for instance a backport; an issue or advisory asks for it",
        "new maintainers took over; the repository and the index show when and how",
    ),
    attack=("T1195.002", "T1078"),
    slsa="F",
)
def dormancy_broken(view: View) -> Result:
    """Fire when the gap in the line is above half a year and above nearly all gaps so far."""
    if view.previous is None:
        return None
    published, before = view.release.published, view.previous.profile.published
    if published is None or before is None:
        return NotChecked("the time of publication of this release or the one before it is not known", "index")
    gap, gaps, limit = published - before, view.line_rhythm.gaps, t.DORMANT_FLOOR
    if len(gaps) >= t.RATE_SAMPLES:
        limit = max(limit, timedelta(seconds=t.percentile(gaps, t.DORMANT_PERCENTILE)))
    if gap <= limit:
        return None
    return Hit(
        severity=Severity.LOW,
        observed=f"published {duration(gap)} after {view.previous.profile.version}, the release before it in its line",
        expected=f"no more than {duration(limit)} between releases",
        evidence=(*evidence_of(view.release), *evidence_of(view.previous.profile.release)),
    )
