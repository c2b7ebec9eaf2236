"""The first attested release where none was attested before."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.signals import thresholds as t
from forensics.signals.profile import Attested
from forensics.signals.registry import Result, View, signal


@signal(
    "identity-first-seen",
    title="First attested release, in doubtful company",
    family=Family.TRUST,
    severities=(Severity.MEDIUM,),
    needs=("certificate", "index", "git"),
    benign_if=(
        "the project adopted attestations; its repository shows the change of the release workflow, and later "
        "releases carry the same identity",
    ),
    attack=("T1195.002", "T1098"),
    slsa="F",
)
def identity_first_seen(view: View) -> Result:
    """Say for the release that adopts attestations that what would make it suspect was not looked at.

    Adoption alone is an event. The signal needs a companion (a changed account, an unreachable commit, no source
    release, a new executable surface), and no source of this version tells of one: so it never fires here.
    """
    if view.previous is not None and view.previous.profile.identities:
        return None
    states = [past.profile.attested for past in view.baseline.cohort]
    if Attested.FULL in states or Attested.PARTIAL in states or states.count(Attested.NONE) < t.RATE_SAMPLES:
        return None
    match view.profile.attested:
        case Attested.UNKNOWN:
            return view.profile.unknown_reason
        case Attested.NONE:
            return None
        case Attested.FULL | Attested.PARTIAL:
            return NotChecked(
                f"adopted attestations here, after {states.count(Attested.NONE)} releases without; whether anything "
                "doubtful came with it needs accounts, the repository or artifact contents",
                "git, journal or artifact",
                view.profile.evidence,
            )
