"""What a release is compared with."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from forensics.model.checked import NotChecked
from forensics.model.release import Door
from forensics.signals import thresholds as t
from forensics.signals.baseline import Baseline, Past, Series, build_baseline
from forensics.signals.profile import profile_of
from tests.signals.histories import USUAL, day, identity, release


def _past(
    n: int,
    *,
    at: float | None = None,
    flagged: bool = False,
    otherwise: bool | None = None,
    removed_at: datetime | None = None,
    removed: bool = False,
    advised_at: datetime | None = None,
    changed: frozenset[tuple[str, str]] = frozenset(),
    trigger: str = "release",
    door: Door = Door.TRUSTED_ATTESTED,
) -> Past:
    who = USUAL if trigger == "release" else identity(build_trigger=trigger)
    return Past(
        profile=profile_of(release(f"1.0.{n}", day(n if at is None else at), who)),
        line="1",
        door=door,
        flagged_at_publish=flagged,
        changed=changed,
        flagged_otherwise=flagged if otherwise is None else otherwise,
        removed=removed or removed_at is not None,
        removed_at=removed_at,
        advised_at=advised_at,
    )


def _series(past: list[Past]) -> Series:
    series = Series()
    for member in past:
        series.add(member)
    return series


def _baseline(line: list[Past], project: list[Past], at: datetime) -> Baseline:
    return build_baseline(_series(line), _series(project), at)


def _versions(past: list[Past], at: datetime) -> list[str]:
    return [member.profile.version for member in _baseline(past, past, at).cohort]


def test_the_last_twenty_or_the_last_year_whichever_holds_more() -> None:
    slow = [_past(n, at=n * 60) for n in range(40)]
    assert len(_versions(slow, day(40 * 60))) == t.COHORT_RELEASES
    quick = [_past(n, at=n) for n in range(100)]
    assert len(_versions(quick, day(100))) == 100
    assert len(_versions([_past(n, at=n / 10) for n in range(900)], day(100))) == t.COHORT_LIMIT


def test_flagged_removed_and_advised_releases_are_left_out_before_counting() -> None:
    past = [_past(n) for n in range(6)]
    past[1] = _past(1, flagged=True)
    past[2] = _past(2, removed_at=day(3))
    past[3] = _past(3, advised_at=day(4))
    past[4] = _past(4, removed=True)  # nobody says when
    assert _versions(past, day(10)) == ["1.0.0", "1.0.5"]


def test_what_happens_later_is_not_yet_known() -> None:
    past = [_past(0), _past(1, removed_at=day(20)), _past(2, advised_at=day(20))]
    assert _versions(past, day(10)) == ["1.0.0", "1.0.1", "1.0.2"]
    assert _versions(past, day(30)) == ["1.0.0"]


def test_a_line_without_a_past_borrows_the_projects() -> None:
    project = [_past(n) for n in range(3)]
    baseline = _baseline([], project, day(10))
    assert baseline.borrowed
    assert baseline.predecessor is not None
    assert baseline.predecessor.version == "1.0.2"
    flagged_line = _baseline([_past(9, flagged=True)], project, day(10))
    assert flagged_line.borrowed
    assert not _baseline(project, [], day(10)).borrowed
    assert _baseline([], [], day(10)).predecessor is None


def test_what_was_attested_is_remembered_without_limit_of_time() -> None:
    old = [_past(n) for n in range(4)]
    old[3] = _past(3, removed_at=day(50))
    bare = [replace(_past(10 + n, at=2000 + n), profile=profile_of(release(f"1.0.{10 + n}", day(2000 + n))))
            for n in range(500)]  # fmt: skip
    baseline = _baseline([*old, *bare], [], day(2600))
    assert not any(past.profile.identities for past in baseline.cohort)
    assert [profile.version for profile in baseline.fully_attested] == ["1.0.1", "1.0.2"]


def test_the_usual_door() -> None:
    agree = _baseline([_past(n) for n in range(3)], [], day(10))
    assert agree.usual_door() is Door.TRUSTED_ATTESTED
    assert isinstance(_baseline([_past(0), _past(1)], [], day(10)).usual_door(), NotChecked)
    mixed = [_past(0), _past(1, door=Door.TOKEN), _past(2)]
    assert isinstance(_baseline(mixed, [], day(10)).usual_door(), NotChecked)
    unknown = [_past(n, door=Door.UNKNOWN) for n in range(3)]
    assert isinstance(_baseline(unknown, [], day(10)).usual_door(), NotChecked)
    older = [_past(0, door=Door.TOKEN), *(_past(n) for n in range(1, 4))]
    assert _baseline(older, [], day(10)).usual_door() is Door.TRUSTED_ATTESTED


PUSH = frozenset({("triggers", "push")})


def _pushes(days: list[float], **fields: bool) -> list[Past]:
    return [
        _past(10 + n, at=at, flagged=True, otherwise=fields.get("otherwise", False), changed=PUSH, trigger="push")
        for n, at in enumerate(days)
    ]


def test_a_changed_value_joins_after_three_releases_over_a_fortnight() -> None:
    old = [_past(n) for n in range(5)]

    def values(days: list[float], **fields: bool) -> frozenset[str]:
        return _baseline([*old, *_pushes(days, **fields)], [], day(100)).values("triggers")

    assert values([20, 27]) == {"release"}
    assert values([20, 21, 33]) == {"release"}  # thirteen days
    assert values([20, 21, 34]) == {"release", "push"}
    assert values([20, 27, 34], otherwise=True) == {"release"}  # flagged for another reason


def test_removed_releases_do_not_help_a_value_to_join() -> None:
    old = [_past(n) for n in range(5)]
    gone = [_past(10 + n, at=20 + 7 * n, removed_at=day(90), changed=PUSH, trigger="push") for n in range(3)]
    assert _baseline([*old, *gone], [], day(80)).values("triggers") == {"release"}


def test_releases_that_an_advisory_named_by_then_do_not_help_a_value_to_join() -> None:
    old = [_past(n) for n in range(5)]
    bad = [_past(10 + n, at=20 + 7 * n, advised_at=day(50), changed=PUSH, trigger="push") for n in range(3)]
    assert _baseline([*old, *bad], [], day(60)).values("triggers") == {"release"}
    assert _baseline([*old, *bad], [], day(45)).values("triggers") == {"release", "push"}  # nobody knew


def test_a_value_that_is_still_new_is_not_yet_among_the_values_of_its_own_release() -> None:
    light = _past(9, changed=PUSH, trigger="push")  # not flagged, so it is in the cohort
    baseline = _baseline([_past(0), light], [], day(20))
    assert len(baseline.cohort) == 2
    assert baseline.values("triggers") == {"release"}
    assert timedelta(days=14) == t.JOIN_SPAN
