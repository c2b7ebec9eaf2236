"""Which other packages to ask about, as follows from what a project's releases require and who published them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import timedelta

from forensics.compare.artifacts import required_names
from forensics.compare.declared import declared_requirements
from forensics.model.checked import Checked
from forensics.model.neighbours import Questions
from forensics.model.release import History, Release

MAX_NAMES = 40
"""Newly required packages whose age is asked, those of the newest releases first."""
MAX_ACCOUNTS = 4
LATEST = 20
"""Releases whose accounts are asked about: the incident of today is among them."""
_COMPARED = 3
"""Releases before one; what any of them did not require is new to somebody who compares with it."""
_ASIDE = timedelta(hours=2)


def questions_of(history: History) -> Questions:
    """Return what to ask about other packages."""
    dated = [r.published for r in history.releases[-LATEST:] if r.published]
    since = min(dated) - _ASIDE if dated else None
    return Questions(_new_names(history.releases), _accounts(history.releases[-LATEST:]), since)


def required_by(release: Release) -> frozenset[str] | None:
    """Return the names that a release requires, by its artifacts and by what it declares; None where unknown."""
    known = [a.contents.value.dependencies for a in release.artifacts if isinstance(a.contents, Checked)]
    if isinstance(release.publication, Checked):
        known.append(declared_requirements(release.publication.value))
    return frozenset().union(*map(required_names, known)) if known else None


def _new_names(releases: Iterable[Release]) -> tuple[str, ...]:
    before: deque[frozenset[str]] = deque(maxlen=_COMPARED)
    new: list[str] = []
    for release in releases:
        names = required_by(release)
        if names is None:
            continue
        if before:
            new += sorted(names - frozenset.intersection(*before))
        before.append(names)
    return tuple(dict.fromkeys(reversed(new)))[:MAX_NAMES]


def _accounts(releases: Iterable[Release]) -> tuple[str, ...]:
    """Return the accounts that published, newest first; for a trusted publisher, which is nobody's, the maintainers."""
    found: dict[str, None] = {}
    maintainers: dict[str, None] = {}
    for release in reversed(list(releases)):
        if not isinstance(release.publication, Checked):
            continue
        uploader = release.publication.value.uploader
        if isinstance(uploader, Checked) and uploader.value.trusted_publisher is None:
            found[uploader.value.account.name] = None
        maintainers.update(dict.fromkeys(account.name for account in release.publication.value.maintainers))
    return tuple(dict.fromkeys([*found, *maintainers]))[:MAX_ACCOUNTS]
