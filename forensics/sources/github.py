"""GitHub's REST API: the runs behind certificates, and what numeric ids are called today.

A run is kept for 90 days by default, and for 400 at most; of an older one the certificate is the only record, and a 404
says nothing about what it did. The token is optional, goes to the API alone and is never recorded.
Source: GitHub's REST documentation, version 2022-11-28 (actions/workflow-runs, actions/workflow-jobs, repos, users).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.ci import CiRun, CurrentName, Job, RunRef, Step
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.times import time_of
from forensics.sources.interface import Witness, items, mapping, text

if TYPE_CHECKING:
    from forensics.evidence.archive import Archive
    from forensics.evidence.client import Answer, Client

NEEDS = "CI"
VERSION = "2022-11-28"
MEDIA = "application/vnd.github+json"
MAX_JOBS = 300
MAX_STEPS = 1000
_PATHS = {"repository": "repositories", "owner": "user"}
RUNS, RUNS_WITH_TOKEN = 20, 400
"""Runs of one collection; each takes two requests, and sixty an hour are free without a token."""
FILES, FILES_WITH_TOKEN = 10, 200
"""Files whose attestations are asked for: what the runs and the names leave of sixty."""
GONE = (
    "GitHub answered 404: it keeps a run for 90 days by default and for 400 at most, and shows none of a repository "
    "that is private or gone"
)


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks GitHub in a collection: *kept* once and never again, *fresh* what was refused before."""

    kept: Client
    fresh: Client
    token: str | None = None

    @property
    def runs(self) -> int:
        """How many runs may be asked for."""
        return RUNS_WITH_TOKEN if self.token else RUNS

    @property
    def files(self) -> int:
        """Of how many files the attestations may be asked for."""
        return FILES_WITH_TOKEN if self.token else FILES


@dataclass(slots=True)
class Hub:
    """The API at *base*. *fresh* asks again what was refused before; without it, what is recorded stands."""

    client: Client
    base: str
    witness: Witness
    fresh: Client | None = None
    token: str | None = None
    limited: NotChecked | None = field(default=None)

    async def get(
        self, path: str, needs: str = NEEDS, *, none: dict[str, Any] | None = None
    ) -> Outcome[dict[str, Any]]:
        """Return the JSON object at *path*, or why there is none; a 404 is no failure of the source, and no absence.

        *none* is what a 404 stands for where GitHub says by it that it holds nothing.
        """
        if self.limited is not None:
            return NotChecked(self.limited.reason, needs, self.limited.evidence)
        outcome = await self.witness.ask(self._ask(f"{self.base}{path}"), needs)
        if isinstance(outcome, NotChecked):
            return outcome
        answer = outcome.value
        if answer.status == 404:
            if none is not None:
                return Checked(none, outcome.evidence)
            return NotChecked(GONE if "/actions/" in path else "GitHub answered 404", needs, outcome.evidence)
        if answer.status in {401, 403}:
            missed = self.witness.miss(_refusal(answer), needs, outcome.evidence)
            self.limited = (
                missed if answer.headers.get("x-ratelimit-remaining") == "0" or answer.status == 401 else None
            )
            return missed
        if answer.status != 200:
            return self.witness.miss(f"GitHub answered HTTP {answer.status}", needs, outcome.evidence)
        try:
            body = answer.json()
        except (BadAnswer, HostileInput) as error:
            return self.witness.miss(error.what, needs, outcome.evidence)
        if not isinstance(body, dict):
            return self.witness.miss("GitHub's answer is not a JSON object", needs, outcome.evidence)
        return Checked(body, outcome.evidence)

    async def _ask(self, url: str) -> Answer:
        headers = {"x-github-api-version": VERSION}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        answer = await self.client.get(url, accept=MEDIA, headers=headers)
        if answer.status in {401, 403} and self.fresh is not None:
            answer = await self.fresh.get(url, accept=MEDIA, headers=headers)
        return answer


def _refusal(answer: Answer) -> str:
    if answer.status == 401:
        return "GitHub answered 401: the token is not valid"
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return "GitHub's limit of questions is used up (HTTP 403); a token in GITHUB_TOKEN raises it"
    return "GitHub answered 403"


async def read_runs(
    hub: Hub, refs: Sequence[RunRef], tick: Callable[[int, int], None] | None = None
) -> dict[RunRef, Outcome[CiRun]]:
    """Return each run with its jobs, asked one after the other in the order of *refs*: what matters most first."""
    found: dict[RunRef, Outcome[CiRun]] = {}
    for number, ref in enumerate(refs, 1):
        found[ref] = await _run(hub, ref)
        if tick:
            tick(number, len(refs))
    return found


def recorded_runs(archive: Archive, base: str) -> tuple[RunRef, ...]:
    """Return the runs that were asked for in *archive*, whatever came of it, in order of the first question."""
    pattern = re.compile(re.escape(base) + r"/repos/([^/]+/[^/]+)/actions/runs/(\d{1,18})/attempts/(\d{1,6})")
    matches = (pattern.fullmatch(seen.url) for seen in archive.observations())
    return tuple(dict.fromkeys(RunRef(m.group(1), int(m.group(2)), int(m.group(3))) for m in matches if m))


async def _run(hub: Hub, ref: RunRef) -> Outcome[CiRun]:
    path = f"/repos/{ref.repository}/actions/runs/{ref.run}/attempts/{ref.attempt}"
    outcome = await hub.get(path)
    if isinstance(outcome, NotChecked):
        return outcome
    body = outcome.value
    if body.get("id") != ref.run:
        return hub.witness.miss(f"GitHub answered about another run than {ref.run}", NEEDS, outcome.evidence)
    jobs = await _jobs(hub, path)
    run = CiRun(
        ref=ref,
        status=text(body.get("status"), 40),
        conclusion=text(body.get("conclusion"), 40),
        event=text(body.get("event"), 80),
        commit=text(body.get("head_sha"), 80),
        branch=text(body.get("head_branch"), 300),
        workflow=(text(body.get("path"), 300) or "").partition("@")[0] or None,
        actor=text(mapping(body.get("triggering_actor")).get("login"), 100)
        or text(mapping(body.get("actor")).get("login"), 100),
        created=time_of(body.get("created_at")),
        started=time_of(body.get("run_started_at")),
        jobs=jobs,
        evidence=(*outcome.evidence, *jobs.evidence),
    )
    return Checked(run, run.evidence)


async def _jobs(hub: Hub, path: str) -> Outcome[tuple[Job, ...]]:
    found: list[Job] = []
    evidence: tuple[str, ...] = ()
    for page in range(1, 1 + MAX_JOBS // 100):
        outcome = await hub.get(f"{path}/jobs?per_page=100" + (f"&page={page}" if page > 1 else ""))
        if isinstance(outcome, NotChecked):
            return outcome
        rows, total = outcome.value.get("jobs"), outcome.value.get("total_count")
        if not isinstance(rows, list) or not isinstance(total, int):
            return hub.witness.miss("GitHub's answer is not a list of jobs", NEEDS, outcome.evidence)
        evidence += outcome.evidence
        found += [_job(mapping(raw)) for raw in rows]
        if len(found) >= total or not rows:
            return Checked(tuple(found), evidence)
    return hub.witness.miss(f"the run has more than {MAX_JOBS} jobs", NEEDS, evidence)


def _job(raw: dict[str, Any]) -> Job:
    steps = tuple(
        Step(
            text(step.get("name"), 300) or "",
            text(step.get("conclusion"), 40),
            time_of(step.get("started_at")),
            time_of(step.get("completed_at")),
        )
        for step in map(mapping, items(raw.get("steps"), MAX_STEPS))
    )
    started, completed = time_of(raw.get("started_at")), time_of(raw.get("completed_at"))
    return Job(text(raw.get("name"), 300) or "", text(raw.get("conclusion"), 40), started, completed, steps)


async def read_names(hub: Hub, ids: Iterable[tuple[str, str]]) -> tuple[Outcome[CurrentName], ...]:
    """Return the current name of each (kind, number); *kind* is `repository` or `owner`.

    Source: `GET /repositories/{id}`, `GET /user/{id}`; the first follows renames and transfers.
    """
    found: list[Outcome[CurrentName]] = []
    for kind, number in ids:
        outcome = await hub.get(f"/{_PATHS[kind]}/{number}", "GitHub")
        if isinstance(outcome, NotChecked):
            found.append(outcome)
            continue
        current = text(outcome.value.get("full_name" if kind == "repository" else "login"), 300)
        if current is None or str(outcome.value.get("id")) != number:
            reason = f"GitHub does not say what {kind} {number} is called"
            found.append(hub.witness.miss(reason, "GitHub", outcome.evidence))
            continue
        found.append(Checked(CurrentName(kind, number, current, outcome.evidence), outcome.evidence))
    return tuple(found)


def recorded_names(archive: Archive, base: str) -> tuple[tuple[str, str], ...]:
    """Return the (kind, number) that were asked for in *archive*, in order of the first question."""
    pattern = re.compile(re.escape(base) + r"/(repositories|user)/(\d{1,18})")
    matches = (pattern.fullmatch(seen.url) for seen in archive.observations())
    kinds = {path: kind for kind, path in _PATHS.items()}
    return tuple(dict.fromkeys((kinds[m.group(1)], m.group(2)) for m in matches if m))
