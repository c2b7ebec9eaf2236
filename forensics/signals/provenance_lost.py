"""No file attested, where the line used to attest."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Confidence, Family, Severity
from forensics.signals import thresholds as t
from forensics.signals.comparing import absence_caveat, unknown_baseline
from forensics.signals.profile import Attested
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "provenance-lost",
    title="Provenance lost",
    family=Family.TRUST,
    severities=(Severity.MEDIUM, Severity.LOW),
    needs=("index", "log with positive control"),
    benign_if=(
        "a maintainer published by hand, for instance while the release workflow was broken; ask for the shell history",
        "the release tool was changed to one that does not attest",
    ),
    attack=("T1195.002", "T1078"),
    slsa="F",
)
def provenance_lost(view: View) -> Result:
    """Fire when nothing is attested and two earlier baseline releases were fully attested.

    A continuation (the predecessor lost it too, and was not flagged) weighs low. Removed releases of which nobody
    kept the attestations are not checked: the index takes them along.
    """
    if view.profile.attested in {Attested.FULL, Attested.PARTIAL}:
        return None
    before = view.baseline.fully_attested
    if len(before) < t.FULLY_ATTESTED:
        return _too_few_known(view)
    if view.profile.attested is Attested.UNKNOWN:
        return view.profile.unknown_reason or NotChecked("no file of this release is known", "index or log")
    caveat = absence_caveat(view.release.artifacts)
    predecessor = view.baseline.predecessor
    # A borrowed predecessor is of another line, which may never have had what it is said to have lost.
    own = not view.baseline.borrowed
    continuation = own and predecessor is not None and predecessor.attested is Attested.NONE
    before_it = predecessor.version if predecessor else ""
    return Hit(
        severity=Severity.LOW if continuation else Severity.MEDIUM,
        observed=f"none of its {len(view.release.artifacts)} files is attested",
        expected=f"attestations on every file, as on {before[-2].version} and {before[-1].version}",
        evidence=(*view.profile.evidence, *before[-1].evidence, *before[-2].evidence),
        confidence=Confidence.LOW if caveat else Confidence.HIGH,
        note=" ".join(filter(None, (f"A continuation: {before_it} lost it already." if continuation else "", caveat))),
        fact="attestation absent",
    )


def _too_few_known(view: View) -> NotChecked | None:
    """Return None when too few were attested; not checked when those of which nobody knows could make up for it."""
    unknown = sum(past.profile.attested is Attested.UNKNOWN for past in view.baseline.cohort)
    could = len(view.baseline.fully_attested) + unknown
    return unknown_baseline(view.baseline) if could >= t.FULLY_ATTESTED else None
