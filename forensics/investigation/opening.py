"""Which case a project, a name or a path on the command line means, and whether it is to be filled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from forensics.investigation.core import Investigation
from forensics.model.endpoints import Endpoints
from forensics.model.project import Project


@dataclass(slots=True)
class Found:
    """An investigation, whether it is to be filled, and what to tell the user about where it came from."""

    investigation: Investigation
    collect: bool
    note: str = ""
    fresh_after: datetime | None = None
    made: bool = False

    def discard(self) -> None:
        """Take away the case if this call made it: there is nothing in it."""
        if self.made:
            import shutil

            shutil.rmtree(self.investigation.case.path, ignore_errors=True)


def find_or_start(
    project: Project | None,
    *,
    case: str | None,
    endpoints: Callable[[], Endpoints],
    offline: bool = False,
    refresh: bool = False,
    trust_root: bytes | None = None,
    options: Mapping[str, Any] | None = None,
    reconstruction: str | None = None,
    now: datetime | None = None,
) -> Found:
    """Return the investigation that a project, a case, or both mean.

    A named case is opened if it is there and made if it is not and a project is given. Without a case, an unfinished
    one of the same project, services and trust root from the last day goes on; otherwise a new one starts. Offline,
    nothing is made or filled: without a name the newest case of the project is taken. Raises UsageError, CaseNotFound
    and what `reopen` raises.
    """
    from datetime import UTC

    from forensics.evidence import library
    from forensics.model.errors import CaseNotFound, UsageError

    now = now or datetime.now(UTC)
    if offline and refresh:
        raise UsageError("--refresh asks again and --offline asks nobody.", advice="Leave one of them out.")
    if not case and project is None:
        raise UsageError(
            "Name a project, or a case with --case.", advice="For instance ultralytics, npm:axios or --case incident-1."
        )

    def start(where: Path) -> Found:
        made = Investigation.start(
            project,  # type: ignore[arg-type]
            where,
            endpoints(),
            trust_root=trust_root,
            options=options,
            reconstruction=reconstruction,
            now=now,
        )
        return Found(made, True, f"Case: {where}", made=True)

    path: Path | None = None
    if case:
        try:
            path = library.find_case(case)
        except CaseNotFound:
            if project is None or offline:
                raise
            where = Path(case) if "/" in case or case.startswith(".") else library.home() / case
            return start(where)
    elif project is not None and offline:
        path = library.newest_case(project)
    elif project is not None:
        path = library.unfinished_case(project, now=now)
        if path is None or not _asks_the_same(path, endpoints(), trust_root):
            return start(library.new_case_path(project, now))
    assert path is not None
    return _reopened(path, project, offline=offline, refresh=refresh, trust_root=trust_root, now=now)


def _asks_the_same(path: Path, endpoints: Endpoints, trust_root: bytes | None) -> bool:
    """Return whether the case at *path* was begun with these services and this trust root."""
    from hashlib import sha256

    from forensics.attestation.trust import default_root
    from forensics.evidence.case import Case

    meta = Case.open(path).meta
    root = trust_root if trust_root is not None else default_root().raw
    return dict(meta.endpoints) == dict(endpoints.urls) and meta.trust_root_sha256 == sha256(root).hexdigest()


def _reopened(
    path: Path, project: Project | None, *, offline: bool, refresh: bool, trust_root: bytes | None, now: datetime
) -> Found:
    from forensics.model.errors import UsageError

    investigation = Investigation.reopen(path, trust_root=trust_root)
    if project is not None and project != investigation.project:
        raise UsageError(f"The case {path} is about {investigation.project}, not {project}.")
    case = investigation.case
    unfinished = case.meta.state == "collecting"
    if refresh and not offline:
        if not case.writable:
            raise UsageError(f"The case {path} is read-only, so it cannot be refreshed.")
        case.reopen_for_collection()
        return Found(investigation, True, f"Case: {path}, asked again", fresh_after=now)
    if unfinished and not offline and case.writable:
        return Found(investigation, True, f"Going on with the unfinished case {path}")
    return Found(investigation, False)
