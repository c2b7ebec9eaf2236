"""Published from another deployment environment than the releases before, or from none."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.release import Release
from forensics.signals import thresholds as t
from forensics.signals.baseline import Past
from forensics.signals.comparing import Change, attested_members, compare, listed, unknown_identity
from forensics.signals.profile import Profile
from forensics.signals.registry import Hit, Result, View, signal

ATTRIBUTE = "environments"
NO_ENVIRONMENT = "no environment"


@signal(
    "environment-changed",
    title="Deployment environment changed",
    family=Family.TRUST,
    severities=(Severity.LOW,),
    needs=("certificate", "publisher"),
    benign_if=(
        "the environment was renamed or added for approvals; the trusted publisher's settings in the index name the "
        "new one",
        "the workflow was simplified and its environment dropped in a reviewed commit; then the approval that it "
        "demanded is gone as well, which is worth a question",
    ),
    attack=("T1195.002", "T1078.004"),
    slsa="D",
)
def environment_changed(view: View) -> Result:
    """Fire when the deployment environment is none of the baseline's, or is missing where every release had one.

    Certificates carry the claim only from ENVIRONMENT_CLAIM_SINCE on; earlier ones neither lack nor compare.
    """
    profile = view.profile
    if profile.environments:
        return _another(view)
    unknown = unknown_identity(profile)
    if unknown is not None or not profile.identities or not view.baseline.values(ATTRIBUTE):
        return unknown
    if not _could_claim(profile.release):
        reason = f"certificates carry the deployment environment only since {t.ENVIRONMENT_CLAIM_SINCE:%Y-%m-%d}"
        return NotChecked(reason, "certificate", profile.evidence)
    return _none(view)


def _another(view: View) -> Result:
    members = () if view.baseline.values(ATTRIBUTE) else attested_members(view.baseline)
    if members and not any(_could_claim(past.profile.release) for past in members):
        reason = "no earlier certificate could carry a deployment environment to compare with"
        return NotChecked(reason, "certificate", view.profile.evidence)
    change = compare(view, ATTRIBUTE, "deployment environment")
    if not isinstance(change, Change):
        return change
    return Hit(
        severity=Severity.LOW,
        observed=f"published from the deployment environment {listed(change.new)}",
        expected=f"{listed(change.usual)}, as up to {change.since}",
        evidence=change.evidence,
        fact=ATTRIBUTE,
        changed=change.changed,
    )


def _none(view: View) -> Result:
    """Judge a missing claim: new only where every comparable release of the baseline had one."""
    gone = (ATTRIBUTE, NO_ENVIRONMENT)
    members = [p for p in attested_members(view.baseline) if _could_claim(p.profile.release)]
    if gone in view.baseline.joined or any(_without(past) and gone not in past.changed for past in members):
        return None
    last = next((p.profile for p in reversed(members) if p.profile.environments), None)
    return Hit(
        severity=Severity.LOW,
        observed="published from no deployment environment",
        expected=f"{listed(sorted(view.baseline.values(ATTRIBUTE)))}" + (f", as up to {last.version}" if last else ""),
        evidence=(*view.profile.evidence, *(last.evidence if last else ())),
        fact=ATTRIBUTE,
        changed=frozenset({gone}),
    )


def _without(past: Past) -> bool:
    profile: Profile = past.profile
    return not profile.environments


def _could_claim(release: Release) -> bool:
    """Whether the certificates of *release* were issued when the claim existed."""
    signed = [at for a in release.attestations if (at := a.signed_at)]
    if not signed and release.published is not None:
        signed = [release.published]
    return any(at >= t.ENVIRONMENT_CLAIM_SINCE for at in signed)
