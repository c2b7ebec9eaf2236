"""From the lab's repository to findings, through a whole case, and again from the case alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.compare.releases import compare_releases
from forensics.evidence.client import Limits
from forensics.evidence.manifest import verify_bag
from forensics.investigation import Analysis, Investigation
from forensics.model.checked import Checked
from forensics.model.endpoints import resolve_endpoints
from forensics.model.event import Lane, TimeKind
from forensics.model.finding import Severity
from forensics.model.project import parse_project
from tests.lab import LabServer, build_world, serve
from tests.lab.scenario import parse_scenario
from tests.test_lab.minimal import MINIMAL

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

_RELEASE = """
[[release]]
version = "1.0.{n}"
published = 2026-01-{day:02d}T10:00:00Z
door = "{door}"
files = ["sdist"]
commit_on = "{place}"
tagged = {tagged}
"""
PLACES = ["main"] * 5 + ["fork", "deleted-branch", "nowhere", "tag"]


def _scenario() -> str:
    rows = [
        _RELEASE.format(
            n=n,
            day=n + 2,
            place=place,
            door="token" if place == "nowhere" else "trusted-attested",
            tagged=str(place in ("main", "tag")).lower(),
        )
        for n, place in enumerate(PLACES, 1)
    ]
    changed = "[release.workflow]\ndigest_changed = true\n"
    return MINIMAL + "".join(rows[:3]) + changed + "".join(rows[3:])


@pytest.fixture(scope="module")
def server() -> Iterator[LabServer]:
    with serve(build_world(parse_scenario(_scenario(), "small.toml"))) as running:
        yield running


@pytest.fixture(scope="module")
def case(server: LabServer, tmp_path_factory: pytest.TempPathFactory) -> Investigation:
    env = server.env()
    made = Investigation.start(
        parse_project("small"),
        tmp_path_factory.mktemp("git") / "case",
        resolve_endpoints({}, env),
        trust_root=Path(env["FORENSICS_TRUST_ROOT"]).read_bytes(),
    )
    made.collect(limits=Limits(per_second=1e9))
    return made


@pytest.fixture(scope="module")
def analysis(case: Investigation, server: LabServer) -> Analysis:
    server.reset_requests()
    result = case.analyse(workers=1)
    assert server.requests == [], "analysis asks nobody"
    return result


def _found(analysis: Analysis, version: str, signal: str) -> Severity | None:
    findings = analysis.assessment(version).findings
    return next((f.severity for f in findings if f.signal == signal), None)


def test_findings_by_the_place_of_the_commit(analysis: Analysis) -> None:
    unreachable = {f"1.0.{n}": _found(analysis, f"1.0.{n}", "commit-unreachable") for n in range(10)}
    assert unreachable == {
        **dict.fromkeys(unreachable),
        "1.0.6": Severity.DECISIVE,
        "1.0.7": Severity.MEDIUM,
    }
    missing = [f"1.0.{n}" for n in range(10) if _found(analysis, f"1.0.{n}", "no-source-release")]
    assert missing == ["1.0.6", "1.0.7", "1.0.8"]
    assert _found(analysis, "1.0.3", "workflow-changed") is Severity.LOW
    assert _found(analysis, "1.0.4", "workflow-changed") is None


def test_every_finding_rests_on_observations_of_the_case(analysis: Analysis) -> None:
    known = {o.id for o in analysis.observations}
    for assessment in analysis.assessments:
        for finding in assessment.findings:
            assert finding.evidence
            assert set(finding.evidence) <= known
    assert {i for e in analysis.events for i in e.evidence} <= known


def test_events_say_that_git_claims_their_time(analysis: Analysis) -> None:
    events = [e for e in analysis.events if e.lane is Lane.REPOSITORY]
    assert {e.kind for e in events} == {TimeKind.CLAIMED_BY_GIT}
    assert {e.what for e in events} == {"committed", "tagged"}
    fork = next(e for e in events if e.version == "1.0.6")
    assert fork.detail == "Release 1.0.6 (reachable from: pull request only)"


def test_commits_and_workflow_of_two_releases_side_by_side(analysis: Analysis) -> None:
    one, two, three = (analysis.assessment(v).release for v in ("1.0.1", "1.0.2", "1.0.3"))
    plain = compare_releases(one, two, analysis.history.repository).source
    assert plain is not None
    assert [c.subject for c in plain.commits] == ["Release 1.0.2", "Improve the documentation"]
    assert plain.workflow is not None
    assert plain.workflow[0] == plain.workflow[1]
    edited = compare_releases(two, three, analysis.history.repository).source
    assert edited is not None
    assert edited.workflow is not None
    assert edited.workflow[0] != edited.workflow[1]
    lost = compare_releases(two, analysis.assessment("1.0.8").release, analysis.history.repository)
    assert lost.source is None
    assert any(what == "commits" and "no commit of 1.0.8" in o.reason for what, o in lost.not_compared)


def test_the_bundle_belongs_to_the_case(case: Investigation, analysis: Analysis, tmp_path: Path) -> None:
    (name,) = case.case.git_names()
    assert case.case.git(name).startswith(b"# v2 git bundle")
    assert verify_bag(case.case.path) == []
    copy = tmp_path / "copy"
    shutil.copytree(case.case.path, copy)
    bundle = copy / "data/git" / f"{name}.bundle"
    data = bytearray(bundle.read_bytes())
    data[-30] ^= 1
    bundle.write_bytes(data)
    assert [damage.path for damage in verify_bag(copy)] == [f"data/git/{name}.bundle"]


def test_the_same_case_gives_the_same(case: Investigation, analysis: Analysis) -> None:
    again = case.analyse(workers=1)
    assert again.assessments == analysis.assessments
    assert again.events == analysis.events
    assert isinstance(again.history.repository, Checked)
