"""The loader is strict, and defaults and background follow the scenario format."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from tests.lab import LabError, ScenarioError, build_world, load_scenario
from tests.lab.plan import expand_background, plan_releases
from tests.lab.scenario import SCENARIOS, Scenario, parse_scenario
from tests.test_lab.minimal import MINIMAL

FILES = sorted(SCENARIOS.glob("*.toml"))
IDS = [path.stem for path in FILES]


def test_there_are_scenarios() -> None:
    assert len(FILES) >= 25


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_shared_scenario_loads(path) -> None:
    scenario = load_scenario(path)
    assert scenario.id == path.stem
    assert load_scenario(path.stem) == scenario
    named = {release.version for release in plan_releases(scenario)}
    assert {row.version for row in scenario.expect} <= named


@pytest.mark.parametrize(
    ("before", "key"),
    [
        ("schema = 1", "surprise"),
        ("[repository]", "repository.surprise"),
        ("[identity]", "identity.surprise"),
        ("[[release]]", "release[0].surprise"),
        ("[release.identity]", "release[0].identity.surprise"),
        ("[release.run]", "release[0].run.surprise"),
        ("[release.content]", "release[0].content.surprise"),
        ("[release.workflow]", "release[0].workflow.surprise"),
        ("[background]", "background.surprise"),
        ("[[log_only]]", "log_only[0].surprise"),
        ("[[known]]", "known[0].surprise"),
        ("[[sibling]]", "sibling[0].surprise"),
        ("[[expect]]", "expect[0].surprise"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_it(before: str, key: str) -> None:
    text = MINIMAL if before in MINIMAL else f"{MINIMAL}{before}\n"
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text.replace(before, f"{before}\nsurprise = 1", 1), "small.toml")
    assert caught.value.key == key
    assert caught.value.file == "small.toml"
    assert key in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("id = 1", 'id = "1"', "repository.id"),
        ("id = 1", "id = true", "repository.id"),
        ("schema = 1", "schema = 2", "schema"),
        ('kind = "benign"', 'kind = "odd"', "kind"),
        ("2026-06-01T00:00:00Z", "2026-06-01T00:00:00", "as_of"),
        ('door = "trusted-attested"', 'door = "window"', "release[0].door"),
        ('files = ["sdist", "wheel"]', 'files = ["egg"]', "release[0].files[0]"),
        ('files = ["sdist", "wheel"]', 'files = ["sdist"]\nattested = ["wheel"]', "release.attested"),
        ('version = "1.0.0"\n', "", "release[0].version"),
        ('id = "small"', 'id = "other"', "id"),
        ("[identity]", "[identity", "(file)"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_key(old: str, new: str, key: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(MINIMAL.replace(old, new, 1), "small.toml")
    assert caught.value.key == key


def test_no_such_scenario() -> None:
    with pytest.raises(LabError, match="no scenario"):
        load_scenario("never-happened")


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_background_follows_its_table(path) -> None:
    scenario = load_scenario(path)
    background = scenario.background
    assert background is not None
    rows = expand_background(scenario)
    named = {row.version for row in scenario.release}
    assert rows == expand_background(scenario)
    assert not named & {row.version for row in rows}
    assert background.count - len(named) <= len(rows) <= background.count
    assert [row.published for row in rows] == sorted({row.published for row in rows})
    first, last = background.hours_utc
    for row in rows:
        assert first <= row.published.hour < last
        assert row.published.weekday() in background.weekdays
        assert (row.door, row.files, row.tagged) == (background.door, background.files, background.tagged)


def test_background_versions_and_rhythm() -> None:
    scenario = load_scenario("ultralytics-2024-12")
    assert scenario.background is not None
    rows = expand_background(scenario)
    assert [row.version for row in rows] == [f"8.3.{patch}" for patch in range(10, 38)]
    slack = timedelta(hours=scenario.background.jitter_hours + 24)
    for number, row in enumerate(rows):
        due = scenario.background.start + timedelta(hours=36 * number)
        assert abs(row.published - due) < slack


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_derived_values(path) -> None:
    scenario = load_scenario(path)
    releases = plan_releases(scenario)
    assert releases == plan_releases(scenario)
    runs = Counter(release.run_id for release in releases if release.row.run.id is None)
    for release in releases:
        assert release.tagged_at < release.published or release.row.tagged_at
        assert release.signed < release.published
        assert len(release.commit) == 40
        assert "{" not in release.claims.ref
        if release.row.door in ("token", "trusted-unattested"):
            assert release.attested == ()
        elif release.row.attested is None:
            assert release.attested == release.row.files
    assert not runs or max(runs.values()) == 1


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_world_builds(path) -> None:
    world = build_world(load_scenario(path))
    assert len(world.files) == sum(len(release.row.files) for release in world.releases)


@pytest.mark.parametrize(("old", "new"), [("trusted-attested", "token-attested"), ("wheel", "tarball")])
def test_what_cannot_be_on_pypi_is_refused(old: str, new: str) -> None:
    with pytest.raises(LabError, match=f"{new} does not exist on PyPI"):
        build_world(parse_scenario(MINIMAL.replace(old, new), "small.toml"))


def test_commits_can_be_given() -> None:
    world = build_world(parse_scenario(MINIMAL, "small.toml"), commits={"1.0.0": "ab" * 20})
    assert world.release("1.0.0").claims.commit == "ab" * 20


BACKGROUND = """[background]
count = 3
first = "{first}"
start = 2025-03-03T23:00:00Z
every_hours = 48.0
jitter_hours = 6.0
hours_utc = [{hours}]
door = "token"
"""


def _background(first: str = "1.0.8", hours: str = "8, 20", ecosystem: str = "pypi") -> Scenario:
    text = MINIMAL.replace('ecosystem = "pypi"', f'ecosystem = "{ecosystem}"').split("[[release]]")[0]
    return parse_scenario(text + BACKGROUND.format(first=first, hours=hours), "small.toml")


@pytest.mark.parametrize(
    ("first", "last"),
    [("1.0.8", "1.0.10"), ("20260101", "20260103"), ("2.0rc1", "2.0rc3"), ("1.0.0-beta.9", "1.0.0-beta.11")],
)
def test_background_counts_in_the_last_number(first: str, last: str) -> None:
    versions = [row.version for row in expand_background(_background(first))]
    assert (versions[0], versions[-1]) == (first, last)


def test_background_must_have_a_number_to_count_from() -> None:
    with pytest.raises(ScenarioError, match="ends in no number"):
        _background("1.0.x")


def test_hours_may_go_over_midnight() -> None:
    rows = expand_background(_background(hours="22, 4"))
    assert all(row.published.hour >= 22 or row.published.hour < 4 for row in rows)
    assert [row.published for row in rows] == sorted({row.published for row in rows})
    with pytest.raises(ScenarioError, match="pair of two hours"):
        _background(hours="4, 4")


def test_files_that_are_not_named_are_those_of_the_ecosystem() -> None:
    assert {row.files for row in expand_background(_background(ecosystem="npm"))} == {("tarball",)}
    assert {row.files for row in expand_background(_background())} == {("sdist", "wheel")}
    bare = parse_scenario(MINIMAL.replace('files = ["sdist", "wheel"]\n', ""), "small.toml")
    assert bare.release[0].files == ("sdist", "wheel")


@pytest.mark.parametrize(
    ("ecosystem", "version"), [("npm", "1.0"), ("npm", "v1.0.0"), ("pypi", "1.0+x"), ("pypi", "x")]
)
def test_a_version_that_the_index_would_not_take_is_refused(ecosystem: str, version: str) -> None:
    text = MINIMAL.replace('"pypi"', f'"{ecosystem}"').replace('files = ["sdist", "wheel"]\n', "")
    scenario = parse_scenario(text.replace('version = "1.0.0"', f'version = "{version}"'), "small.toml")
    with pytest.raises(LabError, match="a version of this form does not exist"):
        build_world(scenario)


@pytest.mark.parametrize(
    ("version", "before"),
    [("2.0.0", "1.4.4"), ("2.0.0rc1", "1.4.4"), ("2026.2", "2026.1.4"), ("0.0.1", "0.0.0"), ("", None)],
)
def test_siblings_of_any_version(version: str, before: str | None) -> None:
    versions = f'"{version}" = 2026-01-01T10:00:00Z' if version else ""
    text = f'{MINIMAL}[[sibling]]\nproject = "other"\nversions = {{ {versions} }}\n'
    packages = build_world(parse_scenario(text, "small.toml")).packages[1:]
    found = [release.version for package in packages for release in package.releases]
    assert found[-2:] == ([before, version] if version else [])


def test_a_project_without_a_pattern_has_no_tags() -> None:
    text = MINIMAL.replace("owner_id = 2", 'owner_id = 2\ntag_pattern = ""')
    refs = build_world(parse_scenario(text, "small.toml")).git.refs
    assert {ref.name for ref in refs} == {"refs/heads/main"}


def test_a_file_may_say_nothing_of_repository_identity_and_moment() -> None:
    head, _, rest = MINIMAL.partition("[repository]")
    release = rest[rest.index("[[release]]") :]
    scenario = parse_scenario(head.replace("as_of = 2026-06-01T00:00:00Z\n", "") + release, "small.toml")
    assert scenario.as_of - scenario.release[0].published == timedelta(days=7)
    assert scenario.repository.visibility == "private"
    assert scenario.identity.issuer == "https://token.actions.githubusercontent.com"
    assert build_world(scenario).at(scenario.as_of).index.exists
    with pytest.raises(ScenarioError, match="as_of"):
        parse_scenario(head.replace("as_of = 2026-06-01T00:00:00Z\n", ""), "small.toml")
