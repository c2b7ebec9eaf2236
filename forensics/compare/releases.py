"""Two releases side by side: identities, files, and what cannot be compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

from forensics.compare.artifact_text import TextDiff, diff_texts
from forensics.compare.artifacts import ContentsDiff, compare_contents, slot
from forensics.compare.identity import ClaimDiff, diff_identities
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.contents import NO_CONTENTS
from forensics.model.identity import Identity
from forensics.model.release import Artifact, Release
from forensics.model.source import NO_SOURCE, Commit, SourceHistory


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
    """One kind of file of two releases; either side may lack it. `contents` is how their contents differ."""

    kind: str
    before: Artifact | None
    after: Artifact | None
    contents: Outcome[ContentsDiff] = NO_CONTENTS


@dataclass(frozen=True, slots=True)
class ReleaseComparison:
    """Everything that can be said of two releases side by side, and what cannot."""

    identity: IdentityComparison
    files: tuple[FileComparison, ...]
    not_compared: tuple[tuple[str, NotChecked], ...]
    source: SourceComparison | None = None


@dataclass(frozen=True, slots=True)
class SourceComparison:
    """The source of two releases: their commits, those between them, latest first, and the workflow file.

    `workflow` are its two blob ids, `workflow_text` is how its text differs, None where it is the same or not known.
    """

    before: str
    after: str
    commits: tuple[Commit, ...]
    workflow: tuple[str, str] | None
    evidence: tuple[str, ...]
    workflow_text: TextDiff | None = None


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


def compare_releases(
    before: Release, after: Release, repository: Outcome[SourceHistory] = NO_SOURCE
) -> ReleaseComparison:
    """Return the comparison of two releases, files paired by kind and then by name."""
    commits, workflow = _commits(before, after, repository), _workflow(before, after)
    missing = [
        (what, outcome)
        for what, outcome in (("commits", commits), ("workflow file", workflow))
        if isinstance(outcome, NotChecked)
    ]
    source = commits.value if isinstance(commits, Checked) else None
    if source is not None and isinstance(workflow, Checked):
        evidence = tuple(dict.fromkeys((*source.evidence, *workflow.evidence)))
        changed = _workflow_text(after, workflow.value, repository)
        source = replace(source, workflow=workflow.value, workflow_text=changed, evidence=evidence)
    files = _pair(before, after)
    unread = [pair.contents for pair in files if isinstance(pair.contents, NotChecked)]
    missing += [("artifact contents", outcome) for outcome in dict.fromkeys(unread)]
    return ReleaseComparison(compare_identities(before, after), files, tuple(missing), source)


def _commits(before: Release, after: Release, repository: Outcome[SourceHistory]) -> Outcome[SourceComparison]:
    """Return the commits between two releases: by attested commit, else by tag, else by what sets the version."""
    if isinstance(repository, NotChecked):
        return repository
    ends: list[str] = []
    for release in (before, after):
        if isinstance(release.source, NotChecked):
            return release.source
        facts = release.source.value
        sha = facts.commit or facts.tag_commit or facts.bump
        if sha is None or sha not in repository.value.commits:
            where = f"the commit of {release.version} is not in the repository as it was collected"
            return NotChecked(where if sha else f"no commit of {release.version} is known", "git", facts.evidence)
        ends.append(sha)
    between = repository.value.between(ends[0], ends[1])
    return Checked(SourceComparison(ends[0], ends[1], between, None, repository.evidence), repository.evidence)


def _workflow(before: Release, after: Release) -> Outcome[tuple[str, str] | None]:
    """Return the blobs of both attested workflow files; None where a commit does not have the file it claims."""
    blobs = [r.source if isinstance(r.source, NotChecked) else r.source.value.workflow_blob for r in (before, after)]
    for blob in blobs:
        if isinstance(blob, NotChecked):
            return blob
    values = [blob.value for blob in blobs if isinstance(blob, Checked)]
    evidence = tuple(i for blob in blobs for i in blob.evidence)
    old, new = values
    return Checked((old, new) if old and new else None, evidence)


def _workflow_text(
    after: Release, blobs: tuple[str, str] | None, repository: Outcome[SourceHistory]
) -> TextDiff | None:
    if blobs is None or blobs[0] == blobs[1] or isinstance(repository, NotChecked):
        return None
    old, new = (repository.value.workflows.get(blob) for blob in blobs)
    identity = representative(after)
    path = identity.workflow if identity and identity.workflow else "workflow file"
    return diff_texts(path, old, new) if old is not None and new is not None else None


def _pair(before: Release, after: Release) -> tuple[FileComparison, ...]:
    pairs: list[FileComparison] = []
    for kind in dict.fromkeys(a.kind for a in (*before.artifacts, *after.artifacts)):
        old = [a for a in before.artifacts if a.kind == kind]
        new = [a for a in after.artifacts if a.kind == kind]
        for artifact in list(new):
            twin = next((a for a in old if slot(a) == slot(artifact)), None)
            if twin is not None:
                pairs.append(FileComparison(kind, twin, artifact, _contents(twin, artifact)))
                old.remove(twin)
                new.remove(artifact)
        for index in range(max(len(old), len(new))):
            first = old[index] if index < len(old) else None
            second = new[index] if index < len(new) else None
            pairs.append(FileComparison(kind, first, second, _contents(first, second)))
    return tuple(pairs)


def _contents(before: Artifact | None, after: Artifact | None) -> Outcome[ContentsDiff]:
    if before is None or after is None:
        present = before or after
        assert present is not None
        return NotChecked(f"the other release has no file to compare {present.filename} with", "artifact")
    for artifact in (before, after):
        if isinstance(artifact.contents, NotChecked):
            reason = f"{artifact.filename}: {artifact.contents.reason}"
            return NotChecked(reason, artifact.contents.needs, artifact.contents.evidence)
    assert isinstance(before.contents, Checked)
    assert isinstance(after.contents, Checked)
    evidence = tuple(dict.fromkeys((*before.contents.evidence, *after.contents.evidence)))
    return Checked(compare_contents(before.contents.value, after.contents.value), evidence)
