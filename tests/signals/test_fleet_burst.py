"""Other packages of the same account, published within the hour of a release."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.finding import Severity
from forensics.model.neighbours import Fleet, OtherPublication
from forensics.model.publication import Account, Publication, Uploader
from forensics.model.release import Release
from forensics.signals.engine import judge
from tests.signals.histories import USUAL, Judged, day, history, release, series

ID = "fleet-burst"


def _others(
    at: float, count: int, account: str | None = "alice", minutes: float = -5, first: int = 0
) -> list[OtherPublication]:
    """Versions of *count* other packages, a few minutes before the release of day *at*."""
    when = day(at) + timedelta(minutes=minutes)
    return [
        OtherPublication(when, f"other-{first + n}", "1.0.0", account, (f"o-other-{first + n}",)) for n in range(count)
    ]


def _fleet(*publications: OtherPublication, unread: int = 0, quiet: float | None = None) -> Outcome[Fleet]:
    ordered = tuple(sorted(publications, key=lambda p: (p.at, p.package)))
    last = None if quiet is None else day(quiet)
    return Checked(Fleet(("alice",), 20, unread, ordered, ("o-search",), last), ("o-search",))


def _by(name: str, made: Release) -> Release:
    uploader = Checked(Uploader(Account(name)), ("o-packument",))
    return replace(made, publication=Checked(Publication(uploader, Checked(None)), ("o-packument",)))


def _told(fleet: Outcome[Fleet], releases: list[Release] | None = None) -> Judged:
    made = releases or [_by("alice", r) for r in [*series(6), release("1.0.6", day(42), USUAL)]]
    return Judged(judge(replace(history(made), fleet=fleet)))


def test_fires_when_far_more_packages_than_ever_came_within_the_hour() -> None:
    told = _told(_fleet(*_others(42, 8), unread=12))
    hit = told.hit("1.0.6", ID)
    assert hit.severity is Severity.MEDIUM
    assert hit.observed == "8 other packages of alice within the hour: other-0, other-1, other-2 or 5 more"
    assert hit.expected == "at most 0 other packages, as with 6 earlier releases"
    assert {"o-search", "o-other-7"} <= set(hit.evidence)
    assert hit.note == "12 more packages of these accounts were not read."
    assert hit.knowable_at_publish


def test_what_came_after_is_hindsight() -> None:
    hit = _told(_fleet(*_others(42, 8, minutes=10))).hit("1.0.6", ID)
    assert not hit.knowable_at_publish


def test_silent_for_few_for_a_habit_and_for_other_hours() -> None:
    assert _told(_fleet(*_others(42, 2))).silent("1.0.6", ID)
    habit = [p for n in range(7) for p in _others(7 * n, 3)]
    assert _told(_fleet(*habit, *_others(42, 5, first=3))).silent("1.0.6", ID)
    assert _told(_fleet(*_others(42, 8, minutes=-61))).silent("1.0.6", ID)


def test_several_versions_of_one_package_are_one_package() -> None:
    same = [replace(one, package="other") for one in _others(42, 8)]
    assert _told(_fleet(*same)).silent("1.0.6", ID)


def test_only_the_releases_own_account_and_versions_that_the_index_forgot() -> None:
    assert _told(_fleet(*_others(42, 8, account="bob"))).silent("1.0.6", ID)
    assert _told(_fleet(*_others(42, 8, account=None))).finding("1.0.6", ID) is not None
    forgotten = [*(_by("alice", r) for r in series(6)), release("1.0.6", day(42), USUAL)]
    assert _told(_fleet(*_others(42, 8, account="bob")), forgotten).finding("1.0.6", ID) is not None


def test_not_checked() -> None:
    missing = NotChecked("the registry's search answered HTTP 503", "the registry's search")
    assert _told(missing).unchecked("1.0.6", ID) == missing
    short = [_by("alice", r) for r in [*series(4), release("1.0.4", day(42), USUAL)]]
    unchecked = _told(_fleet(*_others(42, 8)), short).unchecked("1.0.4", ID)
    assert unchecked is not None
    assert "fewer than 5 earlier publications" in unchecked.reason
    undated = [_by("alice", r) for r in [*series(6), release("1.0.6", None, USUAL)]]
    assert _told(_fleet(*_others(42, 8)), undated).unchecked("1.0.6", ID) is not None


def test_packages_that_were_not_read_are_not_packages_that_published_nothing() -> None:
    for few in ((), _others(42, 2), [p for n in range(7) for p in _others(7 * n, 3)]):
        missing = _told(_fleet(*few, unread=12)).unchecked("1.0.6", ID)
        assert missing is not None
        assert missing.reason == "12 more packages of the accounts were not read, and may have been published with it"
        assert "o-search" in missing.evidence


def test_packages_that_were_not_read_do_not_matter_after_their_last_publication() -> None:
    told = _told(_fleet(unread=12, quiet=40))
    assert told.silent("1.0.6", ID)
    assert told.unchecked("1.0.5", ID) is not None
