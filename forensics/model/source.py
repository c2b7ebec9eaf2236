"""What a source repository says about a release. Git's times are claims of whoever made the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True, weakref_slot=True)
class SourceTree:
    """The files of one commit: path, mode (octal text as in git) and blob id (hex), sorted by path."""

    commit: str
    files: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: parents by id, when it says it was written and committed, and the first line of its message."""

    sha: str
    parents: tuple[str, ...]
    authored: datetime | None
    committed: datetime | None
    subject: str


@dataclass(frozen=True, slots=True)
class WorkflowRisks:
    """What static analysis finds in a workflow file: the ids of the rules, sorted, and which tool in which version."""

    tool: str
    rules: tuple[str, ...]


NOT_LINTED = NotChecked("its workflow file was not examined when the case was collected", "git and zizmor")


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What the repository holds for one release.

    `tag` is the tag of the version, `bump` a commit that sets the version and is reachable from a branch or tag.
    `commit` is the attested commit, else that of the tag; `tree` its files; `workflow_blob` the blob id of the attested
    workflow's path at the attested workflow commit. `ref` is a ref from which `commit` is reachable, `elsewhere` says
    that the attested commit belongs to another repository than the one collected. `workflow_risks` are what static
    analysis finds in the workflow file.
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
    ref: str | None = None
    committed_at: datetime | None = None
    subject: str = ""
    default_branch: str | None = None
    collected_at: datetime | None = None
    attested: bool = False
    workflow_risks: Outcome[WorkflowRisks] = NOT_LINTED


@dataclass(frozen=True, slots=True)
class SourceHistory:
    """The repository as a whole: where it was asked for, whose word that is, and every commit a ref leads to, by id.

    `workflows` are the workflow files of attested commits, by blob id.
    """

    url: str
    named_by: str
    default_branch: str | None
    commits: Mapping[str, Commit] = field(repr=False)
    evidence: tuple[str, ...] = ()
    workflows: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def between(self, before: str, after: str) -> tuple[Commit, ...]:
        """Return the commits that *after* has and *before* does not, latest first; empty when either is unknown."""
        if before not in self.commits or after not in self.commits:
            return ()
        old = self._ancestry(before)
        new = [self.commits[sha] for sha in self._ancestry(after) if sha not in old]
        return tuple(sorted(new, key=lambda c: (c.committed.timestamp() if c.committed else 0.0, c.sha), reverse=True))

    def _ancestry(self, sha: str) -> set[str]:
        seen: set[str] = set()
        waiting = [sha]
        while waiting:
            one = waiting.pop()
            if one not in seen and one in self.commits:
                seen.add(one)
                waiting += self.commits[one].parents
        return seen


NO_SOURCE = NotChecked("the repository was not collected", "git")
