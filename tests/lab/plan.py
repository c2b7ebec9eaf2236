"""What happened, in full: every release of a scenario with all defaults derived.

``[background]`` is expanded and each default of the scenario format is filled in. Nothing here is random
beyond ``random.Random(id)``: the same scenario always gives the same plan.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tests.lab.claims import Claims, claims_for
from tests.lab.scenario import ATTESTING_DOORS, Background, FileKind, IdentityChange, LogOnly, Release, Scenario

LATER = timedelta(hours=2)
"""When a yank or quarantine without a time of its own takes hold, counted from publication.

The format gives neither a time. Two hours keep them out of what was knowable an hour after publication.
"""

_RUN_ANCHOR = (datetime(2024, 12, 4, 20, 50, tzinfo=UTC), 12168072999)
_RUNS_PER_SECOND = 291.5  # between two public run ids of 2024-12-04 and 2026-04-24


@dataclass(frozen=True)
class PlannedRelease:
    """One release with nothing left to derive."""

    row: Release
    background: bool
    version: str
    published: datetime
    signed: datetime
    tag: str
    tagged_at: datetime
    commit: str
    run_id: int
    attested: tuple[FileKind, ...]
    claims: Claims
    advisory_published: datetime

    @property
    def removed(self) -> datetime | None:
        """When the release was deleted from the index; a quarantine deletes nothing."""
        return None if self.row.quarantined else self.row.removed

    @property
    def quarantined_from(self) -> datetime | None:
        """From when the index hides the release without deleting it."""
        if not self.row.quarantined:
            return None
        return self.row.removed or self.published + LATER

    @property
    def yanked_from(self) -> datetime | None:
        """From when the index marks the release as yanked."""
        return self.published + LATER if self.row.yanked else None

    def listed(self, moment: datetime) -> bool:
        """Whether the index lists the release at ``moment``."""
        ends = [end for end in (self.removed, self.quarantined_from) if end is not None]
        return self.published <= moment and all(moment < end for end in ends)


@dataclass(frozen=True)
class PlannedEntry:
    """A log entry that no release stands behind."""

    row: LogOnly
    claims: Claims
    version: str


def plan_releases(scenario: Scenario, commits: Mapping[str, str] | None = None) -> tuple[PlannedRelease, ...]:
    """All releases by publication time. ``commits`` (version to sha) replaces the deterministic labels."""
    rows = [(row, True) for row in expand_background(scenario)] + [(row, False) for row in scenario.release]
    rows.sort(key=lambda pair: (pair[0].published, pair[0].version))
    return tuple(_plan(scenario, row, background, commits or {}) for row, background in rows)


def plan_entries(scenario: Scenario, releases: Iterable[PlannedRelease] = ()) -> tuple[PlannedEntry, ...]:
    """The ``[[log_only]]`` entries with their claims.

    Each has a run of its own, except where its subject is a release that the index shows without an attestation: this
    one was signed in the release's run, and the index does not hand the attestation out.
    """
    bare = {release.version: release for release in releases if not release.attested}
    return tuple(_entry(scenario, row, bare.get(_version_of(row.subject))) for row in scenario.log_only)


def _entry(scenario: Scenario, row: LogOnly, release: PlannedRelease | None) -> PlannedEntry:
    version = _version_of(row.subject)
    claims = claims_for(
        scenario,
        row.identity,
        version=version,
        commit=release.commit if release else label(scenario.id, "log-only", row.subject),
        run_id=release.run_id if release else run_id_at(row.signed) + 7,
        attempt=release.row.run.attempt if release else 1,
    )
    return PlannedEntry(row, claims, version)


def label(*parts: str) -> str:
    """A deterministic 40-hex label that stands for a commit."""
    return hashlib.sha1("\0".join(parts).encode(), usedforsecurity=False).hexdigest()


def run_id_at(moment: datetime) -> int:
    """A plausible run id for a moment; public run ids grow nearly linearly."""
    anchor, number = _RUN_ANCHOR
    estimate = number + int((moment - anchor).total_seconds() * _RUNS_PER_SECOND)
    return estimate if estimate > 2_000_000_000 else 1_000_000_000 + int(moment.timestamp()) // 4


def _plan(scenario: Scenario, row: Release, background: bool, commits: Mapping[str, str]) -> PlannedRelease:
    spread = int(label(scenario.id, row.version, "spread")[:8], 16)
    signed = row.signed or row.published - timedelta(seconds=8 + spread % 13)
    commit = commits.get(row.version) or row.commit or label(scenario.id, "commit", row.version)
    run_id = row.run.id if row.run.id is not None else run_id_at(signed)
    attested = row.attested if row.attested is not None else row.files
    return PlannedRelease(
        row=row,
        background=background,
        version=row.version,
        published=row.published,
        signed=signed,
        tag=tag_of(scenario, row.version),
        tagged_at=row.tagged_at or row.published - timedelta(seconds=240 + spread % 180),
        commit=commit,
        run_id=run_id,
        attested=attested if row.door in ATTESTING_DOORS else (),
        claims=claims_for(
            scenario,
            _identity(scenario, row),
            version=row.version,
            commit=commit,
            run_id=run_id,
            attempt=row.run.attempt,
        ),
        advisory_published=row.advisory_published or row.published + timedelta(days=1),
    )


def _identity(scenario: Scenario, row: Release) -> IdentityChange:
    """The release's identity; one behind a foreign door has another repository and owner, named or not."""
    change = row.identity
    if row.door != "foreign-attested":
        return change
    other = int(label(scenario.id, row.version, "foreign")[:7], 16)
    name = scenario.repository.url.rstrip("/").rpartition("/")[2]
    elsewhere = change.repository or f"https://github.com/elsewhere-{other % 1000}/{name}"
    return replace(
        change,
        repository=elsewhere if change.repository or change.repository_id is None else None,
        repository_id=scenario.repository.id + 1 + other if change.repository_id is None else change.repository_id,
        owner_id=scenario.repository.owner_id + 1 + other if change.owner_id is None else change.owner_id,
    )


def tag_of(scenario: Scenario, version: str) -> str:
    """The tag a version has, or would have if the project tagged it."""
    return scenario.repository.tag_pattern.replace("{version}", version) or version


def expand_background(scenario: Scenario) -> tuple[Release, ...]:
    """Expand ``[background]`` into ordinary releases, leaving out versions that a ``[[release]]`` row names.

    Release n falls at ``start + n * every_hours``, plus a uniform draw within ``jitter_hours``, then moves
    into ``hours_utc`` and on to the next of ``weekdays``. A release that would fall before or right after the
    one before it waits for the next day, so that times rise strictly.
    """
    background = scenario.background
    if background is None:
        return ()
    named = {row.version for row in scenario.release}
    rows: list[Release] = []
    for version, moment in zip(_versions(background), _moments(background, scenario.id), strict=True):
        if version not in named:
            rows.append(
                Release(
                    version=version,
                    published=moment,
                    door=background.door,
                    files=background.files,
                    account=background.account,
                    tagged=background.tagged,
                )
            )
    return tuple(rows)


def _versions(background: Background) -> list[str]:
    """Versions counted up in the last number of the first: its patch, or what stands behind ``rc`` or ``-beta.``."""
    counted = re.fullmatch(r"(.*?)(\d+)", background.first)
    assert counted is not None  # the loader has looked
    head, last = counted.groups()
    return [f"{head}{int(last) + n}" for n in range(background.count)]


def _moments(background: Background, seed: str) -> list[datetime]:
    rng = random.Random(seed)
    least = timedelta(hours=max(1.0, min(6.0, background.every_hours / 4)))
    moments: list[datetime] = []
    for n in range(background.count):
        jitter = rng.uniform(-background.jitter_hours, background.jitter_hours)
        moment = background.start + timedelta(seconds=round((n * background.every_hours + jitter) * 3600))
        moment = _fit(moment, background)
        while moments and moment < moments[-1] + least:
            moment = _fit(moment + timedelta(days=1), background)
        moments.append(moment)
    return moments


def _fit(moment: datetime, background: Background) -> datetime:
    """Move a moment into the window of hours (keeping the spread), then forward to an allowed weekday."""
    first, last = background.hours_utc[0] * 3600, background.hours_utc[1] * 3600
    span = last - first if first < last else last - first + 86_400  # from 22 to 6 is over midnight
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    second = int((moment - midnight).total_seconds())
    if (second - first) % 86_400 >= span:
        second = first + (second - first) % span
    moment = midnight + timedelta(seconds=second % 86_400)
    while moment.weekday() not in background.weekdays:
        moment += timedelta(days=1)
    return moment


def _version_of(subject: str) -> str:
    """The version in a file name or purl; ``0`` when there is none."""
    if subject.startswith("pkg:"):
        return subject.rpartition("@")[2]
    parts = subject.removesuffix(".tar.gz").removesuffix(".tgz").removesuffix(".whl").split("-")
    return next((part for part in parts[1:] if part[:1].isdigit()), "0")
