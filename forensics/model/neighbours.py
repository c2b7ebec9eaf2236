"""Other packages, as far as they say something about this one: those it newly requires, those of the same accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.model.checked import NotChecked


@dataclass(frozen=True, slots=True)
class OtherPublication:
    """A version of another package: when it was published (UTC), and by which account (None: its index forgot)."""

    at: datetime
    package: str
    version: str
    account: str | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the accounts of a project published elsewhere, in order of time.

    `accounts` were asked about, `packages` were read, `unread` more packages of theirs were left out. None of those
    published anything later than `unread_until`; None: nobody knows.
    """

    accounts: tuple[str, ...]
    packages: int
    unread: int
    publications: tuple[OtherPublication, ...]
    evidence: tuple[str, ...]
    unread_until: datetime | None = None


NO_FLEET = NotChecked("what the same accounts published elsewhere was not asked", "the index, about its accounts")
NO_AGE = NotChecked("since when its index has it was not asked", "the index, about the dependency")


@dataclass(frozen=True, slots=True)
class Questions:
    """What to ask about other packages: ages of *names*, and what *accounts* published since a UTC time."""

    names: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    since: datetime | None = None
