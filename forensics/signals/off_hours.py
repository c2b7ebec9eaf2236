"""Published at an hour and weekday at which this project does not publish."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.times import to_minute
from forensics.signals import thresholds as t
from forensics.signals.comparing import evidence_of, too_few
from forensics.signals.registry import Hit, Result, View, signal

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@signal(
    "off-hours",
    title="Off hours",
    family=Family.TIME,
    severities=(Severity.LOW,),
    needs=("index",),
    benign_if=(
        "a maintainer travelled, worked late, or lives elsewhere than the ones before",
        "the release was urgent; an issue or advisory of the hours before says so",
    ),
    attack=("T1195.002", "T1078"),
    slsa="F",
)
def off_hours(view: View) -> Result:
    """Fire when hardly any earlier release of the project fell at so unusual an hour and weekday (UTC)."""
    published = view.release.published
    if published is None:
        return NotChecked("when it was published is not known", "index")
    count = view.rhythm.published
    if count < t.OFF_HOURS_SAMPLES:
        return too_few(count, t.OFF_HOURS_SAMPLES, "earlier publications")
    share = view.rhythm.unusualness(published)
    if share > t.OFF_HOURS_TAIL:
        return None
    return Hit(
        severity=Severity.LOW,
        observed=f"published on a {_DAYS[published.weekday()]}, {to_minute(published)} UTC",
        expected=f"its usual hours and weekdays: {share:.0%} of {count} earlier publications were as unusual",
        evidence=evidence_of(view.release),
    )
