"""Published, but the repository knows nothing of it: no tag, no commit that sets the version."""

from __future__ import annotations

from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Confidence, Family, Severity
from forensics.model.release import Release
from forensics.model.source import SourceFacts
from forensics.signals import thresholds as t
from forensics.signals.comparing import too_few
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "no-source-release",
    title="No tag, release or version bump for the version",
    family=Family.SOURCE,
    severities=(Severity.MEDIUM,),
    needs=("git",),
    benign_if=(
        "the maintainers tag later or forgot to push; a commit that sets the version exists in a clone of theirs",
        "the version was published from a private branch for a coordinated fix",
        "the project moved to another repository, and the index still names the old one",
    ),
    attack=("T1195.002", "T1078"),
    slsa="F",
)
def no_source_release(view: View) -> Result:
    """Fire when neither a tag nor a reachable commit sets the version, and nearly all of the cohort had one."""
    facts = view.release.source
    if isinstance(facts, NotChecked):
        return facts
    known = [s.value for past in view.baseline.for_rates if isinstance(s := past.profile.release.source, Checked)]
    if len(known) < t.RATE_SAMPLES:
        return too_few(len(known), t.RATE_SAMPLES, "earlier releases", "git")
    had = sum(_has_source(one) for one in known)
    if had < t.SOURCE_SHARE * len(known):
        share = f"{t.SOURCE_SHARE:.0%}"
        reason = f"fewer than {share} of the earlier releases have a tag or a version bump in the repository"
        return NotChecked(reason, "git", facts.evidence)
    if _has_source(facts.value):
        return None
    latest = next(s for s in reversed(known) if _has_source(s))
    return Hit(
        severity=Severity.MEDIUM,
        observed="the repository has no tag of this version and no commit on a branch or tag that sets it",
        expected=f"a tag or a version bump, as {had} of {len(known)} earlier releases have ({_named(latest)})",
        evidence=(*facts.value.evidence, *facts.evidence, *latest.evidence),
        confidence=Confidence.HIGH,
        note=as_collected(view.release, facts.value),
    )


def _has_source(facts: SourceFacts) -> bool:
    return facts.tag is not None or facts.bump is not None


def _named(facts: SourceFacts) -> str:
    return f"tag {facts.tag}" if facts.tag else f"commit {(facts.bump or '')[:12]}"


def as_collected(release: Release, facts: SourceFacts) -> str:
    """Return the label of what git says about the past: branches and tags are those of the collection."""
    if facts.collected_at is None or release.published is None:
        return ""
    if facts.collected_at - release.published <= t.PUBLISH_WINDOW:
        return ""
    day = f"{facts.collected_at:%Y-%m-%d}"
    return f"Branches and tags are those of {day}; of the time of publication there is no snapshot."
