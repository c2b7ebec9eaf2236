"""What a responder or a public lead adds to a case: exports, hash lists, facts. Named with their source, never judged.

Kinds of import: `export` (rows of the index's public table `distribution_metadata`, JSON lines or CSV), `hashes`
(`sha256  filename` lines), `requirements` (pins with hashes), `facts` (a TOML file, or single facts added by hand),
`lead` (a lead file of a public incident).
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from forensics.model.errors import ForensicsError, UsageError
from forensics.model.event import TimeKind
from forensics.model.project import Project
from forensics.model.release import Mention
from forensics.model.times import parse_time, to_iso
from forensics.sources.interface import hex_digest, items, mapping, text
from forensics.sources.pypi import version_of

if TYPE_CHECKING:
    from forensics.evidence.case import Import

LEAD_SCHEMA = "forensics/lead/1"
KINDS = ("export", "hashes", "requirements", "facts", "lead")
MAX_ROWS = 1_000_000
MAX_FIELD = 16 * 2**20
"""Longest field of a CSV export in characters; the table carries whole project descriptions."""


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file that a supplement names: its digest (lower-case hex), and what else the source states."""

    filename: str
    version: str
    sha256: str | None
    size: int | None = None
    uploaded_at: datetime | None = None
    path: str | None = None
    upload_client: str | None = None
    evidence: tuple[str, ...] = ()
    sha512: str | None = None

    @property
    def digest(self) -> str | None:
        """The digest that logs are searched by: SHA-512 where it is stated, else SHA-256."""
        return self.sha512 or self.sha256


@dataclass(frozen=True, slots=True)
class StatedTime:
    """A time that a supplement states for a version: `published` or `removed`, whose word it is, and from where."""

    version: str
    what: str
    at: datetime
    kind: TimeKind
    source: str
    evidence: tuple[str, ...]


@dataclass(slots=True)
class Supplements:
    """Everything that imports say about one project."""

    files: list[NamedFile] = field(default_factory=list)
    times: list[StatedTime] = field(default_factory=list)
    mentions: dict[str, list[Mention]] = field(default_factory=dict)
    loose_hashes: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    log_indices: list[tuple[int, str, str, tuple[str, ...]]] = field(default_factory=list)
    advisory_ids: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    asked: int = 0
    problems: list[str] = field(default_factory=list)

    def mention(self, version: str, source: str, words: str, evidence: tuple[str, ...]) -> None:
        """Note that *source* names *version*; the same words twice count once."""
        entry = Mention(source, words, evidence)
        known = self.mentions.setdefault(version, [])
        if entry not in known:
            known.append(entry)

    def versions(self) -> set[str]:
        """Return every version that a supplement names."""
        named = {f.version for f in self.files} | {t.version for t in self.times}
        return named | set(self.mentions)


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
    head = data[:65536].decode("utf-8", errors="replace")
    first = head.lstrip().partition("\n")[0]
    if name.endswith(".toml") or "[[fact]]" in head:
        return "lead" if re.search(rf'^schema\s*=\s*["\']{LEAD_SCHEMA}["\']', head, re.MULTILINE) else "facts"
    if "sha256_digest" in first:
        return "export"
    if "--hash=sha256:" in head:
        return "requirements"
    if re.match(r"[0-9a-fA-F]{64}(\s|$)", first):
        return "hashes"
    raise UsageError(
        f"{name} is of no kind that can be imported.",
        advice=f"Name one with --kind: {', '.join(KINDS)}; `forensics case import --help` says what each looks like.",
    )


def _lines(data: bytes) -> list[str]:
    # Not splitlines(): U+2028 and its like stand unescaped in JSON strings and do not end a row.
    rows = data.decode("utf-8-sig").split("\n")
    if len(rows) > MAX_ROWS:
        raise ValueError(f"more than {MAX_ROWS} rows")
    return [row.removesuffix("\r") for row in rows]


def _toml(data: bytes) -> dict[str, Any]:
    return tomllib.loads(data.decode("utf-8-sig"))


def _read_export(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Rows of `bigquery-public-data.pypi.distribution_metadata`; integers may be strings, times end in ` UTC`."""
    import msgspec

    rows: Iterable[dict[str, Any]]
    lines = _lines(data)
    if lines and lines[0].lstrip().startswith("{"):
        rows = (mapping(msgspec.json.decode(line.encode())) for line in lines if line.strip())
    else:
        csv.field_size_limit(MAX_FIELD)
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        if not {"filename", "version", "sha256_digest"} <= set(rows.fieldnames or ()):
            raise ValueError("the header names no columns filename, version and sha256_digest")
    for row in rows:
        name = (text(row.get("name")) or project.name).lower()
        filename, version = text(row.get("filename"), 1000), text(row.get("version"), 200)
        if not filename or not version or re.sub(r"[-_.]+", "-", name) != project.name:
            continue
        path = (text(row.get("path")) or "").removeprefix("/").removeprefix("packages/")
        found.files.append(
            NamedFile(
                filename=filename,
                version=version,
                sha256=hex_digest(row.get("sha256_digest")),
                size=_size(row.get("size")),
                uploaded_at=_loose_time(row.get("upload_time")),
                path=f"/packages/{path}" if path else None,
                upload_client=text(row.get("uploaded_via"), 300),
                evidence=evidence,
            )
        )
        found.mention(version, source, f"lists {filename} as uploaded", evidence)


def _size(value: Any) -> int | None:
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _loose_time(value: Any) -> datetime | None:
    if not isinstance(value, str) or not value:
        return None
    try:
        return parse_time(value.removesuffix(" UTC").strip())
    except ValueError:
        return None


def _read_hashes(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Lines of `sha256sum`, folders dropped; a digest without a name stays loose: prose maps no hash to a file."""
    for line in _lines(data):
        digest, _, name = line.strip().replace("\t", " ", 1).partition(" ")
        sha256, filename = hex_digest(digest), PurePosixPath(name.strip().lstrip("*")).name
        if sha256 is None:
            continue
        version = version_of(filename) if filename else None
        if version is None or not _belongs(filename, project):
            found.loose_hashes.append((sha256, source, evidence))
            continue
        found.files.append(NamedFile(filename, version, sha256, evidence=evidence))
        found.mention(version, source, f"names {filename} with its digest", evidence)


def _belongs(filename: str, project: Project) -> bool:
    stem = filename.removesuffix(".tar.gz").removesuffix(".zip")
    name = stem.split("-")[0] if filename.endswith(".whl") else stem.rpartition("-")[0]
    return re.sub(r"[-_.]+", "-", name).lower() == project.name


# Exactly one version: no wildcard, no second clause, no `===` of something that is no version.
_PIN = re.compile(
    r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*==\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*)(?=[\s;\\#]|$)"
)


def _read_requirements(
    data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements
) -> None:
    """Pins with hashes; a pin's hashes are loose, for the file does not say which is of which artifact."""
    version: str | None = None
    for line in _lines(data):
        if not line.lstrip().startswith(("--hash", "#")) and line.strip():
            version = None
        if match := _PIN.match(line):
            name = re.sub(r"[-_.]+", "-", match.group(1)).lower()
            version = match.group(2) if name == project.name else None
            if version:
                found.mention(version, source, "pins this version", evidence)
        if version:
            found.loose_hashes += [(h.lower(), source, evidence) for h in re.findall(r"sha256:([0-9a-fA-F]{64})", line)]


def _read_facts(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """`[[fact]]` tables: kind (`removed`, `published`, `hash`, `link`), version, and at, filename, sha256 or url."""
    facts = items(_toml(data).get("fact"))
    if not facts:
        raise ValueError("it holds no [[fact]] table")
    for raw in facts:
        read_fact(mapping(raw), source, evidence, found)


def _read_single_fact(
    data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements
) -> None:
    """One line of what `case add` writes: the fact, and around it who added it when."""
    import msgspec

    read_fact(mapping(mapping(msgspec.json.decode(data)).get("fact")), source, evidence, found)


def read_fact(fact: dict[str, Any], source: str, evidence: tuple[str, ...], found: Supplements) -> None:
    """Take one fact into *found*; raises ValueError with the reason when it states nothing that can be used."""
    kind, version = text(fact.get("kind")), text(fact.get("version"), 200)
    source = text(fact.get("source"), 500) or source
    if not version:
        raise ValueError(f"a fact of kind {kind!r} names no version")
    if kind in {"removed", "published", "quarantined"}:
        at = _fact_time(fact.get("at"))
        found.times.append(StatedTime(version, kind, at, TimeKind.STATED_BY_RESPONDER, source, evidence))
        found.mention(version, source, f"states that it was {kind} at {to_iso(at)}", evidence)
    elif kind == "hash":
        filename, sha256 = text(fact.get("filename"), 1000), hex_digest(fact.get("sha256"))
        if not filename or not sha256:
            raise ValueError("a fact of kind 'hash' needs filename and sha256")
        found.files.append(NamedFile(filename, version, sha256, evidence=evidence))
        found.mention(version, source, f"names {filename} with its digest", evidence)
    elif kind == "link":
        found.mention(version, source, f"see {text(fact.get('url'), 2000)}", evidence)
    else:
        raise ValueError(f"a fact of kind {kind!r} is not one of removed, published, quarantined, hash, link")


def _fact_time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return parse_time(value.isoformat())
    if isinstance(value, str):
        return exact_time(value)
    raise ValueError("a fact with a time needs `at`, an RFC 3339 time")


def exact_time(value: str) -> datetime:
    """Return the UTC time that *value* states; raises ValueError also for a date, which is no time."""
    if not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", value):
        raise ValueError(f"{value[:40]!r} is not an RFC 3339 time such as 2024-12-05T09:15:00Z")
    return parse_time(value)


def _read_lead(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """A lead file: releases, log indices, advisory ids and hashes, each with its public source."""
    lead = _toml(data)
    if lead.get("schema") != LEAD_SCHEMA:
        raise ValueError(f"it does not say schema = {LEAD_SCHEMA!r}")
    if lead.get("project") != str(project):
        raise ValueError(f"the lead is about {str(lead.get('project'))[:100]}, not {project}")
    titles = {text(mapping(s).get("id")): text(mapping(s).get("title"), 300) for s in items(lead.get("source"))}

    def named(entry: dict[str, Any]) -> str:
        key = text(entry.get("source"), 300)
        return (titles.get(key) or key or source) if key else source

    for raw in items(lead.get("release")):
        _lead_release(mapping(raw), named, evidence, found)
    for raw in items(lead.get("log")):
        entry = mapping(raw)
        if isinstance(index := entry.get("index"), int):
            found.log_indices.append((index, text(entry.get("about")) or "", named(entry), evidence))
    for raw in items(lead.get("advisory")):
        entry = mapping(raw)
        found.advisory_ids.append((text(entry.get("id")) or "", named(entry), evidence))
    for raw in items(lead.get("hashes")):
        entry = mapping(raw)
        for value in items(entry.get("sha256")):
            if digest := hex_digest(value):
                found.loose_hashes.append((digest, named(entry), evidence))


def _lead_release(
    entry: dict[str, Any], named: Callable[[dict[str, Any]], str], evidence: tuple[str, ...], found: Supplements
) -> None:
    version = text(entry.get("version"), 200)
    if not version:
        return
    found.mention(version, named(entry), "names it as a release of this incident", evidence)
    for what in ("published", "removed"):
        if isinstance(at := entry.get(what), datetime):
            at = parse_time(at.isoformat())
            found.times.append(StatedTime(version, what, at, TimeKind.STATED_BY_LEAD, named(entry), evidence))
            found.mention(version, named(entry), f"reports that it was {what} at {to_iso(at)}", evidence)
    for raw in items(entry.get("file")):
        file = mapping(raw)
        if filename := text(file.get("filename"), 1000):
            found.files.append(NamedFile(filename, version, hex_digest(file.get("sha256")), evidence=evidence))


Reader = Callable[[bytes, str, tuple[str, ...], Project, Supplements], None]
_READERS: dict[str, Reader] = {
    "export": _read_export,
    "hashes": _read_hashes,
    "requirements": _read_requirements,
    "facts": _read_facts,
    "fact": _read_single_fact,
    "lead": _read_lead,
}
