"""Exposure: which lockfiles could have pulled a suspect release, and whether that was while it could be installed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.model.finding import Exposure, Verdict
from forensics.model.project import Project
from forensics.model.release import Release
from forensics.signals.waves import exposure_of
from forensics.sources.lockfiles.find import find_lockfiles
from forensics.sources.lockfiles.follow import Found
from forensics.sources.lockfiles.match import Examined, Match, Matcher, Strength, Wanted, examine_files
from forensics.sources.lockfiles.read import MANIFESTS, kind_of_name

if TYPE_CHECKING:
    from forensics.investigation.analysis import Analysis
    from forensics.sources.lockfiles.history import LockHistory, Span

RANGE_VERDICT = Verdict.SUSPICIOUS
"""The most that a range alone comes to: it allowed a bad release, and nothing says that it was taken."""
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A flagged release of a case, from when to when it could be installed, and the digests of its files."""

    project: Project
    version: str
    verdict: Verdict
    window: Exposure
    files: tuple[tuple[str, str], ...]
    case: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A file that names a suspect. `span` is where it stood in a history, None for a file as it lies there now."""

    file: str
    kind: str
    where: str
    strength: Strength
    named: str
    note: str
    suspect: Suspect
    span: Span | None = None

    @property
    def verdict(self) -> Verdict:
        """The suspect's verdict; for a range at most `suspicious`."""
        if self.strength is Strength.RANGE:
            return min(self.suspect.verdict, RANGE_VERDICT, key=lambda v: v.rank)
        return self.suspect.verdict

    @property
    def overlap(self) -> bool | None:
        """Whether it was pinned, by git's claims, while the release could be installed; None where nobody knows."""
        if self.span is None or self.span.start is None or self.suspect.window.start is None:
            return None
        window = self.suspect.window
        ended = self.span.end is not None and self.span.end <= self.suspect.window.start
        return not ended and (window.end is None or self.span.start < window.end)


@dataclass(slots=True)
class ExposureReport:
    """What came of one search: the suspects, the hits, surest first, and what could not be read."""

    suspects: tuple[Suspect, ...]
    hits: list[Hit] = field(default_factory=list)
    lockfiles: int = 0
    manifests: int = 0
    commits: int = 0
    versions: int = 0
    settled: int = 0
    unread: list[tuple[str, str]] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the worst hit; None without any."""
        return max((hit.verdict for hit in self.hits), key=lambda v: v.rank, default=None)


def suspects_of(analyses: Iterable[Analysis]) -> tuple[Suspect, ...]:
    """Return the flagged releases of *analyses*, in their order; one that two cases flag the same way counts once."""
    found: dict[tuple[Project, str, Verdict, Exposure], Suspect] = {}
    for analysis in analyses:
        for assessment in analysis.assessments:
            if not assessment.verdict.flagged:
                continue
            release, window = assessment.release, exposure_of(assessment)
            evidence = tuple(dict.fromkeys(i for a in release.artifacts for i in a.evidence)) or release.evidence
            suspect = Suspect(
                analysis.project, release.version, assessment.verdict, window, _digests(release), analysis.case.id,
                evidence,
            )  # fmt: skip
            found.setdefault((suspect.project, suspect.version, suspect.verdict, window), suspect)
    return tuple(found.values())


def _digests(release: Release) -> tuple[tuple[str, str], ...]:
    pairs = [(a.filename, f"{name}:{value}") for a in release.artifacts
             for name, value in (("sha256", a.sha256), ("sha512", a.sha512)) if value]  # fmt: skip
    return tuple(sorted(set(pairs)))


def search(
    suspects: Sequence[Suspect],
    places: Sequence[Path],
    *,
    history: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ExposureReport:
    """Look for *suspects* in the lockfiles and manifests that *places* are or hold.

    With *history*, places that are directories must be git repositories on this machine, and every version of every
    lockfile in their commits is read too. A manifest counts only where no lockfile beside or above it fixes the
    project. Raises UsageError as `find_lockfiles` and `read_lock_history` do, and what git raises.
    """
    report = ExposureReport(tuple(suspects))
    found, report.unread = find_lockfiles(places)
    report.manifests = sum(f.kind in MANIFESTS for f in found)
    report.lockfiles = len(found) - report.manifests
    wanted = [Wanted(s.project.ecosystem, s.project.name, s.version, s.files) for s in suspects]
    if wanted:
        tick = (lambda done, total: progress("lockfiles", done, total)) if progress else None
        examined = examine_files(wanted, [(f.path, f.kind) for f in found], workers=workers, progress=tick)
        report.unread += [(f.shown, e.problem) for f, e in zip(found, examined, strict=True) if e.problem]
        report.hits += _hits(suspects, found, examined, report)
    for place in places if history else ():
        if place.is_dir():
            _search_history(suspects, wanted, place, report)
    report.hits.sort(key=_order)
    report.unread = sorted(set(report.unread))
    return report


def _hits(
    suspects: Sequence[Suspect], found: Sequence[Found], examined: Sequence[Examined], report: ExposureReport
) -> list[Hit]:
    """Make hits of matches; a range that a lockfile settles is counted and left out.

    A lockfile speaks for its folder and those below it, as workspaces have it; requirements for their folder alone.
    """
    fixed: dict[Project, set[tuple[str, bool]]] = defaultdict(set)
    for file, one in zip(found, examined, strict=True):
        for number in one.pins:
            fixed[suspects[number].project].add((_folder(file.path), file.kind != "requirements"))
    hits: list[Hit] = []
    settled: set[tuple[str, str]] = set()
    for file, one in zip(found, examined, strict=True):
        for match in one.matches:
            suspect = suspects[match.wanted]
            if match.strength is Strength.RANGE:
                here = _folder(file.path)
                if any(
                    here == folder or (below and _is_above(folder, here)) for folder, below in fixed[suspect.project]
                ):
                    settled.add((file.path, match.where))
                    continue
            hits.append(_hit(file.shown, file.kind, match, suspect))
    report.settled = len(settled)
    return hits


def _folder(path: str) -> str:
    """The directory a lockfile speaks for; what is inside `node_modules` speaks for the project around it."""
    return path.rpartition("/")[0].partition("/node_modules")[0]


def _is_above(folder: str, path: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _hit(file: str, kind: str, match: Match, suspect: Suspect, span: Span | None = None) -> Hit:
    return Hit(file, kind, match.where, match.strength, match.named, match.note, suspect, span)


def _order(hit: Hit) -> tuple[int, int, str, str, str, str]:
    start = str(hit.span.start) if hit.span else ""
    return (-hit.verdict.rank, hit.strength.rank, hit.file, hit.suspect.version, start, hit.where)


def _search_history(suspects: Sequence[Suspect], wanted: Sequence[Wanted], place: Path, report: ExposureReport) -> None:
    from forensics.investigation.core import run_to_end
    from forensics.sources.lockfiles.history import read_lock_history

    past = run_to_end(lambda: read_lock_history(place, Matcher(wanted).examine))
    report.commits += len(past.commits)
    report.versions += len(past.examined)
    report.unread += [(str(place), problem) for problem in past.problems]
    if past.shallow:
        report.unread.append((str(place), "it is a shallow clone: commits before its edge are not there"))
    for path, blobs in sorted(past.versions().items()):
        kind = kind_of_name(path) or ""
        report.hits += _past_hits(suspects, past, f"{place}/{path}", path, kind, blobs)
        problems = {past.examined[b, kind].problem for b in blobs if (b, kind) in past.examined} - {""}
        report.unread += [(f"{place}/{path}", f"in a version of the history: {p}") for p in sorted(problems)]


def _past_hits(
    suspects: Sequence[Suspect], past: LockHistory, shown: str, path: str, kind: str, blobs: Iterable[str]
) -> Iterable[Hit]:
    from forensics.sources.lockfiles.history import spans_of

    by_suspect: dict[int, dict[str, Match]] = defaultdict(dict)
    for blob in sorted(blobs):
        one = past.examined.get((blob, kind))
        for match in sorted(one.matches if one else (), key=lambda m: m.strength.rank):
            if match.strength is not Strength.RANGE:
                by_suspect[match.wanted].setdefault(blob, match)
    for number, matches in sorted(by_suspect.items()):
        best = min(matches.values(), key=lambda m: (m.strength.rank, m.where))
        for span in spans_of(past, path, set(matches)):
            yield _hit(shown, kind, best, suspects[number], span)
