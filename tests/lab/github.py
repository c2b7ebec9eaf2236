"""The CI API: runs of the last 90 days with their jobs and steps, and what numeric ids are called.

Follows GitHub's REST documentation (version 2022-11-28). A run belongs to every release whose certificate names it, and
to log entries without a release. What is older than 90 days is 404, as is an attempt that never was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.lab.claims import Claims
from tests.lab.plan import PlannedRelease, plan_entries
from tests.lab.scenario import Run, Scenario

RETENTION = timedelta(days=90)
PUBLISH_STEPS = {"pypi": "Run pypa/gh-action-pypi-publish@release/v1", "npm": "Run npm publish --provenance"}

Json = dict[str, Any]


@dataclass(frozen=True)
class LabRun:
    """One attempt of a run: the token's claims, when it began to sign, and how it went."""

    claims: Claims
    signed: datetime
    row: Run


class CiView:
    """Every run that there ever was, and which of them the API still shows at a moment."""

    def __init__(self, scenario: Scenario, releases: tuple[PlannedRelease, ...]) -> None:
        self.scenario = scenario
        runs = [LabRun(release.claims, release.signed, release.row.run) for release in releases if release.attested]
        ran = {release.run_id: release.row.run for release in releases}
        entries = plan_entries(scenario, releases)
        runs += [LabRun(e.claims, e.row.signed, ran.get(e.claims.run_id, Run())) for e in entries]
        self.runs = {(run.claims.slug.lower(), run.claims.run_id, run.claims.attempt): run for run in reversed(runs)}

    def find(self, slug: str, number: int, attempt: int, moment: datetime) -> LabRun | None:
        """A run that had begun, is not yet forgotten, and is shown to strangers."""
        run = self.runs.get((slug.lower(), number, attempt))
        hidden = self.scenario.repository.visibility != "public"
        if run is None or hidden or not run.signed <= moment <= run.signed + RETENTION:
            return None
        return run

    def names(self) -> dict[tuple[str, int], str]:
        """The current names of repository and owner, by kind and number."""
        home = self.scenario.repository
        owner, _, name = home.url.rstrip("/").rpartition("/")
        owner = owner.rpartition("/")[2]
        return {("repositories", home.id): f"{owner}/{name}", ("user", home.owner_id): owner}


def describe(run: LabRun) -> Json:
    """The run as the API shows it."""
    claims = run.claims
    began = run.signed - timedelta(seconds=95)
    return {
        "id": claims.run_id,
        "name": claims.workflow_name,
        "head_branch": claims.ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
        "head_sha": claims.commit,
        "path": claims.config,
        "event": claims.trigger,
        "status": "completed",
        "conclusion": run.row.conclusion,
        "run_attempt": claims.attempt,
        "created_at": _iso(began - timedelta(seconds=3)),
        "run_started_at": _iso(began),
        "updated_at": _iso(run.signed + timedelta(seconds=40)),
        "actor": {"login": "maintainer", "id": 1001, "type": "User"},
        "triggering_actor": {"login": "maintainer", "id": 1001, "type": "User"},
        "repository": {"id": claims.repository_id, "full_name": claims.slug},
        "head_repository": {"id": claims.repository_id, "full_name": claims.slug},
        "html_url": f"{claims.repository}/actions/runs/{claims.run_id}",
    }


def jobs(run: LabRun, ecosystem: str) -> Json:
    """The jobs of the run: tests, then the job that publishes."""
    began, signed = run.signed - timedelta(seconds=95), run.signed
    publish = run.row.publish_step
    test = "failure" if run.row.conclusion == "failure" and publish != "failure" else "success"
    job = "success" if publish == "success" else publish
    steps = [
        _step("Set up job", "success", began + timedelta(seconds=60), 2),
        _step("Run actions/checkout@v4", "success", began + timedelta(seconds=62), 3),
        _step(PUBLISH_STEPS[ecosystem], publish, signed - timedelta(seconds=5), 30),
    ]
    rows = [
        _job(1, "test", test, began, 55, [_step("Run tests", test, began, 55)]),
        _job(2, "publish", job, began + timedelta(seconds=60), 70, [] if publish == "skipped" else steps),
    ]
    if publish == "skipped":  # a job that did not start has no steps; its name is all there is
        rows[1]["name"] = "Publish to PyPI" if ecosystem == "pypi" else "Publish to npm"
    return {"total_count": len(rows), "jobs": rows}


def _job(number: int, name: str, conclusion: str, began: datetime, seconds: int, steps: list[Json]) -> Json:
    return {
        "id": number,
        "name": name,
        "status": "completed",
        "conclusion": conclusion,
        "started_at": _iso(began),
        "completed_at": _iso(began + timedelta(seconds=seconds)),
        "steps": [{**step, "number": position} for position, step in enumerate(steps, 1)],
        "labels": ["ubuntu-latest"],
    }


def _step(name: str, conclusion: str, began: datetime, seconds: int) -> Json:
    return {
        "name": name,
        "status": "completed",
        "conclusion": conclusion,
        "started_at": _iso(began),
        "completed_at": _iso(began + timedelta(seconds=seconds)),
    }


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def github_routes(view: CiView, now: Callable[[], datetime]) -> list[Route]:
    """The API of one world."""

    def found(request: Request) -> LabRun | None:
        values = request.path_params
        return view.find(f"{values['owner']}/{values['repo']}", values["run"], values.get("attempt", 1), now())

    async def run(request: Request) -> Response:
        one = found(request)
        return JSONResponse(describe(one)) if one else _missing()

    async def run_jobs(request: Request) -> Response:
        one = found(request)
        return JSONResponse(jobs(one, view.scenario.ecosystem)) if one else _missing()

    async def named(request: Request) -> Response:
        kind, number = request.path_params["kind"], request.path_params["number"]
        name = view.names().get((kind, number))
        if name is None:
            return _missing()
        return JSONResponse({"id": number, "full_name" if kind == "repositories" else "login": name})

    base = "/repos/{owner}/{repo}/actions/runs/{run:int}"
    return [
        Route(base, run),
        Route(base + "/attempts/{attempt:int}", run),
        Route(base + "/attempts/{attempt:int}/jobs", run_jobs),
        Route("/{kind}/{number:int}", named),
    ]


def _missing() -> Response:
    return JSONResponse({"message": "Not Found", "documentation_url": "about:blank"}, 404)
