"""What a repository says about releases made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from forensics.model.checked import Checked, NotChecked
from forensics.model.release import Release
from forensics.model.source import Reachability, SourceFacts, SourceTree
from tests.signals.histories import day

NO_GIT = NotChecked("the server redirects elsewhere", "git", ("o-git",))
WORKFLOW = ("b" * 39) + "1"


def facts(version: str, **more: Any) -> SourceFacts:
    """Facts of a tagged release on the default branch, some of them changed; collected long afterwards."""
    commit = f"{abs(hash(version)) % 16**8:08x}" + "c" * 32
    base = SourceFacts(
        tag=f"v{version}",
        tag_commit=commit,
        tagged_at=day(0),
        bump=commit,
        commit=commit,
        reachability=Checked(Reachability.DEFAULT_BRANCH, ("o-refs",)),
        tree=Checked(SourceTree(commit, (("thing/__init__.py", "100644", "a" * 40),)), ("o-trees",)),
        workflow_blob=Checked(WORKFLOW, ("o-trees",)),
        evidence=("o-refs", "o-log"),
        ref="refs/heads/main",
        default_branch="main",
        collected_at=day(4000),
    )
    return replace(base, **more)


def sourced(release: Release, **more: Any) -> Release:
    """The release with facts about its source."""
    return replace(release, source=Checked(facts(release.version, **more), ("o-refs",)))


def all_sourced(releases: Iterable[Release], **more: Any) -> list[Release]:
    """Every release with facts about its source."""
    return [sourced(release, **more) for release in releases]
