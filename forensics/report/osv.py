"""A draft of an OSV record on the releases that are likely compromised, to be completed and submitted by a person.

Source: OSV schema 1.7 (`id`, `modified`, `affected`, `references`, `credits`, `database_specific`). Repositories of
malicious packages give the number: `MAL-0000-…` stands in until then.
"""

from __future__ import annotations

import json
import re
from typing import Any

from forensics.model.document import AdvisoryDoc, Document, ReleaseDoc
from forensics.model.errors import UsageError
from forensics.model.finding import Verdict
from forensics.model.project import Ecosystem
from forensics.model.text import visible
from forensics.report.clean import clean, hosts_of, linkable
from forensics.report.indicators import INDICATOR, indicators_of
from forensics.report.words import unremoved, when

SCHEMA_VERSION = "1.7.0"


def render_osv(document: Document) -> str:
    """Return a draft record about the likely compromised releases of *document*.

    Raises UsageError when there is none: a suspicion is not a record.
    """
    shown = clean(document)
    bad = [r for r in shown["releases"] if r["verdict"] == Verdict.LIKELY_COMPROMISED.value]
    if not bad:
        raise UsageError(
            f"No release of {visible(document['project']['name'])} is likely compromised: there is no record to draft.",
            advice="A suspicion belongs into a report: forensics report CASE -o report.md",
        )
    return json.dumps(_record(shown, document, bad), ensure_ascii=True, indent=2) + "\n"


def _record(shown: Document, raw: Document, bad: list[ReleaseDoc]) -> dict[str, Any]:
    project, case = shown["project"], shown["case"]
    versions = [release["version"] for release in bad]
    aliases, related = _others(shown["advisories"], set(versions))
    ecosystem = Ecosystem(raw["project"]["ecosystem"]).osv_name
    slug = re.sub(r"[^a-z0-9-]+", "-", project["name"].lower()).strip("-")[:80] or "package"
    record: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "id": f"MAL-0000-{slug}",
        "modified": case["collected_at"],
        "summary": f"Malicious code in {project['name']} ({ecosystem})",
        "details": _details(shown, bad),
    }
    if aliases:
        record["aliases"] = aliases
    if related:
        record["related"] = related
    record["affected"] = [
        {
            "package": {
                "ecosystem": ecosystem,
                "name": project["name"],
                "purl": project["purl"],
            },
            "versions": versions,
            "database_specific": {"cwes": [{"cweId": "CWE-506", "name": "Embedded Malicious Code"}]},
        }
    ]
    if linkable(raw["project"]["repository_url"], hosts_of(raw)):
        record["references"] = [{"type": "PACKAGE", "url": raw["project"]["repository_url"]}]
    record["credits"] = [{"name": "release-forensics", "type": "TOOL"}]
    record["database_specific"] = _specific(shown, raw)
    return record


def _others(advisories: list[AdvisoryDoc], versions: set[str]) -> tuple[list[str], list[str]]:
    """Return ids of records that name exactly these versions, and of others that name some of them."""
    aliases: dict[str, None] = {}
    related: dict[str, None] = {}
    for advisory in advisories:
        if advisory["withdrawn"] or versions.isdisjoint(advisory["versions"]):
            continue
        same = set(advisory["versions"]) == versions
        (aliases if same else related).update(dict.fromkeys((advisory["id"], *advisory["aliases"])))
    return list(aliases), [name for name in related if name not in aliases]


def _details(shown: Document, bad: list[ReleaseDoc]) -> str:
    lines = ["DRAFT, written by release-forensics from recorded evidence. Check it before it is submitted.", ""]
    if shown["case"]["label"]:
        lines += [shown["case"]["label"], ""]
    lines += [sentence["text"] for sentence in shown["sentences"]]
    lines += ["", "Times of the affected releases (UTC):", ""]
    for release in bad:
        gone = f"removed {when(release['removed'])}" if release["removed"] else unremoved(release["listed"])
        lines.append(f"- {release['version']}: published {when(release['published']) or 'at an unknown time'}, {gone}")
    return "\n".join(lines)


def _specific(shown: Document, raw: Document) -> dict[str, Any]:
    iocs: dict[str, list[str]] = {}
    names = {"sha256": "sha256", "sha256-inside": "sha256_inside", "domain": "domains", "url": "urls", "ip": "ips"}
    for one in indicators_of(raw):
        if one.role == INDICATOR and one.type in names:
            iocs.setdefault(names[one.type], []).append(one.value)
    specific: dict[str, Any] = {
        "draft": True,
        "iocs": iocs,
        "last_good": [wave["last_good"]["version"] for wave in shown["waves"] if wave["last_good"]],
        "case": shown["case"]["id"],
    }
    if shown["case"]["label"]:
        specific["reconstruction"] = shown["case"]["label"]
    return specific
