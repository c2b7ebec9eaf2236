"""The first attested release where none was attested before, in doubtful company."""

from __future__ import annotations

from collections.abc import Mapping

from forensics.model.checked import NotChecked
from forensics.model.finding import Confidence, Family, Severity
from forensics.signals.comparing import unknown_baseline
from forensics.signals.profile import Attested
from forensics.signals.registry import Hit, Result, View, registered, signal

COMPANIONS: Mapping[str, str] = {
    "publisher-account-changed": "another account",
    "commit-unreachable": "a commit that no branch or tag leads to",
    "no-source-release": "no tag and no version bump",
    "exec-surface-added": "new code that runs unasked",
}
"""The signals that make an adoption doubtful, and how a sentence names what each of them finds."""


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
    """Fire on the release that adopts attestations when one of COMPANIONS fires on it too.

    Adoption alone is an event. A companion that could not be checked leaves the adoption unchecked as well.
    """
    if view.profile.attested is Attested.UNKNOWN:
        return view.profile.unknown_reason
    if not view.profile.identities or not _adopts(view):
        return None
    if unknown := unknown_baseline(view.baseline):
        return unknown
    results = {name: entry.evaluate(view) for name in COMPANIONS if (entry := registered(name)) and entry.evaluate}
    company = {name: result for name, result in results.items() if isinstance(result, Hit)}
    bare = sum(past.profile.attested is Attested.NONE for past in view.baseline.cohort)
    if company:
        latest = view.baseline.cohort[-1].profile
        weakest = min((hit.confidence for hit in company.values()), key=list(Confidence).index)
        return Hit(
            severity=Severity.MEDIUM,
            observed=f"attested for the first time, together with {' and '.join(COMPANIONS[name] for name in company)}",
            expected=f"no attestations, as on {bare} earlier release{'s' * (bare != 1)}, or an adoption with nothing "
            "else odd about it",
            evidence=(*view.profile.evidence, *latest.evidence, *(i for hit in company.values() for i in hit.evidence)),
            confidence=weakest,
        )
    missed = {name: result for name, result in results.items() if isinstance(result, NotChecked)}
    if not missed:
        return None
    needs = " and ".join(dict.fromkeys(result.needs for result in missed.values()))
    reason = f"it adopted attestations, and its company could not be checked: {', '.join(missed)}"
    return NotChecked(reason, needs, view.profile.evidence)


def _adopts(view: View) -> bool:
    """Whether earlier releases are known and none of them was attested, the flagged one before it included."""
    if view.previous is not None and view.previous.profile.identities:
        return False
    states = {past.profile.attested for past in view.baseline.cohort}
    return bool(states) and not view.baseline.fully_attested and Attested.PARTIAL not in states
