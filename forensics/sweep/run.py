"""A sweep from start to end: which projects are left, who does them, and what came of all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from forensics.model.finding import Verdict
from forensics.model.project import Project
from forensics.sweep.campaign import Campaign, CampaignDoc, campaign_doc
from forensics.sweep.dataset import SCHEMA, Dataset
from forensics.sweep.engine import Engine, Lost, share
from forensics.sweep.shared import SharedFact
from forensics.sweep.tables import FAILED, JUDGED, NO_PROJECT, rows_without
from forensics.sweep.unit import Done, Task, done_of, work

if TYPE_CHECKING:
    import polars as pl

    from forensics.evidence.client import Limits
    from forensics.model.endpoints import Endpoints
    from forensics.sources.files import FileOptions


@dataclass(frozen=True, slots=True)
class Plan:
    """How projects are asked about. `limits` are those of the whole sweep for one host, shared among its workers."""

    limits: Limits
    files: FileOptions
    offline: bool = False


def sweep(dataset: Dataset, projects: Iterable[Project], engine: Engine, plan: Plan) -> Iterator[Done]:
    """Yield what came of each of *projects* that is not done yet, as it comes; each is on disk when it is yielded.

    A project that fails, or costs its workers, is kept as failed and tried again by the next run.
    """
    done = dataset.done()
    engine.reach((dataset.path / "sweep.json").resolve())
    limits = share(plan.limits, engine.workers)
    tasks = (
        Task(project, str(dataset.path.resolve()), limits, plan.files, plan.offline)
        for project in dict.fromkeys(projects)
        if project not in done
    )
    for result in engine.run(work, tasks):
        if isinstance(result, Lost):
            rows = rows_without(FAILED, result.why, None)
            dataset.write(result.task.project, rows)
            yield done_of(result.task.project, rows)
        else:
            yield result


RATIONED = frozenset({"journal", "github"})
"""Services that give one guest so little (one request a second, sixty an hour) that asking them bounds a sweep."""


def begin(path: Path, endpoints: Endpoints, trust_root: bytes | None, *, thorough: bool = False) -> Dataset:
    """Return the sweep at *path*, begun now if nothing is there; RATIONED services take part where it is *thorough*.

    Raises UsageError as `open_or_make` does.
    """
    from datetime import UTC, datetime

    from forensics._version import __version__
    from forensics.sweep.dataset import open_or_make

    return open_or_make(
        path,
        endpoints={key: url for key, url in endpoints.urls.items() if thorough or key not in RATIONED},
        trust_root=trust_root,
        tool=f"release-forensics {__version__}",
        now=datetime.now(UTC),
    )


def finish(dataset: Dataset) -> None:
    """Note that a run ended now."""
    from datetime import UTC, datetime

    dataset.note_end(datetime.now(UTC))


def conclude(
    dataset: Dataset,
    projects: Sequence[Project],
    seeds: Sequence[tuple[Project, SharedFact]] = (),
    downloads: Mapping[Project, int] | None = None,
) -> SweepDoc:
    """Return what the sweep came to for *projects*, and write its campaigns and adoption pages beside the tables.

    Only what is on disk counts, so an interrupted sweep concludes about what it has.
    """
    from forensics.evidence.durable import write_atomically
    from forensics.sweep.campaign import find_campaigns
    from forensics.sweep.dashboard import adoption_doc, render_adoption

    table = dataset.table("projects", projects)
    campaigns = find_campaigns(dataset.table("shared", projects), seeds)
    document = sweep_doc(dataset, projects, campaigns, table)
    adoption = adoption_doc(table, dataset.table("releases", projects), downloads or {}, dataset.ended_at())
    for name, doc in (("campaigns.json", document["campaigns"]), ("adoption.json", adoption)):
        write_atomically(dataset.path / name, json.dumps(doc, indent=1, ensure_ascii=False).encode() + b"\n")
    write_atomically(dataset.path / "adoption.html", render_adoption(adoption).encode())
    return document


class FlaggedDoc(TypedDict):
    """One project with a suspect."""

    project: str
    verdict: str
    versions: list[str]
    case: str


class ProblemDoc(TypedDict):
    """One project of which nothing could be judged, and why."""

    project: str
    outcome: str
    problem: str


class MissedDoc(TypedDict):
    """One source that could not be asked, and for how many projects."""

    source: str
    projects: int


class SweepDoc(TypedDict):
    """What a sweep came to (schema forensics/sweep/1). `remaining` are projects of the list that are not done."""

    schema: str
    path: str
    listed: int
    judged: int
    remaining: int
    verdict: str
    verdicts: dict[str, int]
    attested: dict[str, int]
    flagged: list[FlaggedDoc]
    problems: list[ProblemDoc]
    missed: list[MissedDoc]
    campaigns: list[CampaignDoc]


def sweep_doc(
    dataset: Dataset, projects: Iterable[Project], campaigns: Iterable[Campaign], table: pl.DataFrame
) -> SweepDoc:
    """Return what the sweep came to for *projects*; *table* is its table `projects`, narrowed to them."""
    listed = list(dict.fromkeys(projects))
    rows = list(table.iter_rows(named=True))
    judged = [row for row in rows if row["outcome"] == JUDGED]
    verdicts = Counter(row["verdict"] for row in judged)
    missed = Counter(source for row in judged for source in row["sources_missed"])
    worst = max((Verdict(v) for v in verdicts), key=lambda v: v.rank, default=Verdict.UNDETERMINED)
    flagged = sorted((row for row in judged if row["flagged"]), key=lambda r: (-Verdict(r["verdict"]).rank, _name(r)))
    return {
        "schema": SCHEMA,
        "path": str(dataset.path),
        "listed": len(listed),
        "judged": len(judged),
        "remaining": len(listed) - sum(row["outcome"] in {JUDGED, NO_PROJECT} for row in rows),
        "verdict": worst.value,
        "verdicts": {v.value: verdicts[v.value] for v in reversed(Verdict) if verdicts[v.value]},
        "attested": dict(sorted(Counter(row["attested"] for row in judged).items())),
        "flagged": [
            {"project": _name(r), "verdict": r["verdict"], "versions": list(r["flagged"]), "case": r["case"]}
            for r in flagged
        ],
        "problems": [
            {"project": _name(r), "outcome": r["outcome"], "problem": r["problem"] or ""}
            for r in rows
            if r["outcome"] != JUDGED
        ],
        "missed": [{"source": source, "projects": count} for source, count in sorted(missed.items())],
        "campaigns": [campaign_doc(campaign) for campaign in campaigns],
    }


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['ecosystem']}:{row['project']}"
