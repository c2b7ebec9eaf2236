"""npm's signatures in a whole case: attestations of three generations, registry signatures, and a lying registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics.investigation import Analysis, Investigation
from forensics.model.attestation import VerificationStatus
from forensics.model.endpoints import resolve_endpoints
from forensics.model.project import parse_project
from forensics.timeline.registry_signatures import SUBJECT
from tests.lab import LabServer, World, serve
from tests.lab.npm_keys import RegistryKeys
from tests.lab.npm_registry import RegistryView
from tests.lab.scenario import parse_scenario
from tests.test_lab.npm_minimal import NPM

from .rekor_kit import FAST, root_of

NAME = "@scope/small"


@pytest.fixture(scope="module")
def _server() -> Iterator[LabServer]:
    older = NPM.replace("2026-01-01T", "2023-06-01T")
    with serve(World(parse_scenario(older, "small.toml"))) as running:
        yield running


@pytest.fixture
def server(_server: LabServer, monkeypatch: pytest.MonkeyPatch) -> LabServer:
    monkeypatch.setattr(_server, "_snapshot", None)
    return _server


def analysed(server: LabServer, path: Path) -> Analysis:
    root = root_of(server)
    endpoints = resolve_endpoints(environment=server.env())
    made = Investigation.start(parse_project(f"npm:{NAME}"), path, endpoints, trust_root=root.raw)
    made.collect(limits=FAST)
    return made.analyse(workers=1)


def lie(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Let the registry change each version's entry of the packument with *change*."""
    honest = RegistryView.packument

    def packument(view: RegistryView, name: str, base: str) -> Any:
        page = json.loads(json.dumps(honest(view, name, base)))
        for row in page["versions"].values():
            change(row)
        return page

    monkeypatch.setattr(RegistryView, "packument", packument)


def rows(analysis: Analysis) -> list[str]:
    return [outcome.reason for what, outcome in analysis.history.not_checked if what == SUBJECT]


def test_everything_that_the_registry_and_its_runs_signed_verifies(server: LabServer, tmp_path: Path) -> None:
    analysis = analysed(server, tmp_path / "case")
    attestations = [each for release in analysis.history.releases for each in release.attestations]
    assert [each.verification.status for each in attestations] == [VerificationStatus.VALID] * 4
    assert {each.log_entry.kind for each in attestations if each.log_entry} == {"intoto/0.0.2", "dsse/0.0.1"}
    assert sum(each.registry_key is not None for each in attestations) == 2
    assert not any(each.disagreements for each in attestations)
    signed = analysis.history.registry_signatures
    assert [each.purl for each in signed] == ["pkg:npm/%40scope/small@1.0.0", "pkg:npm/%40scope/small@1.1.0"]
    assert {each.verification.status for each in signed} == {VerificationStatus.VALID}
    assert all(each.evidence for each in signed)
    assert len({each.registry_key for each in signed}) == 2  # the first key had expired before the second version
    assert rows(analysis) == []
    table = analysis.tables()["registry_signatures"]
    assert table["status"].to_list() == ["valid", "valid"]


def test_a_document_that_is_not_what_was_signed_is_a_contradiction(
    server: LabServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forged = "sha512-" + base64.b64encode(b"x" * 64).decode()
    lie(monkeypatch, lambda row: row["dist"].update(integrity=forged) if row["version"] == "1.1.0" else None)
    analysis = analysed(server, tmp_path / "case")
    found = [each for each in analysis.history.contradictions if each.about.startswith("registry signature")]
    assert [(each.version, forged in each.first) for each in found] == [("1.1.0", True)]
    assert "did not sign" in found[0].second
    assert found[0].evidence


def test_a_mirror_that_leaves_signatures_out_is_no_absence(
    server: LabServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie(monkeypatch, lambda row: row["dist"].pop("signatures"))
    analysis = analysed(server, tmp_path / "case")
    (reason,) = rows(analysis)
    assert "carries none for 2 versions (1.0.0, 1.1.0)" in reason
    assert not [each for each in analysis.history.contradictions if "registry signature" in each.about]


def test_keys_that_are_not_served_leave_everything_unchecked(
    server: LabServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RegistryKeys, "listed", lambda keys, moment: {"keys": []})
    analysis = analysed(server, tmp_path / "case")
    (reason,) = rows(analysis)
    assert "2 versions (1.0.0, 1.1.0): unknown registry key SHA256:" in reason
    statuses = {
        each.verification.status
        for release in analysis.history.releases
        for each in release.attestations
        if each.registry_key
    }
    assert statuses == {VerificationStatus.NOT_CHECKED}
