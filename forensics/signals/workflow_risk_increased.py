"""Static analysis finds risks in the attested workflow file that the file of the release before did not have."""

from __future__ import annotations

from forensics.model.checked import NotChecked, Outcome
from forensics.model.finding import Family, Severity
from forensics.model.source import WorkflowRisks
from forensics.signals.comparing import listed, unknown_baseline, unknown_identity
from forensics.signals.profile import Profile
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "workflow-risk-increased",
    title="New static findings in the workflow file",
    family=Family.TRUST,
    severities=(Severity.MEDIUM,),
    needs=("git", "zizmor"),
    benign_if=(
        "a reviewed commit on the default branch needed what is now flagged, and its message says why",
        "the file was split or replaced, and what is flagged stood in another file of the repository before",
    ),
    attack=("T1195.002", "T1528"),
    slsa="E",
)
def workflow_risk_increased(view: View) -> Result:
    """Fire when a rule finds something in the workflow file that it did not find in that of the release before.

    Compared with the latest attested release of the baseline, by the ids of rules: lines move, and one more place for a
    risk that was there already is no new way in. Both files must have been read by one and the same version.
    """
    if not view.profile.identities:
        return unknown_identity(view.profile)
    before = next((p.profile for p in reversed(view.baseline.cohort) if p.profile.identities), None)
    if before is None:
        return unknown_baseline(view.baseline)
    if _blob(view.profile) is not None and _blob(view.profile) == _blob(before):
        return None
    sides = [_risks(profile) for profile in (view.profile, before)]
    for side in sides:
        if isinstance(side, NotChecked):
            return side
    own, usual = (side.value for side in sides if not isinstance(side, NotChecked))
    evidence = tuple(dict.fromkeys(i for side in sides for i in side.evidence))
    if own.tool != usual.tool:
        reason = f"its workflow file was read by {own.tool} and that of {before.version} by {usual.tool}"
        return NotChecked(reason, "zizmor", evidence)
    new = [rule for rule in own.rules if rule not in usual.rules]
    if not new:
        return None
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"{own.tool} finds {listed(new)} in its workflow file",
        expected=f"the findings in the file that built {before.version}: {listed(usual.rules)}",
        evidence=(*view.profile.evidence, *before.evidence, *evidence),
        fact="workflow content",
    )


def _blob(profile: Profile) -> str | None:
    source = profile.release.source
    if isinstance(source, NotChecked) or isinstance(source.value.workflow_blob, NotChecked):
        return None
    return source.value.workflow_blob.value


def _risks(profile: Profile) -> Outcome[WorkflowRisks]:
    source = profile.release.source
    return source if isinstance(source, NotChecked) else source.value.workflow_risks
