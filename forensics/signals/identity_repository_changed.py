"""Signed in another repository than the releases before."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.model.finding import Confidence, Family, Severity
from forensics.model.identity import Identity
from forensics.signals.baseline import Baseline
from forensics.signals.comparing import latest_with, listed, unknown_baseline, unknown_identity
from forensics.signals.registry import Hit, Result, View, signal

REPOSITORIES, OWNERS, NAMES = "repositories", "owners", "repository_names"


@dataclass(frozen=True, slots=True)
class _Difference:
    """One signer that differs, how, and which of its values are new."""

    severity: Severity
    fact: str
    observed: str
    expected: str
    note: str
    changed: frozenset[tuple[str, str]]
    confidence: Confidence = Confidence.HIGH


@signal(
    "identity-repository-changed",
    title="Signing repository changed",
    family=Family.TRUST,
    severities=(Severity.HIGH, Severity.LOW),
    needs=("certificate",),
    benign_if=(
        "the project moved to a new repository, and the old one, its documentation or its maintainers say so",
        "only owner or name changed: the repository was transferred or renamed, and its old address redirects to it",
    ),
    attack=("T1195.002", "T1199", "T1553.002"),
    slsa="D",
)
def identity_repository_changed(view: View) -> Result:
    """Fire when a signer's repository is none of the baseline's; ids are compared before names.

    Another repository id, or no repository at all, weighs high (the same name under a new id is a re-created
    repository); a known id under another owner (a transfer) or another name only (a rename) weighs low.
    """
    baseline = view.baseline
    if not baseline.values(REPOSITORIES) and not baseline.values(NAMES):
        return unknown_identity(view.profile) or (unknown_baseline(baseline) if view.profile.identities else None)
    found = [d for identity in view.profile.identities if (d := _difference(identity, baseline)) is not None]
    if not found:
        return unknown_identity(view.profile)
    worst = max(found, key=lambda d: d.severity.rank)
    latest = latest_with(baseline, REPOSITORIES) or latest_with(baseline, NAMES)
    return Hit(
        severity=worst.severity,
        observed=worst.observed,
        expected=worst.expected + (f", as on {latest.version}" if latest else ""),
        evidence=(*view.profile.evidence, *(latest.evidence if latest else ())),
        confidence=worst.confidence,
        note=worst.note,
        fact=worst.fact,
        changed=frozenset().union(*(d.changed for d in found)),
    )


def _difference(identity: Identity, baseline: Baseline) -> _Difference | None:
    repository = identity.source_repository_identifier
    if repository is None:
        return _without_id(identity, baseline)
    known = baseline.values(REPOSITORIES)
    if not known:
        return _by_name(identity, baseline)
    return _same_id(identity, baseline) if repository in known else _other_id(identity, baseline)


def _other_id(identity: Identity, baseline: Baseline) -> _Difference:
    same_name = (identity.repository or "").lower() in baseline.values(NAMES)
    return _Difference(
        Severity.HIGH,
        REPOSITORIES,
        f"signed in repository {_called(identity)}",
        f"repository id {listed(sorted(baseline.values(REPOSITORIES)))}",
        "The name is known but its id is new: the repository was deleted and created again, or somebody else took "
        "the name."
        if same_name
        else "",
        _new_values(identity, baseline),
    )


def _same_id(identity: Identity, baseline: Baseline) -> _Difference | None:
    changed = _new_values(identity, baseline)
    kinds = {kind for kind, _ in changed}
    if OWNERS in kinds:
        owners = listed(sorted(baseline.values(OWNERS)))
        note = "The repository id is the same: a transfer."
        seen = f"signed in {_called(identity)}, now under another owner"
        return _Difference(Severity.LOW, OWNERS, seen, f"owner id {owners}", note, changed)
    if NAMES in kinds:
        names = listed(sorted(baseline.values(NAMES)))
        note = "The repository id is the same: a rename."
        seen = f"signed in {_called(identity)}, now under another name"
        return _Difference(Severity.LOW, NAMES, seen, f"the name {names}", note, changed)
    return None


def _by_name(identity: Identity, baseline: Baseline) -> _Difference | None:
    """Compare by name where certificates of one side carry no id; a rename cannot be told from another repository."""
    names = baseline.values(NAMES)
    if (identity.repository or "").lower() in names:
        return None
    return _Difference(
        Severity.HIGH,
        REPOSITORIES,
        f"signed in repository {_called(identity)}",
        f"repository {listed(sorted(names))}",
        "Compared by name, for want of ids: it may be a rename.",
        _new_values(identity, baseline),
        Confidence.MEDIUM,
    )


def _without_id(identity: Identity, baseline: Baseline) -> _Difference | None:
    if identity.repository:
        return _by_name(identity, baseline) if baseline.values(NAMES) else None
    signer = identity.subject_alternative_name or "a certificate without a name"
    if signer in baseline.values(REPOSITORIES):
        return None
    known = baseline.values(REPOSITORIES) or baseline.values(NAMES)
    return _Difference(
        Severity.HIGH,
        REPOSITORIES,
        f"signed by {signer}, which names no repository",
        f"repository {listed(sorted(known))}",
        "",
        frozenset({(REPOSITORIES, signer)}),
    )


def _new_values(identity: Identity, baseline: Baseline) -> frozenset[tuple[str, str]]:
    values = {
        REPOSITORIES: identity.source_repository_identifier,
        OWNERS: identity.source_repository_owner_identifier,
        NAMES: (identity.repository or "").lower() or None,
    }
    new = set()
    for kind, value in values.items():
        known = baseline.values(kind)
        if value is not None and value not in known and (known or kind == REPOSITORIES):
            new.add((kind, value))
    return frozenset(new)


def _called(identity: Identity) -> str:
    ids = [
        f"{word} {value}"
        for word, value in (
            ("id", identity.source_repository_identifier),
            ("owner id", identity.source_repository_owner_identifier),
        )
        if value
    ]
    name = identity.repository or "without a name"
    return f"{name} ({', '.join(ids)})" if ids else name
