"""What further witnesses say in the documents built by hand: CI, deps.dev, accounts, the journal."""

# ruff: noqa: E501 - prose in data
from __future__ import annotations

from typing import Any

from .made_releases import REPOSITORY, oid


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


def witness_parts() -> dict[str, Any]:
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
