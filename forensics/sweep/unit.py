"""One project of a sweep: collect it into its case, judge it, keep its rows. The unit of work of every engine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.model.endpoints import Endpoints
from forensics.model.errors import CaseNotFound, ForensicsError, NoSuchProject
from forensics.model.project import Project
from forensics.sweep.dataset import Dataset, open_dataset
from forensics.sweep.tables import FAILED, NO_PROJECT, ProjectRows, rows_of, rows_without

if TYPE_CHECKING:
    from forensics.evidence.client import Limits
    from forensics.investigation import Analysis, Investigation
    from forensics.sources.files import FileOptions


@dataclass(frozen=True, slots=True)
class Task:
    """One project and how to ask about it. *sweep* is the directory of the sweep, where its worker finds it.

    *offline*: nobody is asked; the case must be there.
    """

    project: Project
    sweep: str
    limits: Limits
    files: FileOptions
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one project, small enough to send between machines."""

    project: Project
    outcome: str
    verdict: str | None
    flagged: tuple[str, ...]
    problem: str | None


def work(task: Task) -> Done:
    """Collect, judge and keep one project; returns what came of it. Raises nothing but what ends a process.

    A case that is there is gone on with: what it holds is not asked again. Repeating a task that was done gives the
    same rows, so a worker that is lost costs its task and nothing else.
    """
    dataset = open_dataset(Path(task.sweep))
    case = dataset.case_of(task.project)
    where = str(case.relative_to(dataset.path))
    try:
        rows = rows_of(_analysis(task, dataset, case), where)
    except NoSuchProject as error:
        rows = rows_without(NO_PROJECT, error.what, where if case.exists() else None)
    except ForensicsError as error:
        rows = rows_without(FAILED, f"{error.what} {error.advice}".strip(), where if case.exists() else None)
    except Exception as error:  # a defect of ours must not end a sweep of thousands: its row names it
        rows = rows_without(FAILED, f"internal error: {type(error).__name__}: {error}"[:500], where)
    dataset.write(task.project, rows)
    return done_of(task.project, rows)


def done_of(project: Project, rows: ProjectRows) -> Done:
    """Return the summary of *rows*."""
    row = rows.rows["projects"][0]
    return Done(project, rows.outcome, row[2], tuple(row[3]), row[1])


def _analysis(task: Task, dataset: Dataset, case: Path) -> Analysis:
    investigation = _investigation(task, dataset, case)
    if not investigation.case.meta.complete and not task.offline:
        investigation.collect(limits=task.limits, files=task.files)
    return investigation.analyse(workers=1)


def _investigation(task: Task, dataset: Dataset, case: Path) -> Investigation:
    from forensics.investigation import Investigation

    root = dataset.trust_root()
    if case.is_dir() and not (case / "data" / "case.json").is_file() and not task.offline:
        shutil.rmtree(case)  # killed while it was being made: nothing was asked yet
    try:
        return Investigation.reopen(case, trust_root=root)
    except CaseNotFound:
        if task.offline:
            raise
    return Investigation.start(task.project, case, Endpoints(dataset.endpoints), trust_root=root, now=datetime.now(UTC))
