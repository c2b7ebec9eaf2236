"""What signed predicates say, set beside the certificates that signed them."""

from __future__ import annotations

from collections.abc import Sequence

from forensics.model.attestation import VerificationStatus
from forensics.model.release import Contradiction, Release


def predicate_contradictions(releases: Sequence[Release]) -> list[Contradiction]:
    """Return what a predicate states and a better witness states otherwise, in the order of *releases*.

    Attestations that do not verify are left out: whoever changed them could have changed the predicate too.
    """
    return [
        Contradiction(
            release.version,
            f"{each.about} that the attestation of {artifact.filename} is about",
            f"{each.stated} in the predicate",
            f"{each.actual} in the {each.witness}, which counts",
            attestation.evidence,
        )
        for release in releases
        for artifact in release.artifacts
        for attestation in artifact.attestations
        if attestation.verification.status is not VerificationStatus.INVALID
        for each in attestation.disagreements
    ]
