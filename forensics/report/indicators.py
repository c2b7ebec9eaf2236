"""Indicators of a document: what to look for elsewhere, and what only surrounds it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model.document import AttestationDoc, Document, ReleaseDoc
from forensics.report.cells import table
from forensics.report.clean import fit
from forensics.report.words import flagged, rank

INDICATOR, CONTEXT = "indicator", "context"
COLUMNS = (
    "type",
    "value",
    "role",
    "releases",
    "where",
    "first_seen",
    "last_seen",
    "verdict",
    "also_in",
    "evidence",
    "note",
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class Indicator:
    """One value. `role` is context where `also_in` releases that nobody flagged have the value, too.

    `verdict` is the worst of the flagged releases that have it, and empty where only an advisory names the value. The
    signer of every release is no indicator: whoever searched for it would find the whole project.
    """

    type: str
    value: str
    versions: dict[str, None]
    where: dict[str, None]
    verdict: str
    first_seen: str
    last_seen: str
    also_in: int
    evidence: dict[str, None]

    @property
    def role(self) -> str:
        """Whether to search for it, or to know it."""
        return CONTEXT if self.also_in else INDICATOR


def indicators_of(document: Document) -> list[Indicator]:
    """Return what flagged releases of *document* have that can be searched for; every text is fit to be written."""
    found: dict[tuple[str, str], Indicator] = {}
    others = _others(document)
    for release in document["releases"]:
        if flagged(release["verdict"]):
            for kind, value, where, evidence in _values(release, document):
                _add(found, release, (kind, value, where), evidence, others.get((kind, value), 0))
    _of_graph(found, document)
    for advisory in document["advisories"]:
        at = advisory["published"] or ""
        for one in advisory["indicators"]:
            key = (one["type"], one["value"])
            made = found.setdefault(key, Indicator(one["type"], fit(one["value"]), {}, {}, "", at, at, 0, {}))
            made.where[f"named by {fit(advisory['id'])}"] = None
            made.evidence.update(dict.fromkeys(advisory["evidence"]))
    return list(found.values())


def _others(document: Document) -> dict[tuple[str, str], int]:
    """Return how many releases that nobody flagged have each value."""
    others: dict[tuple[str, str], int] = {}
    for release in document["releases"]:
        if not flagged(release["verdict"]):
            for pair in dict.fromkeys((kind, value) for kind, value, _, _ in _values(release, document)):
                others[pair] = others.get(pair, 0) + 1
    return others


def render_indicators(document: Document) -> str:
    """Return the indicators of *document* as CSV."""
    note = fit(document["case"]["label"] or "")
    rows = (
        (i.type, i.value, i.role, " ".join(i.versions), "; ".join(i.where), i.first_seen, i.last_seen, i.verdict,
         i.also_in, " ".join(i.evidence), note)
        for i in indicators_of(document)
    )  # fmt: skip
    return table(COLUMNS, rows)


def _add(
    found: dict[tuple[str, str], Indicator],
    release: ReleaseDoc,
    what: tuple[str, str, str],
    evidence: list[str],
    also_in: int,
) -> None:
    kind, value, where = what
    seen = release["published"] or ""
    made = found.setdefault(
        (kind, value), Indicator(kind, fit(value), {}, {}, release["verdict"], seen, seen, also_in, {})
    )
    made.versions[fit(release["version"])] = None
    made.verdict = max(made.verdict, release["verdict"], key=rank)
    if where:
        made.where[fit(where)] = None
    made.evidence.update(dict.fromkeys(evidence))
    if seen:
        made.first_seen, made.last_seen = min(made.first_seen or seen, seen), max(made.last_seen, seen)


def _values(release: ReleaseDoc, document: Document) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield type, value, where it was and evidence of everything about one release that can be searched for."""
    purl = f"{document['project']['purl']}@{release['version']}"
    yield "purl", purl, "", release["evidence"]
    for file in release["files"]:
        yield "filename", file["filename"], "", file["evidence"]
        if file["sha256"] and _SHA256.fullmatch(file["sha256"]):
            yield "sha256", file["sha256"], file["filename"], file["evidence"]
        for attestation in file["attestations"]:
            yield from _of_attestation(attestation, file["filename"])


def _of_attestation(attestation: AttestationDoc, filename: str) -> Iterator[tuple[str, str, str, list[str]]]:
    evidence, identity = attestation["evidence"], attestation["identity"] or {}
    if attestation["log_index"] is not None:
        where = " ".join(filter(None, (attestation["log_origin"] or attestation["log_id"], filename)))
        yield "log-index", str(attestation["log_index"]), where, evidence
    for kind, claim in (
        ("commit", "source_repository_digest"),
        ("run", "run_invocation_uri"),
        ("signer", "subject_alternative_name"),
        ("repository", "source_repository_uri"),
    ):
        if identity.get(claim):
            yield kind, identity[claim], "", evidence


def _of_graph(found: dict[tuple[str, str], Indicator], document: Document) -> None:
    """Add files inside artifacts that suspects alone hold, and the accounts that flagged releases came from."""
    graph = document["graph"]
    releases = {release["version"]: release for release in document["releases"]}
    holders: dict[str, dict[str, None]] = {}
    for edge in graph["edges"]:
        holders.setdefault(edge["target"], {}).update(dict.fromkeys(edge["evidence"]))
    for node in graph["nodes"]:
        kind = {"payload": "sha256-inside", "account": "account"}.get(node["type"])
        suspects = [v for v in node["versions"] if v in releases and flagged(releases[v]["verdict"])]
        if kind is None or not suspects:
            continue
        value = node["id"].partition(":")[2]
        times = sorted(filter(None, (releases[v]["published"] for v in suspects)))
        first, last = (times[0], times[-1]) if times else ("", "")
        where = {fit(node["label"]): None} if kind != "account" else {}
        found[kind, value] = Indicator(
            kind, fit(value), dict.fromkeys(map(fit, suspects)), where,
            node["verdict"] or "", first, last, len(node["versions"]) - len(suspects), holders.get(node["id"], {}),
        )  # fmt: skip
