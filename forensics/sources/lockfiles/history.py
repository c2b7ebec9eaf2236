"""Lockfiles in the history of a repository on this machine: which version of which file, in which commits.

The repository is not trusted: nothing of it is checked out, its configuration and hooks are not read by any command
that works on objects, and it is not written to. A bare repository of ours borrows its objects. Times are committers'
claims.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from forensics.model.errors import BadAnswer, UsageError
from forensics.sources.git_read import moment, read_changes
from forensics.sources.git_run import Done, Git
from forensics.sources.lockfiles.match import Examined
from forensics.sources.lockfiles.read import MANIFESTS, PATHSPECS, kind_of_name
from forensics.sources.lockfiles.records import MAX_BYTES
from forensics.sources.program import TooLarge

MAX_COMMITS = 300_000
MAX_EDGE = 2**22
"""Most that is read of the list of commits at which a shallow clone ends, in bytes."""
BATCH_BYTES = 48 * 2**20
"""Contents that are asked of git in one go."""
_FILES = {"100644", "100755"}


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: its parents, and when its committer claims to have made it (UTC)."""

    sha: str
    parents: tuple[str, ...]
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of history in which a file named a release, as git claims.

    From the first commit that has it to the last that leaves it; `end` None while one of the refs in `held_by` has it.
    """

    start: datetime | None
    start_commit: str
    end: datetime | None
    end_commit: str | None
    held_by: tuple[str, ...]


@dataclass(slots=True)
class LockHistory:
    """Every version of every lockfile of a repository.

    `commits` have parents before children; `changes` are by commit and path, against the first parent: a blob, or None
    where the file is gone. `examined` is by blob and kind. `shallow`: the clone leaves older commits out.
    """

    commits: list[Commit] = field(default_factory=list)
    changes: dict[str, dict[str, str | None]] = field(default_factory=dict)
    tips: dict[str, str] = field(default_factory=dict)
    examined: dict[tuple[str, str], Examined] = field(default_factory=dict)
    shallow: bool = False
    problems: list[str] = field(default_factory=list)

    def versions(self) -> dict[str, set[str]]:
        """Return the blobs that ever stood at each path."""
        found: dict[str, set[str]] = defaultdict(set)
        for changed in self.changes.values():
            for path, blob in changed.items():
                if blob is not None:
                    found[path].add(blob)
        return dict(found)


async def read_lock_history(folder: Path, examine: Callable[[bytes, str], Examined]) -> LockHistory:
    """Return the lockfiles in all commits that branches, remote branches, tags and HEAD of *folder* lead to.

    Raises UsageError where there is no repository, NoGit, TooLarge beyond a limit, BadAnswer for objects that cannot be
    read.
    """
    with tempfile.TemporaryDirectory(prefix="forensics-git-", ignore_cleanup_errors=True) as scratch:
        git = Git.find(Path(scratch), ("file",))
        await git.make_repository()
        found = LockHistory()
        await _borrow(git, folder, found)
        await _commits(git, found)
        await _changes(git, found)
        await _contents(git, found, examine)
        return found


def objects_of(folder: Path) -> Path:
    """Return the directory of objects of the repository at *folder*: bare, with `.git`, or a linked worktree.

    Raises UsageError where there is none.
    """
    inside = folder / ".git"
    if inside.is_file():
        named = inside.read_bytes()[:4096].decode("utf-8", "replace").partition("gitdir:")[2].strip()
        inside = (folder / named) if named else inside
        common = inside / "commondir"
        if common.is_file():
            inside = inside / common.read_bytes()[:4096].decode("utf-8", "replace").strip()
    root = inside if inside.is_dir() else folder
    objects = (root / "objects").resolve()
    if not objects.is_dir() or not (root / "HEAD").is_file():
        raise UsageError(f"{folder} is no git repository.", advice="Name its top directory, or leave --history out.")
    if "\n" in str(objects) or str(objects).startswith(("#", '"')):
        raise UsageError(f"{str(folder)!r} has a name that git cannot borrow objects from.", advice="Move it.")
    return objects


async def _borrow(git: Git, folder: Path, found: LockHistory) -> None:
    """Let our repository see the objects of *folder*, and name its refs."""
    alternates = git.repository / "objects" / "info" / "alternates"
    alternates.parent.mkdir(parents=True, exist_ok=True)
    objects = objects_of(folder)
    alternates.write_text(f"{objects}\n", encoding="utf-8", errors="surrogateescape")
    found.shallow = _borrow_edge(git, objects.parent / "shallow")
    specs = ("heads", "tags", "remotes")
    wanted = "".join(f"+refs/{one}/*:refs/{one}/*\n" for one in specs) + "+HEAD:refs/worktree-head\n"
    path = str(folder.resolve())
    arguments = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--update-shallow")
    done = await git.remote(*arguments, "--stdin", path, stdin=wanted.encode())
    if done.code and "couldn't find remote ref HEAD" in done.words:  # a branch that has no commit yet is checked out
        done = await git.remote(*arguments, "--stdin", path, stdin=wanted.partition("+HEAD")[0].encode())
    if done.code:
        raise _unreadable(f"git cannot read the refs of {folder}: {done.words[:600]}")
    listed = await _read(git, "for-each-ref", "--format=%(objectname) %(*objectname) %(refname)")
    for line in listed.out.decode("utf-8", "replace").splitlines():
        *shas, name = line.split()
        found.tips["HEAD" if name == "refs/worktree-head" else name] = shas[-1]


def _borrow_edge(git: Git, edge: Path) -> bool:
    """Take over where a shallow clone ends, and return whether it is one."""
    if not edge.is_file():
        return False
    lines = edge.read_bytes()[:MAX_EDGE].decode("ascii", "replace").split()
    names = [line for line in lines if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", line)]
    (git.repository / "shallow").write_text("".join(f"{name}\n" for name in names), encoding="ascii")
    return bool(names)


async def _commits(git: Git, found: LockHistory) -> None:
    done = await _read(git, "rev-list", "--all", "--topo-order", "--reverse", "--parents", "--timestamp")
    lines = done.out.decode("ascii", "replace").splitlines()
    if len(lines) > MAX_COMMITS:
        raise TooLarge(f"the repository has more than {MAX_COMMITS:,} commits")
    for line in lines:
        at, sha, *parents = line.split()
        found.commits.append(Commit(sha, tuple(parents), moment(at)))


async def _changes(git: Git, found: LockHistory) -> None:
    """Read what every commit changes in lockfiles, against its first parent."""
    pairs = "".join(f"{c.sha} {c.parents[0]}\n" if c.parents else f"{c.sha}\n" for c in found.commits)
    done = await _read(
        git, "diff-tree", "--stdin", "-r", "--root", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff",
        "--", *PATHSPECS, stdin=pairs.encode(),
    )  # fmt: skip
    for sha, changes in read_changes(done.out):
        for path, entry in changes:
            if kind_of_name(path) in {None, *MANIFESTS}:
                continue
            blob = entry[2] if entry is not None and entry[1] in _FILES else None
            found.changes.setdefault(sha, {})[path] = blob


async def _contents(git: Git, found: LockHistory, examine: Callable[[bytes, str], Examined]) -> None:
    """Examine each version of each file once, whatever number of commits and paths it stands in."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for path, blobs in found.versions().items():
        for blob in blobs:
            kinds[blob].add(kind_of_name(path) or "")
    names = "".join(f"{blob}\n" for blob in sorted(kinds)).encode()
    checked = await _read(git, "cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", stdin=names)
    sizes: dict[str, int] = {}
    for line in checked.out.decode("ascii", "replace").splitlines():
        sha, kind, *size = line.split()
        if kind == "blob" and int(size[0]) <= MAX_BYTES:
            sizes[sha] = int(size[0])
    left = len(kinds) - len(sizes)
    if left:
        found.problems.append(f"{left:,} versions of lockfiles are missing in this clone, or too large to read")
    for batch in _batches(sizes):
        done = await _read(git, "cat-file", "--batch", stdin="".join(f"{sha}\n" for sha in batch).encode())
        for sha, data in _objects(done.out):
            for kind in sorted(kinds.get(sha, ())):
                found.examined[sha, kind] = examine(data, kind)


def _batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    total = 0
    for sha, size in sizes.items():
        if batch and total + size > BATCH_BYTES:
            yield batch
            batch, total = [], 0
        batch.append(sha)
        total += size + 100
    if batch:
        yield batch


def _objects(printed: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of `git cat-file --batch`."""
    at = 0
    while at < len(printed):
        end = printed.find(b"\n", at)
        sha, _, size = printed[at:end].decode("ascii", "replace").split()
        start, at = end + 1, end + 2 + int(size)
        yield sha, printed[start : at - 1]


async def _read(git: Git, *arguments: str, stdin: bytes = b"") -> Done:
    done = await git.local(*arguments, stdin=stdin)
    if done.code:
        raise _unreadable(f"git {arguments[0]} cannot read the repository: {done.words[:500]}")
    return done


def _unreadable(what: str) -> BadAnswer:
    return BadAnswer(what, meaning="What its history holds is not known.", advice="Make a fresh clone and name that.")


def spans_of(history: LockHistory, path: str, blobs: set[str]) -> list[Span]:
    """Return the stretches of history in which one of *blobs* stood at *path*, oldest first.

    A stretch is a connected part of the graph of commits. It starts with the earliest commit that has no parent in it,
    and ends, unless a ref still has it, with the latest child that is not in it.
    """
    holding = _holding(history, path, blobs)
    part = _parts(history.commits, holding)
    starts: dict[str, list[Commit]] = defaultdict(list)
    ends: dict[str, list[Commit]] = defaultdict(list)
    for commit in history.commits:
        before = {part[p] for p in commit.parents if p in holding}
        if commit.sha in holding:
            if not before:
                starts[part[commit.sha]].append(commit)
        else:
            for one in before:
                ends[one].append(commit)
    held: dict[str, list[str]] = defaultdict(list)
    for name, sha in history.tips.items():
        if sha in holding and name.startswith(("HEAD", "refs/heads/", "refs/remotes/")):
            held[part[sha]].append(name)
    spans = [_span(starts[one], ends.get(one, []), held.get(one, [])) for one in starts]
    return sorted(spans, key=lambda s: (str(s.start or ""), s.start_commit))


def _holding(history: LockHistory, path: str, blobs: set[str]) -> set[str]:
    """Return the commits in which one of *blobs* stands at *path*."""
    holding: set[str] = set()
    for commit in history.commits:
        before = bool(commit.parents) and commit.parents[0] in holding
        changed = history.changes.get(commit.sha, {})
        if changed[path] in blobs if path in changed else before:
            holding.add(commit.sha)
    return holding


def _parts(commits: Sequence[Commit], holding: set[str]) -> dict[str, str]:
    """Return for each commit of *holding* the name of its connected part."""
    above = {sha: sha for sha in holding}

    def root(sha: str) -> str:
        while above[sha] != sha:
            above[sha] = above[above[sha]]
            sha = above[sha]
        return sha

    for commit in commits:
        for parent in commit.parents if commit.sha in holding else ():
            if parent in holding:
                above[root(commit.sha)] = root(parent)
    return {sha: root(sha) for sha in holding}


def _span(starts: list[Commit], ends: list[Commit], held: list[str]) -> Span:
    first = min(starts, key=lambda c: (c.at is None, c.at.timestamp() if c.at else 0, c.sha))
    last = max(ends, key=lambda c: (c.at is not None, c.at.timestamp() if c.at else 0, c.sha)) if ends else None
    if held or last is None:
        return Span(first.at, first.sha, None, None, tuple(sorted(held)))
    return Span(first.at, first.sha, last.at, last.sha, ())
