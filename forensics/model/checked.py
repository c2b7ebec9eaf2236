"""Three values where two would lie: observed, observed to be absent, not observed because …

`Checked(value)` says a source answered; an empty value inside it is an observed absence.
`NotChecked(reason, needs)` says nobody knows, why, and what would tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked(Generic[T]):
    """A value that a source stated, with the ids of the observations it rests on.

    `caveat` says why confidence in it is low, if it is: a best-effort search that found nothing, for instance.
    """

    value: T
    evidence: tuple[str, ...] = ()
    caveat: str = ""


@dataclass(frozen=True, slots=True)
class NotChecked:
    """Nothing is known: *reason* says why, *needs* names the source that would tell (`index`, `log`, `git`, …)."""

    reason: str
    needs: str
    evidence: tuple[str, ...] = ()


Outcome = Checked[T] | NotChecked
