"""Evidence that speaks for a release, and what it lowers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from forensics.model.checked import Checked, NotChecked
from forensics.model.contents import Contents, Member, Runs
from forensics.model.finding import Severity, Verdict
from forensics.model.release import Release
from forensics.model.source import Reachability
from tests.signals.histories import Judged, day, judged, release, series
from tests.signals.sources import all_sourced, sourced

ID = "provenance-lost"
CODE = Member("thing-1.0.5/thing/__init__.py", 10, "0" * 64, "a" * 40, Runs.IMPORT)
TEXT = Member("thing-1.0.5/PKG-INFO", 10, "0" * 64, "7" * 40, Runs.NEVER)


def _by_hand(*members: Member, problems: tuple[str, ...] = (), read: bool = True, **source: Any) -> Release:
    """An unattested release whose artifacts hold *members*."""
    made = release("1.0.5", day(40), None)
    contents = (
        Checked(Contents(members, problems, root="thing-1.0.5/"), ("o-bytes",))
        if read
        else NotChecked("not fetched", "artifact")
    )
    files = tuple(replace(artifact, contents=contents) for artifact in made.artifacts)
    return sourced(replace(made, artifacts=files), **source)


def _then(last: Release) -> Judged:
    return judged([*all_sourced(series(5)), last])


def test_a_hot_fix_by_hand_is_told_from_a_stolen_token() -> None:
    told = _then(_by_hand(CODE, TEXT))
    hit = told.hit("1.0.5", ID)
    assert hit.severity is Severity.LOW
    assert "Lowered: its source is tagged" in hit.note
    assert {"o-trees", "o-bytes", "o-refs"} <= set(hit.evidence)
    assert told["1.0.5"].verdict is told["1.0.5"].at_publish is Verdict.NOTABLE


@pytest.mark.parametrize(
    "last",
    [
        _by_hand(replace(CODE, blob="9" * 40)),
        _by_hand(replace(CODE, path="thing-1.0.5/thing/other.py")),
        _by_hand(CODE, problems=("two members of one name",)),
        _by_hand(CODE, read=False),
        _by_hand(CODE, tag=None, bump=None),
        _by_hand(CODE, reachability=Checked(Reachability.TAG)),
        _by_hand(CODE, reachability=Checked(Reachability.BRANCH), ref="refs/heads/feature/thing"),
        _by_hand(CODE, reachability=NotChecked("no answer", "git")),
        _by_hand(CODE, tree=NotChecked("no answer", "git")),
    ],
    ids=[
        "differs",
        "elsewhere",
        "odd archive",
        "unread",
        "no tag",
        "off branch",
        "feature branch",
        "unknown",
        "no tree",
    ],
)
def test_what_differs_or_could_not_be_checked_corroborates_nothing(last: Release) -> None:
    assert _then(last).hit("1.0.5", ID).severity is Severity.MEDIUM


@pytest.mark.parametrize("branch", ["1.x", "release/1.0", "v1.0", "stable", "maint-1.0", "hotfix/1.0.5", "releases"])
def test_release_branches_count(branch: str) -> None:
    last = _by_hand(CODE, reachability=Checked(Reachability.BRANCH), ref=f"refs/heads/{branch}")
    assert _then(last).hit("1.0.5", ID).severity is Severity.LOW


@pytest.mark.parametrize(
    "branch",
    ["2", "6.0.x", "release-2024", "release/1.0/fixes", "stable/5.2.x", "branch-3.5", "v8.x-staging", "lts/hydrogen",
     "1.x-maint", "team/hotfix-12", "3.2-stable", "backports/1.0", "releases/v1"],
)  # fmt: skip
def test_more_names_of_release_branches(branch: str) -> None:
    last = _by_hand(CODE, reachability=Checked(Reachability.BRANCH), ref=f"refs/heads/{branch}")
    assert _then(last).hit("1.0.5", ID).severity is Severity.LOW


@pytest.mark.parametrize(
    "branch",
    ["patch-1", "123-mend-the-login", "feature/123", "alice/issue-42", "dependabot/npm_and_yarn/lodash-4.17.21",
     "fix_1.2_parsing", "unstable", "prerelease-notes", "10-years"],
)  # fmt: skip
def test_a_number_alone_makes_no_release_branch(branch: str) -> None:
    last = _by_hand(CODE, reachability=Checked(Reachability.BRANCH), ref=f"refs/heads/{branch}")
    assert _then(last).hit("1.0.5", ID).severity is Severity.MEDIUM
