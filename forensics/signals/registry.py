"""The catalogue: what a signal is, how one registers, and what it sees.

A signal is a function from a `View` to a `Hit` (it fires), None (it does not) or `NotChecked`. It declares itself
with `@signal(...)`; its module has the same stem as its test and its page in `docs/signals/`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache

from forensics.model.checked import NotChecked
from forensics.model.finding import Confidence, Family, Severity
from forensics.model.release import Door, History, Release
from forensics.signals.baseline import Baseline, Past
from forensics.signals.numbering import Numbering
from forensics.signals.profile import Profile
from forensics.signals.rhythm import Rhythm


class Moment(StrEnum):
    """When one looks: with what was knowable an hour after publication, or with everything known now."""

    AT_PUBLISH = "at publication"
    HINDSIGHT = "with hindsight"


@dataclass(frozen=True, slots=True)
class View:
    """All that a signal about one release may see.

    `release` and `profile` hold only what had been uploaded and signed by `until` (None: everything known now).
    `previous` is the release before it in its line, flagged ones included; `around` are the publications of other
    lines within the burst window, at publication none that came later. `numbering` holds the earlier version numbers,
    flagged and removed ones included. `failures_suspended` are names of checks that
    the drift guard took out of service.
    """

    history: History
    release: Release
    profile: Profile
    moment: Moment
    until: datetime | None
    line: str
    door: Door
    baseline: Baseline
    previous: Past | None
    rhythm: Rhythm
    line_rhythm: Rhythm
    around: tuple[Release, ...]
    numbering: Numbering
    failures_suspended: frozenset[str]


@dataclass(frozen=True, slots=True)
class Hit:
    """A signal that fires: what was seen, what was expected, how much it weighs, and on what it rests."""

    severity: Severity
    observed: str
    expected: str
    evidence: tuple[str, ...]
    confidence: Confidence = Confidence.HIGH
    note: str = ""
    fact: str = ""
    changed: frozenset[tuple[str, str]] = field(default=frozenset())


Result = Hit | NotChecked | None
Evaluate = Callable[[View], Result]


@dataclass(frozen=True, slots=True)
class Signal:
    """One entry of the catalogue. `evaluate` is None for a signal whose source this version does not collect."""

    id: str
    title: str
    family: Family
    severities: tuple[Severity, ...]
    needs: tuple[str, ...]
    benign_if: tuple[str, ...]
    attack: tuple[str, ...] = ()
    slsa: str = ""
    evaluate: Evaluate | None = None
    missing: str = ""


_CATALOGUE: dict[str, Signal] = {}


def signal(
    id: str,  # noqa: A002 - the word of the catalogue
    *,
    title: str,
    family: Family,
    severities: Sequence[Severity],
    needs: Sequence[str],
    benign_if: Sequence[str],
    attack: Sequence[str] = (),
    slsa: str = "",
) -> Callable[[Evaluate], Evaluate]:
    """Register the decorated function as the signal *id*; *attack* are ATT&CK ids, *slsa* a SLSA threat letter.

    Raises ValueError when the id is taken.
    """

    def register(function: Evaluate) -> Evaluate:
        if id in _CATALOGUE:
            raise ValueError(f"signal {id} is registered twice")
        _CATALOGUE[id] = Signal(
            id, title, family, tuple(severities), tuple(needs), tuple(benign_if), tuple(attack), slsa, function
        )
        return function

    return register


def registered(id: str) -> Signal | None:  # noqa: A002
    """Return the signal *id* if this version computes it, for signals that are defined by other signals."""
    return _computed().get(id)


def catalogue() -> dict[str, Signal]:
    """Return every signal by id, in alphabetical order, those without a source in this version included."""
    from forensics.signals import planned

    return dict(sorted({**{s.id: s for s in planned.SIGNALS}, **_computed()}.items()))


@cache
def _computed() -> Mapping[str, Signal]:
    """Return the signals that have registered, after importing every module of the package once."""
    package = importlib.import_module("forensics.signals")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"forensics.signals.{module.name}")
    return _CATALOGUE
