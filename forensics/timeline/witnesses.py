"""What the further witnesses say about single releases, put beside what the index says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from forensics.model.checked import Checked
from forensics.model.ci import NO_RUN, CiRun, run_of
from forensics.model.event import Event, Lane, TimeKind
from forensics.model.release import Release
from forensics.sources.others import Others


def with_witnesses(releases: tuple[Release, ...], others: Others) -> tuple[Release, ...]:
    """Return *releases* with the CI runs that their certificates name, asked for or not."""
    return tuple(_with_runs(release, others) for release in releases)


def _with_runs(release: Release, others: Others) -> Release:
    refs = dict.fromkeys(ref for identity in release.identities if (ref := run_of(identity)) is not None)
    if not refs:
        return release
    return replace(release, runs=tuple((ref, others.runs.get(ref, NO_RUN)) for ref in refs))


def run_events(releases: tuple[Release, ...], others: Others) -> Iterator[Event]:
    """Yield the start of each run, with the release that it belongs to, if any."""
    owners = {ref: release.version for release in releases for ref, _ in release.runs}
    for ref in sorted(others.runs):
        outcome = others.runs[ref]
        if isinstance(outcome, Checked) and (at := outcome.value.started or outcome.value.created) is not None:
            yield Event(
                at, TimeKind.ASSERTED_BY_CI, Lane.BUILD, "run started", owners.get(ref),
                f"run {ref.run}, attempt {ref.attempt}", _how(outcome.value), outcome.evidence,
            )  # fmt: skip


def _how(run: CiRun) -> str:
    parts = [
        f"{run.workflow or 'unknown workflow'} of {run.ref.repository} by {run.event or 'unknown event'}",
        f"started by {run.actor}" if run.actor else "",
        f"on {run.branch} at {(run.commit or 'unknown')[:12]}" if run.branch else "",
        f"ended as {run.conclusion}" if run.conclusion else f"status {run.status or 'unknown'}",
    ]
    return ", ".join(part for part in parts if part)
