"""Some files attested, some not, in a project that attests all of them or none."""

from __future__ import annotations

from datetime import datetime

from forensics.model.checked import NotChecked
from forensics.model.finding import Confidence, Family, Severity
from forensics.model.release import Artifact
from forensics.model.times import duration
from forensics.signals import thresholds as t
from forensics.signals.comparing import absence_caveat, listed, unknown_baseline
from forensics.signals.profile import Attested
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "provenance-partial",
    title="Provenance on some files only",
    family=Family.TRUST,
    severities=(Severity.MEDIUM, Severity.LOW),
    needs=("index",),
    benign_if=(
        "a file for a rare platform was built elsewhere and added by hand; it holds the same code as the attested ones",
        "the upload was interrupted and finished by another tool; ask which and from where",
    ),
    attack=("T1195.002", "T1078"),
    slsa="F",
)
def provenance_partial(view: View) -> Result:
    """Fire when attested and unattested files stand side by side and no release of the cohort looks like that.

    A file that came more than LATE_FILE after the attested ones was no part of their run and weighs medium.
    """
    if view.profile.attested is Attested.UNKNOWN:
        return view.profile.unknown_reason
    if view.profile.attested is not Attested.PARTIAL:
        return None
    cohort = [past.profile for past in view.baseline.cohort]
    if any(profile.attested is Attested.PARTIAL for profile in cohort):
        return None
    known = [profile for profile in cohort if profile.attested is not Attested.UNKNOWN]
    if not known:
        missing = unknown_baseline(view.baseline)
        return missing or NotChecked("no earlier release to compare with", "index", view.profile.evidence)
    bare = [a for a in view.release.artifacts if a.attested is False]
    names = listed([a.filename for a in bare])
    caveat = absence_caveat(bare)
    late, behind = _late(view.release.artifacts)
    return Hit(
        severity=Severity.MEDIUM if late else Severity.LOW,
        observed=f"{len(bare)} of its {len(view.release.artifacts)} files not attested: {names}"
        + (f"; {late.filename} came {behind} after the attested ones" if late else ""),
        expected=f"all files attested or none, as on all {len(known)} earlier releases that were looked at",
        evidence=(*view.profile.evidence, *(i for a in bare for i in a.evidence), *known[-1].evidence),
        confidence=Confidence.LOW if caveat else Confidence.HIGH,
        note=caveat,
        fact="attestation absent",
    )


def _late(artifacts: tuple[Artifact, ...]) -> tuple[Artifact | None, str]:
    """Return the latest unattested file if it came more than LATE_FILE after the last attested one, and how much."""
    attested = [a.uploaded_at for a in artifacts if a.attested and a.uploaded_at]
    bare: list[tuple[datetime, Artifact]] = [
        (a.uploaded_at, a) for a in artifacts if a.attested is False and a.uploaded_at
    ]
    if not attested or not bare:
        return None, ""
    at, latest = max(bare, key=lambda pair: pair[0])
    behind = at - max(attested)
    return (latest, duration(behind)) if behind > t.LATE_FILE else (None, "")
