"""Which wanted releases a lockfile or manifest names, and how surely; over many files in worker processes.

What is wanted is stated as plain values, so that a worker loads nothing but the readers.
"""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from forensics.attestation.processes import end_with_parent, processors, worker_context
from forensics.model.errors import EvidenceError
from forensics.model.project import Ecosystem
from forensics.model.versions import rules_of
from forensics.sources.lockfiles.ranges import admits
from forensics.sources.lockfiles.read import Mentions, read_lockfile
from forensics.sources.lockfiles.records import MAX_BYTES, Lockfile, Pin, Requirement

POOL_FROM = 200
"""Below this many files starting workers costs more than they save."""
BATCH = 40
NAMED_LINES = 3
"""Lines of one file that are named as not understood; the rest is counted."""
Progress = Callable[[int, int], None]


class Strength(StrEnum):
    """How surely a file names a release, the surest first."""

    HASH = "hash"
    VERSION = "version"
    OTHER_HASH = "version, another hash"
    RANGE = "range"

    @property
    def rank(self) -> int:
        """0 for a hash to 3 for a range."""
        return list(Strength).index(self)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One release to look for. `files` are pairs of file name and digest (`sha256:<hex>`), as many as are known."""

    ecosystem: Ecosystem
    name: str
    version: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The release number *wanted* of those that were asked for, as a file names it.

    `named` is what the file says, such as `demo 1.0.1`; `note` says what a reader must know about the match.
    """

    wanted: int
    strength: Strength
    named: str
    where: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of one file: matches, and why it, or a part of it, could not be read.

    `pins` are the wanted projects of which it fixes any version, by their number; they are looked up only in files that
    match, and in all when asked so.
    """

    matches: tuple[Match, ...] = ()
    problem: str = ""
    pins: frozenset[int] = frozenset()


@dataclass(slots=True)
class Matcher:
    """Looks for *wanted* in lockfiles. Reading a file that cannot match is saved where that is sure."""

    wanted: Sequence[Wanted]
    _by_name: dict[tuple[Ecosystem, str], list[int]] = field(init=False, default_factory=lambda: defaultdict(list))
    _by_digest: dict[str, list[int]] = field(init=False, default_factory=lambda: defaultdict(list))
    _mentions: Mentions = field(init=False)

    def __post_init__(self) -> None:
        for number, one in enumerate(self.wanted):
            self._by_name[one.ecosystem, one.name].append(number)
            for digest in dict.fromkeys(digest for _, digest in one.files):
                self._by_digest[digest].append(number)
        self._mentions = Mentions((one.name for one in self.wanted), self._by_digest)

    def examine(self, data: bytes, kind: str) -> Examined:
        """Return which of the wanted releases *data*, a lockfile or manifest of *kind*, names."""
        # Of a file that is too large only the beginning is here, which says nothing about the rest.
        if len(data) <= MAX_BYTES and not self._mentions.in_data(data):
            return Examined()
        try:
            found = read_lockfile(data, kind)
        except EvidenceError as error:
            return Examined(problem=error.what)
        matches = [m for pin in found.pins for m in self._of_pin(pin)]
        matches += [m for requirement in found.requirements for m in self._of_requirement(requirement)]
        pins = {n for pin in found.pins for n in self._by_name.get((pin.ecosystem, pin.name), ())}
        return Examined(tuple(dict.fromkeys(matches)), self._unread(found), frozenset(pins))

    def _unread(self, found: Lockfile) -> str:
        """Name the lines that were not understood and speak of something wanted: an address may hold any version."""
        lines = [f"{where}: {line[:200]}" for where, line in found.unread if self._mentions.in_data(line.encode())]
        more = f"; and {len(lines) - NAMED_LINES:,} more" if len(lines) > NAMED_LINES else ""
        return f"no version can be told from {'; '.join(lines[:NAMED_LINES])}{more}" if lines else ""

    def _of_pin(self, pin: Pin) -> Iterator[Match]:
        named = f"{pin.name} {pin.version}"
        by_hash = dict.fromkeys(n for digest in pin.digests for n in self._by_digest.get(digest, ()))
        for number in by_hash:
            one = self.wanted[number]
            same = (one.ecosystem, one.name) == (pin.ecosystem, pin.name) and self._same_version(one, pin.version)
            yield Match(number, Strength.HASH, named, pin.where, "" if same else "under another name or version")
        for number in self._by_name.get((pin.ecosystem, pin.name), ()):
            one = self.wanted[number]
            if number not in by_hash and self._same_version(one, pin.version):
                strength, note = _compared(one, pin)
                yield Match(number, strength, named, pin.where, note)

    def _of_requirement(self, requirement: Requirement) -> Iterator[Match]:
        for number in self._by_name.get((requirement.ecosystem, requirement.name), ()):
            allowed = admits(requirement.ecosystem, requirement.specifier, self.wanted[number].version)
            if allowed is False:
                continue
            named = f"{requirement.name} {requirement.specifier}".rstrip() or requirement.name
            note = "" if allowed else "its range or tag cannot be told from the file alone"
            yield Match(number, Strength.RANGE, named, requirement.where, note)

    def _same_version(self, one: Wanted, version: str) -> bool:
        rules = rules_of(one.ecosystem)
        return rules.canonical(one.version) == rules.canonical(version)


def _compared(one: Wanted, pin: Pin) -> tuple[Strength, str]:
    """Tell, where name and version agree and no digest does, whether the digests contradict each other."""
    if not pin.files:
        return Strength.VERSION, "the file states no digest of it"
    if not one.files:
        return Strength.VERSION, "the case knows no digest of it"
    known = {(name, digest.partition(":")[0]) for name, digest in one.files}
    differing = [name for name, digest in pin.files if (name, digest.partition(":")[0]) in known]
    if differing:
        return Strength.OTHER_HASH, f"its digest of {differing[0]} is another than the case's"
    if all(name for name, _ in pin.files):
        return Strength.VERSION, "the case knows no digest of the files that it names"
    algorithms = {digest.partition(":")[0] for _, digest in one.files}
    if any(digest.partition(":")[0] in algorithms for digest in pin.digests):
        return Strength.OTHER_HASH, "its digests are none of those that the case knows"
    return Strength.VERSION, "the case knows no digest of the kind that it states"


def examine_files(
    wanted: Sequence[Wanted],
    files: Sequence[tuple[str, str]],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[Examined]:
    """Return what came of *files*, pairs of path and kind, in their order, examined by *workers* processes.

    *workers* defaults to the processors this process may use, at most four; few files are examined here.
    """
    count = workers if workers is not None else min(4, processors())
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    if count > 1 and (workers is not None or len(files) >= POOL_FROM):
        try:
            return _in_pool(wanted, batches, count, progress)
        except BrokenProcessPool:
            pass  # a worker was killed, or none can start here: the same work in this process
    matcher = Matcher(wanted)
    found: list[Examined] = []
    for batch in batches:
        found += [_examine_path(matcher, path, kind) for path, kind in batch]
        if progress:
            progress(len(found), len(files))
    return found


def _in_pool(
    wanted: Sequence[Wanted], batches: Sequence[Sequence[tuple[str, str]]], workers: int, progress: Progress | None
) -> list[Examined]:
    total = sum(map(len, batches))
    found: list[Examined] = []
    with ProcessPoolExecutor(min(workers, len(batches)), worker_context(), _start, (tuple(wanted),)) as pool:
        for some in pool.map(_work, batches):
            found += some
            if progress:
                progress(len(found), total)
    return found


_matcher: Matcher | None = None


def _start(wanted: tuple[Wanted, ...]) -> None:
    """Make this worker's matcher. Ctrl-C reaches the whole process group; the parent alone answers it."""
    global _matcher
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _matcher = Matcher(wanted)


def _work(batch: Sequence[tuple[str, str]]) -> list[Examined]:
    assert _matcher is not None
    return [_examine_path(_matcher, path, kind) for path, kind in batch]


def _examine_path(matcher: Matcher, path: str, kind: str) -> Examined:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Examined(problem=f"it cannot be read: {error.strerror}")
    return matcher.examine(data, kind)
