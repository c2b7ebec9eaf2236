"""Published right after the release before it in its line."""

from __future__ import annotations

from datetime import timedelta

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.times import duration
from forensics.signals import thresholds as t
from forensics.signals.comparing import evidence_of, too_few
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "rapid-repeat",
    title="Rapid repeat",
    family=Family.TIME,
    severities=(Severity.LOW,),
    needs=("index",),
    benign_if=(
        "the release before it was broken and this one mends it; its changelog or a yank says so",
        "a release script published twice; the two differ in little more than their number",
    ),
    attack=("T1195.002",),
    slsa="F",
)
def rapid_repeat(view: View) -> Result:
    """Fire when the gap to the release before it in its line, flagged ones included, is small for the project."""
    if view.previous is None:
        return None
    published, before = view.release.published, view.previous.profile.published
    if published is None or before is None:
        return NotChecked("the time of publication of this release or the one before it is not known", "index")
    gap = published - before
    if gap >= t.RAPID_CAP:
        return None
    gaps = view.line_rhythm.gaps
    if len(gaps) < t.RATE_SAMPLES:
        return too_few(len(gaps), t.RATE_SAMPLES, "earlier gaps between releases")
    usual = timedelta(seconds=t.percentile(gaps, t.RAPID_PERCENTILE))
    limit = max(t.RAPID_FLOOR, min(usual, t.RAPID_CAP))
    if gap >= limit:
        return None
    return Hit(
        severity=Severity.LOW,
        observed=f"published {duration(gap)} after {view.previous.profile.version}",
        expected=f"at least {duration(limit)} between releases, by {len(gaps)} earlier gaps",
        evidence=(*evidence_of(view.release), *evidence_of(view.previous.profile.release)),
    )
