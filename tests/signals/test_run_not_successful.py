"""A publishing job that did not succeed, though its files are there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.ci import NO_RUN, CiRun, Job, RunRef, Step
from forensics.model.finding import Confidence, Family, Severity
from forensics.model.release import Release
from tests.signals.histories import UNSEEN, Judged, artifact, attestation, day, identity, judged, release, series

ID = "run-not-successful"
REF = RunRef("team/thing", 7, 1)
ACTION = "Run pypa/gh-action-pypi-publish@release/v1"
UPLOADED = day(50)


def step(name: str, conclusion: str | None, at: datetime | None = None, seconds: int = 30) -> Step:
    return Step(name, conclusion, at, at + timedelta(seconds=seconds) if at else None)


def job(name: str, conclusion: str | None, *steps: Step) -> Job:
    return Job(name, conclusion, None, None, steps)


def run(conclusion: str | None, *jobs: Job, missing: NotChecked | None = None) -> Outcome[CiRun]:
    found: Outcome[tuple[Job, ...]] = missing or Checked(jobs, ("o-jobs",))
    return Checked(
        CiRun(REF, "completed", conclusion, "push", None, None, None, None, None, None, found, ("o-run", "o-jobs"))
    )


def published(*outcomes: Outcome[CiRun]) -> Release:
    made = release("1.0.6", UPLOADED)
    return replace(made, runs=tuple((replace(REF, attempt=n), one) for n, one in enumerate(outcomes, 1)))


def told(*outcomes: Outcome[CiRun]) -> object:
    return judged([*series(6), published(*outcomes)])


@pytest.mark.parametrize("conclusion", ["skipped", "failure"])
def test_decisive_where_the_publishing_step_did_not_succeed(conclusion: str) -> None:
    hit = told(run("failure", job("release", "failure", step("Run tests", "failure"), step(ACTION, conclusion)))).hit(
        "1.0.6", ID
    )
    assert (hit.family, hit.severity, hit.confidence) == (Family.SOURCE, Severity.DECISIVE, Confidence.HIGH)
    assert hit.observed.startswith(f"run 7, attempt 1: step “{ACTION}” of job “release”: {conclusion}; 2 files")
    assert {"o-run", "o-jobs"} <= set(hit.evidence)
    assert hit.knowable_at_publish


def test_a_job_that_never_began_is_known_by_its_name_alone() -> None:
    hit = told(
        run("failure", job("test", "failure", step("pytest", "failure")), job("Publish to PyPI", "skipped"))
    ).hit("1.0.6", ID)
    assert (hit.severity, hit.confidence) == (Severity.DECISIVE, Confidence.MEDIUM)


def test_low_where_the_step_made_the_uploads_and_then_failed() -> None:
    step_of_upload = step(ACTION, "failure", UPLOADED - timedelta(seconds=20))
    hit = told(run("failure", job("release", "failure", step_of_upload))).hit("1.0.6", ID)
    assert hit.severity is Severity.LOW
    assert "made them before" in hit.note
    long_before = step(ACTION, "failure", UPLOADED - timedelta(hours=1))
    assert told(run("failure", job("release", "failure", long_before))).hit("1.0.6", ID).severity is Severity.DECISIVE


def test_low_where_another_job_failed_or_the_step_was_cancelled() -> None:
    good = job("release", "success", step(ACTION, "success"))
    assert told(run("failure", good, job("docs", "failure"))).hit("1.0.6", ID).severity is Severity.LOW
    assert told(run("cancelled", job("r", "cancelled", step(ACTION, "cancelled")))).hit("1.0.6", ID).severity is (
        Severity.LOW
    )


@pytest.mark.parametrize(
    "outcome",
    [
        run("success", job("release", "success", step(ACTION, "success"))),
        run(
            "success", job("a", "skipped", step("npm publish", "skipped")), job("b", "success", step(ACTION, "success"))
        ),
        run("success", job("release", "success", step(ACTION, "success")), job("docs", "failure")),
    ],
)
def test_silent_where_something_published(outcome: Outcome[CiRun]) -> None:
    assert told(outcome).silent("1.0.6", ID)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (NO_RUN, "was not asked for"),
        (NotChecked("GitHub answered 404", "CI", ("o-404",)), "404"),
        (run("failure", missing=NotChecked("the run has more than 300 jobs", "CI")), "more than 300"),
        (run("failure", job("build", "failure", step("make", "failure"))), "can be told to be the one that publishes"),
        (run("failure", job("Publish to TestPyPI", "skipped")), "can be told to be the one that publishes"),
        (run(None, job("release", None, step(ACTION, None))), "had not ended"),
    ],
)
def test_not_checked_and_why(outcome: Outcome[CiRun], words: str) -> None:
    missing = told(outcome).unchecked("1.0.6", ID)
    assert missing is not None
    assert words in missing.reason


def test_one_bad_run_among_unknown_ones_speaks() -> None:
    bad = run("failure", job("release", "failure", step(ACTION, "skipped")))
    assert told(NO_RUN, bad).hit("1.0.6", ID).severity is Severity.DECISIVE
    good = run("success", job("release", "success", step(ACTION, "success")))
    assert told(good, NO_RUN).unchecked("1.0.6", ID) == NO_RUN


def test_without_certificates_or_runs_in_them() -> None:
    assert judged([*series(6), release("1.0.6", UPLOADED, UNSEEN)]).unchecked("1.0.6", ID) == UNSEEN
    bare = judged([*series(6), release("1.0.6", UPLOADED, identity(run_invocation_uri=None))])
    missing = bare.unchecked("1.0.6", ID)
    assert missing is not None
    assert "name no run" in missing.reason


def _by_two_runs(second: datetime, bare: datetime | None = None) -> Release:
    """An sdist of attempt 1, a wheel of attempt 2 that came at *second*, and maybe a file that nobody signed."""
    files = [
        artifact("a.tar.gz", UPLOADED, [attestation(identity(), UPLOADED, "a")]),
        artifact("a.whl", second, [attestation(identity(attempt=2), second, "b")]),
    ]
    if bare:
        files.append(artifact("c.whl", bare, ()))
    return release("1.0.6", UPLOADED, files=files)


def _with(made: Release, *outcomes: Outcome[CiRun]) -> Judged:
    """Judge it with one outcome for each attempt of its run."""
    refs = []
    for ref, one in ((replace(REF, attempt=n), one) for n, one in enumerate(outcomes, 1)):
        refs.append((ref, Checked(replace(one.value, ref=ref), one.evidence) if isinstance(one, Checked) else one))
    return judged([*series(6), replace(made, runs=tuple(refs))])


GOOD = run("success", job("release", "success", step(ACTION, "success")))
BROKE = run("failure", job("release", "failure", step(ACTION, "failure", UPLOADED - timedelta(seconds=20))))


def test_a_run_is_judged_by_the_files_that_it_signed_and_not_by_those_of_another() -> None:
    again = UPLOADED + timedelta(minutes=20)
    hit = _with(_by_two_runs(again), BROKE, GOOD).hit("1.0.6", ID)
    assert hit.severity is Severity.LOW
    assert "1 file of it was uploaded" in hit.observed
    unsigned = _with(_by_two_runs(again, bare=again), BROKE, GOOD).hit("1.0.6", ID)
    assert unsigned.severity is Severity.DECISIVE


def test_the_run_of_a_file_that_came_later_is_hindsight() -> None:
    skipped = run("failure", job("release", "failure", step(ACTION, "skipped")))
    told = _with(_by_two_runs(UPLOADED + timedelta(days=2)), GOOD, skipped)
    assert not told.hit("1.0.6", ID).knowable_at_publish
    assert not told["1.0.6"].at_publish.flagged
