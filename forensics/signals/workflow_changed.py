"""Signed by another workflow file than the releases before."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from forensics.signals.comparing import Change, compare, listed
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "workflow-changed",
    title="Workflow changed",
    family=Family.TRUST,
    severities=(Severity.LOW,),
    needs=("certificate", "git"),
    benign_if=(
        "the release workflow was renamed, split or moved into a reusable one; the commit that did it is on the "
        "default branch and was reviewed",
        "the project has several release workflows, for instance one for hot-fixes; look for it in the older history",
    ),
    attack=("T1195.002", "T1199"),
    slsa="D",
)
def workflow_changed(view: View) -> Result:
    """Fire when the path of the top-level or of the signing workflow is none of the baseline's.

    Paths only: whether the content of the same file changed needs the repository.
    """
    change = compare(view, "workflows", "workflow")
    if not isinstance(change, Change):
        return change
    return Hit(
        severity=Severity.LOW,
        observed=f"built by the workflow {listed(change.new)}",
        expected=f"{listed(change.usual)}, as up to {change.since}",
        evidence=change.evidence,
        fact=change.attribute,
        changed=change.changed,
    )
