"""A lesser door than the usual one. The doors that only an npm packument tells are set on the view."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from forensics.model.checked import NotChecked
from forensics.model.finding import Severity, Verdict
from forensics.model.release import Door
from forensics.signals.baseline import Baseline, Past
from forensics.signals.door_changed import door_changed
from forensics.signals.profile import profile_of
from forensics.signals.registry import Hit, View
from tests.signals.histories import artifact, attestation, day, identity, judged, release, series
from tests.signals.views import view_of

ID = "door-changed"
FOREIGN = identity(source_repository_identifier="666", name="evil/thing", source_repository_owner_identifier="9")


def _past(version: str, days: float, door: Door, changed: frozenset[tuple[str, str]] = frozenset()) -> Past:
    profile = profile_of(release(version, day(days)))
    return Past(profile, "1", door, False, changed, False, False, None, None)


def _view(door: Door, *usual: Door) -> View:
    cohort = tuple(_past(f"1.0.{n}", n, d) for n, d in enumerate(usual))
    return replace(view_of(release("1.0.9", day(30))), door=door, baseline=Baseline(cohort, borrowed=False))


def test_a_foreign_repository_is_below_every_door() -> None:
    told = judged([*series(5), release("1.0.5", day(40), FOREIGN)])
    assert told["1.0.5"].door is Door.FOREIGN_ATTESTED
    hit = told.hit("1.0.5", ID)
    assert hit.severity is Severity.HIGH
    assert hit.observed == "came in through the attestation of another repository"
    assert "1.0.2 and 1.0.3 and 1.0.4" in hit.expected
    assert "o-attestation-thing-1.0.5.tar.gz" in hit.evidence
    repository = told.hit("1.0.5", "identity-repository-changed")
    assert hit.fact == repository.fact  # one fact, counted once


def test_without_an_attestation_the_door_is_unknown_and_not_checked() -> None:
    unchecked = judged([*series(5), release("1.0.5", day(40))]).unchecked("1.0.5", ID)
    assert unchecked is not None
    assert "does not prove a token" in unchecked.reason


def test_too_few_or_disagreeing_doors_are_not_checked() -> None:
    assert judged(series(2)).unchecked("1.0.1", ID) is not None
    mixed = judged([*series(3), release("2.0.0", day(40)), *series(2, minor="2.0", first=1, start=50)])
    unchecked = mixed.unchecked("2.0.2", ID)
    assert unchecked is not None
    assert "doors" in unchecked.reason or "earlier releases" in unchecked.reason


T, U, P, K, F = Door.TRUSTED_ATTESTED, Door.TRUSTED_UNATTESTED, Door.TOKEN_ATTESTED, Door.TOKEN, Door.FOREIGN_ATTESTED


@pytest.mark.parametrize(
    ("usual", "now", "fires"),
    [
        (T, T, False),
        (T, U, False),  # the same rank: unattested-trusted-publish speaks of it
        (T, P, True),
        (T, K, True),
        (T, F, True),
        (P, T, False),
        (P, K, True),
        (P, F, True),
        (K, T, False),
        (K, P, False),
        (K, K, False),
        (K, F, True),
        (U, K, True),
    ],
)
def test_only_downwards(usual: Door, now: Door, fires: bool) -> None:
    result = door_changed(_view(now, usual, usual, usual))
    assert isinstance(result, Hit) == fires
    assert not isinstance(result, NotChecked)
    if isinstance(result, Hit):
        assert result.evidence


def test_a_usual_door_that_is_unknown_is_not_checked() -> None:
    assert isinstance(door_changed(_view(T, Door.UNKNOWN, Door.UNKNOWN, Door.UNKNOWN)), NotChecked)
    assert isinstance(door_changed(_view(K, T, P, T)), NotChecked)


def test_a_lesser_door_that_has_held_is_usual() -> None:
    view = _view(K, T, T, T)
    joined = replace(view, baseline=replace(view.baseline, joined=frozenset({("door", "token")})))
    assert door_changed(joined) is None


def test_a_later_foreign_file_does_not_leak_into_at_publish() -> None:
    late = day(40) + timedelta(hours=6)
    files = [artifact("a.tar.gz", day(40), []), artifact("a.whl", late, [attestation(FOREIGN, late, "late")])]
    told = judged([*series(5, None), *series(5, first=5, start=36, every=0.5), release("1.1.0", day(40), files=files)])
    assert told["1.1.0"].door is Door.FOREIGN_ATTESTED
    assert not told.hit("1.1.0", ID).knowable_at_publish


def test_capped_where_the_line_is_new() -> None:
    hit = judged([*series(5), release("2.0.0", day(40), FOREIGN)]).hit("2.0.0", ID)
    assert hit.severity is Severity.LOW
    assert judged([*series(5), release("2.0.0", day(40), FOREIGN)])["2.0.0"].verdict is Verdict.NOTABLE
