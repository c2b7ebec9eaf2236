"""deps.dev at a moment: package, version, batches, query by hash, advisories.

Follows `api.proto` (v3) and `apiv3alpha.proto`: protobuf in JSON, camelCase, defaults left out. It reads the index a
while behind: a version that was removed stays for a day.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from pypi_attestations import AttestationType
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.lab.plan import PlannedRelease
from tests.lab.world import World

LINGERS = timedelta(days=1)
SLSA = "https://slsa.dev/provenance/v1"

Json = dict[str, Any]


class DepsDevView:
    """What deps.dev says at a moment."""

    def __init__(self, world: World, moment: datetime) -> None:
        self.world = world
        self.moment = moment
        self.system = {"pypi": "PYPI", "npm": "NPM"}[world.scenario.ecosystem]
        self.name = world.scenario.project

    def known(self) -> list[PlannedRelease]:
        """Every version that it lists, in order of publication."""
        return [release for release in self.world.releases if self._knows(release)]

    def package(self) -> Json | None:
        """GetPackage."""
        known = self.known()
        if not known:
            return None
        rows = [
            {
                "versionKey": self._key(release.version),
                "publishedAt": _iso(release.published),
                **({"isDefault": True} if release is known[-1] else {}),
            }
            for release in known
        ]
        return {"packageKey": {"system": self.system, "name": self.name}, "versions": rows}

    def version(self, version: str) -> Json | None:
        """GetVersion, with what the alpha API adds."""
        release = next((r for r in self.known() if r.version == version), None)
        if release is None:
            return None
        home = self.world.scenario.repository.url.removeprefix("https://")
        body: Json = {
            "versionKey": self._key(version),
            "publishedAt": _iso(release.published),
            "licenses": ["Apache-2.0"],
            "links": [{"label": "SOURCE_REPO", "url": self.world.scenario.repository.url}],
            "relatedProjects": self._related(release, home),
        }
        stated = self._stated(release)
        if stated:
            body["attestations"] = stated
            if self.system == "NPM":
                body["slsaProvenances"] = [{k: v for k, v in one.items() if k != "type"} for one in stated]
        advisories = [a for a in release.row.advisories if release.advisory_published <= self.moment]
        if advisories:
            body["advisoryKeys"] = [{"id": one} for one in advisories]
        if release is self.known()[-1]:
            body["isDefault"] = True
        return body

    def findings(self, version: str) -> list[Json]:
        """What the findings API says: malicious where an advisory says so."""
        release = next((r for r in self.known() if r.version == version), None)
        if release is None or not release.row.advisories or release.advisory_published > self.moment:
            return []
        kind = "MALICIOUS" if release.row.malicious else "VULNERABLE"
        return [{"type": kind, "riskLevel": "CRITICAL" if release.row.malicious else "MEDIUM"}]

    def by_hash(self, digest: bytes) -> list[Json]:
        """Query by SHA-256."""
        known = {release.version for release in self.known()}
        return [
            {"version": {"versionKey": self._key(stored.release.version)}}
            for stored in self.world.files
            if stored.release.version in known and hashlib.sha256(stored.artifact.data).digest() == digest
        ]

    def _knows(self, release: PlannedRelease) -> bool:
        ends = [end + LINGERS for end in (release.removed, release.quarantined_from) if end is not None]
        return release.published <= self.moment and all(self.moment < end for end in ends)

    def _key(self, version: str) -> Json:
        return {"system": self.system, "name": self.name, "version": version}

    def _stated(self, release: PlannedRelease) -> list[Json]:
        if not release.attested:
            return []
        kind = AttestationType.PYPI_PUBLISH_V1.value if self.system == "PYPI" else SLSA
        claims = release.claims
        one = {"type": kind, "verified": True, "sourceRepository": claims.repository, "commit": claims.commit}
        return [{**one, "url": f"https://attestations.lab.example/{release.version}/{n}"} for n in release.attested]

    def _related(self, release: PlannedRelease, home: str) -> list[Json]:
        rows = [
            {"projectKey": {"id": home}, "relationProvenance": "UNVERIFIED_METADATA", "relationType": "SOURCE_REPO"}
        ]
        if release.attested:
            own = release.claims.repository.removeprefix("https://")
            word = "PYPI_PUBLISH_ATTESTATION" if self.system == "PYPI" else "SLSA_ATTESTATION"
            rows.append({"projectKey": {"id": own}, "relationProvenance": word, "relationType": "SOURCE_REPO"})
        return rows


def _of_project(view: DepsDevView, repository: str) -> list[Json]:
    """GetProjectPackageVersions: attested versions of every package of the world that name this repository."""
    rows = []
    for package in view.world.packages:
        for release in package.releases:
            own = release.claims.repository.removeprefix("https://").lower()
            if release.attested and own == repository.lower() and release.published <= view.moment:
                key = {"system": view.system, "name": package.name, "version": release.version}
                word = "PYPI_PUBLISH_ATTESTATION" if view.system == "PYPI" else "SLSA_ATTESTATION"
                rows.append({"versionKey": key, "relationType": "SOURCE_REPO", "relationProvenance": word})
    return rows


def depsdev_routes(view: Callable[[], DepsDevView]) -> list[Route]:
    """The API of one world."""

    def ours(system: str, name: str) -> bool:
        return system.upper() == view().system and unquote(name) == view().name

    async def package(request: Request) -> Response:
        system, name, *_ = _segments(request)
        return _or_missing(view().package() if ours(system, name) else None)

    async def version(request: Request) -> Response:
        system, name, _, wanted, *_ = _segments(request)
        return _or_missing(view().version(unquote(wanted)) if ours(system, name) else None)

    async def batch(request: Request) -> Response:
        rows = []
        for question in await _questions(request):
            key = question["versionKey"]
            known = view().version(key["version"]) if ours(key["system"], key["name"]) else None
            rows.append({"request": question, **({"version": known} if known else {})})
        return JSONResponse({"responses": rows})

    async def findings(request: Request) -> Response:
        rows = [
            {"request": question, "findings": view().findings(question["versionKey"]["version"])}
            for question in await _questions(request)
        ]
        return JSONResponse({"responses": rows})

    async def of_project(request: Request) -> Response:
        key, colon, method = str(request.url.path).rpartition("/projects/")[2].rpartition(":")
        rows = _of_project(view(), unquote(key)) if colon and method == "packageversions" else []
        return _or_missing({"versions": rows} if rows else None)

    async def query(request: Request) -> Response:
        value = request.query_params.get("hash.value", "")
        if request.query_params.get("hash.type") != "SHA256":
            return JSONResponse({"code": 3, "message": "unsupported hash"}, 400)
        rows = view().by_hash(base64.b64decode(value))
        return JSONResponse({"results": rows} if rows else {})

    async def advisory(request: Request) -> Response:
        record = view().world.at(view().moment).osv.record(request.path_params["id"])
        if record is None:
            return _or_missing(None)
        key = {"advisoryKey": {"id": record["id"]}, "url": f"https://osv.example/{record['id']}"}
        return JSONResponse({**key, "title": record["summary"], "aliases": record["aliases"]})

    return [
        Route("/v3/query", query),
        Route("/v3/advisories/{id}", advisory),
        Route("/v3/projects/{rest:path}", of_project),
        Route("/v3/systems/{system}/packages/{rest:path}", _either(package, version)),
        Route("/v3alpha/versionbatch", batch, methods=["POST"]),
        Route("/v3alpha/findingsbatch", findings, methods=["POST"]),
    ]


def _either(package: Any, version: Any) -> Any:
    async def chosen(request: Request) -> Response:
        handler = version if len(_segments(request)) == 4 else package
        answer: Response = await handler(request)
        return answer

    return chosen


def _segments(request: Request) -> list[str]:
    """System, name and what follows, as they were sent: a name with a slash in it is one segment, percent-encoded."""
    raw = str(request.scope["raw_path"].decode()).partition("/v3/systems/")[2].split("/")
    return [raw[0], *raw[2:3], *raw[3:]]


async def _questions(request: Request) -> list[Json]:
    body = json.loads(await request.body())
    rows = body.get("requests", [])
    return list(rows[:5000])


def _or_missing(body: Json | None) -> Response:
    return JSONResponse(body) if body is not None else JSONResponse({"code": 5, "message": "not found"}, 404)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
