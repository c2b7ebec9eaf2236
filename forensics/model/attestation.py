"""Attestations and what was checked about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from forensics.model.build import BuildFacts, Disagreement
from forensics.model.identity import Identity


class CheckResult(StrEnum):
    """Outcome of one step of a verification."""

    PASS = "pass"
    FAIL = "fail"
    NOT_CHECKED = "not checked"


class VerificationStatus(StrEnum):
    """What the steps come to. `valid` says who signed, where and when; it never says that a release is clean."""

    VALID = "valid"
    INVALID = "invalid"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Check:
    """One named step of a verification, its result, and why."""

    name: str
    result: CheckResult
    detail: str


@dataclass(frozen=True, slots=True)
class Verification:
    """All steps for one attestation, under one trust root (by the SHA-256 of its file)."""

    status: VerificationStatus
    checks: tuple[Check, ...]
    trust_root: str

    def failed(self) -> tuple[Check, ...]:
        """Return the steps that failed."""
        return tuple(check for check in self.checks if check.result is CheckResult.FAIL)


@dataclass(frozen=True, slots=True)
class Publisher:
    """The publisher that an index states for a set of attestations; stated by the index, not signed.

    `fields` keeps every field as it was written, also of kinds that this version does not know.
    """

    kind: str
    fields: tuple[tuple[str, str | None], ...] = ()

    def get(self, name: str) -> str | None:
        """Return one field, or None where the index does not state it."""
        return dict(self.fields).get(name)


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Where a transparency log holds an attestation. `integrated_at` is None on logs that do not sign a time."""

    log_id: str
    index: int
    kind: str
    integrated_at: datetime | None
    tree_size: int | None
    origin: str | None


@dataclass(frozen=True, slots=True)
class RegistrySignature:
    """A registry's own signature over name, version and digest of one package version.

    It says that the registry accepted these bytes under this name; nothing about who published them or how.
    `published` is the time of publishing that the registry states, unsigned; `integrity` the digest that was signed.
    """

    purl: str
    integrity: str
    registry_key: str
    published: datetime | None
    verification: Verification
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attestation:
    """One signed statement about one artifact.

    `digest` is the SHA-256 of the object as it was read; `evidence` are the observations it came in. `recovered`: no
    index gave it, it was rebuilt from its entry in a transparency log. `registry_key` is the id of the registry's key
    that signed in place of a certificate. `build` is what a provenance predicate says, `disagreements` where that is
    not what a better witness says: neither changes whether the signature is valid.
    """

    digest: str
    predicate_type: str
    subject_name: str | None
    subject_sha256: str | None
    identity: Identity | None
    publisher: Publisher | None
    log_entry: LogEntry | None
    verification: Verification
    evidence: tuple[str, ...] = ()
    recovered: bool = False
    subject_sha512: str | None = None
    registry_key: str | None = None
    build: BuildFacts | None = None
    disagreements: tuple[Disagreement, ...] = ()

    @property
    def signed_at(self) -> datetime | None:
        """The time that the log signed; where the log signs none, the start of the certificate's validity."""
        if self.log_entry and self.log_entry.integrated_at:
            return self.log_entry.integrated_at
        return self.identity.not_before if self.identity else None
