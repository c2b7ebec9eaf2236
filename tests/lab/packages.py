"""The packages of a world: the scenario's project, the siblings of its wave, and newly required ones.

A sibling's wave version stands behind the same door, account and run as the project's release nearest to it. Siblings
have published before, one at a time and unattested, so that a wave can be told from a habit. A required package that
is new has one version, published when the scenario says so; one that is fetched by git is in no index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.lab.plan import PlannedRelease, label, plan_releases
from tests.lab.scenario import Door, Release, Scenario, Sibling
from tests.lab.tarballs import YOUNG_VERSION

NEAR = timedelta(hours=12)
"""How far from a release a sibling's version may lie to belong to the same wave."""

EARLIER = 8
"""Ordinary versions that a sibling published before its wave."""

_UNATTESTED: dict[Door, Door] = {"trusted-attested": "trusted-unattested", "token-attested": "token"}


@dataclass(frozen=True)
class Package:
    """One package: ``scenario`` is the world's, narrowed to it."""

    scenario: Scenario
    releases: tuple[PlannedRelease, ...]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.scenario.project


def plan_packages(scenario: Scenario, releases: tuple[PlannedRelease, ...]) -> tuple[Package, ...]:
    """All packages, the scenario's own first."""
    siblings = [_sibling(scenario, sibling, releases) for sibling in scenario.sibling if sibling.versions]
    return (Package(scenario, releases), *siblings, *_young(scenario))


def _sibling(scenario: Scenario, sibling: Sibling, releases: tuple[PlannedRelease, ...]) -> Package:
    wave = sorted(sibling.versions.items(), key=lambda item: item[1])
    near = {version: _nearest(releases, at) for version, at in wave}
    rows = [_wave_row(scenario, version, at, near[version]) for version, at in wave]
    made = _narrowed(scenario, sibling.project, [*_history(scenario, sibling, *wave[0]), *rows])
    planned = []
    for release in plan_releases(made):
        model = near.get(release.version)
        if model is not None:
            shared = {"claims": model.claims, "run_id": model.run_id, "commit": model.commit}
            release = replace(release, **shared)  # type: ignore[arg-type]
        planned.append(release)
    return Package(made, tuple(planned))


def _nearest(releases: tuple[PlannedRelease, ...], at: datetime) -> PlannedRelease | None:
    found = min(releases, key=lambda release: abs(release.published - at), default=None)
    return found if found is not None and abs(found.published - at) <= NEAR else None


def _wave_row(scenario: Scenario, version: str, at: datetime, model: PlannedRelease | None) -> Release:
    if model is None:
        return _ordinary(scenario, version, at)
    row = model.row
    removed = None if row.removed is None else max(row.removed, at + timedelta(minutes=1))
    return replace(
        row, version=version, published=at, removed=removed, signed=None, tagged_at=None, commit="", advisories=()
    )


def _history(scenario: Scenario, sibling: Sibling, first: str, at: datetime) -> list[Release]:
    """Versions before the first of the wave, weeks apart, at times of the sibling's own."""
    rows: list[Release] = []
    moment = at - timedelta(days=3)
    for version in _versions_before(first, EARLIER):
        spread = int(label(scenario.id, sibling.project, version)[:8], 16)
        moment -= timedelta(days=14 + spread % 21, seconds=spread % 86_400)
        rows.append(_ordinary(scenario, version, moment))
    return rows[::-1]


def _ordinary(scenario: Scenario, version: str, at: datetime) -> Release:
    background = scenario.background
    model = min(scenario.release, key=lambda row: row.published, default=None)
    door = background.door if background else model.door if model else "token"
    files = background.files if background else model.files if model else ()
    account = background.account if background else model.account if model else ""
    return Release(version, at, _UNATTESTED.get(door, door), files, account=account)


def _versions_before(version: str, count: int) -> list[str]:
    """Versions counted down from one: its patches, then those of the minors below."""
    major, minor, patch = (int(number) for number in [*re.findall(r"\d+", version), "0", "0", "0"][:3])
    made: list[str] = []
    while len(made) < count and (major, minor, patch) > (0, 0, 0):
        patch -= 1
        if patch < 0:
            minor, patch = minor - 1, 4
        if minor < 0:
            major, minor = major - 1, 4
        if major < 0:
            break
        made.append(f"{major}.{minor}.{patch}")
    return made


def _young(scenario: Scenario) -> Iterable[Package]:
    """The new dependencies that an index holds, each with one version."""
    found: dict[str, Release] = {}
    for row in scenario.release:
        for item in row.content.new_dependencies:
            if item.published is None:
                continue
            before = found.get(item.name)
            if before is None or item.published < before.published:
                found[item.name] = Release(YOUNG_VERSION, item.published, "token", row.files, account=row.account)
    taken = {scenario.project, *(sibling.project for sibling in scenario.sibling)}
    return [Package(made, plan_releases(made)) for name, row in found.items() if name not in taken
            for made in [_narrowed(scenario, name, [row])]]  # fmt: skip


def _narrowed(scenario: Scenario, project: str, rows: list[Release]) -> Scenario:
    return replace(
        scenario, project=project, background=None, release=tuple(rows), log_only=(), known=(), sibling=(), expect=()
    )
