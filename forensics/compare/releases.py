"""Two releases side by side: identities, files, and what cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.compare.identity import ClaimDiff, diff_identities
from forensics.model.checked import NotChecked
from forensics.model.identity import Identity
from forensics.model.release import Artifact, Release


@dataclass(frozen=True, slots=True)
class IdentityComparison:
    """The identities of two releases; `reason` says why `rows` is empty, if it is."""

    before: str
    after: str
    rows: tuple[ClaimDiff, ...]
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileComparison:
    """One kind of file of two releases; either side may lack it."""

    kind: str
    before: Artifact | None
    after: Artifact | None


@dataclass(frozen=True, slots=True)
class ReleaseComparison:
    """Everything that can be said of two releases side by side, and what cannot."""

    identity: IdentityComparison
    files: tuple[FileComparison, ...]
    not_compared: tuple[tuple[str, NotChecked], ...]


NOT_COMPARED = (
    ("commits", NotChecked("the repository is not collected by this version", "git")),
    ("workflow file", NotChecked("the repository is not collected by this version", "git")),
    ("artifact contents", NotChecked("artifact contents are not compared by this version", "artifact")),
)


def compare_identities(before: Release, after: Release) -> IdentityComparison:
    """Compare the first identity of each release; a release without one gives the reason why."""
    old, new = representative(before), representative(after)
    evidence = tuple(dict.fromkeys(i for release in (before, after) for a in release.attestations for i in a.evidence))
    if old is None or new is None:
        missing = [r for r, identity in ((before, old), (after, new)) if identity is None]
        reason = "; ".join(f"{r.version}: {why_no_identity(r)}" for r in missing)
        return IdentityComparison(before.version, after.version, (), reason, evidence)
    return IdentityComparison(before.version, after.version, diff_identities(old, new), "", evidence)


def representative(release: Release) -> Identity | None:
    """Return the identity that stands for a release: that of its first attestation with a certificate."""
    return release.identities[0] if release.identities else None


def why_no_identity(release: Release) -> str:
    """Say why a release shows no identity: observed to be unattested, or not observed and why."""
    for artifact in release.artifacts:
        if isinstance(artifact.provenance, NotChecked):
            return f"its attestations were not observed ({artifact.provenance.reason})"
    return "no file is attested" if release.artifacts else "no file of it is known"


def compare_releases(before: Release, after: Release) -> ReleaseComparison:
    """Return the comparison of two releases, files paired by kind and then by name."""
    return ReleaseComparison(compare_identities(before, after), _pair(before, after), NOT_COMPARED)


def _pair(before: Release, after: Release) -> tuple[FileComparison, ...]:
    pairs: list[FileComparison] = []
    for kind in dict.fromkeys(a.kind for a in (*before.artifacts, *after.artifacts)):
        old = [a for a in before.artifacts if a.kind == kind]
        new = [a for a in after.artifacts if a.kind == kind]
        for index in range(max(len(old), len(new))):
            pairs.append(
                FileComparison(kind, old[index] if index < len(old) else None, new[index] if index < len(new) else None)
            )
    return tuple(pairs)
