"""What a transparency log holds: entries that were verified, and those that belong to no release anybody lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.model.attestation import Check, CheckResult
from forensics.model.identity import Identity


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log entry and every step of its verification.

    `uuid` is the leaf hash of the body (64 hex digits), `tree_id` the shard that the log named, in decimal, `index` the
    global one. `integrated_at` is None unless the log's signature over it verifies. `payload_hash` is the SHA-256, in
    hex, of an envelope's payload; `artifacts` are digests that the entry itself states, as `algorithm:hex`.
    """

    uuid: str
    tree_id: str | None
    index: int
    kind: str
    log_id: str
    integrated_at: datetime | None
    identity: Identity | None
    payload_hash: str | None
    artifacts: tuple[str, ...]
    origin: str | None
    tree_size: int | None
    checks: tuple[Check, ...]
    evidence: tuple[str, ...] = ()

    @property
    def entry_id(self) -> str:
        """The id by which Rekor v1 names it, shard and leaf hash (80 hex digits); empty where entries have none (v2).

        Source: sigstore/rekor openapi.yaml, `entryUUID`.
        """
        return f"{int(self.tree_id):016x}{self.uuid}" if self.tree_id else ""

    @property
    def verified(self) -> bool:
        """Whether a log of the trust root holds it: it promised or proves it, and nothing contradicts."""
        results = {check.name: check.result for check in self.checks}
        proven = results.get("inclusion") is results.get("checkpoint") is CheckResult.PASS
        logged = proven or results.get("set") is CheckResult.PASS
        return logged and results.get("uuid") is CheckResult.PASS and not self.failed()

    @property
    def signer(self) -> Identity | None:
        """Who signed, if the entry is verified and an authority of the trust root vouches for the certificate."""
        vouched = any(c.name == "certificate-chain" and c.result is CheckResult.PASS for c in self.checks)
        return self.identity if vouched and self.verified else None

    def failed(self) -> tuple[Check, ...]:
        """Return the steps that failed."""
        return tuple(check for check in self.checks if check.result is CheckResult.FAIL)


@dataclass(frozen=True, slots=True)
class LogOnly:
    """A verified entry whose run belongs to no listed and no named release.

    `filename` and `version` are set where its statement could be rebuilt; `about` is what a lead says of it.
    """

    record: LogRecord
    filename: str | None
    version: str | None
    about: str
    evidence: tuple[str, ...]
