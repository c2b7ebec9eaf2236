"""Advisories as OSV records (schema 1.7), by the moment they were published.

One record per id that the scenario names; ids that stand together on a release are aliases of each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.lab.plan import PlannedRelease
from tests.lab.scenario import Scenario

Json = dict[str, Any]

ECOSYSTEMS = {"pypi": "PyPI", "npm": "npm"}


@dataclass(frozen=True)
class AdvisoryView:
    """The advisory database at one moment."""

    scenario: Scenario
    releases: Sequence[PlannedRelease]
    moment: datetime

    def records(self) -> list[Json]:
        """Every record published by now."""
        ids = {advisory for release in self.releases for advisory in release.row.advisories}
        made = (self.record(advisory) for advisory in sorted(ids))
        return [record for record in made if record is not None]

    def record(self, advisory: str) -> Json | None:
        """One record, listing the versions that were advised against by now."""
        carriers = [release for release in self._carriers() if advisory in release.row.advisories]
        if not carriers:
            return None
        published = min(release.advisory_published for release in carriers)
        modified = max(release.advisory_published for release in carriers)
        versions = [release.version for release in carriers]
        aliases = {other for release in carriers for other in release.row.advisories} - {advisory}
        malicious = any(release.row.malicious for release in carriers)
        record: Json = {
            "schema_version": "1.7.5",
            "id": advisory,
            "modified": _iso(modified),
            "published": _iso(published),
            "aliases": sorted(aliases),
            "summary": self._summary(advisory, malicious),
            "details": f"{self._summary(advisory, malicious)}: {', '.join(versions)}. Told by a test lab.",
            "affected": [{"package": self._package(), "versions": versions}],
            "references": [{"type": "WEB", "url": url} for url in self.scenario.sources if url.startswith("https://")],
        }
        if advisory.startswith("MAL-"):
            record["database_specific"] = {"malicious-packages-origins": [_origin(advisory, published, versions)]}
        elif malicious and advisory.startswith("GHSA-"):
            record["database_specific"] = {"cwe_ids": ["CWE-506"], "severity": "CRITICAL"}
        return record

    def query(self, question: Json) -> tuple[int, Json]:
        """Status and body of ``POST /v1/query``."""
        package = question.get("package")
        if not isinstance(package, dict):
            return 400, {"code": 3, "message": "Invalid query."}
        name, ecosystem, version = package.get("name"), package.get("ecosystem"), question.get("version")
        if isinstance(package.get("purl"), str):
            name, ecosystem, in_purl = _parse_purl(package["purl"])
            if in_purl and version:
                return 400, {"code": 3, "message": "version specified in both purl and version fields"}
            version = version or in_purl
        own = self._package()
        if (name, ecosystem) != (own["name"], own["ecosystem"]):
            return 200, {}
        found = [record for record in self.records() if not version or version in record["affected"][0]["versions"]]
        return 200, {"vulns": found} if found else {}

    def _carriers(self) -> list[PlannedRelease]:
        return [release for release in self.releases if release.advisory_published <= self.moment]

    def _package(self) -> Json:
        ecosystem = self.scenario.ecosystem
        name = self.scenario.project
        purl = f"pkg:{ecosystem}/{name.replace('@', '%40')}"
        return {"ecosystem": ECOSYSTEMS[ecosystem], "name": name, "purl": purl}

    def _summary(self, advisory: str, malicious: bool) -> str:
        if advisory.startswith("MAL-"):
            return f"Malicious code in {self.scenario.project} ({ECOSYSTEMS[self.scenario.ecosystem]})"
        kind = "Malicious code in releases" if malicious else "Advisory for releases"
        return f"{kind} of {self.scenario.project}"


def _origin(advisory: str, published: datetime, versions: list[str]) -> Json:
    """One entry of ``malicious-packages-origins``: who reported first, and when."""
    return {
        "id": "",
        "import_time": _iso(published),
        "modified_time": _iso(published),
        "sha256": hashlib.sha256(advisory.encode()).hexdigest(),
        "source": "test-lab",
        "versions": versions,
    }


def _parse_purl(purl: str) -> tuple[str, str, str]:
    """Name, ecosystem and version of a purl."""
    kind, _, rest = purl.removeprefix("pkg:").partition("/")
    name, _, version = rest.partition("@")
    return name.replace("%40", "@"), ECOSYSTEMS.get(kind, kind), version


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
