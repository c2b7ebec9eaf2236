"""The build was started by another kind of event than those before."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from forensics.signals.comparing import Change, compare, listed
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "trigger-changed",
    title="Build trigger changed",
    family=Family.TRUST,
    severities=(Severity.MEDIUM,),
    needs=("certificate",),
    benign_if=(
        "a maintainer started the release workflow by hand, because the usual event failed; ask who pressed the button",
        "the workflow's `on:` section was changed in a reviewed commit before this release",
    ),
    attack=("T1195.002", "T1199"),
    slsa="D",
)
def trigger_changed(view: View) -> Result:
    """Fire when the event that started the build is none of the cohort's."""
    change = compare(view, "triggers", "build trigger")
    if not isinstance(change, Change):
        return change
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"the build was started by {listed(change.new)}",
        expected=f"{listed(change.usual)}, as up to {change.since}",
        evidence=change.evidence,
        fact=change.attribute,
        changed=change.changed,
    )
