"""Collecting a repository: what is asked, what is kept, and that reading it again gives the same."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.source import Reachability
from forensics.sources.git import GitWitness
from forensics.sources.git_facts import FactFinder, Repository, source_history
from forensics.sources.git_url import Home
from forensics.sources.interface import Witness
from tests.signals.histories import identity
from tests.sources.git_kit import Bench, Server, bench, usual

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
NOWHERE = "ab" * 20
VERSIONS = ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.0.5"]


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return usual(tmp_path / "server.git")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def _finder(outcome: Outcome[Repository]) -> FactFinder:
    assert isinstance(outcome, Checked), outcome
    return FactFinder(outcome.value, "thing", VERSIONS)


def _signed(sha: str) -> tuple:
    return (identity(source_repository_digest=sha, build_config_digest=sha, workflow="thing/a.py"),)


def test_a_small_repository_is_kept_whole(server: Server, desk: Bench, tmp_path: Path) -> None:
    found = desk.collect(server.path)
    steps = ["LS-REMOTE", "FETCH", "LOG", "TREES", "WORKFLOWS", "BUMPS", "BUNDLE"]
    assert desk.asked() == [f"GIT-{step}" for step in steps]
    (name,) = desk.kept
    (tmp_path / "b.bundle").write_bytes(desk.kept[name])
    listed = subprocess.run(["git", "bundle", "list-heads", tmp_path / "b.bundle"], capture_output=True, text=True)
    assert "refs/heads/main" in listed.stdout
    assert isinstance(found, Checked)
    assert found.value.default_branch == "main"
    assert found.value.evidence
    assert desk.witness.status().problem is None


def test_tags_dates_bumps_and_trees(server: Server, desk: Bench) -> None:
    facts = _finder(desk.collect(server.path))
    commits = server.history.commits
    first, second, third = (facts.facts(v, ()) for v in VERSIONS[:3])
    assert (first.tag, first.tag_commit, first.bump) == ("v1.0.0", commits["1.0.0"], commits["1.0.0"])
    assert first.tagged_at == datetime(2026, 1, 6, 13, tzinfo=UTC)
    assert (second.tag, second.tagged_at, second.bump) == ("v1.0.1", None, commits["1.0.1"])
    assert (third.tag, third.bump, third.commit) == (None, commits["1.0.2"], None)
    assert first.reachability == Checked(Reachability.DEFAULT_BRANCH, first.reachability.evidence)
    assert isinstance(second.tree, Checked)
    assert [path for path, *_ in second.tree.value.files] == ["pyproject.toml", "thing/a.py"]
    assert second.tree.value.files[1][1:] == ("100644", server.history.add("blob", b"A = 1\n"))


def test_where_each_commit_can_be_reached_from(server: Server, desk: Bench) -> None:
    commits = server.history.commits
    wanted = (commits["1.0.1"], commits["1.0.3"], commits["1.0.4"], NOWHERE)
    facts = _finder(desk.collect(server.path, *wanted))
    assert desk.asked().count("GIT-FETCH-COMMIT") == 3, "what a branch leads to is not asked for by id"
    places = [facts.facts("1.0.9", _signed(sha)) for sha in wanted]
    assert [p.reachability.value for p in places if isinstance(p.reachability, Checked)] == [
        Reachability.DEFAULT_BRANCH,
        Reachability.PULL_REQUEST,
        Reachability.UNREFERENCED,
        Reachability.MISSING,
    ]
    assert places[1].ref == "refs/pull/7/head"
    assert facts.facts("1.0.3", ()).bump is None, "a pull request sets no version"
    assert facts.facts("1.0.4", ()).bump is None
    assert all(isinstance(p.tree, Checked) for p in places[:3])
    unasked = facts.facts("1.0.9", _signed("cd" * 20)).reachability
    assert isinstance(unasked, NotChecked)
    assert "not asked for" in unasked.reason


def test_a_commit_of_another_repository_is_not_looked_for(server: Server, desk: Bench) -> None:
    facts = _finder(desk.collect(server.path))
    foreign = identity(source_repository_digest=NOWHERE, name="else/where")
    reachable = facts.facts("1.0.2", (foreign,)).reachability
    assert isinstance(reachable, NotChecked)
    assert "another repository" in reachable.reason


def test_the_workflow_is_the_blob_at_its_path(server: Server, desk: Bench) -> None:
    facts = _finder(desk.collect(server.path, server.history.commits["1.0.1"]))
    blob = facts.facts("1.0.1", _signed(server.history.commits["1.0.1"])).workflow_blob
    assert isinstance(blob, Checked)
    assert blob.value == server.history.add("blob", b"A = 1\n")


def test_collected_once_and_read_the_same(server: Server, desk: Bench) -> None:
    wanted = (server.history.commits["1.0.4"], NOWHERE)
    live = _finder(desk.collect(server.path, *wanted))
    asked = len(desk.asked())
    shutil.rmtree(server.path)
    again = _finder(desk.collect(server.path, *wanted))
    assert len(desk.asked()) == asked
    replayed = _finder(desk.replay(server.path, *wanted))
    for version in VERSIONS:
        assert live.facts(version, _signed(NOWHERE)) == again.facts(version, _signed(NOWHERE))
        assert live.facts(version, ()) == replayed.facts(version, ())


def test_a_large_repository_gives_the_same_facts_without_contents(server: Server, desk: Bench) -> None:
    desk.collector.small_bytes = 0
    commits = server.history.commits
    lean = _finder(desk.collect(server.path, commits["1.0.3"], commits["1.0.4"]))
    assert desk.kept == {}
    assert desk.asked()[-1] == "GIT-BUNDLE"
    assert desk.witness.status().problem is None
    assert lean.facts("1.0.2", ()).bump == commits["1.0.2"]
    assert isinstance(lean.facts("1.0.1", ()).tree, Checked)
    place = lean.facts("1.0.3", _signed(commits["1.0.3"])).reachability
    assert isinstance(place, Checked)
    assert place.value is Reachability.PULL_REQUEST


def test_a_listing_without_branches_is_no_absence(tmp_path: Path, desk: Bench) -> None:
    empty = Server(tmp_path / "empty.git").write()
    found = desk.collect(empty.path, NOWHERE)
    assert isinstance(found, NotChecked)
    assert found.reason.endswith("lists no branch: an empty repository, or none at all")


def test_commits_between_two_releases(server: Server, desk: Bench) -> None:
    history = source_history(desk.collect(server.path))
    commits = server.history.commits
    assert isinstance(history, Checked)
    between = history.value.between(commits["1.0.0"], commits["1.0.2"])
    assert [c.sha for c in between] == [commits["1.0.2"], commits["1.0.1"]]
    assert [c.subject for c in between] == ["Tidy", "chore: something"]
    assert history.value.between(NOWHERE, commits["1.0.2"]) == ()


def test_without_the_program_nothing_is_known(desk: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = desk.collect(tmp_path)
    assert isinstance(found, NotChecked)
    assert found.reason == "the git program is not installed"
    assert found.evidence
    assert desk.replay(tmp_path) == found


def test_the_repository_that_the_user_names_is_asked_and_read_ever_after(
    server: Server, desk: Bench, tmp_path: Path
) -> None:
    other = tmp_path / "other.git"
    home = Checked(Home(str(other), "certificates", frozenset({"7"}), frozenset({"team/thing"}), (NOWHERE,)))
    asked = GitWitness(desk.records, desk.collector, str(server.path))
    live = asyncio.run(asked.ask(home, desk.witness))
    for witness in (GitWitness(desk.records, desk.collector), GitWitness(desk.records)):
        again = asyncio.run(witness.ask(home, Witness("git")))
        assert isinstance(live, Checked)
        assert isinstance(again, Checked)
        assert again.value.url == live.value.url == str(server.path)
        assert (again.value.named_by, again.value.ids) == ("the user", {"7"})
        assert NOWHERE in again.value.asked
