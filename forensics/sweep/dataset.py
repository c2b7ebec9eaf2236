"""Where a sweep keeps its work: a directory with one case for each project and Parquet tables partitioned by project.

    DIR/sweep.json                                                what was asked, with which services and trust root
    DIR/cases/pypi/NAME/                                          the evidence
    DIR/releases/ecosystem=pypi/project=NAME/part-0.parquet       and likewise projects and shared

Names of projects are percent-encoded in paths, as Hive has it, so polars, DuckDB and Spark read each table as one. The
state is the data: a project is done when its row in `projects` is there, which is written last.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from forensics.evidence.durable import write_atomically
from forensics.model.errors import UsageError
from forensics.model.project import Ecosystem, Project
from forensics.model.times import parse_time, to_iso
from forensics.sweep.tables import FAILED, SCHEMAS, ProjectRows

if TYPE_CHECKING:
    import polars as pl

SCHEMA = "forensics/sweep/1"
MAX_FACTS = 4 * 2**20
TOGETHER = 64
"""Parts that are joined at a time: a frame of a handful of rows takes many times the memory of what is in it."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A sweep on disk; *facts* is what `sweep.json` says. Open one with `open_or_make`."""

    path: Path
    facts: Mapping[str, Any]

    @property
    def endpoints(self) -> dict[str, str]:
        """The services that every case of it asks."""
        return {str(k): str(v) for k, v in dict(self.facts.get("endpoints") or {}).items()}

    def trust_root(self) -> bytes | None:
        """The trust root that the sweep was begun with, None for the shipped one."""
        kept = self.path / "trusted_root.json"
        return kept.read_bytes() if kept.is_file() else None

    def ended_at(self) -> datetime:
        """When the last run ended (UTC), as it was noted; when the sweep was begun, where none was."""
        kept = self.path / "ended_at"
        text = kept.read_text("ascii", "replace") if kept.is_file() else str(self.facts.get("begun_at"))
        return parse_time(text.strip()[:40])

    def note_end(self, now: datetime) -> None:
        """Note that a run ended at *now* (UTC): what the pages of the sweep call its date."""
        write_atomically(self.path / "ended_at", to_iso(now).encode() + b"\n")

    def case_of(self, project: Project) -> Path:
        """Return where the case of *project* lies."""
        return self.path / "cases" / project.ecosystem.value / quote(project.name, safe="")

    def done(self, again: Iterable[str] = (FAILED,)) -> dict[Project, str]:
        """Return the projects that are done, with their outcome; those with an outcome of *again* are not."""
        redo = set(again)
        found: dict[Project, str] = {}
        for project, path in self._parts("projects"):
            outcome = _outcome(path)
            if outcome is not None and outcome not in redo:
                found[project] = outcome
        return found

    def write(self, project: Project, rows: ProjectRows) -> None:
        """Keep the rows of one project, `projects` last; what was there of it before is replaced."""
        from forensics.timeline.tables import to_parquet

        frames = rows.frames()
        for table in reversed(SCHEMAS):
            write_atomically(self._part(table, project), to_parquet(frames[table]))

    def table(self, name: str, projects: Iterable[Project] | None = None) -> pl.DataFrame:
        """Return one table whole, with the columns `ecosystem` and `project` before its own, sorted by them.

        *projects* narrows it. Raises KeyError for another name than those of SCHEMAS.
        """
        import polars as pl

        wanted = None if projects is None else set(projects)
        schema: dict[str, Any] = {"ecosystem": pl.String, "project": pl.String, **_frame(name).schema}
        frames = (
            pl.read_parquet(path).select(
                pl.lit(project.ecosystem.value).alias("ecosystem"), pl.lit(project.name).alias("project"), pl.all()
            )
            for project, path in self._parts(name)
            if wanted is None or project in wanted
        )
        whole = [pl.DataFrame(schema=schema)]
        while some := list(islice(frames, TOGETHER)):
            whole.append(pl.concat(some, rechunk=True).select(list(schema)))
        return pl.concat(whole, rechunk=True)

    def _part(self, table: str, project: Project) -> Path:
        kind, name = project.ecosystem.value, quote(project.name, safe="")
        return self.path / table / f"ecosystem={kind}" / f"project={name}" / "part-0.parquet"

    def _parts(self, table: str) -> Iterator[tuple[Project, Path]]:
        for kind in Ecosystem:
            folder = self.path / table / f"ecosystem={kind.value}"
            for path in sorted(folder.glob("project=*/part-0.parquet")):
                yield Project(kind, unquote(path.parent.name.removeprefix("project="))), path


def open_or_make(
    path: Path, *, endpoints: Mapping[str, str], trust_root: bytes | None, tool: str, now: datetime
) -> Dataset:
    """Return the sweep at *path*, begun if nothing is there.

    Raises UsageError for a directory that holds something else, or a sweep with other services or another trust root:
    rows of two worlds in one table would be compared with one another.
    """
    from hashlib import sha256

    digest = sha256(trust_root).hexdigest() if trust_root is not None else None
    if (path / "sweep.json").is_file():
        found = open_dataset(path)
        if found.endpoints != dict(endpoints) or found.facts.get("trust_root_sha256") != digest:
            raise UsageError(
                f"{path} was begun with other services or another trust root.",
                meaning="Nothing was asked; what it holds is as it was.",
                advice="Name another directory with -o, or the same services as before.",
            )
        return found
    if path.exists() and any(path.iterdir()):
        raise UsageError(f"{path} holds something that is not a sweep.", advice="Name another directory with -o.")
    if trust_root is not None:
        write_atomically(path / "trusted_root.json", trust_root)
    facts = {
        "schema": SCHEMA,
        "begun_at": to_iso(now),
        "tool": tool,
        "endpoints": dict(sorted(endpoints.items())),
        "trust_root_sha256": digest,
    }
    write_atomically(path / "sweep.json", json.dumps(facts, indent=2, sort_keys=True).encode() + b"\n")
    return Dataset(path, facts)


def open_dataset(path: Path) -> Dataset:
    """Return the sweep at *path*; raises UsageError when there is none that this version reads."""
    try:
        data = (path / "sweep.json").read_bytes()[: MAX_FACTS + 1]
        facts = json.loads(data) if len(data) <= MAX_FACTS else None
    except (OSError, ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
        raise UsageError(
            f"{path} is no sweep that this version reads.", advice="Begin one: forensics sweep LIST -o DIR"
        )
    return Dataset(path, facts)


def _frame(table: str) -> pl.DataFrame:
    from forensics.sweep.tables import frame_of

    return frame_of(table, ())


def _outcome(path: Path) -> str | None:
    """Return the outcome of a part of `projects`; None for one that cannot be read: it is made anew."""
    import polars as pl

    try:
        return str(pl.read_parquet(path, columns=["outcome"]).item())
    except Exception:  # polars raises many kinds for damaged files; each means the same here
        return None
