"""What a responder or a public lead adds to a case: exports, lists, lockfiles, facts. Never judged.

Each kind of import has one reader in `forensics.sources.imports`; `KINDS` says what each looks like.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from forensics.model.errors import ForensicsError, UsageError
from forensics.model.project import Project
from forensics.sources.imports.facts import LEAD_SCHEMA, exact_time, read_fact, read_facts, read_lead, read_single_fact
from forensics.sources.imports.lists import read_conda, read_hashes, read_indicators, read_locks, read_requirements
from forensics.sources.imports.osv import read_osv
from forensics.sources.imports.rows import columns_of
from forensics.sources.imports.tables import read_export, read_monitor, read_rekor_rows
from forensics.sources.lockfiles import kind_of_content
from forensics.sources.supplied import NamedFile, StatedTime, Supplements

if TYPE_CHECKING:
    from forensics.evidence.case import Import

__all__ = ["KINDS", "NamedFile", "StatedTime", "Supplements", "detect_kind", "exact_time", "read_fact",
           "read_supplements"]  # fmt: skip

KINDS = {
    "export": "rows of PyPI's public table distribution_metadata: JSON lines, CSV or Parquet",
    "hashes": "lines of sha256sum: digest, two spaces, file name",
    "requirements": "pins with --hash",
    "lockfile": "a lockfile of uv, Poetry, PDM, Pipenv, npm, pnpm or Yarn, or a pylock.toml",
    "conda-forge": "a feedstock's recipe, or JSON lines of its history with version and sdist_sha256",
    "indicators": "published indicators: prose, tables or lists with hashes, file names, versions",
    "rekor-rows": "rows of Rekor's public mirror: JSON lines, CSV or Parquet",
    "rekor-monitor": "lines of rekor-monitor's output",
    "osv": "OSV records: one, a list, JSON lines, or the zip of a whole ecosystem",
    "facts": "TOML with [[fact]] tables",
    "lead": "a lead file of a public incident",
    "snapshot": "the index's answers in an earlier case, as `case import CASE EARLIER_CASE` copies them",
}
"""The kinds of import by name, with what each looks like."""


def read_supplements(imports: Iterable[Import], project: Project) -> Supplements:
    """Parse the imports of a case as far as they speak about *project*; what cannot be read becomes a problem."""
    found = Supplements()
    for item in imports:
        reader = _READERS.get(item.kind)
        found.asked += 1
        if reader is None:
            found.problems.append(f"{item.name}: nothing here reads imports of kind {item.kind!r}")
            continue
        try:
            reader(item.read(), item.source, (item.observation.id,), project, found)
        except (ForensicsError, ValueError, RecursionError, csv.Error) as error:
            found.problems.append(f"{item.name}: {error}")
    return found


def detect_kind(name: str, data: bytes) -> str:
    """Return the kind of import that *data* is, by its content; raises UsageError when it is none we know."""
    if data[:2] == b"\x1f\x8b" and name.endswith(".warc.gz"):
        return "snapshot"
    head = data[:65536].decode("utf-8", errors="replace").lstrip("\ufeff")
    if data.startswith(b"PK\x03\x04") or (head[:1] in "{[" and '"affected"' in head and '"modified"' in head):
        return "osv"
    if "[[fact]]" in head or re.search(rf'^schema\s*=\s*["\']{LEAD_SCHEMA}["\']', head, re.MULTILINE):
        return "lead" if re.search(rf'^schema\s*=\s*["\']{LEAD_SCHEMA}["\']', head, re.MULTILINE) else "facts"
    kind = kind_of_content(data)
    found = "requirements" if kind == "requirements" else "lockfile" if kind else _table(data) or _listed(head)
    if found is None and name.endswith(".toml"):
        found = "facts"
    if found is None:
        raise UsageError(
            f"{name} is of no kind that can be imported.",
            advice=f"Name one with --kind: {', '.join(KINDS)}. `forensics case import --help` describes each.",
        )
    return found


def _table(data: bytes) -> str | None:
    """Return the kind of a table by its columns, None for what is none."""
    columns = columns_of(data)
    if "sha256digest" in columns and "filename" in columns:
        return "export"
    if {"index", "uuid"} <= columns and columns & {"certsubject", "matchedidentity"}:
        return "rekor-monitor"
    if {"version", "sdistsha256"} <= columns:
        return "conda-forge"
    return "rekor-rows" if "entryuuid" in columns or {"logindex", "integratedtime"} <= columns else None


_DIGEST = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{64})(?![0-9A-Za-z])|sha512-[A-Za-z0-9+/]{86}==")


def _listed(head: str) -> str | None:
    """Return the kind of a list, None for text without a digest or a list of `name@version`."""
    lines = [line.strip() for line in head.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    if lines and re.match(r"[0-9a-fA-F]{64}(\s|$)", lines[0]):
        return "hashes"
    if re.search(r"^[ \t]*(?:-[ \t]*)?sha256[ \t]*:[ \t]*[\"']?[0-9a-fA-F]{64}", head, re.MULTILINE) and "url:" in head:
        return "conda-forge"
    pinned = [line for line in lines if re.fullmatch(r"(?:@[\w.~-]+/)?[\w.~-]+@\d+\.\d+\.\d+\S*", line)]
    return "indicators" if _DIGEST.search(head) or (pinned and len(pinned) * 2 > len(lines)) else None


def _read_nothing(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Nothing here: a snapshot of an earlier case is replayed like a live index (`sources.snapshot`)."""


Reader = Callable[[bytes, str, tuple[str, ...], Project, Supplements], None]
_READERS: dict[str, Reader] = {
    "export": read_export,
    "hashes": read_hashes,
    "requirements": read_requirements,
    "lockfile": read_locks,
    "conda-forge": read_conda,
    "indicators": read_indicators,
    "rekor-rows": read_rekor_rows,
    "rekor-monitor": read_monitor,
    "osv": read_osv,
    "facts": read_facts,
    "fact": read_single_fact,
    "lead": read_lead,
    "snapshot": _read_nothing,
}
