"""Many small projects on one index, with planted campaigns: the world that a sweep is held against.

Every project has a handful of ordinary attested releases. Three campaigns are planted among them, each tied by
something else: one run of a hijacked repository, one payload under stolen tokens, one foreign signer within days. Some
projects are decoys: a lone suspect that shares nothing, and projects of one repository that share their runs and are
ordinary.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from tests.lab.git_history import GitHistory
from tests.lab.packages import Package
from tests.lab.plan import PlannedRelease, plan_releases
from tests.lab.scenario import (
    Background,
    Content,
    Identity,
    IdentityChange,
    Release,
    Repository,
    Run,
    Scenario,
)
from tests.lab.world import World

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
_STRUCK = datetime(2026, 5, 11, 19, 20, tzinfo=UTC)
_ISSUER = "https://token.actions.githubusercontent.com"
_HIJACKED = IdentityChange(repository="https://github.com/hijacked/tools", repository_id=660000001, owner_id=660000002)
_FOREIGN = IdentityChange(repository="https://github.com/stranger/kit", repository_id=670000001, owner_id=670000002)


@dataclass(frozen=True)
class Planted:
    """What was planted where: project names by campaign, lone suspects, and ordinary projects of one repository."""

    campaigns: dict[str, frozenset[str]]
    alone: frozenset[str]
    monorepo: frozenset[str]


class Fleet(World):
    """A world of many projects. They have no repositories; what was planted is in ``planted``."""

    def __init__(self, scenarios: list[Scenario], planted: Planted) -> None:
        self.scenario = scenarios[0]
        self.git = GitHistory("main")
        self.planted = planted
        self.packages = tuple(Package(one, _together(one, planted, plan_releases(one))) for one in scenarios)
        self.releases = self.packages[0].releases
        self._realise()

    @property
    def names(self) -> list[str]:
        """The names of all projects, in order."""
        return [package.name for package in self.packages]


def build_fleet(projects: int, seed: int = 1, releases: int = 5) -> Fleet:
    """Build a fleet of ``projects``, at least 40. The same numbers give the same fleet, but for its keys."""
    if projects < 40:
        raise ValueError("a fleet of fewer than 40 projects has no room for what is planted")
    names = [f"fleet-{number:05}" for number in range(projects)]
    chosen = iter(random.Random(seed).sample(names[1:], 31))
    run, payload, signer = (frozenset(next(chosen) for _ in range(size)) for size in (9, 8, 6))
    planted = Planted(
        {"run": run, "payload": payload, "signer": signer},
        frozenset(next(chosen) for _ in range(2)),
        frozenset(next(chosen) for _ in range(6)),
    )
    return Fleet([_scenario(name, number, planted, releases) for number, name in enumerate(names)], planted)


def _scenario(name: str, number: int, planted: Planted, releases: int) -> Scenario:
    home = Repository(f"https://github.com/{name}/{name}", 700000000 + number, 800000000 + number)
    if name in planted.monorepo:
        home = Repository("https://github.com/mono/repo", 690000001, 690000002)
    bad = _bad_release(name, planted, releases)
    return Scenario(
        schema=1,
        id=name,
        title=f"A project of a fleet: {name}",
        kind="incident" if bad else "benign",
        ecosystem="pypi",
        project=name,
        as_of=AS_OF,
        repository=home,
        identity=Identity(_ISSUER, ".github/workflows/release.yml", "refs/tags/{tag}", "release", environment="pypi"),
        background=Background(
            count=releases,
            first="1.2.0",
            start=datetime(2025, 12, 1, tzinfo=UTC) + timedelta(hours=number % 240),
            every_hours=24.0 * 28,
            jitter_hours=36.0,
            door="trusted-attested",
            files=("wheel",),
        ),
        release=(bad,) if bad else (),
    )


def _bad_release(name: str, planted: Planted, releases: int) -> Release | None:
    """The planted release of a project: one after the background's last, within two days of the others."""
    bad = sorted(planted.alone.union(*planted.campaigns.values()))
    if name not in bad:
        return None
    place = bad.index(name)
    row = Release(
        version=f"1.2.{releases}",
        published=_STRUCK + timedelta(minutes=7 * place),
        door="token",
        files=("wheel",),
        tagged=False,
        commit_on="nowhere",
        malicious=True,
    )
    if name in planted.campaigns["run"]:
        return replace(row, door="foreign-attested", identity=_HIJACKED, run=Run(id=25_700_000_001), commit="c" * 40)
    if name in planted.campaigns["signer"]:
        return replace(row, door="foreign-attested", identity=_FOREIGN, run=Run(id=25_800_000_000 + place))
    if name in planted.campaigns["payload"]:
        return replace(row, content=Content(matches_source=False, added=("zz_bootstrap.pth",)))
    return row


def _together(one: Scenario, planted: Planted, releases: tuple[PlannedRelease, ...]) -> tuple[PlannedRelease, ...]:
    """The releases of a project; those of the monorepo are numbered alike and share run and commit, as its CI does."""
    if one.project not in planted.monorepo:
        return releases
    shared = []
    for position, release in zip(count(), releases, strict=False):
        run, commit = 25_900_000_000 + position, f"{position:040x}"
        claims = replace(release.claims, run_id=run, commit=commit)
        shared.append(replace(release, run_id=run, commit=commit, claims=claims))
    return tuple(shared)
