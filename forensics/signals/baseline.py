"""What a release is compared with: predecessor and cohort of its line, as of its publication."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Reversible
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from forensics.model.checked import NotChecked
from forensics.model.release import Door
from forensics.signals import thresholds as t
from forensics.signals.profile import Attested, Profile, shared

CLAIMS = (
    "repositories", "owners", "repository_names", "workflows", "triggers", "refs", "runners", "environments",
    "accounts", "emails",
)  # fmt: skip
"""The attributes of `Profile` that baselines compare."""


@dataclass(slots=True)
class Past:
    """An earlier release as later ones see it: its profile at publication and whether it may serve as baseline.

    `claims` are the values of its profile, by attribute, that were not new with it.
    """

    profile: Profile
    line: str
    door: Door
    flagged_at_publish: bool
    changed: frozenset[tuple[str, str]]
    flagged_otherwise: bool
    removed: bool
    removed_at: datetime | None
    advised_at: datetime | None
    attested_lost: bool = False
    claims: frozenset[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        kept = {(name, value) for name in CLAIMS for value in getattr(self.profile, name)}
        self.claims = shared(frozenset(kept) - self.changed)

    def serves(self, at: datetime) -> bool:
        """Whether it is part of baselines at time *at*: not flagged, and not yet removed or advised against by then.

        A removal at an unknown time counts as before: what may have been bad is no measure.
        """
        if self.flagged_at_publish or (self.removed and (self.removed_at is None or self.removed_at <= at)):
            return False
        return self.advised_at is None or self.advised_at > at


@dataclass(slots=True)
class Series:
    """The latest releases of a line, or of the whole project, in order of publication, grown one at a time.

    `usable` are those that may serve as baseline at some time, `attested` those of them of which every file was
    attested: what was lost is looked for among them without limit of time. Each holds as many as baselines look at.
    """

    members: deque[Past] = field(default_factory=lambda: deque(maxlen=t.COHORT_LIMIT))
    usable: deque[Past] = field(default_factory=lambda: deque(maxlen=t.COHORT_LOOKED_AT))
    attested: deque[Past] = field(default_factory=lambda: deque(maxlen=t.COHORT_LOOKED_AT))

    def add(self, past: Past) -> None:
        """Take in the next release."""
        self.members.append(past)
        if past.flagged_at_publish or (past.removed and past.removed_at is None):
            return
        self.usable.append(past)
        if past.profile.attested is Attested.FULL:
            self.attested.append(past)

    @property
    def latest(self) -> Past | None:
        """The release before the one that is judged, whatever was thought of it."""
        return self.members[-1] if self.members else None


@dataclass(frozen=True, slots=True)
class Baseline:
    """Predecessor and cohort, latest last. `borrowed` when the line had none and the project's latest stands in.

    `fully_attested` are the latest releases of which every file was attested, at most FULLY_ATTESTED, of any age.
    `wider` is the project's cohort, where the line's is too small to learn a rate from.
    """

    cohort: tuple[Past, ...]
    borrowed: bool
    joined: frozenset[tuple[str, str]] = field(default=frozenset())
    fully_attested: tuple[Profile, ...] = ()
    wider: tuple[Past, ...] = ()
    _known: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def predecessor(self) -> Profile | None:
        """The latest release of the baseline."""
        return self.cohort[-1].profile if self.cohort else None

    @property
    def for_rates(self) -> tuple[Past, ...]:
        """What rates are learnt from: the line's cohort, or the project's where the line has too few releases."""
        return self.wider or self.cohort

    def values(self, name: str) -> frozenset[str]:
        """Return the values of one attribute of `Profile` that the cohort's members carry, and those that joined.

        A value that is still new (see JOIN_RELEASES) is not among them, though its release may be in the cohort.
        """
        if not self._known:
            claims = self.joined.union(*{past.claims for past in self.cohort})  # most are equal, and fold first
            for each in CLAIMS:
                self._known[each] = frozenset(value for kind, value in claims if kind == each)
        return self._known[name]

    def usual_door(self) -> Door | NotChecked:
        """Return the door of the latest baseline releases if they agree and it is known."""
        latest = [past.door for past in self.cohort[-t.USUAL_DOOR_RELEASES :]]
        if len(latest) < t.USUAL_DOOR_RELEASES:
            reason = f"fewer than {t.USUAL_DOOR_RELEASES} earlier releases to tell the usual door from"
            return NotChecked(reason, "index")
        if len(set(latest)) > 1:
            return NotChecked("the latest three doors disagree, so none is usual", "index")
        if latest[0] is Door.UNKNOWN:
            return NotChecked("the usual door is unknown", "index")
        return latest[0]


def build_baseline(line: Series, project: Series, at: datetime) -> Baseline:
    """Return the baseline at time *at* from the earlier releases of the *line*, else of the *project*.

    Cohort: the last COHORT_RELEASES, or those of the last COHORT_SPAN, whichever holds more, at most COHORT_LIMIT;
    releases that do not serve are left out before counting.
    """
    cohort = _cohort(line.usable, at)
    source, borrowed = (line, False) if cohort else (project, True)
    wider = _cohort(project.usable, at) if len(cohort) < t.RATE_SAMPLES else ()
    return Baseline(cohort or wider, borrowed, _joined(source.members, at), _attested(source.attested, at), wider)


def _attested(past: Reversible[Past], at: datetime) -> tuple[Profile, ...]:
    """Return the latest FULLY_ATTESTED of *past* that serve, latest last."""
    serving = (member.profile for member in reversed(past) if member.serves(at))
    return tuple(islice(serving, t.FULLY_ATTESTED))[::-1]


def _cohort(past: Reversible[Past], at: datetime) -> tuple[Past, ...]:
    chosen: list[Past] = []
    since = at - t.COHORT_SPAN
    for member in reversed(past):
        published = member.profile.release.published
        old = published is None or published < since
        if len(chosen) >= t.COHORT_LIMIT or (old and len(chosen) >= t.COHORT_RELEASES):
            break
        if member.serves(at):
            chosen.append(member)
    return tuple(reversed(chosen))


def _joined(past: Iterable[Past], at: datetime) -> frozenset[tuple[str, str]]:
    """Return changed values that have held: JOIN_RELEASES releases over JOIN_SPAN, none flagged for another reason.

    A value does not veto itself: releases flagged only because they carry it count. Removed ones, and those that an
    advisory had called malicious by *at*, do not.
    """
    seen: dict[tuple[str, str], list[datetime]] = {}
    for member in past:
        if not member.changed or member.flagged_otherwise or member.removed or member.profile.published is None:
            continue
        if member.advised_at is not None and member.advised_at <= at:
            continue
        for value in member.changed:
            seen.setdefault(value, []).append(member.profile.published)
    return frozenset(
        value for value, times in seen.items() if len(times) >= t.JOIN_RELEASES and times[-1] - times[0] >= t.JOIN_SPAN
    )
