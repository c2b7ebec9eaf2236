"""OSV: advisories that name a project, joined by alias. Source: OSV API v1; OSV schema 1.7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.project import Ecosystem, Project
from forensics.model.release import Advisory
from forensics.sources.interface import Witness, items, mapping, text
from forensics.sources.osv_record import advisories_in

if TYPE_CHECKING:
    from forensics.evidence.client import Client

MAX_PAGES = 20
"""Pages of one query; OSV pages beyond a thousand records."""

MAX_RECORDS = 20
"""Records that are asked for by id: aliases that the query did not bring, and ids that somebody else names."""
BATCH = 1000
"""Packages of one batch query, the service's own limit."""
_ASKED = ("MAL-", "GHSA-", "PYSEC-")
"""Aliases worth asking for: databases of packages. A CVE names no version of a package index."""


async def read_advisories(
    client: Client, endpoints: Endpoints, project: Project, witness: Witness, also: Sequence[str] = ()
) -> Outcome[tuple[Advisory, ...]]:
    """Return all records that name *project*, sorted by id; withdrawn ones are kept and say so.

    Aliases that the query did not bring, and the ids *also* that others name, are asked for one by one. Raises nothing:
    an outage, or an answer cut short by paging, is NotChecked.
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
            records |= await _single(client, endpoints, _missing(records, also))
            return Checked(advisories_in(records, project), evidence)
    return witness.miss(f"OSV still had more records after {MAX_PAGES} pages", "advisories", evidence)


def _missing(records: Mapping[str, Any], also: Sequence[str]) -> list[str]:
    aliases = {text(raw, 200) or "" for record, _ in records.values() for raw in items(record.get("aliases"))}
    wanted = {name for name in aliases if name.startswith(_ASKED)} | {name[:200] for name in also if name}
    return sorted(name for name in wanted if name not in records)[:MAX_RECORDS]


async def _single(
    client: Client, endpoints: Endpoints, ids: Sequence[str]
) -> dict[str, tuple[dict[str, Any], tuple[str, ...]]]:
    """Return the records with these ids, as far as they are there and were asked for; an alias may lead nowhere."""
    found: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {}
    aside = Witness("OSV")  # ids that were imported after the collection were not asked for, which is no failure
    for identifier in ids:
        url = f"{endpoints['osv']}/v1/vulns/{quote(identifier, safe='')}"
        outcome = await aside.ask(client.get(url), "advisories")
        if isinstance(outcome, NotChecked) or outcome.value.status != 200:
            continue
        try:
            record = mapping(outcome.value.json())
        except (BadAnswer, HostileInput):
            continue
        if text(record.get("id")) == identifier:
            found[identifier] = (record, outcome.evidence)
    return found


async def advised_among(
    client: Client, endpoints: Endpoints, ecosystem: Ecosystem, names: Sequence[str], witness: Witness
) -> Outcome[dict[str, tuple[str, ...]]]:
    """Return which of the packages *names* have advisories, with their ids. Source: OSV API, `querybatch`."""
    found: dict[str, tuple[str, ...]] = {}
    evidence: tuple[str, ...] = ()
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        queries = [{"package": {"name": name, "ecosystem": ecosystem.osv_name}} for name in some]
        call = client.post(f"{endpoints['osv']}/v1/querybatch", json={"queries": queries})
        outcome = await witness.ask(call, "advisories")
        if isinstance(outcome, NotChecked):
            return outcome
        try:
            results = mapping(outcome.value.json()).get("results") if outcome.value.status == 200 else None
        except (BadAnswer, HostileInput) as error:
            return witness.miss(error.what, "advisories", outcome.evidence)
        if not isinstance(results, list) or len(results) != len(some):
            return witness.miss("OSV's answer is not one to a batch", "advisories", outcome.evidence)
        evidence += outcome.evidence
        for name, raw in zip(some, results, strict=True):
            ids = tuple(i for row in items(mapping(raw).get("vulns"), 1000) if (i := text(mapping(row).get("id"), 200)))
            found |= {name: ids} if ids else {}
    return Checked(found, evidence)
