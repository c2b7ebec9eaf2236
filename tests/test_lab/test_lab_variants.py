"""A verdict depends on what happened, not on names, numbers, the year or the order of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.evaluate import as_of
from tests.lab.scenario import Scenario, parse_scenario
from tests.lab.server import serve
from tests.lab.variants import FOUR_WEEKS, renamed, reversed_file, shifted

HEAD = """
schema = 1
id = "{id}"
title = "A worm in a small project, another owner and a hand-made release"
kind = "incident"
ecosystem = "{ecosystem}"
project = "{project}"
as_of = 2026-06-03T12:00:00Z
sources = ["https://incident.example/report"]
[repository]
url = "https://github.com/some-author/thing"
id = 4711
owner_id = 42
[identity]
issuer = "https://token.actions.githubusercontent.com"
workflow = ".github/workflows/release.yml"
ref = "refs/tags/{{tag}}"
trigger = "push"
environment = "release"
[background]
count = 7
first = "1.0.0"
start = 2026-04-07T09:00:00Z
every_hours = 120.0
jitter_hours = 30.0
door = "trusted-attested"
account = "{robot}"
[[release]]
version = "1.1.0"
published = 2026-05-20T10:00:00Z
door = "trusted-attested"
account = "{robot}"
[release.identity]
repository = "https://github.com/next-author/thing"
repository_id = 4711
owner_id = 43
[[release]]
version = "1.1.1"
published = 2026-05-28T02:10:00Z
door = "token"
account = "{person}"
malicious = true
tagged = false
commit_on = "nowhere"
removed = 2026-05-28T09:00:00Z
advisories = ["MAL-2026-1"]
[release.content]
matches_source = false
added = ["{added}"]
new_dependencies = [{{name = "helper-of-thing", published = 2026-05-27T20:00:00Z}}]
[[release]]
version = "1.1.2"
published = 2026-05-28T02:30:00Z
door = "token"
account = "{person}"
malicious = true
tagged = false
commit_on = "nowhere"
[release.content]
matches_source = false
added = ["{added}"]
[[release]]
version = "2.0.0"
published = 2026-06-02T10:00:00Z
door = "trusted-attested"
account = "{robot}"
[release.run]
attempt = 2
[[log_only]]
subject = "{lost}"
signed = 2026-05-30T10:00:00Z
"""
SIBLINGS = "".join(
    f"""[[sibling]]
project = "thing-{name}"
versions = {{ "1.0.{number}" = 2026-05-28T02:2{number}:00Z }}
"""
    for number, name in enumerate(("forms", "icons", "query"))
)
WORLDS = {
    "pypi": HEAD.format(
        id="of-pypi", ecosystem="pypi", project="thing", robot="", person="", added="thing-init.pth",
        lost="thing-1.1.3-py3-none-any.whl",
    ),
    "npm": HEAD.format(
        id="of-npm", ecosystem="npm", project="@some/thing", robot="GitHub Actions", person="author",
        added="setup.js", lost="pkg:npm/@some/thing@1.1.3",
    ).replace('added = ["setup.js"]', 'added = ["setup.js"]\ninstall_hook = "preinstall"') + SIBLINGS,
}  # fmt: skip
TELLINGS: dict[str, Callable[[Scenario], Scenario]] = {
    "renamed": renamed,
    "four weeks later": shifted,
    "in the opposite order": reversed_file,
}


def _concluded(scenario: Scenario, folder: Path) -> dict[str, Any]:
    """Verdicts, doors, signals and what was not checked of every version, without a word of what was observed."""
    with serve(scenario, directory=folder / "lab") as server:
        document = as_of(server, folder)
    return {
        row["version"]: {
            **{key: row[key] for key in ("verdict", "at_publish", "door")},
            "signals": {(one["id"], one["severity"]) for one in row["signals"]},
            "not checked": {one["what"] for one in row["not_checked"]},
        }
        for row in document["releases"]
    }


@pytest.fixture(scope="module", params=WORLDS)
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, dict[str, Any]]:
    """A scenario, and what is concluded of it as it stands in its file."""
    scenario = parse_scenario(WORLDS[request.param], f"of-{request.param}.toml")
    return scenario, _concluded(scenario, tmp_path_factory.mktemp("told"))


@pytest.mark.slow
def test_there_is_something_to_conclude(told: tuple[Scenario, dict[str, Any]]) -> None:
    _, first = told
    assert first["1.1.1"]["verdict"] == "likely-compromised"
    assert len({signal for row in first.values() for signal, _ in row["signals"]}) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("name", TELLINGS)
def test_the_same_history_told_otherwise_comes_to_the_same(
    told: tuple[Scenario, dict[str, Any]], name: str, tmp_path: Path
) -> None:
    scenario, first = told
    assert _concluded(TELLINGS[name](scenario), tmp_path) == first


def test_another_telling_is_another_one() -> None:
    scenario = parse_scenario(WORLDS["npm"], "of-npm.toml")
    other = renamed(scenario)
    assert (other.project, other.repository.url) == ("@fbzr/guvat", "https://github.com/fbzr-nhgube/guvat")
    assert {one.project for one in other.sibling} == {"guvat-sbezf", "guvat-vpbaf", "guvat-dhrel"}
    assert other.release[0].identity.repository_id == other.repository.id != scenario.repository.id
    assert other.release[0].identity.repository == "https://github.com/next-author/thing"
    assert {one.account for one in other.release} == {"nhgube", "GitHub Actions"}
    assert other.log_only[0].subject == "pkg:npm/@fbzr/guvat@1.1.3"
    later = shifted(scenario)
    assert later.as_of - scenario.as_of == later.release[0].published - scenario.release[0].published == FOUR_WEEKS
    assert [one.version for one in reversed_file(scenario).release] == [one.version for one in scenario.release][::-1]
