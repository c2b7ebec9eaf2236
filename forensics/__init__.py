"""Release forensics: which releases are suspect, through which door, since when, and on what evidence.

In a notebook: `forensics.open_case("ultralytics-2024-12")` or `forensics.investigate("pypi:NAME")`; both return an
`Analysis`. Heavy libraries load on the first call.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from forensics._version import __version__

if TYPE_CHECKING:
    from forensics.investigation import Analysis

__all__ = ["__version__", "investigate", "open_case"]


def open_case(name_or_path: str | Path, *, trust_root: Path | None = None) -> Analysis:
    """Return the analysis of a case by path or name, without asking anyone.

    *trust_root* vouches for a case that brings a root of its own. Raises CaseNotFound, ForeignCase, DamagedCase,
    UntrustedRoot.
    """
    from forensics.evidence.library import find_case
    from forensics.investigation import Investigation

    named = trust_root.read_bytes() if trust_root is not None else None
    return Investigation.reopen(find_case(str(name_or_path)), trust_root=named).analyse()


def investigate(project: str, *, case: str | None = None, offline: bool = False) -> Analysis:
    """Collect what the sources say about *project* into a new or unfinished case, and return its analysis.

    *project* is `name`, `pypi:name` or a purl; endpoints come from the environment, as for the command. Raises
    BadProject, NoSuchProject, CaseNotFound.
    """
    import os

    from forensics.investigation import find_or_start
    from forensics.model.endpoints import resolve_endpoints
    from forensics.model.project import parse_project

    found = find_or_start(
        parse_project(project), case=case, endpoints=lambda: resolve_endpoints(environment=os.environ), offline=offline
    )
    if found.collect:
        found.investigation.collect(fresh_after=found.fresh_after)
    return found.investigation.analyse()
