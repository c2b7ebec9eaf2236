"""The git repository of a scenario: every commit, tag and ref it ever has, and from when on each is seen.

Objects are made here byte by byte, without the git program, so that commit ids are known before anything is signed.
They depend on the scenario alone. Commits follow the scenario format: `main` is on the default branch, `tag` only
under its tag, `deleted-branch` under no ref, `fork` under `refs/pull/N/head`, `nowhere` has none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.lab.artifacts import Tree, source_tree
from tests.lab.plan import PlannedRelease, label
from tests.lab.scenario import Release, Scenario
from tests.lab.workflows import workflow

WRITTEN_BEFORE = timedelta(minutes=3)
"""How long before its tag a release's commit is made."""


@dataclass(frozen=True)
class MovingRef:
    """A ref that begins to exist, or moves, at a moment."""

    name: str
    sha: str
    since: datetime


@dataclass
class GitHistory:
    """Objects by id (kind, content), refs in order of time, and the commit of each release that has one."""

    default_branch: str
    objects: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    refs: list[MovingRef] = field(default_factory=list)
    commits: dict[str, str] = field(default_factory=dict)

    def refs_at(self, moment: datetime) -> dict[str, str]:
        """Refs by name as they stand at a moment."""
        return {ref.name: ref.sha for ref in self.refs if ref.since <= moment}

    def add(self, kind: str, content: bytes) -> str:
        """Store an object and return its id."""
        sha = hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
        self.objects[sha] = (kind, content)
        return sha

    def tree(self, files: Tree) -> str:
        """Store a directory and all below it; git sorts directories as if their names ended in a slash."""
        entries: dict[str, tuple[str, str]] = {}
        inner: dict[str, Tree] = {}
        for path, data in files.items():
            top, slash, rest = path.partition("/")
            if slash:
                inner.setdefault(top, {})[rest] = data
            else:
                entries[top] = ("100644", self.add("blob", data))
        for name, below in inner.items():
            entries[name] = ("40000", self.tree(below))
        ordered = sorted(entries, key=lambda name: name + ("/" if entries[name][0] == "40000" else ""))
        return self.add(
            "tree", b"".join(f"{entries[n][0]} {n}\0".encode() + bytes.fromhex(entries[n][1]) for n in ordered)
        )

    def commit(self, files: Tree, parent: str | None, at: datetime, message: str) -> str:
        """Store a commit."""
        person = f"Maintainer <maintainer@lab.example> {int(at.timestamp())} +0000"
        lines = [f"tree {self.tree(files)}", *([f"parent {parent}"] if parent else [])]
        lines += [f"author {person}", f"committer {person}", "", message, ""]
        return self.add("commit", "\n".join(lines).encode())

    def tag(self, name: str, sha: str, at: datetime) -> str:
        """Store an annotated tag."""
        person = f"Maintainer <maintainer@lab.example> {int(at.timestamp())} +0000"
        return self.add("tag", f"object {sha}\ntype commit\ntag {name}\ntagger {person}\n\nRelease {name}\n".encode())


def git_history(scenario: Scenario, releases: tuple[PlannedRelease, ...]) -> GitHistory:
    """Build the repository of a scenario from its planned releases."""
    made = GitHistory(scenario.repository.default_branch)
    branch = f"refs/heads/{made.default_branch}"
    tip: str | None = None
    last = datetime.fromtimestamp(0, tz=UTC)
    files_state = _Workflow(0, ())
    for number, release in enumerate(releases):
        row = release.row
        if row.commit_on == "nowhere":
            continue
        here = files_state.changed(row)
        at = min(release.tagged_at, release.signed) - WRITTEN_BEFORE
        files = {**source_tree(scenario, release), **_workflows(scenario, release, here)}
        files_state = here if row.commit_on == "main" else files_state
        if row.commit_on == "main":
            before = max(last + timedelta(seconds=1), at - timedelta(hours=5))
            at = max(at, before + timedelta(seconds=1))
            notes = {**files, "NOTES.md": f"Work on what becomes {release.version}.\n".encode()}
            if tip is None:
                tip = made.commit({"README.md": files["README.md"]}, None, before, "Begin")
            else:
                tip = made.commit(_without_version(made, tip, notes), tip, before, "Improve the documentation")
            made.refs.append(MovingRef(branch, tip, before))
        sha = made.commit(files, tip, at, f"Release {release.version}")
        made.commits[release.version] = sha
        if row.commit_on == "main":
            tip, last = sha, at
            made.refs.append(MovingRef(branch, sha, at))
        elif row.commit_on == "fork":
            made.refs.append(MovingRef(f"refs/pull/{1000 + number}/head", sha, at))
        if row.tagged and scenario.repository.tag_pattern and row.commit_on in {"main", "tag"}:
            lightweight = int(label(scenario.id, release.version, "tag")[:2], 16) % 4 == 0
            named = sha if lightweight else made.tag(release.tag, sha, release.tagged_at)
            made.refs.append(MovingRef(f"refs/tags/{release.tag}", named, release.tagged_at))
    made.refs.sort(key=lambda ref: ref.since)
    return made


def _without_version(made: GitHistory, tip: str, notes: Tree) -> Tree:
    """The files of the tip with a changed note: ordinary work that sets no version."""
    kind, content = made.objects[tip]
    assert kind == "commit"
    files = _read_tree(made, content.split(b"\n")[0].split()[1].decode())
    return {**files, "NOTES.md": notes["NOTES.md"]}


def _read_tree(made: GitHistory, sha: str, below: str = "") -> Tree:
    found: Tree = {}
    content = made.objects[sha][1]
    while content:
        head, _, rest = content.partition(b"\0")
        mode, name = head.decode().split(" ", 1)
        child, content = rest[:20].hex(), rest[20:]
        if mode == "40000":
            found |= _read_tree(made, child, f"{below}{name}/")
        else:
            found[below + name] = made.objects[child][1]
    return found


@dataclass(frozen=True)
class _Workflow:
    """The state of the workflow files: how often they changed, and the risks that were put into them."""

    revision: int
    risks: tuple[str, ...]

    def changed(self, row: Release) -> _Workflow:
        """The state after a release. What the default branch has got stays there; other commits keep to themselves."""
        if not row.workflow.digest_changed and not row.workflow.risks:
            return self
        return _Workflow(self.revision + 1, (*self.risks, *row.workflow.risks))


def _workflows(scenario: Scenario, release: PlannedRelease, state: _Workflow) -> Tree:
    """The workflow files of a commit: the ordinary one and, where another one signs, that one too."""
    paths = {scenario.identity.workflow, release.claims.config, release.claims.signer}
    return {
        path: workflow(
            scenario.project, path, scenario.identity.trigger, state.revision, state.risks, ecosystem=scenario.ecosystem
        )
        for path in sorted(paths)
        if path.startswith(".github/")
    }
