"""Two artifacts of one kind side by side: which files came, went and changed, and what newly can run and be touched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from forensics.compare.archive_metadata import PREPARE
from forensics.compare.archives import logical
from forensics.compare.memo import once_for_both
from forensics.model.checked import Checked
from forensics.model.contents import DECODED, NETWORK, PROCESS, Contents, Member, Runs
from forensics.model.release import Artifact, Release

TOUCHES = (PROCESS, NETWORK, DECODED)
"""What newly touched at import or install is a reason of its own."""
_EARLY = (Runs.IMPORT, Runs.START, Runs.INSTALL)
_DIRECT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*+)\s*+(?:\[[^\]]*+\]\s*+)?@\s*([\w+.-]+:/\S*)")
_NPM_DIRECT = re.compile(
    r"^(@?[^@]+)@((?:git|https?|ssh|github|gitlab|bitbucket|gist)[:+].*|git@.*|[\w.-]+/[\w.-]+(?:#.*)?)$"
)
_MOVING = re.compile(r"(?<![0-9a-z])(?:[0-9a-f]{7,64}|v?\d+(?:\.\d+)*)(?![0-9a-z])")
_NAME = re.compile(r"^\s*(@?[A-Za-z0-9][\w./-]*)")


@dataclass(frozen=True, slots=True)
class FileChange:
    """One path on both sides, in a form that outlives versions; None where a side does not have it."""

    path: str
    before: Member | None
    after: Member | None

    @property
    def reaches(self) -> tuple[str, ...]:
        """What the file could not touch before, or not before anybody called it."""
        if self.before is None or self.after is None:
            return self.after.reaches if self.after else ()
        then, now = self.before.runs, self.after.runs
        early = then is now or (now.rank <= Runs.IMPORT.rank and then.rank > now.rank)
        return tuple(reach for reach in self.after.reaches if not (early and reach in self.before.reaches))


@dataclass(frozen=True, slots=True)
class Surface:
    """One thing that newly runs, or is newly touched by what runs unasked: in words, with the files behind it."""

    what: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContentsDiff:
    """The differences of two artifacts.

    `surface` is new executable surface, `dependencies` are newly named ones, `commands` newly declared commands and
    plug-ins, which run when somebody asks.
    """

    added: tuple[FileChange, ...]
    removed: tuple[FileChange, ...]
    changed: tuple[FileChange, ...]
    surface: tuple[Surface, ...]
    dependencies: tuple[str, ...]
    commands: tuple[str, ...] = ()


def slot(artifact: Artifact) -> str:
    """Return what an artifact is among those of its release, without the version: `sdist`, or a wheel's tags."""
    if artifact.kind != "wheel":
        return artifact.kind
    return "wheel " + "-".join(artifact.filename.removesuffix(".whl").split("-")[-3:])


def comparable(artifact: Artifact, release: Release) -> list[Artifact]:
    """Return the files of another *release* that tell what is usual for *artifact*: those of its kind.

    Wheels for a platform are compared with such wheels, and others with others, where the release has any: the same
    code lies in them compiled and as it is. Where it has none, that this one has is what differs.
    """
    kind = [a for a in release.artifacts if a.kind == artifact.kind]
    return [a for a in kind if a.sort == artifact.sort] or kind


def counterpart(artifact: Artifact, release: Release) -> Artifact | None:
    """Return the file of another *release* to compare with, of which the contents are known: same tags if it can be."""
    known = [a for a in comparable(artifact, release) if isinstance(a.contents, Checked)]
    return next((a for a in known if slot(a) == slot(artifact)), known[0] if known else None)


@once_for_both
def compare_contents(before: Contents, after: Contents) -> ContentsDiff:
    """Return how *after* differs from *before*."""
    old = {logical(m.path, before.root): m for m in before.members}
    new = {logical(m.path, after.root): m for m in after.members}
    both = [FileChange(path, old.get(path), new.get(path)) for path in sorted({*old, *new})]
    return ContentsDiff(
        added=tuple(c for c in both if c.before is None),
        removed=tuple(c for c in both if c.after is None),
        changed=tuple(c for c in both if c.before and c.after and c.before.sha256 != c.after.sha256),
        surface=(
            *_new_starts(both),
            *(Surface(f"new at install: {hook}") for hook in new_hooks(before.hooks, after.hooks)),
            *_newly_touched(both, before, after),
            *(Surface(f"the dependency {one}") for one in new_direct(before.dependencies, after.dependencies)),
        ),
        dependencies=new_names(before.dependencies, after.dependencies),
        commands=tuple(one for one in after.commands if one not in before.commands),
    )


def new_hooks(before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    """Return the hooks that were not there before, or run another command.

    npm does not run `prepare` for what comes from the registry, and most packages prepare their own development with
    it (husky, a compiler). So of `prepare` only its appearance counts, and only where it runs a file by itself.
    """
    known = {_hook_key(hook) for hook in before}
    return [hook for hook in after if _hook_key(hook) not in known and not _develops(hook)]


_RUNS_A_FILE = re.compile(r"(?:^|[;&|(]|:)\s*(?:(?:node|bun|deno(?: run)?|sh|bash|python3?)\s|\.{1,2}/)")


def _hook_key(hook: str) -> str:
    return PREPARE if hook.startswith(f"{PREPARE}:") else hook


def _develops(hook: str) -> bool:
    return hook.startswith(f"{PREPARE}:") and not _RUNS_A_FILE.search(hook.removeprefix(PREPARE))


def _new_starts(changes: Iterable[FileChange]) -> Iterable[Surface]:
    """Files that the interpreter runs when it starts, and that it did not run before."""
    for change in changes:
        if (
            change.after
            and change.after.runs is Runs.START
            and not (change.before and change.before.runs is Runs.START)
        ):
            yield Surface(f"{change.path} runs at interpreter start", (change.path,))


def _newly_touched(changes: list[FileChange], before: Contents, after: Contents) -> Iterable[Surface]:
    """What code that runs unasked newly touches: as a whole, or in a file of which every line is run unasked.

    What runs at start or install is compared with what ran then before; what runs at import also with what ran earlier.
    """
    top = min((m.path.count("/") for m in after.members if _is_package(m)), default=0)
    for reach in TOUCHES:
        for moment in _EARLY:
            earlier = _EARLY if moment is Runs.IMPORT else (moment,)
            known = any(m.runs in earlier and reach in m.reaches for m in before.members)
            files = [c for c in changes if c.after and c.after.runs is moment and reach in c.reaches]
            if known:
                files = [c for c in files if c.before and _watched(c.after, top)]
            if files:
                paths = tuple(c.path for c in files)
                yield Surface(f"{paths[0]} newly touches {reach} {moment.value}", paths)


def _is_package(member: Member) -> bool:
    return member.runs in _EARLY and member.path.endswith(("/__init__.py", "/index.js"))


def _watched(member: Member | None, top: int) -> bool:
    """Whether one file alone is compared: what runs at start or install, and the package's own first module."""
    if member is None:
        return False
    return member.runs is not Runs.IMPORT or (_is_package(member) and member.path.count("/") <= top)


def new_direct(before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    """Requirements by URL or repository, where the same name did not come from the same place before."""
    known = {place for one in before if (place := _place(one))}
    return [one for one in after if (place := _place(one)) and place not in known]


def _place(requirement: str) -> tuple[str, str] | None:
    """Return the name and the place of a direct requirement, without the version or commit in it; None for others."""
    match = _DIRECT.match(requirement) or _NPM_DIRECT.match(requirement)
    if match is None:
        return None
    place = match.group(2).partition("#")[0].partition(";")[0].lower().rstrip()
    return match.group(1).lower(), _MOVING.sub("*", place.removesuffix(".git"))


def new_names(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """Names of dependencies that were not there before, optional ones left out."""
    return tuple(sorted(required_names(after) - required_names(before)))


def required_names(requirements: tuple[str, ...]) -> frozenset[str]:
    """Return the names of requirements in one spelling, those of extras left out."""
    found = set()
    for one in requirements:
        if "extra ==" in one.replace("extra==", "extra =="):
            continue
        if match := _NAME.match(one):
            name = match.group(1)
            npm = one[match.end() :].startswith("@")  # `name@range`, where dots and underscores tell names apart
            found.add(name.lower() if npm else re.sub(r"[-_.]+", "-", name).lower())
    return frozenset(found)
