"""What deps.dev says of a version: a second reader of the same index, with a verification of its own.

Nothing here is verified by us. It stands beside what we verified, and where the two differ, both are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.model.checked import NotChecked

NO_OPINION = NotChecked("deps.dev was not asked", "deps.dev")


@dataclass(frozen=True, slots=True)
class StatedAttestation:
    """An attestation as deps.dev lists it. `verified` is its own verdict; False also where the answer leaves it out."""

    kind: str
    url: str | None
    verified: bool
    repository: str | None
    commit: str | None


@dataclass(frozen=True, slots=True)
class RelatedProject:
    """A source repository that deps.dev ties to a version: `id` as in `github.com/o/r`, on whose word, and as what."""

    id: str
    provenance: str
    relation: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of deps.dev (MALICIOUS, DEPRECATED, VULNERABLE, …) with its level of risk, as written there."""

    kind: str
    risk: str


@dataclass(frozen=True, slots=True)
class Opinion:
    """Everything deps.dev says of one version. `attestations` include those that it lists as SLSA provenances (npm).

    `findings` is None where they were not given.
    """

    version: str
    published: datetime | None
    is_default: bool
    deprecated: str | None
    advisories: tuple[str, ...]
    attestations: tuple[StatedAttestation, ...]
    related: tuple[RelatedProject, ...]
    registries: tuple[str, ...]
    project_status: str | None
    findings: tuple[Finding, ...] | None = None
    evidence: tuple[str, ...] = ()
