"""No tag and no version bump, where the cohort has them."""

from __future__ import annotations

from dataclasses import replace

from forensics.model.finding import Severity
from forensics.model.release import Release
from tests.signals.histories import Judged, day, judged, release, series
from tests.signals.sources import NO_GIT, all_sourced, sourced

ID = "no-source-release"
NOTHING = {"tag": None, "tag_commit": None, "tagged_at": None, "bump": None, "commit": None}


def _then(last: Release, before: list[Release] | None = None) -> Judged:
    return judged([*(before or all_sourced(series(10))), last])


def test_fires_where_the_repository_knows_nothing_of_the_version() -> None:
    hit = _then(sourced(release("1.0.10", day(80)), **NOTHING)).hit("1.0.10", ID)
    assert hit.severity is Severity.MEDIUM
    assert hit.observed.startswith("the repository has no tag of this version")
    assert hit.expected == "a tag or a version bump, as 10 of 10 earlier releases have (tag v1.0.9)"
    assert {"o-refs", "o-log"} <= set(hit.evidence)
    assert hit.knowable_at_publish
    assert hit.note.startswith("Branches and tags are those of ")


def test_a_case_of_that_hour_carries_no_label() -> None:
    last = sourced(release("1.0.10", day(80)), **NOTHING, collected_at=day(80.02))
    assert _then(last).hit("1.0.10", ID).note == ""


def test_silent_with_a_tag_or_a_version_bump() -> None:
    assert _then(sourced(release("1.0.10", day(80)))).silent("1.0.10", ID)
    assert _then(sourced(release("1.0.10", day(80)), tag=None)).silent("1.0.10", ID)
    assert _then(sourced(release("1.0.10", day(80)), bump=None)).silent("1.0.10", ID)


def test_not_checked_without_the_repository_or_where_releases_are_seldom_tagged() -> None:
    assert _then(replace(release("1.0.10", day(80)), source=NO_GIT)).unchecked("1.0.10", ID) == NO_GIT
    some = [*all_sourced(series(3), **NOTHING), *all_sourced(series(7, first=3, start=21))]
    unchecked = _then(sourced(release("1.0.10", day(80)), **NOTHING), some).unchecked("1.0.10", ID)
    assert unchecked is not None
    assert unchecked.reason == "fewer than 90% of the earlier releases have a tag or a version bump in the repository"
    few = _then(sourced(release("1.0.3", day(80)), **NOTHING), all_sourced(series(3))).unchecked("1.0.3", ID)
    assert few is not None
    assert "fewer than 5 earlier releases" in few.reason


def test_a_line_with_few_releases_borrows_the_projects_habit() -> None:
    old = all_sourced([release("0.9.0", day(1)), release("0.9.1", day(31))])
    told = _then(sourced(release("0.9.2", day(81)), **NOTHING), [*old, *all_sourced(series(8, start=2))])
    assert told.hit("0.9.2", ID).expected.startswith(
        "a tag or a version bump, as 10 of 10 earlier releases have (tag v1.0.7)"
    )
