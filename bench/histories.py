"""Histories of many releases, for the growth row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from forensics.model.checked import Checked
from forensics.model.project import Ecosystem, Project
from forensics.model.release import Artifact, History, ProjectStatus, Release


def history(count: int) -> History:
    """Return a history of *count* releases in lines of 500, one every 20 hours, observed to be unattested."""
    start = datetime(2015, 1, 1, 9, tzinfo=UTC)
    releases = tuple(_release(n, start + timedelta(hours=20 * n)) for n in range(count))
    project = Project(Ecosystem.PYPI, "bench-project")
    return History(project, ProjectStatus.ACTIVE, releases, Checked(()), None, start + timedelta(hours=20 * count))


def _release(number: int, at: datetime) -> Release:
    version = f"{1 + number // 500}.{number % 500}.0"
    artifact = Artifact(f"bench-{version}.tar.gz", "sdist", f"{number:064x}", 1000, at, True, Checked((), ("o-0",)))
    return Release(version, at, "asserted by the index", (artifact,), True, Checked(None), evidence=("o-0",))
