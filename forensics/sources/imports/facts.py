"""Facts added by hand or in TOML, and lead files of public incidents."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from forensics.model.event import TimeKind
from forensics.model.project import Project
from forensics.model.times import parse_time, to_iso
from forensics.model.toml import parse_toml
from forensics.sources.interface import hex_digest, items, mapping, text
from forensics.sources.supplied import NamedFile, StatedTime, Supplements

LEAD_SCHEMA = "forensics/lead/1"


def read_facts(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """`[[fact]]` tables: kind (`removed`, `published`, `hash`, `link`), version, and at, filename, sha256 or url.

    Raises ValueError for a file without one, and as `read_fact` and `parse_toml` do.
    """
    facts = items(parse_toml(data.decode("utf-8-sig")).get("fact"))
    if not facts:
        raise ValueError("it holds no [[fact]] table")
    for raw in facts:
        read_fact(mapping(raw), source, evidence, found)


def read_single_fact(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
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
        filename = text(fact.get("filename"), 1000)
        sha256, sha512 = hex_digest(fact.get("sha256")), hex_digest(fact.get("sha512"), 128)
        if not filename or not (sha256 or sha512):
            raise ValueError("a fact of kind 'hash' needs filename and sha256, or sha512 for npm")
        found.files.append(NamedFile(filename, version, sha256, evidence=evidence, sha512=sha512))
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


def read_lead(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """A lead file: releases, log indices, advisory ids and hashes, each with its public source.

    Raises ValueError for another schema and for a lead about another project, and as `parse_toml` does.
    """
    lead = parse_toml(data.decode("utf-8-sig"))
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
