"""What a release looked like at a moment, boiled down to the values that baselines compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.ci import RunRef, run_of
from forensics.model.identity import Identity, RefClass
from forensics.model.publication import Uploader, uploader_in
from forensics.model.release import Artifact, Release
from forensics.model.source import SourceFacts


class Attested(StrEnum):
    """How much of a release carries attestations, as far as anyone looked."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    UNKNOWN = "unknown"


@lru_cache(maxsize=4096)
def shared(values: frozenset[Any]) -> frozenset[Any]:
    """Return one object for equal sets.

    Releases of a project mostly claim the same: ten sets each, of 216 bytes even where nothing is in them. And to
    compare a set with itself is free.
    """
    return values


@dataclass(frozen=True, slots=True)
class Profile:
    """One release as it stood at a moment.

    Sets hold what its certificates claim, `accounts` and `emails` what the index states; empty where nothing is.
    """

    release: Release
    attested: Attested
    identities: tuple[Identity, ...]
    repositories: frozenset[str]
    owners: frozenset[str]
    repository_names: frozenset[str]
    workflows: frozenset[str]
    triggers: frozenset[str]
    refs: frozenset[str]
    runners: frozenset[str]
    environments: frozenset[str]
    accounts: frozenset[str]
    emails: frozenset[str]
    unknown_reason: NotChecked | None

    @property
    def version(self) -> str:
        """The version of the release."""
        return self.release.version

    @property
    def published(self) -> datetime | None:
        """When the release was published."""
        return self.release.published

    @property
    def evidence(self) -> tuple[str, ...]:
        """The observations that the attestations, or their absence, rest on."""
        ids = [i for artifact in self.release.artifacts for i in artifact.provenance.evidence]
        ids += [i for attestation in self.release.attestations for i in attestation.evidence]
        return tuple(dict.fromkeys(ids)) or self.release.evidence


def profile_of(release: Release, until: datetime | None = None) -> Profile:
    """Return the profile of *release* with the files uploaded by *until* (all of them when None)."""
    seen = _as_of(release, until)
    identities = seen.identities
    return Profile(
        release=seen,
        attested=_attested(seen.artifacts),
        identities=identities,
        repositories=_values(identities, "source_repository_identifier"),
        owners=_values(identities, "source_repository_owner_identifier"),
        repository_names=shared(frozenset(i.repository.lower() for i in identities if i.repository)),
        workflows=shared(_values(identities, "workflow") | _values(identities, "signer_workflow")),
        triggers=_values(identities, "trigger"),
        refs=shared(frozenset(_ref(i, _default_branch(seen)) for i in identities if i.ref)),
        runners=_values(identities, "runner_environment"),
        environments=_values(identities, "deployment_environment"),
        accounts=shared(_accounts(seen)),
        emails=shared(_emails(seen)),
        unknown_reason=_unknown(seen.artifacts),
    )


def _as_of(release: Release, until: datetime | None) -> Release:
    """Leave out what was uploaded or signed later than *until*, its runs and commit; a file without a time is kept."""
    if until is None:
        return release
    kept = tuple(_artifact_as_of(a, until) for a in release.artifacts if not a.uploaded_at or a.uploaded_at <= until)
    if kept == release.artifacts:
        return release
    seen = replace(release, artifacts=kept)
    later = _runs(release) - _runs(seen)
    runs = tuple((ref, outcome) for ref, outcome in release.runs if ref not in later)
    return replace(seen, runs=runs, source=_source_as_of(release.source, _commits(release) - _commits(seen)))


def _runs(release: Release) -> set[RunRef]:
    return {ref for identity in release.identities if (ref := run_of(identity)) is not None}


def _commits(release: Release) -> set[str]:
    return {identity.commit.lower() for identity in release.identities if identity.commit}


def _source_as_of(source: Outcome[SourceFacts], later: set[str]) -> Outcome[SourceFacts]:
    """Leave out what is known of the one commit that was looked at, where only files that came later attest it."""
    if isinstance(source, NotChecked) or source.value.commit not in later:
        return source
    unseen = NotChecked("of its commits only that of a file that came later was looked at", "git", source.evidence)
    facts = replace(
        source.value, commit=None, ref=None, committed_at=None, subject="",
        reachability=unseen, tree=unseen, workflow_blob=unseen, workflow_risks=unseen,
    )  # fmt: skip
    return replace(source, value=facts)


def _artifact_as_of(artifact: Artifact, until: datetime) -> Artifact:
    later = [a for a in artifact.attestations if a.signed_at and a.signed_at > until]
    if not later or not isinstance(artifact.provenance, Checked):
        return artifact
    kept = tuple(a for a in artifact.attestations if a not in later)
    return replace(artifact, provenance=Checked(kept, artifact.provenance.evidence))


def _values(identities: tuple[Identity, ...], name: str) -> frozenset[str]:
    return shared(frozenset(value for identity in identities if (value := getattr(identity, name)) is not None))


def uploader_of(release: Release) -> Uploader | None:
    """Return who published *release*, None where it was not observed."""
    return uploader_in(release.publication)


def unstated(release: Release) -> NotChecked:
    """Return why it is not known who published *release*."""
    publication = release.publication
    if isinstance(publication, NotChecked):
        return publication
    uploader = publication.value.uploader
    return uploader if isinstance(uploader, NotChecked) else NotChecked("the account is not stated", "packument")


def _accounts(release: Release) -> frozenset[str]:
    """The publishing account, and of a trusted publisher its kind: all of one kind may publish under one name."""
    uploader = uploader_of(release)
    if uploader is None:
        return frozenset()
    kind = uploader.trusted_publisher
    return frozenset({uploader.account.name, *([f"trusted publisher {kind}"] if kind else [])})


def _emails(release: Release) -> frozenset[str]:
    """The e-mail address of a publishing account; those of robots belong to nobody."""
    uploader = uploader_of(release)
    if uploader is None or uploader.trusted_publisher or not uploader.account.email:
        return frozenset()
    return frozenset({uploader.account.email.lower()})


_MAIN_BRANCHES = frozenset({"refs/heads/main", "refs/heads/master"})


def _ref(identity: Identity, default: str | None) -> str:
    """Return the class of ref: tag, main branch, other branch, pull request, other.

    Classes and not names, because release branches are named after versions. Without the repository only the two
    customary names count as main.
    """
    kind = identity.ref_class
    if kind is RefClass.BRANCH:
        main = identity.ref == f"refs/heads/{default}" if default else identity.ref in _MAIN_BRANCHES
        return "main branch" if main else "other branch"
    return str(kind)


def _default_branch(release: Release) -> str | None:
    """Return the repository's default branch, None where it was not collected."""
    return release.source.value.default_branch if isinstance(release.source, Checked) else None


def _attested(artifacts: tuple[Artifact, ...]) -> Attested:
    states = {artifact.attested for artifact in artifacts}
    if not states or states == {None}:
        return Attested.UNKNOWN
    if True in states:
        return Attested.FULL if states == {True} else Attested.PARTIAL if False in states else Attested.UNKNOWN
    return Attested.NONE if states == {False} else Attested.UNKNOWN


def _unknown(artifacts: tuple[Artifact, ...]) -> NotChecked | None:
    for artifact in artifacts:
        if isinstance(artifact.provenance, NotChecked):
            return artifact.provenance
    return None if artifacts else NotChecked("no file of this release is known", "index, export or log")
