"""Workflow files of attested commits: kept, read by the real zizmor, and the same findings from the case ever after."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.model.checked import Checked, NotChecked
from forensics.model.source import WorkflowRisks
from forensics.sources import git_record as r
from forensics.sources import workflow_lint
from forensics.sources.git import GitWitness
from forensics.sources.git_facts import FactFinder
from forensics.sources.git_url import Home
from forensics.sources.git_workflows import MAX_BYTES, read_workflows
from forensics.sources.interface import Witness
from tests.signals.histories import identity
from tests.sources.git_kit import Bench, Server, bench, module

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
needs_zizmor = pytest.mark.skipif(workflow_lint.find_linter() is None, reason="zizmor is not installed")
PATH = ".github/workflows/release.yml"
HARMLESS = b"""on: release
permissions: {}
jobs:
  publish:
    runs-on: ubuntu-24.04
    permissions:
      id-token: write
    steps:
      - run: echo thing
"""
INJECTED = HARMLESS.replace(
    b"echo thing", b"echo ${{ github.event.comment.body }} # zizmor: ignore[template-injection]"
)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def _server(folder: Path, *workflows: bytes) -> tuple[Server, list[str]]:
    server = Server(folder)
    shas: list[str] = []
    for number, workflow in enumerate(workflows):
        files = {**module(f"1.0.{number}"), PATH: workflow, ".github/workflows/other.yml": b"on: push\n"}
        shas.append(server.commit(shas[-1] if shas else None, files, f"Release 1.0.{number}"))
    server.refs = {"refs/heads/main": shas[-1]}
    return server.write(), shas


def _facts(desk: Bench, server: Server, shas: list[str], *, live: bool = True) -> FactFinder:
    home = Home(str(server.path), "a test", frozenset(), frozenset({"team/thing"}), tuple(shas), frozenset({PATH}))
    witness = GitWitness(desk.records, desk.collector if live else None)
    found = asyncio.run(witness.ask(Checked(home), Witness("git")))
    assert isinstance(found, Checked)
    return FactFinder(found.value, "thing", [f"1.0.{n}" for n in range(len(shas))])


def _risks(facts: FactFinder, sha: str) -> object:
    who = identity(source_repository_digest=sha, build_config_digest=sha, workflow=PATH)
    return facts.facts("1.0.0", (who,)).workflow_risks


@needs_zizmor
def test_findings_are_recorded_and_read_again_without_the_program(
    desk: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, shas = _server(tmp_path / "server.git", HARMLESS, INJECTED, HARMLESS)
    live = _facts(desk, server, shas)
    assert desk.asked().count("ZIZMOR") == 2, "each of two different files once; other workflow files are not read"
    assert len(live.repository.workflows) == 2
    first, second = (_risks(live, sha) for sha in shas[:2])
    assert isinstance(first, Checked)
    assert isinstance(second, Checked)
    assert isinstance(second.value, WorkflowRisks)
    assert second.value.tool.startswith("zizmor 1.")
    new = set(second.value.rules) - set(first.value.rules)
    assert new == {"template-injection"}, "a comment in the file silences nothing"
    assert second.evidence
    monkeypatch.setattr(workflow_lint, "find_linter", lambda: None)
    again = _facts(desk, server, shas, live=False)
    assert [_risks(again, sha) for sha in shas] == [_risks(live, sha) for sha in shas]


def test_without_the_program_the_files_are_kept_and_the_reason_is_told(
    desk: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow_lint, "find_linter", lambda: None)
    server, shas = _server(tmp_path / "server.git", HARMLESS)
    facts = _facts(desk, server, shas)
    found = _risks(facts, shas[0])
    assert isinstance(found, NotChecked)
    assert "not installed" in found.reason
    assert list(facts.repository.workflows.values()) == [HARMLESS]


@needs_zizmor
def test_a_file_that_is_no_workflow_is_not_checked(desk: Bench, tmp_path: Path) -> None:
    server, shas = _server(tmp_path / "server.git", b"on: [: bad")
    found = _risks(_facts(desk, server, shas), shas[0])
    assert isinstance(found, NotChecked)
    assert "zizmor cannot read the workflow file" in found.reason


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("sleep 60", "stopped after"),
        ("cat /dev/zero", "prints more than"),
        ("echo nothing", "something else than JSON"),
        ("echo boom >&2; exit 3", "cannot read the workflow file: boom"),
        ("kill -9 $$", "cannot read"),
    ],
)
def test_a_program_that_fails(
    desk: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    fake = tmp_path / "zizmor"
    fake.write_text(f'#!/bin/sh\ncase "$*" in --version) echo zizmor 1.0.0; exit;; esac\n{script}\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(workflow_lint, "find_linter", lambda: str(fake))
    monkeypatch.setattr(workflow_lint, "SECONDS", 1.0)
    asyncio.run(workflow_lint.lint(desk.records, "https://example.org/x", {"a" * 40: HARMLESS}))
    found = workflow_lint.read_risks(desk.records, "https://example.org/x", "a" * 40)
    assert isinstance(found, NotChecked)
    assert reason in found.reason
    assert found.needs == "zizmor"


def test_the_program_sees_no_token_and_no_way_out(desk: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("GH_TOKEN", "secret")
    fake = tmp_path / "zizmor"
    fake.write_text(f"#!/bin/sh\nenv > {tmp_path}/env; pwd >> {tmp_path}/env; echo '[]'\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(workflow_lint, "find_linter", lambda: str(fake))
    asyncio.run(workflow_lint.lint(desk.records, "https://example.org/x", {"a" * 40: HARMLESS}))
    seen = (tmp_path / "env").read_text()
    assert "secret" not in seen
    assert os.environ["HOME"] not in seen
    assert "https_proxy=http://127.0.0.1:9" in seen


def test_informational_findings_do_not_count(desk: Bench) -> None:
    found = [{"ident": rule, "determinations": {"severity": severity}} for rule, severity in
             (("b", "High"), ("a", "Low"), ("c", "Informational"), ("a", "Medium"), ("d", 7))]  # fmt: skip
    body = json.dumps({"tool": "zizmor 9", "findings": [*found, "x", {}]}).encode()
    desk.records.put(r.LINT, "https://example.org/x", body, about=b"b" * 40)
    read = workflow_lint.read_risks(desk.records, "https://example.org/x", "b" * 40)
    assert isinstance(read, Checked)
    assert read.value == WorkflowRisks("zizmor 9", ("a", "b"))


def test_odd_answers_of_git() -> None:
    sha = b"a" * 40
    good = sha + b" blob 3\nabc\n"
    assert read_workflows(b"b" * 40 + b" missing\n" + good) == {"a" * 40: b"abc"}
    assert read_workflows(sha + b" blob 9\nabc\n") == {}
    assert read_workflows(sha + b" tree 3\nabc\n") == {}
    huge = b"x" * (MAX_BYTES + 1)
    assert read_workflows(b"c" * 40 + b" blob %d\n" % len(huge) + huge + b"\n" + good) == {"a" * 40: b"abc"}
