"""Observations: an answer, or the lack of one, exactly as a source gave it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from forensics.model.times import to_iso


@dataclass(frozen=True, slots=True)
class Observation:
    """One exchange with a source, or one imported file.

    `status` is the HTTP status; None with a `problem` when no answer came, None without one for an imported file.
    `sha256` is of the payload as received after transfer decoding; `url` is what was asked.
    """

    id: str
    method: str
    url: str
    at: datetime
    status: int | None
    sha256: str | None
    size: int
    media_type: str
    problem: str | None = None
    final_url: str | None = None
    request_sha256: str | None = None


def observation_id(method: str, url: str, at: datetime, status: int | None, sha256: str | None) -> str:
    """Return the id of an observation: `o-` and 12 hex digits of the SHA-256 over what was asked, when and what came.

    Anyone who holds the archive can recompute it.
    """
    text = "\n".join((method, url, to_iso(at), str(status), sha256 or "-"))
    return "o-" + hashlib.sha256(text.encode()).hexdigest()[:12]
