"""How far one project has come with attestations: its latest release, since when, by whom, and to which SLSA level.

What could not be seen is said as such. "Not observed" and "not attested" are different answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from forensics.model.attestation import VerificationStatus
from forensics.model.checked import NotChecked
from forensics.model.finding import Assessment
from forensics.model.identity import Identity
from forensics.model.release import Door, Release
from forensics.signals.profile import Attested, profile_of

if TYPE_CHECKING:
    from forensics.investigation import Analysis

SLSA_PROVENANCE = ("https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1")
"""Predicate types that say how something was built (SLSA specification, provenance)."""

ISOLATED_SIGNERS = ("slsa-framework/slsa-github-generator",)
"""Repositories of build workflows that sign outside the job they build in, which Build L3 asks for (SLSA v1.0)."""

_PROVIDERS = {
    "https://token.actions.githubusercontent.com": "GitHub Actions",
    "https://gitlab.com": "GitLab CI/CD",
    "https://accounts.google.com": "Google Cloud",
    "https://oidc.circleci.com": "CircleCI",
    "https://agent.buildkite.com": "Buildkite",
}


@dataclass(frozen=True, slots=True)
class Adoption:
    """The state of one project; None is "there is none" only beside a reason or an answer that says so.

    `attested` is the latest release's state: attested, partly attested, not attested or not observed. `change` says
    what happened to provenance between the latest two releases of which both are known: `gained`, `lost`, `changed` (
    another repository or workflow) or `same`. `slsa` is the build level that the evidence reaches, never more.
    """

    latest: str | None = None
    latest_published: datetime | None = None
    attested: str = "not observed"
    attested_reason: str | None = None
    first_attested: str | None = None
    first_attested_at: datetime | None = None
    trusted_publisher: str = "not observed"
    identity_provider: str | None = None
    repository: str | None = None
    workflow: str | None = None
    slsa: str = "not observed"
    slsa_reason: str = "no release of it could be looked at"
    change: str | None = None


def adoption_of(analysis: Analysis) -> Adoption:
    """Return how far the project of *analysis* has come. The latest release is the one that the index names as such,
    else the one that was published last among those it lists.
    """
    latest = _latest(analysis)
    if latest is None:
        return Adoption()
    from forensics.sweep.tables import attested_words

    profile = profile_of(latest.release)
    attested = [a for a in analysis.assessments if profile_of(a.release).attested in {Attested.FULL, Attested.PARTIAL}]
    identity = next(iter(latest.release.identities), None)
    slsa, why = slsa_level(latest.release)
    reason = profile.unknown_reason.reason if profile.attested is Attested.UNKNOWN and profile.unknown_reason else None
    return Adoption(
        latest=latest.release.version,
        latest_published=latest.release.published,
        attested=attested_words(profile.attested),
        attested_reason=reason,
        first_attested=attested[0].release.version if attested else None,
        first_attested_at=attested[0].release.published if attested else None,
        trusted_publisher=_trusted(latest),
        identity_provider=provider_of(identity),
        repository=identity.repository if identity else None,
        workflow=identity.workflow if identity else None,
        slsa=slsa,
        slsa_reason=why,
        change=_change(analysis, latest),
    )


def _latest(analysis: Analysis) -> Assessment | None:
    listed = [a for a in analysis.assessments if a.release.listed and a.release.artifacts]
    named = [a for a in listed if a.release.version == analysis.history.latest]
    return next(iter(named or reversed(listed)), None)


def _trusted(latest: Assessment) -> str:
    """A trusted publisher is known where the index says so, or where only one could have attested."""
    match latest.door:
        case Door.TRUSTED_ATTESTED | Door.TRUSTED_UNATTESTED:
            return "yes"
        case Door.TOKEN | Door.TOKEN_ATTESTED:
            return "no"
        case Door.FOREIGN_ATTESTED:
            return "of another repository"
        case Door.UNKNOWN:
            return "not observed"


def provider_of(identity: Identity | None) -> str | None:
    """Return the identity provider that a certificate names, by the name people know; its issuer where we know none."""
    if identity is None or identity.oidc_issuer is None:
        return None
    issuer = identity.oidc_issuer.rstrip("/")
    return next((name for url, name in _PROVIDERS.items() if issuer == url or issuer.startswith(url + "/")), issuer)


def slsa_level(release: Release) -> tuple[str, str]:
    """Return the SLSA build level that the evidence for *release* reaches, and why.

    L1 is provenance that exists, L2 is signed by a hosted build platform, L3 by a signer outside the build's reach
    (SLSA v1.0, *Build track*). A publish attestation says who uploaded and not how it was built: no level. Levels are
    read from verified attestations only, and nothing here audits the platform.
    """
    unread = next((a.provenance for a in release.artifacts if isinstance(a.provenance, NotChecked)), None)
    if unread is not None:
        return "not observed", unread.reason
    built = [a for a in release.attestations if a.predicate_type in SLSA_PROVENANCE]
    if not built:
        return "none", (
            "a publish attestation says who uploaded it, not how it was built"
            if release.attestations
            else "no attestation"
        )
    if any(a.verification.status is not VerificationStatus.VALID for a in built):
        return "L1", "its provenance could not be verified"
    identities = [a.identity for a in built if a.identity is not None]
    if len(identities) < len(built):
        return "L1", "its provenance is not signed with a certificate"
    if any(i.runner_environment == "self-hosted" for i in identities):
        return "L1", "it was built on a self-hosted runner"
    if all((i.signer_workflow or "").startswith(ISOLATED_SIGNERS) for i in identities):
        return "L3", "signed by an isolated builder"
    return "L2", "signed provenance of a hosted build platform"


def _change(analysis: Analysis, latest: Assessment) -> str | None:
    """Compare the provenance of the latest release with that of the known release before it."""
    order = [a for a in analysis.assessments if a.release.listed]
    before = [a for a in order[: order.index(latest)] if profile_of(a.release).attested is not Attested.UNKNOWN]
    now = profile_of(latest.release)
    if now.attested is Attested.UNKNOWN or not before:
        return None
    then = profile_of(before[-1].release)
    had, has = then.attested is not Attested.NONE, now.attested is not Attested.NONE
    if had != has:
        return "gained" if has else "lost"
    if has and (then.repositories != now.repositories or then.workflows != now.workflows):
        return "changed"
    return "same"
