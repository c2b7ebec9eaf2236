"""Where cases live, and how they are found by name."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forensics.evidence.meta import MAX_BYTES, CaseMeta, load_meta
from forensics.evidence.store import open_store
from forensics.model.errors import CaseNotFound, ForeignCase, ForensicsError
from forensics.model.project import Project


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """One line of the list of cases; `problem` says why a broken one cannot be opened. Times are UTC."""

    name: str
    path: Path
    project: str = ""
    state: str = ""
    created_at: datetime | None = None
    reconstruction: str | None = None
    builtin: bool = False
    problem: str | None = None


def home() -> Path:
    """Return the directory of the user's cases: `FORENSICS_HOME`, or the platform's place for user data."""
    given = os.environ.get("FORENSICS_HOME")
    if given:
        return Path(given)
    import platformdirs

    return Path(platformdirs.user_data_dir("forensics", appauthor=False)) / "cases"


def builtin_cases() -> list[Path]:
    """Return the cases that ship with the toolkit, sorted by name."""
    return sorted(path for folder in _builtin_folders() if folder.is_dir() for path in folder.glob("*.zip"))


def _builtin_folders() -> tuple[Path, ...]:
    package = Path(__file__).resolve().parent.parent
    # The wheel carries them inside the package; in a checkout the same files lie beside it.
    installed = package / "cases"
    return (installed,) if installed.is_dir() else (package.parent / "fixtures" / "cases",)


def is_builtin(path: Path) -> bool:
    """Return whether *path* lies among the cases that ship with the toolkit."""
    return path.resolve().parent in {folder.resolve() for folder in _builtin_folders()}


def list_cases() -> list[CaseSummary]:
    """Return the user's cases and then the built-in ones; a broken one is listed with its problem."""
    mine = sorted(path for path in _children(home()) if path.is_dir() or path.suffix == ".zip")
    return [_summary(path, builtin=False) for path in mine] + [_summary(path, builtin=True) for path in builtin_cases()]


def _children(folder: Path) -> Iterator[Path]:
    try:
        yield from (path for path in folder.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return


def _summary(path: Path, *, builtin: bool) -> CaseSummary:
    name = _name(path)
    try:
        meta = _read_meta(path)
    except (ForensicsError, OSError) as error:
        return CaseSummary(name, path, builtin=builtin, problem=str(error))
    return CaseSummary(name, path, meta.project, meta.state, meta.created_at, meta.reconstruction, builtin)


def _read_meta(path: Path) -> CaseMeta:
    data = open_store(path).read("data/case.json", MAX_BYTES)
    if data is None:
        raise ForeignCase(f"{path} holds no case.")
    return load_meta(data)


def _name(path: Path) -> str:
    return path.name.removesuffix(".zip")


def find_case(name_or_path: str) -> Path:
    """Return where a case lies: a path that exists, else a name among the user's and the built-in cases.

    Raises CaseNotFound, naming similar ones.
    """
    if name_or_path and Path(name_or_path).exists():
        return Path(name_or_path)
    known: dict[str, Path] = {}
    for path in [*sorted(_children(home())), *builtin_cases()]:
        known.setdefault(_name(path), path)
    if name_or_path in known:
        return known[name_or_path]
    near = difflib.get_close_matches(name_or_path, known, n=3)
    advice = f"Did you mean {' or '.join(near)}?" if near else ""
    raise CaseNotFound(f"There is no case {name_or_path!r}.", advice=advice)


def new_case_path(project: Project, now: datetime) -> Path:
    """Return a path in `home` for a new case of *project*, named after it and *now* (UTC)."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", str(project)).strip("-.")
    base = f"{name[:120]}-{now:%Y%m%d-%H%M%S}"
    path, count = home() / base, 1
    while path.exists():
        count += 1
        path = home() / f"{base}-{count}"
    return path


def unfinished_case(
    project: Project, within: timedelta = timedelta(hours=24), now: datetime | None = None
) -> Path | None:
    """Return the newest case of *project* in `home` that is still collecting and not older than *within*, to resume."""
    now = now or datetime.now(UTC)
    found = [
        (case.created_at, case.path)
        for case in list_cases()
        if not case.builtin
        and case.path.is_dir()
        and case.project == str(project)
        and case.state == "collecting"
        and case.created_at is not None
        and now - within <= case.created_at
    ]
    return max(found)[1] if found else None


def newest_case(project: Project) -> Path:
    """Return the newest case of *project*: the user's first, then the built-in ones. Raises CaseNotFound."""
    found = [case for case in list_cases() if case.project == str(project) and case.created_at is not None]
    if not found:
        raise CaseNotFound(f"There is no case of {project} to read from.")
    return max(found, key=lambda case: (not case.builtin, case.created_at)).path
