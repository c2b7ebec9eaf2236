"""Read what git printed: refs, commits, trees, version lines. All of it is an attacker's, and may be anything."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from forensics.model.errors import BadAnswer
from forensics.model.source import Commit, SourceTree

MAX_LINES = 2_000_000
MAX_TREE_ENTRIES = 20_000_000
"""Files of all trees together; more are not held in memory, and the trees behind the limit are not read."""
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_EMPTY_MODES = {"000000", "0"}


@dataclass(frozen=True, slots=True)
class Ref:
    """A ref as listed: the object it names, peeled if it is a tag object, and the ref that HEAD stands for.

    `tagged_at` is the tagger's own word, None for a lightweight tag. `kind` is the type of the peeled object.
    """

    name: str
    sha: str
    symbolic: str | None = None
    tagged_at: datetime | None = None
    kind: str = "commit"


def read_listing(printed: bytes) -> dict[str, Ref]:
    """Return the refs of `git ls-remote --symref` by name, annotated tags peeled."""
    found: dict[str, Ref] = {}
    heads: dict[str, str] = {}
    for line in _lines(printed):
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            heads[name] = value.removeprefix("ref: ")
        elif _SHA.fullmatch(value):
            plain = name.removesuffix("^{}")
            found[plain] = Ref(plain, value, heads.get(plain))
    return found


def read_refs(printed: bytes) -> dict[str, Ref]:
    """Return the refs that arrived by name, from `git for-each-ref` with our format; those on no commit left out."""
    found: dict[str, Ref] = {}
    for line in _lines(printed):
        fields = line.split("\0")
        if len(fields) != 6:
            continue
        name, sha, kind, peeled, peeled_kind, tagged = fields
        target, what = (peeled, peeled_kind) if peeled else (sha, kind)
        if _SHA.fullmatch(target) and what == "commit":
            found[name] = Ref(name, target, None, moment(tagged))
    return found


def read_log(printed: bytes) -> dict[str, Commit]:
    """Return the commits by id, from `git log` with our format, children before parents."""
    found: dict[str, Commit] = {}
    for line in _lines(printed):
        fields = line.split("\0", 4)
        if len(fields) != 5 or not _SHA.fullmatch(fields[0]):
            continue
        sha, parents, authored, committed, subject = fields
        known = tuple(p for p in parents.split() if _SHA.fullmatch(p))
        found[sha] = Commit(sha, known, moment(authored), moment(committed), subject[:300])
    return found


def moment(text: str) -> datetime | None:
    """Return seconds since 1970 as a UTC time; None for what is none or lies outside the calendar."""
    try:
        return datetime.fromtimestamp(int(text), tz=UTC) if text.strip() else None
    except (ValueError, OverflowError, OSError):
        return None


def pack_trees(base: str, listing: bytes, changes: bytes) -> bytes:
    """Return the answer that `Trees` reads: a line with the first commit and two lengths, a listing, differences."""
    return f"{base or '-'} {len(listing)} {len(changes)}\n".encode() + listing + changes


class Trees:
    """The files of several commits, made from one listing and a chain of differences when first asked for."""

    def __init__(self, packed: bytes) -> None:
        head, _, rest = packed.partition(b"\n")
        base, listed, changed = [*head.decode("ascii", "replace").split(), "", "", ""][:3]
        plain = all(one.isascii() and one.isdecimal() and len(one) < 19 for one in (listed, changed))
        if not plain or len(rest) != int(listed) + int(changed):
            raise BadAnswer("the recorded trees are not as long as they say")
        self._base = base if _SHA.fullmatch(base) else None
        self._listing, self._changes = rest[: int(listed)], rest[int(listed) :]
        self._trees: dict[str, SourceTree] | None = None

    def __contains__(self, sha: str) -> bool:
        return sha in self._all()

    def get(self, sha: str) -> SourceTree | None:
        """Return the files of a commit, None where it was not among those that were read."""
        return self._all().get(sha)

    def _all(self) -> dict[str, SourceTree]:
        if self._trees is None:
            self._trees = dict(self._built())
        return self._trees

    def _built(self) -> Iterator[tuple[str, SourceTree]]:
        if self._base is None:
            return
        files = dict(_listed(self._listing))
        paths = sorted(files)  # kept in order: sorting every tree anew would be most of the work
        total = len(files)
        yield self._base, _tree(self._base, paths, files)
        for sha, changes in read_changes(self._changes):
            for path, entry in changes:
                if entry is None and files.pop(path, None) is not None:
                    del paths[bisect_left(paths, path)]
                elif entry is not None:
                    if path not in files:
                        insort(paths, path)
                    files[path] = entry
            total += len(files)
            if total > MAX_TREE_ENTRIES:
                return
            yield sha, _tree(sha, paths, files)


Entry = tuple[str, str, str]


def _tree(sha: str, paths: list[str], files: dict[str, Entry]) -> SourceTree:
    return SourceTree(sha, tuple([files[path] for path in paths]))


def _listed(printed: bytes) -> Iterator[tuple[str, Entry]]:
    """Yield the files of `git ls-tree -r -z`."""
    for line in printed.split(b"\0"):
        meta, tab, path = line.partition(b"\t")
        fields = meta.decode("ascii", "replace").split(" ")
        if tab and len(fields) == 3 and _SHA.fullmatch(fields[2]):
            name = path.decode("utf-8", "backslashreplace")
            yield name, (name, fields[0], fields[2])


def read_changes(printed: bytes) -> Iterator[tuple[str, list[tuple[str, Entry | None]]]]:
    """Yield each commit of `git diff-tree --stdin --raw -z` with what changed; None: the file is gone."""
    sha: str | None = None
    changes: list[tuple[str, Entry | None]] = []
    tokens = iter(printed.split(b"\0"))
    for token in tokens:
        text = token.lstrip(b"\n").decode("ascii", "replace")
        if text.startswith(":"):
            fields = text[1:].split(" ")
            path = next(tokens, b"").decode("utf-8", "backslashreplace")
            if len(fields) == 5:
                mode, blob = fields[1], fields[3]
                changes.append((path, None if mode in _EMPTY_MODES else (path, mode, blob)))
        elif _SHA.fullmatch(text):
            if sha is not None:
                yield sha, changes
            sha, changes = text, []
    if sha is not None:
        yield sha, changes


_VERSION = r"[vV]?(\d[0-9A-Za-z.+!_-]{0,60})"
_ASSIGNED = re.compile(r"version\w{0,20}[\"']?\s{0,8}(?::\s{0,8}\w{1,20}\s{0,8})?[=:,(]\s{0,8}[\"']?" + _VERSION, re.I)
_ALONE = re.compile(_VERSION)
_ABOUT_VERSIONS = frozenset(
    ("release", "releases", "released", "releasing", "bump", "bumped", "bumps", "version", "prepare", "preparing",
     "cut", "tag", "to", "the", "chore", "build", "ci", "misc", "v")
)  # fmt: skip
"""Words that may stand before a version in a message that sets it; any other word makes it about something else."""


def read_bumps(printed: bytes) -> dict[str, list[str]]:
    """Return for each version, as written, the commits that add a line setting it, latest first."""
    found: dict[str, list[str]] = {}
    sha = ""
    for line in _lines(printed):
        if line.startswith("\0"):
            sha = line[1:41] if not _SHA.fullmatch(line[1:]) else line[1:]
        elif _SHA.fullmatch(sha):
            for match in _ASSIGNED.finditer(line[:300]):
                found.setdefault(match.group(1), []).append(sha)
    return found


def version_in_subject(subject: str) -> str | None:
    """Return the version that a message of the kind `Release 1.2.3`, `Bump version to 1.2.3` or `v1.2.3` sets."""
    words = iter(re.split(r"[\s:=]+", subject[:120]))
    for word in words:
        bare = word.strip("()[]'\"`,;!#*.").lower()
        found = _ALONE.fullmatch(bare)
        if found:
            return found.group(1) if "." in bare else None
        if bare == "from":  # the version that is left behind
            next(words, "")
        elif bare and bare.partition("(")[0] not in _ABOUT_VERSIONS:
            return None
    return None


def _lines(printed: bytes) -> list[str]:
    lines = printed.split(b"\n")
    if len(lines) > MAX_LINES:
        raise BadAnswer(f"git printed more than {MAX_LINES:,} lines")
    return [line.decode("utf-8", "replace") for line in lines if line]
