"""The parts of the document that further witnesses fill."""

from __future__ import annotations

from datetime import datetime

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.ci import CiRun, RunRef
from forensics.model.opinion import Opinion
from forensics.model.release import History, Release
from forensics.model.times import to_iso
from forensics.model.witness_document import (
    AccountDoc,
    ContradictionDoc,
    JournalDoc,
    NameDoc,
    OpinionDoc,
    RunDoc,
)


def time_or_none(value: datetime | None) -> str | None:
    """Return *value* as RFC 3339, or None."""
    return to_iso(value) if value is not None else None


def run_docs(release: Release) -> list[RunDoc]:
    """Return the CI runs of a release, those that nobody told of included."""
    return [_run(ref, outcome) for ref, outcome in release.runs]


def _run(ref: RunRef, outcome: Outcome[CiRun]) -> RunDoc:
    run = outcome.value if isinstance(outcome, Checked) else None
    missing = outcome if isinstance(outcome, NotChecked) else run.jobs if run else None
    jobs = run.jobs.value if run and isinstance(run.jobs, Checked) else ()
    return {
        "repository": ref.repository,
        "run": ref.run,
        "attempt": ref.attempt,
        "status": run.status if run else None,
        "conclusion": run.conclusion if run else None,
        "trigger": run.event if run else None,
        "commit": run.commit if run else None,
        "branch": run.branch if run else None,
        "workflow": run.workflow if run else None,
        "actor": run.actor if run else None,
        "started": time_or_none(run.started or run.created) if run else None,
        "jobs": [
            {
                "name": job.name,
                "conclusion": job.conclusion,
                "started": time_or_none(job.started),
                "completed": time_or_none(job.completed),
                "steps": [{"name": step.name, "conclusion": step.conclusion} for step in job.steps],
            }
            for job in jobs
        ],
        "reason": missing.reason if isinstance(missing, NotChecked) else "",
        "evidence": [*(run.evidence if run else outcome.evidence)],
    }


def opinion_doc(outcome: Outcome[Opinion]) -> OpinionDoc | None:
    """Return what deps.dev says of a version, None where it says nothing."""
    if isinstance(outcome, NotChecked):
        return None
    opinion = outcome.value
    return {
        "published": time_or_none(opinion.published),
        "default": opinion.is_default,
        "deprecated": opinion.deprecated,
        "project_status": opinion.project_status,
        "attestations": [
            {
                "type": one.kind,
                "url": one.url,
                "verified": one.verified,
                "source_repository": one.repository,
                "commit": one.commit,
            }
            for one in opinion.attestations
        ],
        "related": [
            {"project": one.id, "provenance": one.provenance, "relation": one.relation} for one in opinion.related
        ],
        "advisories": [*opinion.advisories],
        "findings": None
        if opinion.findings is None
        else [{"type": one.kind, "risk": one.risk} for one in opinion.findings],
        "registries": [*opinion.registries],
        "evidence": list(dict.fromkeys(opinion.evidence)),
    }


def account_docs(history: History) -> list[AccountDoc]:
    """Return the accounts of the project."""
    if isinstance(history.members, NotChecked):
        return []
    return [
        {
            "account": member.account,
            "role": member.role,
            "other_projects": [*member.others.value] if isinstance(member.others, Checked) else None,
            "advised_projects": {name: [*ids] for name, ids in sorted(member.advised.value.items())}
            if isinstance(member.advised, Checked)
            else None,
            "reason": member.others.reason if isinstance(member.others, NotChecked) else member.others.caveat,
            "evidence": [*member.evidence, *member.others.evidence],
        }
        for member in history.members.value
    ]


def journal_doc(history: History) -> JournalDoc:
    """Return how much of the journal was read."""
    outcome = history.journal
    if isinstance(outcome, NotChecked):
        return {"rows": 0, "read": [], "reason": outcome.reason, "evidence": [*outcome.evidence]}
    spans = [{"start": to_iso(span.start), "end": to_iso(span.end)} for span in outcome.value.spans]
    return {
        "rows": len(outcome.value.rows),
        "read": [{"start": span["start"], "end": span["end"]} for span in spans],
        "reason": "",
        "evidence": [*outcome.evidence],
    }


def name_docs(history: History) -> list[NameDoc]:
    """Return the current names of ids, as far as they were told."""
    told = [one.value for one in history.names if isinstance(one, Checked)]
    return [{"kind": n.kind, "id": n.id, "current": n.current, "evidence": [*n.evidence]} for n in told]


def contradiction_docs(history: History) -> list[ContradictionDoc]:
    """Return where two sources differ."""
    return [
        {
            "version": one.version,
            "about": one.about,
            "first": one.first,
            "second": one.second,
            "at": time_or_none(one.at),
            "evidence": list(dict.fromkeys(one.evidence)),
        }
        for one in history.contradictions
    ]
