"""One OSV record as an advisory on a project. Source: OSV schema 1.7; malicious-packages' database_specific."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from forensics.model.project import Project
from forensics.model.release import Advisory, Span
from forensics.model.times import time_of
from forensics.sources.interface import items, mapping, text

MALICIOUS_CWE = "CWE-506"
"""Embedded malicious code."""
MAX_INDICATORS = 500
"""Domains, URLs and addresses that are taken from one record."""

Records = Mapping[str, tuple[dict[str, Any], tuple[str, ...]]]
"""Records by id, each with its evidence."""


def advisories_in(records: Records, project: Project) -> tuple[Advisory, ...]:
    """Return the records that name *project* as advisories, sorted by id, those of one alias group joined."""
    found = (advisory_of(identifier, *records[identifier], project) for identifier in sorted(records))
    return joined(advisory for advisory in found if advisory is not None)


def joined(advisories: Iterable[Advisory]) -> tuple[Advisory, ...]:
    """Return *advisories* by id: what one of an alias group says is malicious, all of it are.

    Ids meet through any alias they share. A withdrawn record says nothing any more, about itself or others.
    """
    ordered = sorted({one.id: one for one in advisories}.values(), key=lambda one: one.id)
    leader: dict[str, str] = {}

    def first(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for one in ordered:
        for alias in () if one.withdrawn else one.aliases:
            leader[first(alias)] = first(one.id)
    bad = {first(one.id) for one in ordered if one.malicious and not one.withdrawn}
    return tuple(
        replace(one, malicious=one.malicious or (not one.withdrawn and first(one.id) in bad)) for one in ordered
    )


def advisory_of(
    identifier: str, record: dict[str, Any], evidence: tuple[str, ...], project: Project
) -> Advisory | None:
    """Return a record as an advisory on *project*, None where it does not name it."""
    affected = [a for raw in items(record.get("affected")) if _names(a := mapping(raw), project)]
    if not affected:
        return None
    ranges = [mapping(r) for a in affected for r in items(a.get("ranges")) if mapping(r).get("type") != "GIT"]
    versions = [v for a in affected for raw in items(a.get("versions")) if (v := text(raw, 200))]
    aliases = tuple(sorted(name for raw in items(record.get("aliases")) if (name := text(raw, 200))))
    blocks = [mapping(one.get("database_specific")) for one in (record, *affected)]
    return Advisory(
        id=identifier,
        aliases=aliases,
        summary=text(record.get("summary"), 500) or (text(record.get("details"), 500) or "").partition("\n")[0],
        published=time_of(record.get("published")),
        modified=time_of(record.get("modified")),
        withdrawn=time_of(record.get("withdrawn")),
        versions=tuple(dict.fromkeys(versions)),
        malicious=_malicious(identifier, aliases, blocks),
        url=None,
        evidence=evidence,
        affects_all=any(_endless(r) for r in ranges) and not versions,
        ranged=bool(ranges),
        spans=tuple(span for r in ranges for span in _spans(r)),
        reports=tuple(sorted(_reports(blocks), key=lambda report: (report[1], report[0]))),
        indicators=_indicators(blocks),
    )


def _names(affected: dict[str, Any], project: Project) -> bool:
    package = mapping(affected.get("package"))
    name = (text(package.get("name")) or "").lower().replace("_", "-").replace(".", "-")
    return package.get("ecosystem") == project.ecosystem.osv_name and name in {
        project.name,
        project.name.lower().replace("_", "-").replace(".", "-"),
    }


def _malicious(identifier: str, aliases: tuple[str, ...], blocks: list[dict[str, Any]]) -> bool:
    """A MAL id or alias, GitHub's malware type, or the weakness *embedded malicious code*."""
    if identifier.startswith("MAL-") or any(alias.startswith("MAL-") for alias in aliases):
        return True
    for block in blocks:
        weaknesses = [w for w in items(block.get("cwe_ids")) + items(block.get("cwes")) if w]
        names = [w if isinstance(w, str) else text(mapping(w).get("cweId")) for w in weaknesses]
        if MALICIOUS_CWE in names or block.get("type") == "malware" or block.get("malicious-packages-origins"):
            return True
    return False


def _reports(blocks: list[dict[str, Any]]) -> set[tuple[str, datetime]]:
    """Who reported when: the times at which the collection of malicious packages took each report in."""
    found: set[tuple[str, datetime]] = set()
    for raw in (origin for block in blocks for origin in items(block.get("malicious-packages-origins"), 1000)):
        at = time_of(mapping(raw).get("import_time"))
        if at is not None:
            found.add((text(mapping(raw).get("source"), 200) or "an unnamed reporter", at))
    return found


def _indicators(blocks: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return what a record says to look for. Source: ossf/malicious-packages, `database_specific.iocs`."""
    found = [
        (kind, value)
        for block in (mapping(one.get("iocs")) for one in blocks)
        for kind, key in (("domain", "domains"), ("url", "urls"), ("ip", "ips"))
        for raw in items(block.get(key))
        if (value := text(raw, 500))
    ]
    return tuple(dict.fromkeys(found))[:MAX_INDICATORS]


def _endless(block: dict[str, Any]) -> bool:
    events = [mapping(event) for event in items(block.get("events"))]
    return any(e.get("introduced") == "0" for e in events) and not any(
        "fixed" in e or "last_affected" in e for e in events
    )


def _spans(block: dict[str, Any]) -> list[Span]:
    """Return the spans of one range, by its events in order. Source: OSV schema, `affected[].ranges[].events`."""
    spans: list[Span] = []
    start: str | None = None
    is_open = False
    for raw in items(block.get("events"), 10_000):
        event = mapping(raw)
        begins, ends = text(event.get("introduced"), 200), text(event.get("fixed"), 200)
        last = text(event.get("last_affected"), 200)
        if begins is not None:
            if is_open:
                spans.append(Span(start))
            start, is_open = (None if begins == "0" else begins), True
        elif is_open and (ends or last):
            spans.append(Span(start, fixed=ends, last=None if ends else last))
            is_open = False
    return [*spans, Span(start)] if is_open else spans
