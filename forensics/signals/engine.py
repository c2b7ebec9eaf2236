"""Judge every release of a history, each with the eyes of its own time."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, takewhile
from typing import TypeVar, cast

from forensics.model.attestation import CheckResult
from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Assessment, Family, Finding, Unchecked, Verdict
from forensics.model.release import Advisory, Door, History, Release
from forensics.model.versions import rules_of
from forensics.signals import thresholds as t
from forensics.signals.baseline import Baseline, Past, Series, build_baseline
from forensics.signals.corroboration import CORROBORATED, corroborated
from forensics.signals.doors import door_of
from forensics.signals.numbering import Numbering
from forensics.signals.profile import Attested, Profile, profile_of, shared
from forensics.signals.registry import Hit, Moment, Signal, View, catalogue
from forensics.signals.rhythm import Rhythm
from forensics.signals.verdict import EXCULPABLE, capped, reasons_for, verdict_of
from forensics.timeline.lines import line_of

BORROWED = "Capped at low: the line has no earlier release to compare with, so the project's stand in."

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Suspended:
    """A check that the drift guard took out of service, and the releases that fail it."""

    check: str
    versions: tuple[str, ...]
    checked: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The assessments in the order of the history, and the checks that were suspended for the run."""

    assessments: tuple[Assessment, ...]
    suspended: tuple[Suspended, ...]


def judge(history: History, lines: Mapping[str, str] | None = None) -> Judgement:
    """Return the assessment of every release. *lines* maps version prefixes to lines of the user's choice.

    Each release is compared with those before it only; time and memory are linear in the number of releases.
    """
    suspended = drift_guard(history.releases)
    run = _Run(history, frozenset(s.check for s in suspended), lines or {})
    return Judgement(tuple(run.assess(index) for index in range(len(history.releases))), suspended)


def drift_guard(releases: tuple[Release, ...]) -> tuple[Suspended, ...]:
    """Return the checks that at least DRIFT_RELEASES releases and more than DRIFT_SHARE of those checked fail.

    So many failures of one kind are likelier our trust root or a change of format than so many forgeries.
    """
    failing: dict[str, list[str]] = defaultdict(list)
    checked = 0
    for release in releases:
        checks = [check for a in release.attestations for check in a.verification.checks]
        checked += bool(checks)
        for name in dict.fromkeys(c.name for c in checks if c.result is CheckResult.FAIL):
            failing[name].append(release.version)
    return tuple(
        Suspended(name, tuple(versions), checked)
        for name, versions in sorted(failing.items())
        if len(versions) >= t.DRIFT_RELEASES and len(versions) > t.DRIFT_SHARE * checked
    )


def publish_moment(release: Release) -> datetime | None:
    """Return the last moment of *as of then*: an hour after publication, or a minute before its removal if sooner.

    Never before its publication: what was taken away within the minute is seen as it came.
    """
    if release.published is None:
        return None
    until = release.published + t.PUBLISH_WINDOW
    removed = release.removed.value if isinstance(release.removed, Checked) else None
    return until if removed is None else max(release.published, min(until, removed - t.BEFORE_REMOVAL))


class _Run:
    """The state that grows from release to release."""

    def __init__(self, history: History, suspended: frozenset[str], lines: Mapping[str, str]) -> None:
        self.history = history
        self.suspended = suspended
        self.lines = lines
        self.signals = list(catalogue().values())
        self.project = Series()
        self.by_line: dict[str, Series] = defaultdict(Series)
        self.rhythm = Rhythm()
        self.rhythms: dict[str, Rhythm] = defaultdict(Rhythm)
        self.rules = rules_of(history.project.ecosystem)
        self.numbering = Numbering(self.rules)
        self.recent: deque[tuple[datetime, str, Release]] = deque(maxlen=t.BURST_LOOKED_AT)
        self.last_seen: datetime | None = None
        self.advised = _malicious_by_version(history)
        # What could not be checked is the same for most releases: one object for all says so in a fifth of the memory.
        self.gaps: dict[object, object] = {}

    def assess(self, index: int) -> Assessment:
        """Judge one release and take it into the state."""
        release = self.history.releases[index]
        line = line_of(release.version, self.lines, self.rules)
        at = release.published or self.last_seen or self.history.collected_at
        baseline = build_baseline(self.by_line[line], self.project, at)
        early = profile_of(release, publish_moment(release))
        late = profile_of(release)
        views = [
            self._view(
                index, profile, moment, line, door_of(profile, baseline, self.history.project.ecosystem), baseline
            )
            for profile, moment in ((early, Moment.AT_PUBLISH), (late, Moment.HINDSIGHT))
        ]
        then, changed, _ = self._evaluate(views[0])
        now, _, unchecked = self._evaluate(views[1])
        at_publish = verdict_of(then, anything_checked=_looked_at(early))
        verdict = verdict_of(now, anything_checked=_looked_at(late))
        known_then = {finding.signal for finding in then}
        findings = tuple(
            sorted(
                (replace(f, knowable_at_publish=f.signal in known_then) for f in now),
                key=lambda f: (-f.severity.rank, f.family.value, f.signal),
            )
        )
        self._remember(release, early, line, views[0].door, at_publish, then, changed)
        predecessor = baseline.predecessor if not baseline.borrowed else None
        return Assessment(
            release=release,
            line=line,
            predecessor=predecessor.version if predecessor else None,
            door=views[1].door,
            verdict=verdict,
            at_publish=at_publish,
            findings=findings,
            not_checked=self._shared(tuple(map(self._shared, unchecked))),
            reasons=reasons_for(findings, verdict),
        )

    def _shared(self, value: T) -> T:
        """The first of the values that equal *value*."""
        return cast("T", self.gaps.setdefault(value, value))

    def _view(self, index: int, profile: Profile, moment: Moment, line: str, door: Door, baseline: Baseline) -> View:
        release = self.history.releases[index]
        enough = len(self.rhythms[line].gaps) >= t.RATE_SAMPLES
        return View(
            history=self.history,
            release=profile.release,
            profile=profile,
            moment=moment,
            until=publish_moment(release) if moment is Moment.AT_PUBLISH else None,
            line=line,
            door=door,
            baseline=baseline,
            previous=self.by_line[line].latest,
            rhythm=self.rhythm,
            line_rhythm=self.rhythms[line] if enough else self.rhythm,
            around=self._around(index, line, moment),
            numbering=self.numbering,
            failures_suspended=self.suspended,
        )

    def _around(self, index: int, line: str, moment: Moment) -> tuple[Release, ...]:
        """Return releases of other lines within the burst window, nearest first on each side, at most BURST_NAMED each.

        Later ones only with hindsight; which of two at one instant is first is only a matter of their numbers, so each
        sees the other at once. Releases without a time are passed over, and only so many of them.
        """
        release = self.history.releases[index]
        if release.published is None:
            return ()
        before = (r for at, other, r in reversed(self.recent)
                  if other != line and release.published - at <= t.BURST_WINDOW)  # fmt: skip
        near = list(islice(before, t.BURST_NAMED))[::-1]
        later = self._later(index, line, release.published)
        if moment is Moment.AT_PUBLISH:
            later = takewhile(lambda other: other.published == release.published, later)
        return (*near, *islice(later, t.BURST_NAMED))

    def _later(self, index: int, line: str, published: datetime) -> Iterator[Release]:
        for later in self.history.releases[index + 1 : index + 1 + t.BURST_LOOKED_AT]:
            if later.published is None:
                continue
            if later.published - published > t.BURST_WINDOW:
                return
            if line_of(later.version, self.lines, self.rules) != line:
                yield later

    def _evaluate(self, view: View) -> tuple[list[Finding], frozenset[tuple[str, str]], list[Unchecked]]:
        findings: list[Finding] = []
        unchecked: list[Unchecked] = []
        changed: frozenset[tuple[str, str]] = frozenset()
        for entry in self.signals:
            if view.moment is Moment.AT_PUBLISH and entry.family is Family.HINDSIGHT:
                continue
            if entry.evaluate is None:
                unchecked.append(Unchecked(entry.id, NotChecked(entry.missing, " or ".join(entry.needs))))
                continue
            result = entry.evaluate(view)
            if isinstance(result, NotChecked):
                unchecked.append(Unchecked(entry.id, result))
            elif result is not None:
                changed |= result.changed
                findings.append(_finding(entry, result, borrowed=view.baseline.borrowed))
        return _exculpated(findings, view), shared(changed), unchecked

    def _remember(
        self,
        release: Release,
        profile: Profile,
        line: str,
        door: Door,
        at_publish: Verdict,
        findings: list[Finding],
        changed: frozenset[tuple[str, str]],
    ) -> None:
        kinds = {kind for kind, _ in changed}
        others = [f for f in findings if f.fact not in kinds]
        removed_at = release.removed.value if isinstance(release.removed, Checked) else None
        past = Past(
            profile=profile,
            line=line,
            door=door,
            flagged_at_publish=at_publish.flagged,
            changed=changed,
            flagged_otherwise=verdict_of(others, anything_checked=True).flagged,
            removed=release.listed is False,
            removed_at=removed_at,
            advised_at=self.advised.get(self.rules.canonical(release.version)),
        )
        self.numbering.add(release, line, usual=not at_publish.flagged)
        if release.published is not None:
            self._take_rhythm(release.published, release, line)
        self.by_line[line].add(past)
        self.project.add(past)

    def _take_rhythm(self, at: datetime, release: Release, line: str) -> None:
        latest = self.by_line[line].latest
        before = latest.profile.published if latest else None
        gap = at - before if before else None
        while self.recent and at - self.recent[0][0] > t.BURST_WINDOW:
            self.recent.popleft()
        company = any(other != line for _, other, _ in self.recent)
        self.rhythm.add(at, gap, company)
        self.rhythms[line].add(at, gap, company)
        self.recent.append((at, line, release))
        self.last_seen = at


def _looked_at(profile: Profile) -> bool:
    """Whether provenance is known, or the contents of a file: without either, no finding means nothing."""
    if profile.attested is not Attested.UNKNOWN:
        return True
    return any(isinstance(artifact.contents, Checked) for artifact in profile.release.artifacts)


def _finding(entry: Signal, hit: Hit, *, borrowed: bool) -> Finding:
    finding = Finding(
        signal=entry.id,
        family=entry.family,
        severity=hit.severity,
        confidence=hit.confidence,
        observed=hit.observed,
        expected=hit.expected,
        evidence=tuple(dict.fromkeys(hit.evidence)),
        benign_if=entry.benign_if,
        note=hit.note,
        fact=hit.fact or entry.id,
    )
    return capped(finding, BORROWED) if borrowed and entry.family is Family.TRUST else finding


def _exculpated(findings: list[Finding], view: View) -> list[Finding]:
    """Lower what corroboration can lower, if the release of *view* is corroborated; cite what speaks for it."""
    if not any(f.signal in EXCULPABLE for f in findings) or not (support := corroborated(view)):
        return findings
    lowered = []
    for finding in findings:
        if finding.signal in EXCULPABLE:
            evidence = tuple(dict.fromkeys((*finding.evidence, *support)))
            finding = replace(capped(finding, CORROBORATED), evidence=evidence)
        lowered.append(finding)
    return lowered


def _malicious_by_version(history: History) -> dict[str, datetime]:
    """Return for each version, in canonical form, the time of the first malicious advisory that names it."""
    advisories: tuple[Advisory, ...] = ()
    if isinstance(history.advisories, Checked):
        advisories = history.advisories.value
    canonical = rules_of(history.project.ecosystem).canonical
    first: dict[str, datetime] = {}
    for advisory in advisories:
        if not advisory.malicious or advisory.withdrawn or advisory.published is None:
            continue
        for version in map(canonical, advisory.versions):
            first[version] = min(first.get(version, advisory.published), advisory.published)
    return first
