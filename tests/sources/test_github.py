"""GitHub's API: runs behind certificates, what is refused, and what a case keeps of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from forensics.evidence.archive import Archive
from forensics.evidence.client import Client, Limits
from forensics.evidence.network import open_network
from forensics.evidence.transport import RecordingTransport, ReplayingTransport
from forensics.model.checked import Checked, NotChecked
from forensics.model.ci import RunRef, run_of
from forensics.model.identity import Identity
from forensics.sources.github import Hub, read_names, read_runs, recorded_names, recorded_runs
from forensics.sources.interface import Witness
from tests.lab import LabServer, build_world, serve
from tests.lab.faults import Fault
from tests.sources.tiny import Tiny

T = TypeVar("T")
FAST = Limits(per_second=1e9, attempts=2, max_wait_seconds=0.1, read_seconds=2)
SECRET = "ghp_" + "s3cr3t" * 6


@pytest.fixture(scope="module")
def server() -> Iterator[LabServer]:
    with serve(build_world("elementary-data-2026-04")) as running:
        yield running


def asked(path: Path, base: str, talk: Callable[[Hub], Awaitable[T]], *, token: str | None = None) -> T:
    """What *talk* gets of a hub that records into the archive at *path*."""

    async def run() -> T:
        with Archive.append_to(path, datetime.now(UTC)) as archive:
            async with Client(RecordingTransport(open_network(), archive), FAST) as client:
                again = RecordingTransport(open_network(), archive, fresh_after=datetime.max.replace(tzinfo=UTC))
                async with Client(again, FAST) as fresh:
                    return await talk(Hub(client, base, Witness("GitHub"), fresh, token))

    return asyncio.run(run())


def replayed(path: Path, base: str, talk: Callable[[Hub], Awaitable[T]]) -> T:
    async def run() -> T:
        with Archive.append_to(path, datetime.now(UTC)) as archive:
            async with Client(ReplayingTransport(archive), FAST) as client:
                return await talk(Hub(client, base, Witness("GitHub")))

    return asyncio.run(run())


def reference(server: LabServer, version: str) -> RunRef:
    claims = server.world.release(version).claims
    return RunRef(claims.slug, claims.run_id, claims.attempt)


def test_a_run_with_its_jobs_live_and_from_the_case(server: LabServer, tmp_path: Path) -> None:
    server.clear_faults()
    ref, base = reference(server, "0.23.3"), f"{server.base}/github"
    live = asked(tmp_path / "a", base, lambda hub: read_runs(hub, [ref]))
    assert replayed(tmp_path / "a", base, lambda hub: read_runs(hub, [ref])) == live
    outcome = live[ref]
    assert isinstance(outcome, Checked)
    run = outcome.value
    claims = server.world.release("0.23.3").claims
    assert (run.conclusion, run.event, run.commit) == ("success", "workflow_dispatch", claims.commit)
    assert run.workflow == ".github/workflows/release.yml"
    assert isinstance(run.jobs, Checked)
    assert [job.name for job in run.jobs.value] == ["test", "publish"]
    assert run.jobs.value[1].steps[-1].name == "Run pypa/gh-action-pypi-publish@release/v1"
    with Archive.append_to(tmp_path / "a", datetime.now(UTC)) as archive:
        assert recorded_runs(archive, base) == (ref,)


def test_a_run_beyond_retention_is_not_checked_and_no_failure_of_the_source(server: LabServer, tmp_path: Path) -> None:
    server.clear_faults()
    ref = reference(server, "0.22.0")
    witness = Witness("GitHub")

    async def talk(hub: Hub) -> object:
        hub.witness = witness
        return (await read_runs(hub, [ref]))[ref]

    outcome = asked(tmp_path / "a", f"{server.base}/github", talk)
    assert isinstance(outcome, NotChecked)
    assert "keeps a run for 90 days" in outcome.reason
    assert outcome.evidence
    assert (witness.asked, witness.answered, witness.problem) == (1, 1, None)


def test_the_token_goes_to_the_api_and_into_no_case(server: LabServer, tmp_path: Path) -> None:
    server.clear_faults()
    server.reset_requests()
    ref, base = reference(server, "0.23.3"), f"{server.base}/github"
    live = asked(tmp_path / "a", base, lambda hub: read_runs(hub, [ref]), token=SECRET)
    assert {dict(r.headers).get("authorization") for r in server.requests} == {f"Bearer {SECRET}"}
    import gzip

    assert SECRET.encode() not in gzip.decompress((tmp_path / "a").read_bytes())
    assert replayed(tmp_path / "a", base, lambda hub: read_runs(hub, [ref])) == live, "the same question without it"


def test_a_spent_limit_ends_the_questions_and_is_asked_again_next_time(tiny: Tiny, tmp_path: Path) -> None:
    refs = [RunRef("o/r", n, 1) for n in (1, 2, 3)]
    tiny.put("/repos/*", {"message": "API rate limit exceeded"}, 403)
    tiny.headers = {"x-ratelimit-remaining": "0"}
    found = asked(tmp_path / "a", tiny.url, lambda hub: read_runs(hub, refs))
    assert all(isinstance(one, NotChecked) and "GITHUB_TOKEN" in one.reason for one in found.values())
    assert len(tiny.asked) == 2, "once, and once more to be sure that it is not an old answer"
    tiny.headers = {}
    tiny.put("/repos/*", {"id": 1, "jobs": [], "total_count": 0})
    found = asked(tmp_path / "a", tiny.url, lambda hub: read_runs(hub, refs[:1]))
    assert isinstance(found[refs[0]], Checked)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"id": 2}, "about another run"),
        ([], "not a JSON object"),
        (b"\x00garbage", "not JSON"),
    ],
)
def test_another_answer_is_none(tiny: Tiny, tmp_path: Path, body: object, words: str) -> None:
    ref = RunRef("o/r", 1, 1)
    tiny.put("/repos/*", body)
    outcome = asked(tmp_path / "a", tiny.url, lambda hub: read_runs(hub, [ref]))[ref]
    assert isinstance(outcome, NotChecked)
    assert words in outcome.reason


def test_jobs_that_cannot_be_had_leave_the_run(server: LabServer, tmp_path: Path) -> None:
    server.clear_faults()
    ref = reference(server, "0.23.3")
    server.inject(Fault(f"/github/repos/{ref.repository}/actions/runs/{ref.run}/attempts/1/jobs", "garbage"))
    outcome = asked(tmp_path / "a", f"{server.base}/github", lambda hub: read_runs(hub, [ref]))[ref]
    assert isinstance(outcome, Checked)
    assert isinstance(outcome.value.jobs, NotChecked)


def test_current_names_of_ids(server: LabServer, tmp_path: Path) -> None:
    server.clear_faults()
    base, home = f"{server.base}/github", server.world.scenario.repository
    ids = [("repository", str(home.id)), ("owner", str(home.owner_id)), ("owner", "1")]
    names = asked(tmp_path / "a", base, lambda hub: read_names(hub, ids))
    assert [one.value.current if isinstance(one, Checked) else one.reason for one in names] == [
        "elementary-data/elementary",
        "elementary-data",
        "GitHub answered 404",
    ]
    with Archive.append_to(tmp_path / "a", datetime.now(UTC)) as archive:
        assert recorded_names(archive, base) == tuple(ids)


@pytest.mark.parametrize(
    "uri",
    [
        "https://github.com/o/r/actions/runs/7/attempts/1/../../../../x",
        "https://github.com/o/../actions/runs/7",
        "https://github.com/o/r?/actions/runs/7",
        "https://github.example/o/r/actions/runs/7",
        "https://gitlab.com/o/r/-/jobs/7",
        "https://github.com/o/r/actions/runs/" + "9" * 40,
        "",
    ],
)
def test_only_an_address_of_a_run_is_one(uri: str) -> None:
    assert run_of(Identity(run_invocation_uri=uri)) is None


def test_a_certificate_names_its_run() -> None:
    uri = "https://github.com/o-1/r.x/actions/runs/24914446630/attempts/2"
    assert run_of(Identity(run_invocation_uri=uri)) == RunRef("o-1/r.x", 24914446630, 2)
    assert run_of(Identity(run_invocation_uri=uri.partition("/attempts")[0])) == RunRef("o-1/r.x", 24914446630, 1)


def test_the_lab_forgets_runs_after_90_days(server: LabServer) -> None:
    from tests.lab.github import CiView

    view = CiView(server.world.scenario, server.world.releases)
    release = server.world.release("0.23.3")
    ref = (release.claims.slug, release.claims.run_id, 1)
    assert view.find(*ref, release.signed - timedelta(seconds=1)) is None
    assert view.find(*ref, release.signed + timedelta(days=89)) is not None
    assert view.find(*ref, release.signed + timedelta(days=91)) is None
