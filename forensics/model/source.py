"""What a source repository says about a release. Git's times are claims of whoever made the commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from forensics.model.checked import NotChecked, Outcome


class Reachability(StrEnum):
    """From where a commit can be reached. `unreferenced`: the server gives it out by id, but no ref leads to it."""

    DEFAULT_BRANCH = "default branch"
    BRANCH = "other branch"
    TAG = "tag only"
    PULL_REQUEST = "pull request only"
    UNREFERENCED = "no ref"
    MISSING = "not in the repository"


@dataclass(frozen=True, slots=True)
class SourceTree:
    """The files of one commit: path, mode (octal text as in git) and blob id (hex), sorted by path."""

    commit: str
    files: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the repository holds for one release.

    `tag` is the tag of the version, `bump` a commit that sets the version and is reachable from a branch or tag.
    `commit` is the attested commit, else that of the tag; `tree` its files; `workflow_blob` the blob id of the attested
    workflow's path at the attested workflow commit.
    """

    tag: str | None
    tag_commit: str | None
    tagged_at: datetime | None
    bump: str | None
    commit: str | None
    reachability: Outcome[Reachability]
    tree: Outcome[SourceTree]
    workflow_blob: Outcome[str | None]
    evidence: tuple[str, ...] = ()


NO_SOURCE = NotChecked("the repository was not collected", "git")
