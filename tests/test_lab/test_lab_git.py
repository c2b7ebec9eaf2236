"""The lab's repositories: real, of the scenario's times, and different at each moment."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.lab import World, build_world, serve
from tests.lab.artifacts import source_tree
from tests.lab.scenario import parse_scenario
from tests.test_lab.minimal import MINIMAL

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

MORE = """
[[release]]
version = "1.0.1"
published = 2026-01-02T10:00:00Z
door = "trusted-attested"
files = ["sdist", "wheel"]
commit_on = "fork"
tagged = false
[[release]]
version = "1.0.2"
published = 2026-01-03T10:00:00Z
door = "trusted-attested"
files = ["sdist", "wheel"]
commit_on = "deleted-branch"
[[release]]
version = "1.0.3"
published = 2026-01-04T10:00:00Z
door = "token"
files = ["sdist", "wheel"]
commit_on = "nowhere"
[[release]]
version = "1.0.4"
published = 2026-01-05T10:00:00Z
door = "trusted-attested"
files = ["sdist", "wheel"]
commit_on = "tag"
"""


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(parse_scenario(MINIMAL + MORE, "small.toml"))


def _git(*arguments: object) -> str:
    return subprocess.run(["git", *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def test_refs_follow_the_scenario_and_the_clock(world: World) -> None:
    with serve(world) as server:
        url = server.env()["FORENSICS_GIT_URL_TEMPLATE"].format(owner="example-author", repo="small")
        now = {line.split("\t")[1]: line.split("\t")[0] for line in _git("ls-remote", url).splitlines()}
        commits = world.git.commits
        assert set(commits) == {"1.0.0", "1.0.1", "1.0.2", "1.0.4"}
        assert now["refs/heads/main"] == now["HEAD"] == commits["1.0.0"]
        assert now["refs/pull/1001/head"] == commits["1.0.1"]
        assert now.get("refs/tags/v1.0.4^{}", now["refs/tags/v1.0.4"]) == commits["1.0.4"]
        assert commits["1.0.2"] not in now.values()
        server.moment = world.release("1.0.0").tagged_at - timedelta(seconds=1)
        assert {line.split("\t")[1] for line in _git("ls-remote", url).splitlines()} == {"HEAD", "refs/heads/main"}


def test_certificates_name_the_commits_and_commits_hold_the_source(world: World, tmp_path: Path) -> None:
    with serve(world) as server:
        url = server.env()["FORENSICS_GIT_URL_TEMPLATE"].format(owner="Example-Author", repo="small.git")
        _git("clone", "--quiet", "--bare", url, tmp_path / "clone")
        release = world.release("1.0.2")
        assert release.claims.commit == world.git.commits["1.0.2"]
        _git("-C", tmp_path / "clone", "fetch", "--quiet", "origin", release.claims.commit)
        _git("-C", tmp_path / "clone", "fsck", "--strict")
        listed = _git("-C", tmp_path / "clone", "ls-tree", "-r", "--name-only", release.claims.commit).splitlines()
        assert set(listed) - {".github/workflows/release.yml"} == set(source_tree(world.scenario, release))


def test_a_private_repository_does_not_exist_for_strangers() -> None:
    text = MINIMAL.replace("owner_id = 2", 'owner_id = 2\nvisibility = "private"')
    with serve(build_world(parse_scenario(text, "small.toml"))) as server:
        url = server.env()["FORENSICS_GIT_URL_TEMPLATE"].format(owner="example-author", repo="small")
        assert httpx.get(f"{url}/info/refs?service=git-upload-pack", trust_env=False).status_code == 404


def test_commits_depend_on_the_scenario_alone(world: World) -> None:
    assert build_world(world.scenario).git.commits == world.git.commits
