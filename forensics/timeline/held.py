"""Attestations that GitHub holds, beside what the index states: another witness, never the index's provenance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from forensics.model.attestation import Attestation, VerificationStatus
from forensics.model.checked import Checked, NotChecked
from forensics.model.event import Event, Lane, TimeKind
from forensics.model.held import Held, github_repository
from forensics.model.release import Artifact, Contradiction, Release


def held_contradictions(releases: Sequence[Release], held: Sequence[Held]) -> Iterator[Contradiction]:
    """Yield each file of which the index states no attestation, and GitHub holds one that the repository signed.

    It must verify, name the file's digest, and be signed by a run of the repository that was asked.
    """
    for release, artifact, one in _placed(releases, held):
        silent = isinstance(artifact.provenance, Checked) and not artifact.provenance.value
        if artifact.listed and silent and _own(one):
            entry = one.attestation.log_entry
            words = (
                "none, says the index",
                f"GitHub holds one that verifies, of {one.ref.repository}, entry {entry.index if entry else 'unknown'}",
            )
            ids = tuple(dict.fromkeys((*artifact.provenance.evidence, *one.attestation.evidence)))
            yield Contradiction(release.version, f"attestation of {artifact.filename}", *words, ids)


def held_events(releases: Sequence[Release], held: Sequence[Held]) -> Iterator[Event]:
    """Yield each attestation that GitHub holds, at the time of its entry in the log, else of its certificate."""
    for release, artifact, one in _placed(releases, held):
        entry, identity = one.attestation.log_entry, one.attestation.identity
        detail = f"of {one.ref.repository}, signature {one.attestation.verification.status.value}"
        if entry and entry.integrated_at:
            at, kind, detail = entry.integrated_at, TimeKind.SIGNED_BY_LOG, f"index {entry.index}, {detail}"
        elif identity and identity.not_before:
            at, kind = identity.not_before, TimeKind.SIGNED_BY_CA
        else:
            continue
        yield Event(
            at, kind, Lane.BUILD, "attestation held by GitHub", release.version, artifact.filename, detail,
            one.attestation.evidence,
        )  # fmt: skip


def held_not_checked(releases: Sequence[Release], held: Sequence[Held]) -> Iterator[tuple[str, NotChecked]]:
    """Yield each held attestation that nobody here can verify, such as those of private repositories."""
    for _, artifact, one in _placed(releases, held):
        if one.attestation.verification.status is VerificationStatus.NOT_CHECKED:
            reason = (
                f"GitHub holds an attestation of {artifact.filename} that this trust root cannot decide about: "
                "private repositories sign with GitHub's own authority, outside the log"
            )
            yield "GitHub's attestations", NotChecked(reason, "GitHub's trust root", one.attestation.evidence)


def _placed(releases: Sequence[Release], held: Sequence[Held]) -> Iterator[tuple[Release, Artifact, Held]]:
    """Each held attestation with every file that has its digest."""
    for release in releases:
        for artifact in release.artifacts:
            for one in held:
                if artifact.sha256 == one.ref.sha256:
                    yield release, artifact, one


def _own(one: Held) -> bool:
    """Whether it verifies, is about the file, and a run of the repository that was asked signed it."""
    attestation: Attestation = one.attestation
    signer = github_repository(attestation.identity.source_repository_uri) if attestation.identity else None
    return (
        attestation.verification.status is VerificationStatus.VALID
        and attestation.subject_sha256 == one.ref.sha256
        and signer is not None
        and signer.lower() == one.ref.repository.lower()
    )
