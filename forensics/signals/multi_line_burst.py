"""Several release lines published within the hour, which this project does not do."""

from __future__ import annotations

from datetime import timedelta

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.release import Release
from forensics.model.times import duration
from forensics.signals import thresholds as t
from forensics.signals.comparing import evidence_of, too_few
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "multi-line-burst",
    title="Several lines at once",
    family=Family.TIME,
    severities=(Severity.MEDIUM,),
    needs=("index",),
    benign_if=(
        "a security fix was released for all maintained lines at once; advisory, changelog and tags of the day say so",
        "the project releases all its lines together on a schedule that the history is too short to show",
    ),
    attack=("T1195.002", "T1078"),
    slsa="F",
)
def multi_line_burst(view: View) -> Result:
    """Fire when another line was published in the hour before, where that is rare among earlier publications.

    With hindsight, lines that followed within the hour are named as well; alone they are nothing against this release.
    """
    published = view.release.published
    if published is None:
        return NotChecked("when it was published is not known", "index")
    if not any(other.published <= published for other in view.around if other.published):
        return None
    if view.rhythm.published < t.RATE_SAMPLES:
        return too_few(view.rhythm.published, t.RATE_SAMPLES, "earlier publications")
    share = view.rhythm.company_share()
    if share >= t.BURST_HABIT:
        return None
    near = sorted((abs(r.published - published), r.version, r) for r in view.around if r.published)
    company = [_beside(release, release.published - published) for _, _, release in near if release.published]
    more = f" and {len(company) - t.NAMED_VALUES} more" if len(company) > t.NAMED_VALUES else ""
    alone = view.rhythm.published - view.rhythm.in_company
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"within the hour of other lines: {', '.join(company[: t.NAMED_VALUES])}{more}",
        expected=f"one line at a time, as {alone} of {view.rhythm.published} earlier publications",
        evidence=(*evidence_of(view.release), *(i for _, _, release in near for i in evidence_of(release))),
    )


def _beside(release: Release, offset: timedelta) -> str:
    return f"{release.version} {duration(offset)} {'later' if offset > timedelta() else 'earlier'}"
