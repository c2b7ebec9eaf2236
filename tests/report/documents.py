"""Documents built by hand: a two-wave compromise, a benign history, a run that saw nothing, and a very large one."""

# ruff: noqa: E501 - prose in data
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from forensics.model.document import SCHEMA, CaseDoc, Document, EventDoc, ReleaseDoc, UncheckedDoc

from .made_graph import graph
from .made_releases import NAME, REPOSITORY, claims, iso, oid, release, sha, signal, suspect
from .made_witnesses import opinion_of, run_of, witness_parts

START = datetime(2024, 10, 8, 14, 0, tzinfo=UTC)


def events_of(r: ReleaseDoc) -> list[EventDoc]:
    at = datetime.fromisoformat(r["published"] or "")
    rows: list[tuple[datetime, str, str, str]] = [(at, "asserted by the index", "index", "published")]
    if r["identity"]:
        rows += [
            (at - timedelta(minutes=6), "claimed by git", "repository", "commit"),
            (
                at - timedelta(seconds=14),
                "signed by the certificate authority",
                "CI and certificate",
                "certificate issued",
            ),
            (at - timedelta(seconds=11), "signed by the log", "transparency log", "attestation logged"),
        ]
    if r["removed"]:
        rows.append((datetime.fromisoformat(r["removed"]), r["removed_kind"], "index", "removed"))
    return [
        {"at": iso(t), "kind": k, "lane": lane, "what": what, "version": r["version"], "subject": None, "detail": "",
         "evidence": [oid("index" if lane == "index" else "provenance " + r["files"][0]["filename"])]}
        for t, k, lane, what in rows
    ]  # fmt: skip


def case(**over: Any) -> CaseDoc:
    doc: CaseDoc = {
        "id": "ultralytics-2024-12",
        "reconstruction": True,
        "label": "Made by the project's test lab from public reports; signed by the lab's own root, not by Sigstore.",
        "collected_at": "2024-12-12T00:00:00Z",
        "complete": True,
        "problems": [],
        "tool": "release-forensics 0.1.0, Python 3.12.7, sigstore 4.5.1",
        "endpoints": {
            "pypi": "https://pypi.org",
            "files": "https://files.pythonhosted.org",
            "osv": "https://api.osv.dev",
        },
        "trust_root": {"sha256": sha("root"), "name": "test lab", "vouched_by": "the built-in case"},
        "observations": 0,
    }
    doc.update(over)  # type: ignore[typeddict-item]
    return doc


def document(releases: list[ReleaseDoc], **over: Any) -> Document:
    events = sorted((e for r in releases for e in events_of(r)), key=lambda e: e["at"])
    doc: Document = {
        "schema": SCHEMA,
        "project": {"ecosystem": "pypi", "name": NAME, "purl": f"pkg:pypi/{NAME}", "status": "active",
                    "latest": releases[-1]["version"] if releases else None, "repository": "ultralytics/ultralytics", "repository_url": REPOSITORY},
        "case": case(),
        "verdict": "ordinary",
        "exit_code": 0,
        "headline": f"No release of {NAME} is flagged",
        "sentences": [{"text": f"{len(releases)} releases were analysed.", "evidence": [oid("index")]}],
        "releases": releases,
        "waves": [],
        "gaps": [],
        "log_only": [],
        "installable_now": [],
        "installable_checked": True,
        "publishers": [],
        "advisories": [],
        "events": events,
        "sources": [],
        "accounts": [],
        "current_names": [],
        "journal": {"rows": 0, "read": [], "reason": "the index's journal was not collected", "evidence": []},
        "contradictions": [],
        "not_checked": [],
        "not_collected": [
            {"section": "source", "reason": "CI runs are not collected in this version"},
        ],
        "drift": [],
        "observations": [],
        "method": ["Signatures, certificates and log proofs are checked offline under the trust root named below.",
                   "Times of publication are asserted by the index; times of signing are signed by the log."],
        "options": {"hindsight": True},
        "graph": graph(releases),
    }  # fmt: skip
    doc.update(over)  # type: ignore[typeddict-item]
    doc["observations"] = observations(doc)
    doc["case"]["observations"] = len(doc["observations"])
    return doc


def observations(doc: Document) -> list[Any]:
    urls = {"index": "https://pypi.org/simple/ultralytics/", "osv": "https://api.osv.dev/v1/query", "export": "file:imports/export.csv",
            "log": "https://rekor.sigstore.dev/api/v1/index/retrieve", "git": REPOSITORY + ".git", "artifact": f"https://files.pythonhosted.org/packages/aa/{NAME}-8.3.41-py3-none-any.whl"}  # fmt: skip
    urls |= {f"provenance {f['filename']}": f"https://pypi.org/integrity/{NAME}/{r['version']}/{f['filename']}/provenance"
             for r in doc["releases"] for f in r["files"] if f["attestations"]}  # fmt: skip
    return [
        {"id": oid(name), "method": "IMPORT" if url.startswith("file:") else "GET", "url": url, "at": "2024-12-12T00:00:00Z",
         "status": None if url.startswith("file:") else 200, "sha256": sha(url), "size": 4000 + len(url), "media_type": "application/json", "problem": None}
        for name, url in urls.items()
    ]  # fmt: skip


def ordinary(first: int, count: int, hours: float = 36) -> list[ReleaseDoc]:
    made: list[ReleaseDoc] = []
    for n in range(count):
        version = f"8.3.{first + n}"
        made.append(
            release(
                version, made[-1]["version"] if made else None, START + timedelta(hours=hours * n, minutes=17 * n % 53)
            )
        )
    return made


def compromised() -> Document:
    """Two waves of two releases each, 33 ordinary ones, one notable; lower bounds, gaps, export-known hashes."""
    at = {v: datetime.fromisoformat(t + "+00:00") for v, t in {
        "8.3.38": "2024-11-26T11:39:12", "8.3.39": "2024-11-28T22:09:06", "8.3.40": "2024-12-02T15:03:30",
        "8.3.41": "2024-12-04T20:51:00", "8.3.42": "2024-12-05T12:47:00", "8.3.43": "2024-12-05T19:49:17", "8.3.44": "2024-12-06T12:11:04",
        "8.3.45": "2024-12-07T01:41:00", "8.3.46": "2024-12-07T02:27:00", "8.3.47": "2024-12-07T12:58:39", "8.3.48": "2024-12-08T17:50:38"}.items()}  # fmt: skip
    gone = {v: datetime.fromisoformat(t + "+00:00") for v, t in {
        "8.3.41": "2024-12-05T09:15:00", "8.3.42": "2024-12-05T13:47:00", "8.3.45": "2024-12-07T02:22:00", "8.3.46": "2024-12-07T03:15:00"}.items()}  # fmt: skip
    before = {"8.3.38": "8.3.37", "8.3.39": "8.3.38", "8.3.40": "8.3.39", "8.3.41": "8.3.40", "8.3.42": "8.3.40", "8.3.43": "8.3.40",
              "8.3.44": "8.3.43", "8.3.45": "8.3.44", "8.3.46": "8.3.44", "8.3.47": "8.3.44", "8.3.48": "8.3.47"}  # fmt: skip
    releases = ordinary(10, 28, hours=41)
    for version, time in at.items():
        if version in gone:
            releases.append(suspect(version, before[version], time, gone[version], version in {"8.3.41", "8.3.42"}))
        elif version == "8.3.47":
            soon = signal(
                "rapid-repeat",
                "time",
                "low",
                "10 h 31 min after 8.3.46",
                "at least 11 h 2 min, the project's first percentile",
                "index",
            )
            releases.append(
                release(
                    version,
                    before[version],
                    time,
                    verdict="notable",
                    at_publish="notable",
                    reasons=["only low signals"],
                    signals=[soon],
                )
            )
        else:
            releases.append(release(version, before[version], time))
    for one in releases:
        if one["version"] in {"8.3.41", "8.3.42"}:
            one["runs"] = [run_of(one["version"])]  # type: ignore[list-item]
            one["second_opinion"] = opinion_of(one["version"])  # type: ignore[typeddict-item]
    advisory: EventDoc = {"at": "2024-12-10T00:00:00Z", "kind": "asserted by a reporter", "lane": "advisory", "what": "PYSEC-2024-154 published",
                          "version": None, "subject": "PYSEC-2024-154", "detail": "lists 8.3.41, 8.3.42, 8.3.45, 8.3.46", "evidence": [oid("osv")]}  # fmt: skip
    doc = document(releases, verdict="likely-compromised", exit_code=11,
                   headline="Four releases of ultralytics are likely compromised, in two waves between 4 and 7 December 2024",
                   waves=[wave(["8.3.41", "8.3.42"], at, gone, "8.3.40", "8.3.43"), wave(["8.3.45", "8.3.46"], at, gone, "8.3.44", "8.3.47")],
                   **_compromised_parts(releases))  # fmt: skip
    doc["events"] = sorted([*doc["events"], advisory], key=lambda e: e["at"])
    return doc


def compact() -> Document:
    """The compromised project with its last eleven releases only: everything a page can show, in a small page."""
    doc = compromised()
    kept = {release["version"] for release in doc["releases"][-11:]}
    doc["releases"] = [release for release in doc["releases"] if release["version"] in kept]
    doc["events"] = [event for event in doc["events"] if event["version"] is None or event["version"] in kept]
    return doc


def _compromised_parts(releases: list[ReleaseDoc]) -> dict[str, Any]:
    signed = [r["version"] for r in releases if r["identity"]]
    return {
        "sentences": [
            {"text": "8.3.41 and 8.3.42 came through the project's own workflow with valid attestations; what they hold differs from their commit.", "evidence": [oid("artifact"), oid("git")]},
            {"text": "8.3.45 and 8.3.46 have no attestation, no tag and no commit, unlike the 28 releases before them.", "evidence": [oid("log"), oid("export")]},
            {"text": "The last release without findings before each wave is 8.3.40 and 8.3.44.", "evidence": [oid("index")]},
            {"text": "None of the four can be installed from the index any more.", "evidence": [oid("index")]},
        ],
        "gaps": [{"line": "8.2", "missing": ["8.2.104", "8.2.105"], "after": "8.2.103", "before": "8.2.106", "text": "Two numbers are missing; nothing in this case names them."}],
        "publishers": [{"identity": {k: claims("x")[k] for k in ("source_repository_uri", "build_config_uri", "build_trigger", "runner_environment", "deployment_environment")},
                        "first_version": "8.3.10", "last_version": "8.3.48", "versions": signed, "changed": []}],
        "advisories": [{"id": "PYSEC-2024-154", "aliases": [], "summary": "Code in ultralytics 8.3.41, 8.3.42, 8.3.45 and 8.3.46 downloads and runs a cryptocurrency miner.",
                        "published": "2024-12-10T00:00:00Z", "withdrawn": None, "malicious": True, "versions": ["8.3.41", "8.3.42", "8.3.45", "8.3.46"], "indicators": [{"type": "domain", "value": "evil.example"}, {"type": "url", "value": "https://evil.example/x"}], "evidence": [oid("osv")]}],
        "sources": [{"source": "pypi", "asked": 71, "answered": 71, "problem": None, "evidence": [oid("index")]},
                    {"source": "osv", "asked": 1, "answered": 1, "problem": None, "evidence": [oid("osv")]},
                    {"source": "rekor", "asked": 10, "answered": 8, "problem": "2 requests timed out after 10 s", "evidence": [oid("log")]}],
        **witness_parts(),
        "not_checked": [{"subject": "project", "what": "publisher-account-changed", "reason": "the journal names no account", "needs": "journal", "evidence": []}],
    }  # fmt: skip


def wave(
    versions: list[str], at: dict[str, datetime], gone: dict[str, datetime], good: str, after: str
) -> dict[str, Any]:
    start, end = at[versions[0]], max(gone[v] for v in versions)
    return {
        "line": "8", "releases": versions, "verdict": "likely-compromised",
        "last_good": {"version": good, "verdict": "ordinary", "not_checked": 2},
        "first_good": {"version": after, "verdict": "notable" if after == "8.3.47" else "ordinary", "not_checked": 2},
        "exposure": {"start": iso(start), "end": iso(end), "seconds": int((end - start).total_seconds()), "start_source": "metadata export",
                     "end_source": "public write-up", "end_reason": "the last of the wave was removed"},
        "evidence": [oid("export"), oid("index")],
    }  # fmt: skip


def benign() -> Document:
    """Thirty-five ordinary releases; nothing fired, everything was checked."""
    releases = ordinary(0, 35)
    for r in releases:
        r["not_checked"] = []
    return document(releases, case=case(reconstruction=False, label=None, id="benign"))


def empty() -> Document:
    """A live run whose every source failed: nothing observed, which is not the same as nothing there."""
    unreachable: UncheckedDoc = {
        "subject": "project",
        "what": "index",
        "reason": "https://pypi.org refused the connection",
        "needs": "index",
        "evidence": [],
    }
    return document(
        [], verdict="undetermined", headline="Nothing could be observed of ultralytics", sentences=[], installable_checked=False,
        case=case(reconstruction=False, label=None, id="live", complete=False, problems=["pypi: connection refused"]),
        sources=[{"source": "pypi", "asked": 1, "answered": 0, "problem": "connection refused", "evidence": []}],
        not_checked=[unreachable], method=[], options={},
        not_collected=[{"section": s, "reason": "the index did not answer"} for s in ("timeline", "events", "source", "graph", "publishers")],
    )  # fmt: skip


def large(count: int = 10_000) -> Document:
    """*count* releases, every hundredth notable, a wave of five near the end."""
    releases = ordinary(0, count, hours=5)
    for n in range(0, count, 100):
        releases[n] |= {
            "verdict": "notable",
            "signals": [signal("rapid-repeat", "time", "low", "soon", "later", "index")],
        }  # type: ignore[assignment]
    for n in range(count - 40, count - 35):
        old, at = releases[n], datetime.fromisoformat(releases[n]["published"] or "")
        releases[n] = suspect(old["version"], old["predecessor"] or "", at, at + timedelta(hours=9), first_wave=True)
    return document(releases, verdict="likely-compromised", exit_code=11, headline="Five of many")
