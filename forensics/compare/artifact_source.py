"""Which files of an artifact a set of sources explains: by git blob id, wherever the build has put them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from forensics.compare.archives import logical
from forensics.compare.memo import once_for_both
from forensics.model.contents import DECODED, DYNAMIC, NETWORK, PROCESS, Contents, Member, Runs
from forensics.model.source import SourceTree

MAX_MAPPINGS = 24
"""Ways in which a build moved files that are believed; the commonest first."""
_COMMON_PLACES = 8
"""A blob that lies in more places than this (an empty file, a licence) tells nothing about how files were moved."""
_EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
_ALARMING = frozenset({PROCESS, NETWORK, DECODED, DYNAMIC})
_MADE_BY_BUILDS = re.compile(
    r"^\*\.dist-info/(METADATA|RECORD|RECORD\.(jws|p7s)|WHEEL|INSTALLER|REQUESTED|entry_points\.txt|top_level\.txt"
    r"|direct_url\.json|metadata\.json|pbr\.json|zip-safe|namespace_packages\.txt|dependency_links\.txt|licenses/.*"
    r"|license_files/.*|sboms/.*|[A-Z][A-Z.\w-]*)$"
    r"|(^|/)PKG-INFO$|(^|/)[^/]+\.egg-info/[^/]+\.(txt|json)$|(^|/)[^/]+\.egg-info/(not-)?zip-safe$|^setup\.cfg$"
    r"|^Cargo\.toml\.orig$|^\.cargo_vcs_info\.json$"
)
_VERSION_FILE = re.compile(r"(^|/)(_?version|__version__|_version_info|_?_about_?_?|_versions)\.py$")
_NATIVE = re.compile(r"\.(so|pyd|dylib|dll)(\.[\d.]+)?$")
_NATIVE_SOURCE = re.compile(r"\.(c|cc|cpp|cxx|pyx|pxd|rs|go|f|f90|m|mm|cu|zig)$", re.IGNORECASE)
_LINK, _MODULE = "120000", "160000"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A file of an artifact that its source does not explain: *path* in a form that outlives versions.

    `differs` tells a file that the source has in another form from one that it does not have at all.
    """

    path: str
    member: Member
    differs: bool

    @property
    def key(self) -> str:
        """What a build that makes such files makes again: the path for code, folder and ending for everything else."""
        folder, _, name = self.path.rpartition("/")
        if _NATIVE.search(name):
            return f"{folder}/{name.partition('.')[0]}.*native"
        if name.endswith((".py", ".pyw", ".pth")) or self.member.runs.rank > Runs.CALLED.rank:
            return re.sub(r"\d+(\.\d+)+", "*", self.path)
        return f"{folder}/*.{name.rpartition('.')[2]}" if "." in name else self.path

    @property
    def alarming(self) -> frozenset[str]:
        """What its code could touch that a generated file seldom does."""
        return _ALARMING & frozenset(self.member.reaches)


@dataclass(slots=True)
class Learnt:
    """Mismatches that earlier releases had, with what those files could touch; `releases` counts those looked at."""

    keys: dict[str, set[str]] = field(default_factory=dict)
    releases: int = 0

    def take(self, mismatches: Iterable[Mismatch]) -> None:
        """Learn from one earlier release."""
        self.releases += 1
        for one in mismatches:
            self.keys.setdefault(one.key, set()).update(one.alarming)

    def new(self, mismatches: Iterable[Mismatch]) -> list[Mismatch]:
        """Return those that no earlier release had. One that touches more than it used to is new."""
        return [one for one in mismatches if one.key not in self.keys or one.alarming - self.keys[one.key]]


@once_for_both
def against_tree(contents: Contents, tree: SourceTree) -> tuple[Mismatch, ...]:
    """Return the files of an artifact that the commit's *tree* does not explain, sorted by path."""
    modules = tuple(f"{path}/" for path, mode, _ in tree.files if mode == _MODULE)
    files = {path: blob for path, mode, blob in tree.files if mode not in {_LINK, _MODULE}}
    links = [blob for _, mode, blob in tree.files if mode == _LINK]
    found = unexplained(contents, files, links)
    # The tree only names the commit of a submodule; what lies below it is not known.
    return tuple(one for one in found if not (modules and one.path.startswith(modules)))


@once_for_both
def against_sdist(wheel: Contents, sdist: Contents) -> tuple[Mismatch, ...]:
    """Return the files of a wheel that can run and that the sdist of the same release does not explain."""
    files = {logical(m.path, sdist.root): m.blob for m in sdist.members if m.blob}
    compiles = any(_NATIVE_SOURCE.search(path) for path in files)
    return tuple(
        one
        for one in unexplained(wheel, files)
        if one.member.executable and not (compiles and _NATIVE.search(one.path))
    )


def unexplained(contents: Contents, files: Mapping[str, str], links: Collection[str] = ()) -> tuple[Mismatch, ...]:
    """Return the members that *files* (path to git blob id) does not explain, and that builds do not make as a rule."""
    members = [(logical(member.path, contents.root), member) for member in contents.members]
    places: dict[str, list[str]] = defaultdict(list)
    for path, blob in files.items():
        places[blob].append(path)
    mappings = _mappings(members, places)
    found: list[Mismatch] = []
    for path, member in members:
        if member.blob == _EMPTY_BLOB or made_by_builds(path, member):
            continue
        blobs = {member.blob, member.lf_blob} - {None, ""}
        early = member.runs.rank > Runs.IMPORT.rank  # then the place matters as much as the content
        candidates = [
            to + path[len(head) :] for head, to, votes in mappings if path.startswith(head) and (votes > 1 or not early)
        ]
        if any(files.get(candidate) in blobs for candidate in candidates) or blobs & set(links):
            continue
        name = path.rpartition("/")[2]
        moved = any(place.rpartition("/")[2] == name for blob in blobs for place in places.get(str(blob), ()))
        if moved and not early:
            continue
        found.append(Mismatch(path, member, any(candidate in files for candidate in candidates)))
    return tuple(found)


def made_by_builds(path: str, member: Member) -> bool:
    """Whether builds make such a file anew as a rule, and it does nothing that such a file has no need to do."""
    if _MADE_BY_BUILDS.match(path) or _MADE_BY_BUILDS.search(path):
        return not member.executable
    return bool(_VERSION_FILE.search(path)) and not (_ALARMING & frozenset(member.reaches)) and bool(member.blob)


def _mappings(members: list[tuple[str, Member]], places: Mapping[str, list[str]]) -> list[tuple[str, str, int]]:
    """Return how the build moved files, as pairs of heads with how many files say so; as they are, and `src/`, too."""
    votes: Counter[tuple[str, str]] = Counter()
    for path, member in members:
        found = places.get(member.blob, ())
        if not member.size or len(found) > _COMMON_PLACES:
            continue
        for place in found:
            votes[_heads(path, place)] += 1
    for usual in (("", ""), ("", "src/")):
        votes[usual] += 2
    return [(*pair, count) for pair, count in votes.most_common(MAX_MAPPINGS)]


def _heads(path: str, place: str) -> tuple[str, str]:
    """Return the parts before the longest common tail of two paths, each with its slash."""
    ours, theirs = path.split("/"), place.split("/")
    same = 0
    while same < min(len(ours), len(theirs)) and ours[-1 - same] == theirs[-1 - same]:
        same += 1
    return "".join(f"{p}/" for p in ours[: len(ours) - same]), "".join(f"{p}/" for p in theirs[: len(theirs) - same])
