"""Published by a repeated attempt of a CI run, in a project whose runs succeed at once."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.signals import thresholds as t
from forensics.signals.comparing import too_few, unknown_identity
from forensics.signals.profile import Profile
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "run-retried",
    title="Retried run",
    family=Family.SOURCE,
    severities=(Severity.LOW,),
    needs=("certificate",),
    benign_if=(
        "the first attempt failed for an everyday reason (a flaky test, an index that was down) and was run again; "
        "its log, while the CI provider keeps it, shows the failure",
    ),
    attack=("T1195.002",),
    slsa="E",
)
def run_retried(view: View) -> Result:
    """Fire when the run attempt is above one where nearly all runs of the cohort were first attempts."""
    own = _attempts(view.profile)
    if max(own, default=1) <= 1:
        missing = unknown_identity(view.profile)
        if missing is None and view.profile.identities and not own:
            return NotChecked("its certificates name no run attempt", "certificate", view.profile.evidence)
        return missing
    cohort = [attempts for past in view.baseline.for_rates if (attempts := _attempts(past.profile))]
    if len(cohort) < t.RATE_SAMPLES:
        return too_few(len(cohort), t.RATE_SAMPLES, "earlier releases with a run attempt", "certificate")
    first = sum(max(attempts) == 1 for attempts in cohort)
    if first < t.FIRST_ATTEMPTS * len(cohort):
        return None
    return Hit(
        severity=Severity.LOW,
        observed=f"signed in attempt {max(own)} of its CI run",
        expected=f"a first attempt, as on {first} of {len(cohort)} earlier releases",
        evidence=view.profile.evidence,
    )


def _attempts(profile: Profile) -> list[int]:
    return [identity.run_attempt for identity in profile.identities if identity.run_attempt is not None]
