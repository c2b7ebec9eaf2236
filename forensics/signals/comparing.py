"""What the signals that compare claims and cite evidence have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from forensics.model.checked import Checked, NotChecked
from forensics.model.release import Artifact, Release
from forensics.signals import thresholds as t
from forensics.signals.baseline import Baseline, Past
from forensics.signals.profile import Attested, Profile
from forensics.signals.registry import View


@dataclass(frozen=True, slots=True)
class Change:
    """Values of one attribute that no release of the baseline has, with those that it has."""

    attribute: str
    new: tuple[str, ...]
    usual: tuple[str, ...]
    evidence: tuple[str, ...]
    since: str

    @property
    def changed(self) -> frozenset[tuple[str, str]]:
        """The new values in the form in which they can join the baseline."""
        return frozenset((self.attribute, value) for value in self.new)


def compare(view: View, attribute: str, claim: str) -> Change | NotChecked | None:
    """Compare one set of claims of the release with those of its baseline; *claim* names it in sentences.

    None: nothing to compare, or nothing new. NotChecked: some of what would have to be compared was not observed.
    """
    usual = view.baseline.values(attribute)
    own: frozenset[str] = getattr(view.profile, attribute)
    if not usual:
        return unknown_identity(view.profile) or (unknown_baseline(view.baseline) if own else None)
    new = own - usual
    if new:
        latest = latest_with(view.baseline, attribute)
        return Change(
            attribute=attribute,
            new=tuple(sorted(new)),
            usual=tuple(sorted(usual)),
            evidence=(*view.profile.evidence, *(latest.evidence if latest else ())),
            since=latest.version if latest else "",
        )
    missing = unknown_identity(view.profile)
    if missing is None and not own and view.profile.identities:
        return NotChecked(f"its certificates name no {claim}", "certificate", view.profile.evidence)
    return missing


def unknown_identity(profile: Profile) -> NotChecked | None:
    """Return why not every signer of a release is known, or None when all are, or nothing is attested.

    What the registry signs with its own key, that it accepted the version, has no certificate to read: it is passed
    over beside an attestation that names who built.
    """
    if profile.unknown_reason is not None:
        return profile.unknown_reason
    attestations = profile.release.attestations
    if attestations and not profile.identities and all(a.registry_key for a in attestations):
        return NotChecked("only the registry's own key signed, which names nobody", "certificate", profile.evidence)
    unread = [a for a in attestations if a.identity is None and not a.registry_key]
    if unread:
        reason = f"the certificates of {len(unread)} of its attestations could not be read"
        return NotChecked(reason, "certificate", profile.evidence)
    return None


def unknown_baseline(baseline: Baseline) -> NotChecked | None:
    """Return why the provenance of earlier releases is not known, or None when it is for all of them."""
    for past in reversed(baseline.cohort):
        if past.profile.attested is Attested.UNKNOWN:
            why = past.profile.unknown_reason
            reason = why.reason if why else "nobody looked"
            return NotChecked(
                f"the provenance of earlier releases, and so what to compare with, is not known: {reason}",
                why.needs if why else "index",
                why.evidence if why else (),
            )
    return None


def latest_with(baseline: Baseline, attribute: str) -> Profile | None:
    """Return the latest member of the baseline that has any value of *attribute*."""
    return next((p.profile for p in reversed(baseline.cohort) if getattr(p.profile, attribute)), None)


def attested_members(baseline: Baseline) -> tuple[Past, ...]:
    """Return the members of the baseline of which at least one signer is known."""
    return tuple(past for past in baseline.cohort if past.profile.identities)


def absence_caveat(artifacts: Iterable[Artifact]) -> str:
    """Return why the observed absence of attestations is of low confidence, as a sentence; empty where it is not."""
    for artifact in artifacts:
        if isinstance(artifact.provenance, Checked) and not artifact.provenance.value and artifact.provenance.caveat:
            caveat = artifact.provenance.caveat
            return f"Confidence is low: {caveat}."
    return ""


def evidence_of(release: Release) -> tuple[str, ...]:
    """Return the observations that a release rests on: its own, else those of its files, else of its mentions."""
    if release.evidence:
        return release.evidence
    ids = [i for artifact in release.artifacts for i in (*artifact.evidence, *artifact.provenance.evidence)]
    return tuple(dict.fromkeys(ids or [i for mention in release.mentions for i in mention.evidence]))


def listed(values: Iterable[str]) -> str:
    """Return values for a sentence: `a`, `a or b`, `a, b, c or 4 more`."""
    ordered = list(values)
    if len(ordered) > t.NAMED_VALUES:
        ordered = [*ordered[: t.NAMED_VALUES], f"{len(ordered) - t.NAMED_VALUES} more"]
    return " or ".join(filter(None, (", ".join(ordered[:-1]), ordered[-1]))) if ordered else "nothing"


def too_few(count: int, minimum: int, what: str, needs: str = "index") -> NotChecked:
    """Return that a rate cannot be told from a sample of *count*; equal reasons read as one, so it is not named."""
    assert count < minimum
    return NotChecked(f"fewer than {minimum} {what} to learn the habit from", needs)
