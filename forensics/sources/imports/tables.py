"""Exports of public tables: PyPI's `distribution_metadata`, and the mirror of Rekor."""

from __future__ import annotations

import re

from forensics.model.project import Project
from forensics.sources.imports.names import hexes, version_in
from forensics.sources.imports.rows import columns_of, loose_time, rows_of, texts_in, whole_number
from forensics.sources.interface import hex_digest, text
from forensics.sources.lockfiles.records import digest_of
from forensics.sources.supplied import NamedFile, Supplements

MAX_LOG_LEADS = 400
"""Log entries of one import that are looked up: about what a guest may ask of the log in one run."""
EXPORT_COLUMNS = frozenset(("name", "version", "filename", "sha256digest", "size", "uploadtime", "path", "uploadedvia"))
REKOR_COLUMNS = frozenset(
    ("entryuuid", "uuid", "logindex", "integratedtime", "kind", "name", "subjectname", "subject", "digest", "digests",
     "key", "sourcerepositoryuri", "sourcerepositoryref", "buildsigneruri", "subjectalternativename", "san")
)  # fmt: skip
"""What the tables Entries, Identities, Artifacts and IndexKeys may call what is used here."""
_ENTRY_ID = re.compile(r"(?:[0-9a-f]{16})?[0-9a-f]{64}")


def read_export(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Rows of `bigquery-public-data.pypi.distribution_metadata`; integers may be strings, times end in ` UTC`.

    `path` may begin with a slash or not. Raises ValueError when a column is missing that every export has, and as
    `rows_of` does. Source: warehouse/forklift/legacy.py.
    """
    if not {"filename", "version", "sha256digest"} <= columns_of(data):
        raise ValueError("it names no columns filename, version and sha256_digest")
    for row in rows_of(data, EXPORT_COLUMNS):
        name = (text(row.get("name")) or project.name).lower()
        filename, version = text(row.get("filename"), 1000), text(row.get("version"), 200)
        if not filename or not version or re.sub(r"[-_.]+", "-", name) != project.name:
            continue
        path = (text(row.get("path")) or "").removeprefix("/").removeprefix("packages/")
        found.files.append(
            NamedFile(
                filename=filename,
                version=version,
                sha256=hex_digest(row.get("sha256digest")),
                size=whole_number(row.get("size")),
                uploaded_at=loose_time(row.get("uploadtime")),
                path=f"/packages/{path}" if path else None,
                upload_client=text(row.get("uploadedvia"), 300),
                evidence=evidence,
            )
        )
        found.mention(version, source, f"lists {filename} as uploaded", evidence)


def read_rekor_rows(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Rows of the public mirror of Rekor v1: entries to look up, and digests of the project's files.

    The mirror is not asked for proof: its rows only say where to look. Names of columns are taken leniently, for
    exports rename them. An entry whose row also states its index is looked up by that.
    """
    leads = 0
    for row in rows_of(data, REKOR_COLUMNS):
        words = _about(row)
        if isinstance(name := row.get("name") or row.get("subjectname") or row.get("subject"), str):
            _subject(name, row, source, evidence, project, found)
        entry = (text(row.get("entryuuid") or row.get("uuid"), 100) or "").lower()
        index = whole_number(row.get("logindex"))
        if index is not None and leads < MAX_LOG_LEADS:
            found.log_indices.append((index, words, source, evidence))
        elif _ENTRY_ID.fullmatch(entry) and leads < MAX_LOG_LEADS:
            found.log_ids.append((entry, words, source, evidence))
        leads += index is not None or bool(_ENTRY_ID.fullmatch(entry))
    if leads > MAX_LOG_LEADS:
        found.problems.append(f"{source}: of {leads:,} log entries only the first {MAX_LOG_LEADS} are looked up")


def _about(row: dict[str, object]) -> str:
    for column in ("sourcerepositoryuri", "buildsigneruri", "subjectalternativename", "san", "key", "kind"):
        for value in texts_in(row.get(column)):
            return value[:300]
    return ""


def _subject(
    name: str, row: dict[str, object], source: str, evidence: tuple[str, ...], project: Project, found: Supplements
) -> None:
    """Take an in-toto subject that is a file of the project, with its digests."""
    filename = name.rpartition("/")[2][:1000]
    version = version_in(filename, project)
    if version is None:
        return
    for value in (*texts_in(row.get("digest")), *texts_in(row.get("digests"))):
        sha256, sha512 = hexes(digest_of(value) or "")
        if sha256 or sha512:
            found.files.append(NamedFile(filename, version, sha256, evidence=evidence, sha512=sha512))
            found.mention(version, source, f"holds a statement about {filename}", evidence)


def read_monitor(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Lines of rekor-monitor's output, JSON or text: each names an entry by index and id, which is looked up.

    Raises ValueError when no line is one of them; others that cannot be read are counted as a problem.
    """
    from forensics.model.errors import EvidenceError
    from forensics.sources.imports.rows import lines_of
    from forensics.transparency.monitor_files import parse_line

    unread = leads = 0
    for line in lines_of(data):
        if not line.strip():
            continue
        try:
            one = parse_line(line)
        except EvidenceError:
            unread += 1
            continue
        leads += 1
        if leads > MAX_LOG_LEADS:
            continue
        words = one.cert_subject or one.subject or one.fingerprint or one.extension_value
        if _ENTRY_ID.fullmatch(one.uuid.lower()):
            found.log_ids.append((one.uuid.lower(), words[:300], source, evidence))
        elif one.index >= 0:
            found.log_indices.append((one.index, words[:300], source, evidence))
    if not leads:
        raise ValueError("none of its lines is one of rekor-monitor's output")
    if leads > MAX_LOG_LEADS:
        found.problems.append(f"{source}: of {leads:,} log entries only the first {MAX_LOG_LEADS} are looked up")
    if unread:
        found.problems.append(f"{source}: {unread:,} lines could not be read")
