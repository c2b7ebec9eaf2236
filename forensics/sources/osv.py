"""OSV: advisories that name a project, joined by alias. Source: OSV API v1; OSV schema 1.7."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.project import Project
from forensics.model.release import Advisory, Span
from forensics.model.times import parse_time
from forensics.sources.interface import Witness, items, mapping, text

if TYPE_CHECKING:
    from forensics.evidence.client import Client

MAX_PAGES = 20
MAX_INDICATORS = 500
"""Domains, URLs and addresses that are taken from one record."""
"""Pages of one query; OSV pages beyond a thousand records."""

MALICIOUS_CWE = "CWE-506"
"""Embedded malicious code."""


async def read_advisories(
    client: Client, endpoints: Endpoints, project: Project, witness: Witness
) -> Outcome[tuple[Advisory, ...]]:
    """Return all records that name *project*, sorted by id; withdrawn ones are kept and say so.

    Raises nothing: an outage, or an answer cut short by paging, is NotChecked.
    """
    records: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}
    evidence: tuple[str, ...] = ()
    token: str | None = None
    for _ in range(MAX_PAGES):
        query: dict[str, Any] = {"package": {"name": project.name, "ecosystem": project.ecosystem.osv_name}}
        if token:
            query["page_token"] = token
        outcome = await witness.ask(client.post(f"{endpoints['osv']}/v1/query", json=query), "advisories")
        if isinstance(outcome, NotChecked):
            return outcome
        if outcome.value.status != 200:
            return witness.miss(f"OSV answered HTTP {outcome.value.status}", "advisories", outcome.evidence)
        try:
            answer = outcome.value.json()
        except (BadAnswer, HostileInput) as error:
            return witness.miss(error.what, "advisories", outcome.evidence)
        if not isinstance(answer, dict) or not isinstance(answer.get("vulns", []), list):
            return witness.miss("OSV's answer is not one to a query", "advisories", outcome.evidence)
        evidence += outcome.evidence
        for raw in items(answer.get("vulns")):
            record = mapping(raw)
            if identifier := text(record.get("id"), 200):
                records[identifier] = (record, outcome.evidence)
        token = text(answer.get("next_page_token"))
        if not token:
            return Checked(_advisories(records, project), evidence)
    return witness.miss(f"OSV still had more records after {MAX_PAGES} pages", "advisories", evidence)


def _advisories(records: dict[str, tuple[dict[str, Any], tuple[str, ...]]], project: Project) -> tuple[Advisory, ...]:
    advisories = [_advisory(identifier, *records[identifier], project) for identifier in sorted(records)]
    return tuple(advisory for advisory in advisories if advisory is not None)


def _advisory(identifier: str, record: dict[str, Any], evidence: tuple[str, ...], project: Project) -> Advisory | None:
    affected = [a for raw in items(record.get("affected")) if _names(a := mapping(raw), project)]
    if not affected:
        return None
    ranges = [mapping(r) for a in affected for r in items(a.get("ranges")) if mapping(r).get("type") != "GIT"]
    versions = [v for a in affected for raw in items(a.get("versions")) if (v := text(raw, 200))]
    aliases = tuple(sorted(name for raw in items(record.get("aliases")) if (name := text(raw, 200))))
    return Advisory(
        id=identifier,
        aliases=aliases,
        summary=text(record.get("summary"), 500) or (text(record.get("details"), 500) or "").partition("\n")[0],
        published=_time(record.get("published")),
        modified=_time(record.get("modified")),
        withdrawn=_time(record.get("withdrawn")),
        versions=tuple(dict.fromkeys(versions)),
        malicious=_malicious(identifier, aliases, record, affected),
        url=None,
        evidence=evidence,
        indicators=_indicators(record, affected),
        affects_all=any(_endless(r) for r in ranges) and not versions,
        ranged=bool(ranges),
        spans=tuple(span for r in ranges for span in _spans(r)),
    )


def _indicators(record: dict[str, Any], affected: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return what a record says to look for. Source: ossf/malicious-packages, `database_specific.iocs`."""
    blocks = [mapping(mapping(one.get("database_specific")).get("iocs")) for one in (record, *affected)]
    found = [
        (kind, value)
        for block in blocks
        for kind, key in (("domain", "domains"), ("url", "urls"), ("ip", "ips"))
        for raw in items(block.get(key))
        if (value := text(raw, 500))
    ]
    return tuple(dict.fromkeys(found))[:MAX_INDICATORS]


def _names(affected: dict[str, Any], project: Project) -> bool:
    package = mapping(affected.get("package"))
    name = (text(package.get("name")) or "").lower().replace("_", "-").replace(".", "-")
    return package.get("ecosystem") == project.ecosystem.osv_name and name in {
        project.name,
        project.name.lower().replace("_", "-").replace(".", "-"),
    }


def _malicious(
    identifier: str, aliases: tuple[str, ...], record: dict[str, Any], affected: list[dict[str, Any]]
) -> bool:
    """A MAL id or alias, GitHub's malware type, or the weakness *embedded malicious code*."""
    if identifier.startswith("MAL-") or any(alias.startswith("MAL-") for alias in aliases):
        return True
    blocks = [mapping(record.get("database_specific"))] + [mapping(a.get("database_specific")) for a in affected]
    for block in blocks:
        weaknesses = [w for w in items(block.get("cwe_ids")) + items(block.get("cwes")) if w]
        names = [w if isinstance(w, str) else text(mapping(w).get("cweId")) for w in weaknesses]
        if MALICIOUS_CWE in names or block.get("type") == "malware" or block.get("malicious-packages-origins"):
            return True
    return False


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


def _time(value: Any) -> datetime | None:
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None
