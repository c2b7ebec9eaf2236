"""Releases made of nothing but what the timeline looks at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from forensics.model.checked import Checked, NotChecked
from forensics.model.project import parse_project
from forensics.model.release import Artifact, Mention, Release, SourceStatus
from forensics.sources.gather import Gathered
from forensics.sources.index import Index, IndexFile, ProvenanceAnswer
from forensics.sources.supplements import Supplements

START = datetime(2026, 1, 1, tzinfo=UTC)
PROJECT = parse_project("pypi:demo")


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def release(version: str, days: float | None = None, *, listed: bool | None = True, removed: float | None = None,
            mentions: tuple[Mention, ...] = (), artifacts: tuple[Artifact, ...] = ()) -> Release:  # fmt: skip
    outcome = Checked(at(removed)) if removed is not None else Checked(None) if listed else NotChecked("r", "journal")
    return Release(version, None if days is None else at(days), "asserted by the index", artifacts, listed, outcome,
                   mentions=mentions, evidence=("o-1",))  # fmt: skip


def index_file(filename: str, version: str, days: float | None = 0, sha256: str | None = "a" * 64) -> IndexFile:
    when = None if days is None else at(days)
    return IndexFile(filename, version, "wheel", sha256, 1, when, False, None, None, Checked(None, ("o-i",)), ("o-i",))


def gathered(files: list[IndexFile], *, status: str = "active", empty: tuple[str, ...] = ()) -> Gathered:
    from forensics.model.release import ProjectStatus

    index = Index(True, ProjectStatus(status), tuple(files), empty, None, (), ("o-i",))
    answers = {f.filename: Checked(ProvenanceAnswer(f.filename, None, None), ("o-i",)) for f in files}
    return Gathered(Checked(index, ("o-i",)), answers, Checked((), ("o-v",)), (SourceStatus("PyPI index", 1, 1),))


def supplements() -> Supplements:
    return Supplements()
