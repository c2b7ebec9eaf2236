"""The attestations of files on their way to a verdict: from answers to jobs, from jobs to verified attestations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from forensics.model.attestation import Attestation
from forensics.model.checked import Checked
from forensics.model.held import FileRef, Held
from forensics.model.project import Ecosystem, Project
from forensics.sources.github_attestations import HeldAnswer
from forensics.sources.index import IndexFile, Provenance, ProvenanceAnswer

if TYPE_CHECKING:
    from forensics.attestation.pool import Job
    from forensics.attestation.registry_keys import RegistryKeys
    from forensics.attestation.trust import TrustRoot

Tick = Callable[[int, int], None]


def jobs_of(
    project: Project, files: Mapping[str, IndexFile], provenance: Provenance, keys: RegistryKeys, *, cite: str = ""
) -> list[Job]:
    """Return what is to be verified: every attestation that *provenance* holds for one of *files*.

    *cite* is the observation to rest on in place of the answers' own, where these belong to another case.
    """
    return [
        job
        for filename, outcome in sorted(provenance.items())
        if isinstance(outcome, Checked) and outcome.value.data is not None and filename in files
        for job in _jobs(project, files[filename], outcome.value, (cite,) if cite else outcome.evidence, keys)
    ]


def _jobs(
    project: Project, file: IndexFile, answer: ProvenanceAnswer, evidence: tuple[str, ...], keys: RegistryKeys
) -> list[Job]:
    """Return what is to be verified of the attestations of one file, in the form that its index serves them in."""
    from forensics.attestation.jobs import jobs_for, jobs_for_npm

    if project.ecosystem is Ecosystem.NPM:
        named = {"project": project.name, "version": file.version, "filename": file.filename}
        return jobs_for_npm(answer.data, **named, sha512=file.sha512, keys=keys, evidence=evidence)
    return jobs_for(answer.data, file.filename, file.sha256, evidence)


def verify_jobs(
    root: TrustRoot,
    project: str,
    jobs: Sequence[Job],
    known: dict[Job, Attestation],
    workers: int | None,
    tick: Tick | None,
) -> dict[str, tuple[Attestation, ...]]:
    """Return the verified attestations by file name; *known* are those of earlier calls, and is added to."""
    from forensics.investigation.verdicts import verdicts

    fresh = [job for job in jobs if job not in known]
    known.update(verdicts(root, project, fresh, workers=workers, progress=tick))
    results: dict[str, list[Attestation]] = {}
    for job in jobs:
        results.setdefault(job.filename or "", []).append(known[job])
    return {name: tuple(found) for name, found in results.items()}


def verify_held(
    root: TrustRoot,
    project: str,
    answers: Mapping[FileRef, HeldAnswer],
    known: dict[Job, Attestation],
    workers: int | None,
) -> tuple[Held, ...]:
    """Return the attestations that GitHub holds, each verified against the digest that it was asked for.

    By whatever name the subject goes: builds are attested under names of their own. *known* is as for `verify_jobs`.
    """
    from forensics.attestation.pool import Job

    jobs = [
        (ref, Job("bundle", one.value.data, None, None, ref.sha256, one.value.evidence))
        for ref, answer in sorted(answers.items(), key=lambda pair: pair[0])
        if isinstance(answer, Checked)
        for one in answer.value
        if isinstance(one, Checked)
    ]
    verify_jobs(root, project, [job for _, job in jobs], known, workers, None)
    return tuple(Held(ref, known[job]) for ref, job in jobs)
