"""Built from another kind of ref than the releases before."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from forensics.signals.comparing import Change, compare, listed
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "ref-changed",
    title="Source ref changed",
    family=Family.TRUST,
    severities=(Severity.MEDIUM,),
    needs=("certificate",),
    benign_if=(
        "a maintenance release was built from its release branch; the branch is protected and its commits were "
        "reviewed",
        "the project moved from releasing on a branch to releasing on tags; the workflow's `on:` section shows it",
    ),
    attack=("T1195.002", "T1199"),
    slsa="D",
)
def ref_changed(view: View) -> Result:
    """Fire when the class of ref (tag, main branch, other branch, pull request, other) is none of the cohort's."""
    change = compare(view, "refs", "source ref")
    if not isinstance(change, Change):
        return change
    names = sorted({identity.ref for identity in view.profile.identities if identity.ref})
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"built from {listed(names)} ({listed(change.new)})",
        expected=f"{listed(change.usual)}, as up to {change.since}",
        evidence=change.evidence,
        fact=change.attribute,
        changed=change.changed,
    )
