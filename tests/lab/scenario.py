"""Scenario files as frozen dataclasses, one field per key of the scenario format ("Keys").

Field names equal the keys of the file, so the dataclasses are the schema; see :mod:`tests.lab.decode`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from tests.lab.decode import decode
from tests.lab.errors import LabError, ScenarioError

SCENARIOS = Path(__file__).resolve().parents[2] / "fixtures" / "scenarios"

Door = Literal["trusted-attested", "trusted-unattested", "token-attested", "token", "foreign-attested"]
Verdict = Literal["ordinary", "notable", "suspicious", "likely-compromised"]
FileKind = Literal["sdist", "wheel", "tarball"]
Conclusion = Literal["success", "failure", "cancelled"]
PublishStep = Literal["success", "skipped", "failure"]
CommitOn = Literal["main", "tag", "deleted-branch", "fork", "nowhere"]
InstallHook = Literal["", "preinstall", "postinstall", "prepare", "binding.gyp"]

AFTERWARDS = timedelta(days=7)
"""How long after the last thing that a file tells it is looked at, where it does not say so."""

ATTESTING_DOORS = frozenset({"trusted-attested", "token-attested", "foreign-attested"})
"""Doors behind which an attestation was published (scenario format, "Doors")."""


@dataclass(frozen=True)
class Repository:
    """``[repository]``: the project's home and its numeric ids (certificate extensions .15 and .17)."""

    url: str
    id: int
    owner_id: int
    default_branch: str = "main"
    tag_pattern: str = "v{version}"
    visibility: Literal["public", "private", "internal"] = "public"


@dataclass(frozen=True)
class Identity:
    """``[identity]``: certificate claims of an ordinary attested release."""

    issuer: str = "https://token.actions.githubusercontent.com"
    workflow: str = ".github/workflows/release.yml"
    ref: str = "refs/tags/{tag}"
    trigger: str = "push"
    runner: str = "github-hosted"
    environment: str = ""
    log: Literal["v1", "v2"] = "v1"


@dataclass(frozen=True)
class IdentityChange:
    """``[release.identity]``: only the claims that differ; ``None`` means as in ``[identity]``."""

    issuer: str | None = None
    workflow: str | None = None
    ref: str | None = None
    trigger: str | None = None
    runner: str | None = None
    environment: str | None = None
    log: Literal["v1", "v2"] | None = None
    repository: str | None = None
    repository_id: int | None = None
    owner_id: int | None = None


@dataclass(frozen=True)
class Background:
    """``[background]``: ordinary releases that are generated (:mod:`tests.lab.plan`)."""

    count: int
    first: str
    start: datetime
    every_hours: float
    jitter_hours: float
    hours_utc: tuple[int, ...] = (0, 24)
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    door: Door = "token"
    files: tuple[FileKind, ...] = ()
    account: str = ""
    tagged: bool = True


@dataclass(frozen=True)
class Run:
    """``[release.run]``: the CI run behind a release."""

    id: int | None = None
    attempt: int = 1
    conclusion: Conclusion = "success"
    publish_step: PublishStep = "success"


@dataclass(frozen=True)
class Dependency:
    """One entry of ``new_dependencies``: a young package, or one fetched by git."""

    name: str
    published: datetime | None = None
    git: str | None = None


@dataclass(frozen=True)
class Content:
    """``[release.content]``: how the artifact differs from its commit or its predecessor."""

    matches_source: bool = True
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    install_hook: InstallHook = ""
    new_dependencies: tuple[Dependency, ...] = ()
    size_factor: float = 1.0


@dataclass(frozen=True)
class Workflow:
    """``[release.workflow]``: what changed in the workflow file."""

    digest_changed: bool = False
    risks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """One ``[[release]]`` row, as written; derived values are in :mod:`tests.lab.plan`."""

    version: str
    published: datetime
    door: Door
    files: tuple[FileKind, ...] = ()
    line: str = ""
    attested: tuple[FileKind, ...] | None = None
    removed: datetime | None = None
    yanked: bool = False
    quarantined: bool = False
    account: str = ""
    account_email: str = ""
    malicious: bool = False
    tagged: bool = True
    tagged_at: datetime | None = None
    commit: str = ""
    commit_on: CommitOn = "main"
    log_index: int | None = None
    signed: datetime | None = None
    advisories: tuple[str, ...] = ()
    advisory_published: datetime | None = None
    identity: IdentityChange = field(default_factory=IdentityChange)
    run: Run = field(default_factory=Run)
    content: Content = field(default_factory=Content)
    workflow: Workflow = field(default_factory=Workflow)


@dataclass(frozen=True)
class LogOnly:
    """``[[log_only]]``: a log entry with no release behind it."""

    subject: str
    signed: datetime
    identity: IdentityChange = field(default_factory=IdentityChange)


@dataclass(frozen=True)
class Known:
    """``[[known]]``: what the responder brings along at ``as_of``."""

    kind: Literal["export", "hashes", "lockfile", "snapshot"]
    versions: tuple[str, ...]


@dataclass(frozen=True)
class Sibling:
    """``[[sibling]]``: another package published by the same run or account."""

    project: str
    versions: Mapping[str, datetime]


@dataclass(frozen=True)
class Expect:
    """``[[expect]]``: what the toolkit must conclude about one version."""

    version: str
    verdict: Verdict
    signals: tuple[str, ...] = ()
    at_publish: Verdict | None = None
    silent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """A whole scenario file."""

    schema: Literal[1]
    id: str
    title: str
    kind: Literal["incident", "benign"]
    ecosystem: Literal["pypi", "npm"]
    project: str
    as_of: datetime
    repository: Repository
    identity: Identity = field(default_factory=Identity)
    sources: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    background: Background | None = None
    release: tuple[Release, ...] = ()
    log_only: tuple[LogOnly, ...] = ()
    known: tuple[Known, ...] = ()
    sibling: tuple[Sibling, ...] = ()
    expect: tuple[Expect, ...] = ()

    @property
    def source(self) -> str:
        """What to name as the origin of hand-known facts: the first source, or the scenario itself."""
        return self.sources[0] if self.sources else f"scenario {self.id}"


def load_scenario(where: str | Path) -> Scenario:
    """Load a scenario by path, or by the id of a file in ``fixtures/scenarios``."""
    path = Path(where)
    if not path.is_file():
        path = SCENARIOS / f"{where}.toml"
    if not path.is_file():
        raise LabError(f"no scenario {str(where)!r}: neither a file nor an id in fixtures/scenarios")
    return parse_scenario(path.read_text(encoding="utf-8"), path.name)


def parse_scenario(text: str, file: str) -> Scenario:
    """Parse the text of a scenario file named ``file``."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(file, "(file)", f"is not TOML: {error}") from error
    scenario = _with_files(decode(Scenario, _with_tables(table), file))
    _check(scenario, file)
    return scenario


def _with_tables(table: dict[str, Any]) -> dict[str, Any]:
    """Give a file without a repository one that nobody may see, and one without ``as_of`` a week after all it tells."""
    name = str(table.get("project", "")).rpartition("/")[2]
    home = {"url": f"https://github.com/unknown-author/{name}", "id": 1, "owner_id": 1, "visibility": "private"}
    told = max(_moments(table), default=None)
    later = {} if told is None else {"as_of": told + AFTERWARDS}
    return {"repository": home, **later, **table}


def _moments(value: object) -> Iterator[datetime]:
    """Every time in a table that has an offset."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        yield value
    elif isinstance(value, dict):
        yield from _moments(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _moments(item)


def _with_files(scenario: Scenario) -> Scenario:
    """Give rows that name no files those of the ecosystem: a tarball on npm, an sdist and a wheel on PyPI."""
    usual: tuple[FileKind, ...] = ("tarball",) if scenario.ecosystem == "npm" else ("sdist", "wheel")
    background = scenario.background
    return replace(
        scenario,
        background=background and replace(background, files=background.files or usual),
        release=tuple(replace(row, files=row.files or usual) for row in scenario.release),
    )


def _check(scenario: Scenario, file: str) -> None:
    """Checks across keys that a type cannot express."""
    if file != f"{scenario.id}.toml":
        raise ScenarioError(file, "id", f"is {scenario.id!r}, which is not the file name without .toml")
    versions = [release.version for release in scenario.release]
    for version in versions:
        if versions.count(version) > 1:
            raise ScenarioError(file, "release.version", f"{version} stands more than once")
    for release in scenario.release:
        for kind in release.attested or ():
            if kind not in release.files:
                raise ScenarioError(file, "release.attested", f"{release.version} has no {kind} to attest")
        if release.removed is not None and release.removed <= release.published:
            raise ScenarioError(file, "release.removed", f"{release.version} is removed before it is published")
        for item in release.content.new_dependencies:
            if (item.published is None) == (item.git is None):
                problem = f"{item.name} has not exactly one of published and git"
                raise ScenarioError(file, "release.content.new_dependencies", problem)
    background = scenario.background
    if background is not None:
        _check_background(background, file)


def _check_background(background: Background, file: str) -> None:
    hours = background.hours_utc
    if len(hours) != 2 or hours[0] == hours[1] or not all(0 <= hour <= 24 for hour in hours):
        raise ScenarioError(file, "background.hours_utc", "is not a pair of two hours of the day")
    if not background.first[-1:].isdecimal():
        raise ScenarioError(file, "background.first", f"{background.first!r} ends in no number to count up from")
    if not background.weekdays or not set(background.weekdays) <= set(range(7)):
        raise ScenarioError(file, "background.weekdays", "is not a list of weekdays, Monday being 0")
