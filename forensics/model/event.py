"""Events: what happened when, and what the time proves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TimeKind(StrEnum):
    """Whose word a time is. The order of trust is the order of this list."""

    SIGNED_BY_LOG = "signed by the log"
    SIGNED_BY_TSA = "signed by the timestamp authority"
    SIGNED_BY_CT = "signed by the CT log"
    SIGNED_BY_CA = "signed by the certificate authority"
    ASSERTED_BY_INDEX = "asserted by the index"
    ASSERTED_BY_CI = "asserted by the CI provider"
    COPIED = "copied from the index"
    ASSERTED_BY_REPORTER = "asserted by a reporter"
    STATED_BY_RESPONDER = "stated by the responder"
    STATED_BY_LEAD = "stated by a public write-up"
    CLAIMED_BY_GIT = "claimed by git"


class Lane(StrEnum):
    """Where on the timeline picture an event stands."""

    REPOSITORY = "repository"
    BUILD = "CI and certificate"
    LOG = "transparency log"
    INDEX = "index"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at one time, according to one source."""

    at: datetime
    kind: TimeKind
    lane: Lane
    what: str
    version: str | None
    subject: str | None
    detail: str
    evidence: tuple[str, ...]
