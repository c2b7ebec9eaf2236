"""Built on another kind of machine than the releases before."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from forensics.signals.comparing import Change, compare, listed
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "runner-changed",
    title="Runner environment changed",
    family=Family.TRUST,
    severities=(Severity.MEDIUM,),
    needs=("certificate",),
    benign_if=(
        "the project moved its builds to runners of its own; the workflow's `runs-on` changed in a reviewed commit, "
        "and the runner is registered to the organisation",
    ),
    attack=("T1195.002", "T1199"),
    slsa="E",
)
def runner_changed(view: View) -> Result:
    """Fire when the runner environment (hosted, self-hosted, …) is none of the baseline's."""
    change = compare(view, "runners", "runner environment")
    if not isinstance(change, Change):
        return change
    return Hit(
        severity=Severity.MEDIUM,
        observed=f"built on a {listed(change.new)} runner",
        expected=f"{listed(change.usual)}, as up to {change.since}",
        evidence=change.evidence,
        fact=change.attribute,
        changed=change.changed,
    )
