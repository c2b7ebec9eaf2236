"""Came into the index through a lesser door than usual."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.release import Door
from forensics.signals import thresholds as t
from forensics.signals.comparing import evidence_of
from forensics.signals.registry import Hit, Result, View, signal

_RANK = {
    Door.TRUSTED_ATTESTED: 3,
    Door.TRUSTED_UNATTESTED: 3,
    Door.TOKEN_ATTESTED: 2,
    Door.TOKEN: 1,
    Door.FOREIGN_ATTESTED: 0,
}
_WORDS = {
    Door.TRUSTED_ATTESTED: "a trusted publisher, with attestations",
    Door.TRUSTED_UNATTESTED: "a trusted publisher, without attestations",
    Door.TOKEN_ATTESTED: "a token, with attestations",
    Door.TOKEN: "a token",
    Door.FOREIGN_ATTESTED: "the attestation of another repository",
}


@signal(
    "door-changed",
    title="Lesser door than usual",
    family=Family.TRUST,
    severities=(Severity.HIGH,),
    needs=("packument", "index"),
    benign_if=(
        "a maintainer published by hand with a token, for instance because the workflow was broken; ask for the shell "
        "history and look for the tag",
        "the project moved to another repository before this release and says so",
    ),
    attack=("T1195.002", "T1078", "T1550.001"),
    slsa="F",
)
def door_changed(view: View) -> Result:
    """Fire when the door ranks below the usual one; an upgrade is an event and no signal.

    On PyPI only two doors can be told from outside (attested by the project, attested by another repository).
    """
    if view.door is Door.UNKNOWN:
        reason = "how it came in is not known: the absence of an attestation does not prove a token"
        return NotChecked(reason, "export, packument or the owners' security history", view.profile.evidence)
    usual = view.baseline.usual_door()
    if isinstance(usual, NotChecked):
        return usual
    foreign = view.door is Door.FOREIGN_ATTESTED
    if _RANK[view.door] >= _RANK[usual] or ("door", str(view.door)) in view.baseline.joined:
        return None
    latest = view.baseline.cohort[-t.USUAL_DOOR_RELEASES :]
    return Hit(
        severity=Severity.HIGH,
        observed=f"came in through {_WORDS[view.door]}",
        expected=f"{_WORDS[usual]}, as {' and '.join(past.profile.version for past in latest)}",
        evidence=(
            *(view.profile.evidence or evidence_of(view.release)),
            *(i for past in latest for i in past.profile.evidence),
        ),
        fact="repositories" if foreign else "door",
        changed=frozenset(("repositories", repository) for repository in view.profile.repositories)
        if foreign
        else frozenset({("door", str(view.door))}),
    )
