"""deps.dev: what another reader of the index says about a package, its versions and their attestations.

Its answers are protobuf in JSON: what is false, empty or zero is left out, so a missing key is its default and no gap.
A package or version that it does not know answers 404; that is its word, and no word about the index.
Source: deps.dev API, v3 and v3alpha (`api.proto`, `apiv3alpha.proto`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.opinion import Finding, Opinion, RelatedProject, StatedAttestation
from forensics.model.project import Ecosystem, Project
from forensics.model.release import Advisory
from forensics.model.times import time_of
from forensics.sources.interface import Witness, items, mapping, text

if TYPE_CHECKING:
    from forensics.evidence.client import Client

NEEDS = "deps.dev"
BATCH = 5000
"""Versions of one question to a batch method, the service's own limit."""
MAX_PAGES = 10
SINGLE = 20
"""Versions that are asked for one by one where the batch, which is of the alpha API, does not answer."""
MAX_HASHES = 20
MAX_ADVISORIES = 20
_SYSTEMS = {Ecosystem.PYPI: "PYPI", Ecosystem.NPM: "NPM"}


@dataclass(frozen=True, slots=True)
class Opinions:
    """What deps.dev says of a project: its versions with times, and an opinion of each that it gave one of.

    `known` False: it knows no such package. `unknown` says why a version has no opinion. `by_hash` are the versions
    that hold a file with a SHA-256.
    """

    known: bool
    published: Mapping[str, datetime | None] = field(default_factory=dict)
    opinions: Mapping[str, Opinion] = field(default_factory=dict)
    unknown: NotChecked = field(default_factory=lambda: NotChecked("deps.dev does not list this version", NEEDS))
    by_hash: Mapping[str, Checked[tuple[str, ...]]] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


@dataclass(slots=True)
class DepsDev:
    """The service at *base*, asked about *project*."""

    client: Client
    base: str
    project: Project
    witness: Witness

    @property
    def system(self) -> str:
        """The name of the package system."""
        return _SYSTEMS[self.project.ecosystem]

    async def opinions(self) -> Outcome[Opinions]:
        """Return what it says of the project and of each version that it lists."""
        outcome = await self._json("GET", f"/v3/systems/{self.system}/packages/{quote(self.project.name, safe='')}")
        if isinstance(outcome, NotChecked):
            return outcome
        status, body = outcome.value
        if status == 404:
            return Checked(Opinions(False, evidence=outcome.evidence), outcome.evidence)
        published = dict(sorted(_published(body).items()))
        given = await self._versions(list(published))
        unknown = (
            given if isinstance(given, NotChecked) else NotChecked("deps.dev has no opinion of this version", NEEDS)
        )
        opinions = {} if isinstance(given, NotChecked) else given.value
        opinions = await self._with_findings(opinions)
        evidence = (*outcome.evidence, *given.evidence)
        return Checked(Opinions(True, published, opinions, unknown, evidence=evidence), evidence)

    async def with_hashes(self, opinions: Opinions, digests: Sequence[str]) -> Opinions:
        """Return *opinions* with the versions that hold a file with one of *digests* (SHA-256 in hex), if told."""
        told = {digest: await self._query(digest) for digest in digests[:MAX_HASHES]}
        return replace(opinions, by_hash={digest: one for digest, one in told.items() if isinstance(one, Checked)})

    async def advisories(self, opinions: Opinions) -> tuple[Advisory, ...]:
        """Return the advisories that the opinions name, as far as deps.dev tells them: ids, aliases and titles."""
        versions: dict[str, list[str]] = {}
        for version, opinion in opinions.opinions.items():
            for identifier in opinion.advisories:
                versions.setdefault(identifier, []).append(version)
        found: list[Advisory] = []
        for identifier in sorted(versions)[:MAX_ADVISORIES]:
            outcome = await self._json("GET", f"/v3/advisories/{quote(identifier, safe='')}")
            body = outcome.value[1] if isinstance(outcome, Checked) else {}
            aliases = tuple(sorted(a for raw in items(body.get("aliases")) if (a := text(raw, 200))))
            found.append(
                Advisory(
                    id=identifier,
                    aliases=aliases,
                    summary=text(body.get("title"), 500) or "",
                    published=None,
                    modified=None,
                    withdrawn=None,
                    versions=tuple(versions[identifier]),
                    malicious=any(name.startswith("MAL-") for name in (identifier, *aliases)),
                    evidence=(*opinions.evidence, *outcome.evidence),
                    ranged=True,  # it matches versions against ranges itself, so its lists are derived
                )
            )
        return tuple(found)

    async def _versions(self, versions: list[str]) -> Outcome[dict[str, Opinion]]:
        batch = await self._batch("/v3alpha/versionbatch", versions)
        if isinstance(batch, Checked):
            rows = {
                v: _opinion(v, mapping(row.get("version")), ids) for v, row, ids in batch.value if row.get("version")
            }
            return Checked(rows, batch.evidence)
        found: dict[str, Opinion] = {}
        evidence = batch.evidence
        for version in versions[-SINGLE:]:
            place = f"/v3/systems/{self.system}/packages/{quote(self.project.name, safe='')}/versions/"
            outcome = await self._json("GET", place + quote(version, safe=""))
            if isinstance(outcome, NotChecked):
                return outcome if not found else Checked(found, evidence)
            evidence += outcome.evidence
            if outcome.value[0] == 200:
                found[version] = _opinion(version, outcome.value[1], outcome.evidence)
        return Checked(found, evidence)

    async def _with_findings(self, opinions: dict[str, Opinion]) -> dict[str, Opinion]:
        """Return *opinions* with the findings of the alpha API, where it gives them."""
        batch = await self._batch("/v3alpha/findingsbatch", list(opinions))
        if isinstance(batch, NotChecked):
            return opinions
        told = dict(opinions)
        for version, row, ids in batch.value:
            rows = items(row.get("findings")) or items(mapping(row.get("findings")).get("findings"))
            found = tuple(_finding(mapping(raw)) for raw in rows)
            if version in told:
                evidence = (*told[version].evidence, *ids)
                told[version] = replace(told[version], findings=found, evidence=evidence)
        return told

    async def _batch(
        self, path: str, versions: list[str]
    ) -> Outcome[list[tuple[str, dict[str, Any], tuple[str, ...]]]]:
        """Return the rows of a batch method, each with its version and its evidence; only whole answers count."""
        rows: list[tuple[str, dict[str, Any], tuple[str, ...]]] = []
        evidence: tuple[str, ...] = ()
        for start in range(0, len(versions), BATCH):
            token = ""
            for _ in range(MAX_PAGES):
                keys = [
                    {"system": self.system, "name": self.project.name, "version": v} for v in versions[start:][:BATCH]
                ]
                question = {
                    "requests": [{"versionKey": key} for key in keys],
                    **({"pageToken": token} if token else {}),
                }
                outcome = await self._json("POST", path, question)
                if isinstance(outcome, NotChecked):
                    return outcome
                status, body = outcome.value
                evidence += outcome.evidence
                if status != 200 or not isinstance(body.get("responses", []), list):
                    reason = f"deps.dev answered its batch of the alpha API with HTTP {status}"
                    return NotChecked(reason, NEEDS, evidence)
                for raw in map(mapping, items(body.get("responses"))):
                    version = text(mapping(mapping(raw.get("request")).get("versionKey")).get("version"), 300)
                    rows += [(version, raw, outcome.evidence)] if version else []
                token = text(body.get("nextPageToken"), 4000) or ""
                if not token:
                    break
            else:
                return self.witness.miss(f"deps.dev still had more after {MAX_PAGES} pages", NEEDS, evidence)
        return Checked(rows, evidence)

    async def _query(self, digest: str) -> Outcome[tuple[str, ...]]:
        """Return the versions, as `name version`, that hold a file with this SHA-256 (hex)."""
        value = quote(base64.b64encode(bytes.fromhex(digest)).decode(), safe="")
        outcome = await self._json("GET", f"/v3/query?hash.type=SHA256&hash.value={value}")
        if isinstance(outcome, NotChecked):
            return outcome
        status, body = outcome.value
        rows = items(body.get("results")) or items(body.get("versions")) if status == 200 else []
        keys = [
            mapping(mapping(row.get("version")).get("versionKey") or row.get("versionKey"))
            for row in map(mapping, rows)
        ]
        named = [f"{text(key.get('name'), 300)} {text(key.get('version'), 300)}" for key in keys if key]
        return Checked(tuple(named), outcome.evidence)

    async def _json(self, method: str, path: str, question: Any = None) -> Outcome[tuple[int, dict[str, Any]]]:
        """Return status and object of an answer with status 200 or 404, why there is none otherwise."""
        url = f"{self.base}{path}"
        call = self.client.get(url) if method == "GET" else self.client.post(url, json=question)
        outcome = await self.witness.ask(call, NEEDS)
        if isinstance(outcome, NotChecked):
            return outcome
        answer = outcome.value
        if answer.status == 404:
            return Checked((404, {}), outcome.evidence)
        if answer.status != 200:
            return self.witness.miss(f"deps.dev answered HTTP {answer.status}", NEEDS, outcome.evidence)
        try:
            body = answer.json()
        except (BadAnswer, HostileInput) as error:
            return self.witness.miss(error.what, NEEDS, outcome.evidence)
        if not isinstance(body, dict):
            return self.witness.miss("deps.dev's answer is not a JSON object", NEEDS, outcome.evidence)
        return Checked((200, body), outcome.evidence)


def _published(body: dict[str, Any]) -> dict[str, datetime | None]:
    rows = [
        (text(mapping(row.get("versionKey")).get("version"), 300), row)
        for row in map(mapping, items(body.get("versions")))
    ]
    return {version: time_of(row.get("publishedAt")) for version, row in rows if version}


def _opinion(version: str, body: dict[str, Any], evidence: tuple[str, ...]) -> Opinion:
    status = text(mapping(body.get("projectStatus")).get("status"), 60)
    ids = [text(mapping(raw).get("id"), 200) for raw in items(body.get("advisoryKeys"), 1000)]
    return Opinion(
        version=version,
        published=time_of(body.get("publishedAt")),
        is_default=body.get("isDefault") is True,
        deprecated=(text(body.get("deprecatedReason"), 500) or "no reason given")
        if body.get("isDeprecated") is True
        else None,
        advisories=tuple(one for one in ids if one),
        attestations=tuple(dict.fromkeys(_stated(body))),
        related=tuple(dict.fromkeys(_related(body))),
        registries=tuple(r for raw in items(body.get("registries"), 20) if (r := text(raw, 300))),
        project_status=status,
        evidence=evidence,
    )


def _stated(body: dict[str, Any]) -> Iterable[StatedAttestation]:
    for name, kind in (("attestations", ""), ("slsaProvenances", "SLSA provenance")):
        for raw in map(mapping, items(body.get(name), 1000)):
            yield StatedAttestation(
                text(raw.get("type"), 300) or kind,
                text(raw.get("url"), 2000),
                raw.get("verified") is True,
                text(raw.get("sourceRepository"), 500) or None,
                text(raw.get("commit"), 100) or None,
            )


def _related(body: dict[str, Any]) -> Iterable[RelatedProject]:
    for raw in map(mapping, items(body.get("relatedProjects"), 100)):
        if name := text(mapping(raw.get("projectKey")).get("id"), 500):
            yield RelatedProject(
                name, text(raw.get("relationProvenance"), 80) or "", text(raw.get("relationType"), 80) or ""
            )


def _finding(raw: dict[str, Any]) -> Finding:
    kind = text(raw.get("type"), 80) or text(raw.get("findingType"), 80) or "UNSPECIFIED"
    return Finding(kind, text(raw.get("riskLevel"), 80) or text(raw.get("risk"), 80) or "UNSPECIFIED")
