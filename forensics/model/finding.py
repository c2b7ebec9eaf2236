"""Findings and verdicts: the words of `docs/concepts.md`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from forensics.model.checked import NotChecked
from forensics.model.release import Door, Release


class Family(StrEnum):
    """What a signal's evidence is about; two families are two independent kinds of reason."""

    TRUST = "trust"
    SOURCE = "source"
    TIME = "time"
    CONTENT = "content"
    PEOPLE = "people"
    DECISIVE = "decisive"
    HINDSIGHT = "hindsight"


class Severity(StrEnum):
    """How much one signal weighs."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    DECISIVE = "decisive"

    @property
    def rank(self) -> int:
        """0 for low to 3 for decisive."""
        return _RANKS[self]


class Confidence(StrEnum):
    """How sure the observation is, apart from how much it weighs."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Verdict(StrEnum):
    """What the signals about a release come to."""

    UNDETERMINED = "undetermined"
    ORDINARY = "ordinary"
    NOTABLE = "notable"
    SUSPICIOUS = "suspicious"
    LIKELY_COMPROMISED = "likely-compromised"

    @property
    def rank(self) -> int:
        """0 for undetermined to 4 for likely-compromised."""
        return _RANKS[self]

    @property
    def flagged(self) -> bool:
        """Whether a release of this verdict is a suspect."""
        return self.rank >= Verdict.SUSPICIOUS.rank


_RANKS: dict[StrEnum, int] = {member: rank for kind in (Severity, Verdict) for rank, member in enumerate(kind)}
"""The place of each in its own order; asked for so often that counting every time would show."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One signal that fired on one release.

    `fact` names the fact it was drawn from: several findings of one fact count once in a verdict.
    """

    signal: str
    family: Family
    severity: Severity
    confidence: Confidence
    observed: str
    expected: str
    evidence: tuple[str, ...]
    benign_if: tuple[str, ...] = ()
    note: str = ""
    fact: str = ""
    knowable_at_publish: bool = True


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A signal that could not be computed for a release."""

    signal: str
    outcome: NotChecked


@dataclass(frozen=True, slots=True)
class Assessment:
    """The judgement on one release, at both moments, with what it rests on and what it could not see."""

    release: Release
    line: str
    predecessor: str | None
    door: Door
    verdict: Verdict
    at_publish: Verdict
    findings: tuple[Finding, ...]
    not_checked: tuple[Unchecked, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exposure:
    """From when to when a bad release could be installed. `end` None: open-ended, and `end_reason` says why."""

    start: datetime | None
    end: datetime | None
    start_source: str
    end_source: str
    end_reason: str = ""


@dataclass(frozen=True, slots=True)
class Wave:
    """Consecutive flagged releases of one line, with the releases without findings around them."""

    line: str
    releases: tuple[str, ...]
    last_good: str | None
    last_good_not_checked: int
    first_good: str | None
    first_good_not_checked: int
    exposure: Exposure
    exposures: tuple[tuple[str, Exposure], ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Patch numbers missing between two existing ones of the same minor: a lead to look up, not a finding."""

    line: str
    missing: tuple[str, ...]
    after: str
    before: str
