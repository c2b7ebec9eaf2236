"""The publishing job did not succeed, yet the file is there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from forensics.model.checked import Checked, NotChecked
from forensics.model.ci import CiRun, Job, RunRef, Step, run_of
from forensics.model.finding import Confidence, Family, Severity
from forensics.model.release import Artifact, Release
from forensics.signals import thresholds as t
from forensics.signals.comparing import unknown_identity
from forensics.signals.registry import Hit, Result, View, signal

_PUBLISHES = re.compile(
    r"gh-action-pypi-publish|twine upload|\b(?:uv|poetry|flit|hatch|pdm|maturin|npm|pnpm|yarn|lerna|bun) publish\b"
    r"|changesets/action|semantic-release|\b(?:publish|upload|release)\b.*\b(?:pypi|npm)\b",
    re.IGNORECASE,
)
"""Names of steps that publish: those that GitHub makes of the usual actions and commands, and the usual labels."""
_ELSEWHERE = re.compile(r"test[-_. ]?pypi|dry[- ]?run", re.IGNORECASE)
_DID_NOT = {"skipped", "failure"}
_BROKE_OFF = {"cancelled", "timed_out"}


@dataclass(frozen=True, slots=True)
class _Publishing:
    """A job, and the step of it that publishes; None where the job as a whole never began."""

    job: Job
    step: Step | None

    @property
    def conclusion(self) -> str | None:
        return self.step.conclusion if self.step else self.job.conclusion

    def __str__(self) -> str:
        what = f"step “{self.step.name}” of " if self.step else ""
        return f"{what}job “{self.job.name}”: {self.conclusion or 'not ended'}"


@signal(
    "run-not-successful",
    title="The publishing job did not succeed, yet the file is there",
    family=Family.SOURCE,
    severities=(Severity.DECISIVE, Severity.LOW),
    needs=("CI",),
    benign_if=(
        "the step published some files and failed on another; its log, while the provider keeps it, shows the uploads",
        "the workflow publishes in another step than the one whose name says so; read the workflow file at its commit",
    ),
    attack=("T1195.002", "T1528"),
    slsa="E, F",
)
def run_not_successful(view: View) -> Result:
    """Fire when what publishes in the attested run was skipped or failed, and a file of the release was uploaded.

    Decisive, save where every upload lies within the time of the failed step, which then made it itself. Low where what
    publishes succeeded and the run did not. A run of which no step can be told to publish is not checked. Files that
    another run signed are that run's affair.
    """
    release = view.release
    if not release.runs:
        missing = unknown_identity(view.profile)
        if missing is None and view.profile.identities:
            return NotChecked("its certificates name no run of GitHub Actions", "certificate", view.profile.evidence)
        return missing
    missed: NotChecked | None = None
    worst: Hit | None = None
    for _, outcome in release.runs:
        result = _judged(release, outcome.value) if isinstance(outcome, Checked) else outcome
        if isinstance(result, NotChecked):
            missed = missed or result
        elif result is not None and (worst is None or result.severity.rank > worst.severity.rank):
            worst = result
    return worst or missed


def _judged(release: Release, run: CiRun) -> Hit | NotChecked | None:
    if isinstance(run.jobs, NotChecked):
        return run.jobs
    publishing = _publishing(run.jobs.value)
    if not publishing:
        return NotChecked("no step of its run can be told to be the one that publishes", "CI", run.evidence)
    if any(one.conclusion == "success" for one in publishing):
        return _other_jobs(release, run, run.jobs.value)
    if any(one.conclusion is None for one in publishing):
        return NotChecked("its run had not ended when it was asked for", "CI", run.evidence)
    uploaded = [a for a in _files_of(release, run.ref) if a.listed or a.uploaded_at is not None]
    if not uploaded:
        return None
    within = _within(uploaded, publishing)
    stopped = not all(one.conclusion in _DID_NOT for one in publishing)
    return Hit(
        severity=Severity.LOW if within or stopped else Severity.DECISIVE,
        observed=f"run {run.ref.run}, attempt {run.ref.attempt}: {_few(publishing)}; "
        f"{len(uploaded)} file{'s' * (len(uploaded) != 1)} of it {'was' if len(uploaded) == 1 else 'were'} uploaded",
        expected="that what publishes in the attested run succeeded",
        evidence=(*run.evidence, *(i for a in uploaded for i in a.evidence)),
        confidence=Confidence.HIGH if all(one.step for one in publishing) else Confidence.MEDIUM,
        note="Every upload falls into the time of the step that failed, so that step made them before it did."
        if within
        else "",
    )


def _publishing(jobs: tuple[Job, ...]) -> list[_Publishing]:
    """Return the steps that publish; where there is none, jobs that never began and are named after publishing."""
    steps = [_Publishing(job, step) for job in jobs for step in job.steps if _named(step.name)]
    return steps or [_Publishing(job, None) for job in jobs if not job.steps and _named(job.name)]


def _named(name: str) -> bool:
    return bool(_PUBLISHES.search(name)) and not _ELSEWHERE.search(name)


def _files_of(release: Release, ref: RunRef) -> list[Artifact]:
    """Return the files that the run signed, and those of which no certificate names a run: anybody's, so its too."""
    found = []
    for artifact in release.artifacts:
        runs = {run_of(a.identity) for a in artifact.attestations if a.identity} - {None}
        if not runs or ref in runs:
            found.append(artifact)
    return found


def _within(uploaded: list[Artifact], publishing: list[_Publishing]) -> bool:
    """Whether each upload falls into the time of a step that failed, give or take what clocks differ."""
    spans = [
        (one.step.started - t.CI_CLOCK, one.step.completed + t.CI_CLOCK)
        for one in publishing
        if one.step and one.conclusion == "failure" and one.step.started and one.step.completed
    ]
    times = [a.uploaded_at for a in uploaded if a.uploaded_at is not None]
    return bool(times) and all(any(start <= at <= end for start, end in spans) for at in times)


def _other_jobs(release: Release, run: CiRun, jobs: tuple[Job, ...]) -> Hit | None:
    failed = [f"{job.name}: {job.conclusion}" for job in jobs if job.conclusion in {"failure", *_BROKE_OFF}]
    if run.conclusion in {None, "success"} or not failed:
        return None
    return Hit(
        severity=Severity.LOW,
        observed=f"run {run.ref.run}, attempt {run.ref.attempt} ended as {run.conclusion} though it published: "
        + _few(failed),
        expected="a run that succeeded",
        evidence=run.evidence,
    )


def _few(values: Sequence[object]) -> str:
    more = len(values) - t.NAMED_VALUES
    shown = "; ".join(str(value) for value in values[: t.NAMED_VALUES])
    return f"{shown}; and {more} more" if more > 0 else shown
