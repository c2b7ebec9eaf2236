"""Release forensics: which releases are suspect, through which door, since when, and on what evidence.

In a notebook or a script:

    case = forensics.open_case("ultralytics-2024-12")  # asks nobody
    case = forensics.investigate("pypi:NAME")          # asks, keeps every answer

Both return a `CaseView`: frames, pictures, pivots, comparisons and reports. Heavy libraries load on the first call.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from forensics._version import __version__

if TYPE_CHECKING:
    import polars as pl

    from forensics.investigation import Investigation, Progress
    from forensics.notebook import CaseView

__all__ = ["__version__", "cases", "columns", "investigate", "open_case"]


def open_case(
    name_or_path: str | Path,
    *,
    trust_root: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> CaseView:
    """Return the analysis of a case by path or name, without asking anyone.

    *trust_root* vouches for a case that brings a root of its own. *workers* is how many processes verify; one for each
    processor by default. *progress* is called with a stage, how many are done and of how many; by default one line
    shows it in a notebook and on a terminal. Raises CaseNotFound, ForeignCase, DamagedCase, and for
    a trust root UntrustedRoot, MalformedEvidence, HostileInput.
    """
    from forensics.evidence.library import find_case
    from forensics.investigation import Investigation

    path = find_case(str(name_or_path))
    return _analysed(Investigation.reopen(path, trust_root=_read(trust_root)), workers, progress)


def investigate(
    project: str,
    *,
    case: str | None = None,
    offline: bool = False,
    refresh: bool = False,
    trust_root: Path | None = None,
    files: str = "suspects",
    workers: int | None = None,
    progress: Progress | None = None,
) -> CaseView:
    """Collect what the sources say about *project* into a new or unfinished case, and return its analysis.

    *project* is `name`, `pypi:name`, `npm:name` or a purl; *case* names the case to make, to go on with, or to open.
    *offline* takes the newest case and asks nobody; *refresh* asks again although a case is complete. *files* says
    whose artifacts to keep: none, suspects or all. *trust_root*, *workers* and *progress* are those of `open_case`.
    Endpoints come from the environment, as for the command. Raises BadProject, NoSuchProject, UsageError, and as
    `open_case` does.
    """
    import os

    from forensics.investigation import find_or_start
    from forensics.model.endpoints import resolve_endpoints
    from forensics.model.errors import NoSuchProject, UsageError
    from forensics.model.project import parse_project
    from forensics.notebook.progress import Line
    from forensics.sources.files import FileOptions, FilePolicy

    if files not in list(FilePolicy):
        raise UsageError(f"files={files!r} is not one of {', '.join(FilePolicy)}.")
    found = find_or_start(
        parse_project(project),
        case=case,
        endpoints=lambda: resolve_endpoints(environment=os.environ),
        offline=offline,
        refresh=refresh,
        trust_root=_read(trust_root or os.environ.get("FORENSICS_TRUST_ROOT")),
    )
    if found.collect:
        with Line() as line:
            found.investigation.collect(
                fresh_after=found.fresh_after, files=FileOptions(FilePolicy(files)), progress=progress or line
            )
    try:
        view = _analysed(found.investigation, workers, progress)
    except NoSuchProject:
        found.discard()
        raise
    if found.collect:
        found.investigation.keep_tables(view.analysis)
    return view


def cases() -> pl.DataFrame:
    """Return the cases there are, yours first: name, project, state, created_at, builtin, reconstruction, problem."""
    from forensics.evidence.library import list_cases
    from forensics.timeline.tables import frame_of

    rows = [(c.name, c.project, c.state, c.created_at, c.builtin, c.reconstruction, c.problem) for c in list_cases()]
    kinds = {"name": "str", "project": "str", "state": "str", "created_at": "datetime", "builtin": "bool"}
    return frame_of(rows, {**kinds, "reconstruction": "str", "problem": "str"})


def columns(name: str) -> pl.DataFrame:
    """Return what each column of a frame means: column, type, meaning. Raises UsageError, naming what there is."""
    from forensics.notebook.columns import columns as described

    return described(name)


def _analysed(investigation: Investigation, workers: int | None, progress: Progress | None) -> CaseView:
    from forensics.notebook import CaseView
    from forensics.notebook.progress import Line

    with Line() as line:
        return CaseView(investigation, investigation.analyse(workers=workers, progress=progress or line))


def _read(trust_root: Path | str | None) -> bytes | None:
    """Return the trust root that the user named. Raises UsageError when it cannot be read."""
    from forensics.model.errors import UsageError

    if trust_root is None:
        return None
    try:
        return Path(trust_root).read_bytes()
    except OSError as error:
        raise UsageError(f"The trust root {trust_root} cannot be read: {error.strerror}.") from None
