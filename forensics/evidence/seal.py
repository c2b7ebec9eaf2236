"""Sealing: the end of a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from forensics.evidence.bag import SIGNATURES
from forensics.evidence.case import Case, Vouchers
from forensics.evidence.meta import COMPLETE
from forensics.model.errors import ReadOnlyCase


def seal(case: Case, now: datetime | None = None, vouchers: Vouchers | None = None) -> str:
    """Close *case* for good at *now* (UTC) and return the SHA-256 (hex) of its manifest, to be written elsewhere.

    Whoever holds that digest can later tell that nothing was changed. Afterwards nothing can be added: ReadOnlyCase.
    Sealing a sealed case returns the same digest.

    *vouchers* make files that vouch for the manifest, such as a signature; the manifest itself says that they must be
    there. Where one cannot be made, its error is raised and the case stays open. Raises ReadOnlyCase for a sealed case
    that lacks one of them.
    """
    wanted = tuple(name for name in SIGNATURES if name in (vouchers or {}))
    if case.meta.sealed_at is None:
        now = now or datetime.now(UTC)
        closed_at = case.meta.closed_at or now
        meta = replace(case.meta, state=COMPLETE, closed_at=closed_at, sealed_at=now, sealed_with=wanted)
        case.rebag(meta, vouchers)
    elif not set(wanted) <= set(case.meta.sealed_with):
        raise ReadOnlyCase(
            f"The case {case.path} is sealed already, without what is asked for now.",
            advice="Its digest can be signed or timestamped outside the case; it is the SHA-256 of its manifest.",
        )
    return case.digest(check=True)
