"""What a CI provider says about a run. All of it is the provider's assertion, kept by it for some weeks only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from forensics.model.checked import NotChecked, Outcome
from forensics.model.identity import Identity

NO_RUN = NotChecked(
    "its CI run was not asked for when the case was collected: suspects and the latest come first", "CI"
)
_RUN = re.compile(
    r"https://github\.com/([A-Za-z0-9_][A-Za-z0-9._-]{0,99})/([A-Za-z0-9_.-]{1,100})"
    r"/actions/runs/(\d{1,18})(?:/attempts/(\d{1,6}))?"
)


@dataclass(frozen=True, slots=True, order=True)
class RunRef:
    """One attempt of one run: repository as `owner/name`, number of the run, number of the attempt."""

    repository: str
    run: int
    attempt: int


def run_of(identity: Identity) -> RunRef | None:
    """Return the run that a certificate names (claim .21), None for another provider or an address of another shape."""
    match = _RUN.fullmatch(identity.run_invocation_uri or "")
    if match is None or ".." in match.group(2):
        return None
    owner, name, run, attempt = match.groups()
    return RunRef(f"{owner}/{name}", int(run), int(attempt or 1))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a job: its name as shown, how it ended (`success`, `skipped`, `failure`, …), from when to when."""

    name: str
    conclusion: str | None
    started: datetime | None
    completed: datetime | None


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a run."""

    name: str
    conclusion: str | None
    started: datetime | None
    completed: datetime | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class CiRun:
    """One attempt of a run. `commit` is the commit it ran on, `workflow` the path of its file, `actor` who started it.

    `started` is when this attempt began; `jobs` is not checked where the provider did not give them.
    """

    ref: RunRef
    status: str | None
    conclusion: str | None
    event: str | None
    commit: str | None
    branch: str | None
    workflow: str | None
    actor: str | None
    created: datetime | None
    started: datetime | None
    jobs: Outcome[tuple[Job, ...]]
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CurrentName:
    """What a numeric id of a certificate is called today: a repository, or an account that owns one."""

    kind: str
    id: str
    current: str
    evidence: tuple[str, ...] = ()
