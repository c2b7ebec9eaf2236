"""Sealing: the end of a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from forensics.evidence.case import Case
from forensics.evidence.meta import COMPLETE


def seal(case: Case, now: datetime | None = None) -> str:
    """Close *case* for good at *now* (UTC) and return the SHA-256 (hex) of its manifest, to be written elsewhere.

    Whoever holds that digest can later tell that nothing was changed. Afterwards nothing can be added: ReadOnlyCase.
    Sealing a sealed case returns the same digest.
    """
    if case.meta.sealed_at is None:
        now = now or datetime.now(UTC)
        case.rebag(replace(case.meta, state=COMPLETE, closed_at=case.meta.closed_at or now, sealed_at=now))
    return case.digest(check=True)
