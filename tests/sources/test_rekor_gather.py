"""What is asked of the log, in which order, and what its silence is worth: whole cases over loopback."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from forensics.evidence.client import Limits
from forensics.model.attestation import VerificationStatus
from forensics.model.checked import Checked, NotChecked
from forensics.report.build import build_document
from forensics.sources.rekor_gather import polite
from tests.lab import LabServer, build_world, serve
from tests.lab.attest import publish_statement, sign_and_log
from tests.lab.faults import Fault
from tests.lab.lying_rekor import altered, forgetful, other_log, without_subjects, wrong_promise
from tests.lab.removed_rekor import BARE, SIGNED, removed_scenario

from .rekor_kit import FAST, artifacts, hashes, investigation

ALL = (*SIGNED, *BARE)


@pytest.fixture(scope="module")
def _server() -> Iterator[LabServer]:
    with serve(build_world(removed_scenario())) as running:
        yield running


@pytest.fixture
def server(_server: LabServer) -> Iterator[LabServer]:
    _server.clear_faults()
    _server.reset_requests()
    yield _server
    _server.clear_faults()


@pytest.fixture
def named(server: LabServer) -> dict[str, tuple[str, str]]:
    return {"hashes.txt": ("hashes", hashes(server, *ALL))}


def rekor_requests(server: LabServer) -> list[str]:
    return [record.path for record in server.requests if record.path.startswith("/rekor")]


def signals(analysis: Any, version: str) -> dict[str, Any]:
    return {f.signal: f for f in analysis.assessment(version).findings}


def test_removed_releases_get_back_what_the_index_forgot(
    server: LabServer, named: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    analysis = investigation(server, tmp_path / "case", imports=named).analyse()
    for version in SIGNED:
        release = analysis.assessment(version).release
        assert release.listed is False
        assert len(release.artifacts) == 2
        for artifact in release.artifacts:
            (attestation,) = artifact.attestations
            assert attestation.recovered
            assert attestation.verification.status is VerificationStatus.VALID
            assert attestation.subject_name == artifact.filename
            assert attestation.evidence
        assert release.identities[0].run_id
        assert "provenance-lost" not in signals(analysis, version)
        logged = [e for e in analysis.events if e.version == version and e.what == "attestation logged"]
        assert len(logged) == 2
        assert all("rebuilt from the log" in e.detail and e.evidence for e in logged)
    for version in BARE:
        for artifact in analysis.assessment(version).release.artifacts:
            assert artifact.attested is False
            assert "best-effort" in artifact.provenance.caveat
        finding = signals(analysis, version)["provenance-lost"]
        assert finding.confidence.value == "low"
        assert "1.0.7" in finding.note
        assert "1.0.10" in finding.note
    assert analysis.history.log_only == ()


def test_the_case_gives_the_same_document_without_a_network(
    server: LabServer, named: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    made = investigation(server, tmp_path / "case", imports=named)
    server.reset_requests()
    first, second = build_document(made.analyse()), build_document(made.analyse())
    assert first == second
    assert server.requests == []
    files = [f for r in first["releases"] if r["version"] in SIGNED for f in r["files"]]
    assert [a["recovered"] for f in files for a in f["attestations"]] == [True] * 4


def test_only_what_is_lost_is_asked_about(server: LabServer, tmp_path: Path) -> None:
    with without_subjects():
        investigation(server, tmp_path / "case")
    # No file is named that the index does not list: the state of the log, the probe for subjects, and nothing else.
    assert rekor_requests(server) == ["/rekor/api/v1/log", "/rekor/api/v1/index/retrieve"]


def test_imports_that_come_later_are_looked_up_and_nothing_else_is_asked_again(
    server: LabServer, tmp_path: Path
) -> None:
    with without_subjects():
        made = investigation(server, tmp_path / "case")
    made.case.add_import("h.txt", hashes(server, *ALL).encode(), kind="hashes", source="later")
    before = made.analyse()
    unknown = artifacts(before, SIGNED[0]).popitem()[1].provenance
    assert isinstance(unknown, NotChecked)
    assert "holds no answer" in unknown.reason
    server.reset_requests()
    made.look_up(limits=FAST)
    assert any(r.path.startswith("/rekor") for r in server.requests)
    assert not any(r.path.startswith(("/index", "/osv")) for r in server.requests)
    after = made.analyse()
    assert all(a.attested for a in artifacts(after, SIGNED[0]).values())
    assert "provenance-lost" in signals(after, BARE[0])
    server.reset_requests()
    made.look_up(limits=FAST)
    assert "/rekor/api/v1/log/entries/retrieve" not in rekor_requests(server)  # entries never change


def test_entries_found_by_signer_are_matched_when_a_digest_comes_later(server: LabServer, tmp_path: Path) -> None:
    made = investigation(server, tmp_path / "case")
    assert len(made.analyse().history.log_only) == 4
    made.case.add_import("h.txt", hashes(server, *ALL).encode(), kind="hashes", source="later")
    analysis = made.analyse()  # nobody was asked
    assert all(a.attested for a in artifacts(analysis, SIGNED[0]).values())
    assert analysis.history.log_only == ()


def test_silence_without_positive_control_is_not_absence(
    server: LabServer, named: dict[str, tuple[str, str]], tmp_path: Path
) -> None:
    with forgetful(server.world.log, lambda key: key.startswith("sha256:")), without_subjects():
        analysis = investigation(server, tmp_path / "case", imports=named).analyse()
    for version in ALL:
        for artifact in analysis.assessment(version).release.artifacts:
            assert isinstance(artifact.provenance, NotChecked)
            assert artifact.provenance.needs == "log with positive control"
            assert artifact.provenance.evidence
        assert "provenance-lost" not in signals(analysis, version)


@pytest.mark.parametrize("lie", [wrong_promise, other_log])
def test_an_answer_that_does_not_verify_is_neither_presence_nor_absence(
    server: LabServer, named: dict[str, tuple[str, str]], tmp_path: Path, lie: Any
) -> None:
    name = server.world.files_of(SIGNED[0])[0].filename
    entry = next(item.statement.entry for item in server.world.signed if item.filename == name)
    with altered(server.world.log, entry, lie):
        analysis = investigation(server, tmp_path / "case", imports=named).analyse()
    provenance = artifacts(analysis, SIGNED[0])[name].provenance
    assert isinstance(provenance, NotChecked)
    assert "does not verify" in provenance.reason
    assert "verification-failed" not in signals(analysis, SIGNED[0])


@pytest.mark.parametrize(
    "fault",
    [Fault("/rekor", status=404), Fault("/rekor", status=429, retry_after="0"), Fault("/rekor", status=500),
     Fault("/rekor", "truncate")],
    ids=["404", "429", "500", "truncated"],
)  # fmt: skip
def test_an_outage_of_the_log_stops_nothing_else(
    server: LabServer, named: dict[str, tuple[str, str]], tmp_path: Path, fault: Fault
) -> None:
    server.inject(fault)
    analysis = investigation(server, tmp_path / "case", imports=named).analyse()
    assert len(analysis.assessments) == 12
    assert all(isinstance(a.provenance, NotChecked) for a in artifacts(analysis, SIGNED[0]).values())
    rekor = next(s for s in analysis.history.sources if s.source == "Rekor")
    assert rekor.problem
    assert any(what == "Rekor" for what, _ in analysis.history.not_checked)


def test_runs_that_nobody_names_are_found_by_their_signer(server: LabServer, tmp_path: Path) -> None:
    analysis = investigation(server, tmp_path / "case").analyse()
    document = build_document(analysis)
    assert [one["severity"] for one in document["log_only"]] == ["low"] * 4
    runs = {run for version in SIGNED if (run := server.world.release(version).claims.run_id)}
    found = {one.record.identity.run_id for one in analysis.history.log_only if one.record.identity}
    assert found == {str(run) for run in runs}
    assert all(one["evidence"] and "no named release" in one["text"] for one in document["log_only"])
    assert len([e for e in analysis.events if e.what == "entry logged"]) == 4
    assert document["verdict"] in {"ordinary", "notable"}


def test_tags_of_missing_versions_are_guessed(tmp_path: Path) -> None:
    with serve(build_world(removed_scenario("refs/tags/{tag}"))) as server:
        analysis = investigation(server, tmp_path / "case").analyse()
    refs = {one.record.identity.ref for one in analysis.history.log_only if one.record.identity}
    assert refs == {f"refs/tags/v{version}" for version in SIGNED}


@pytest.mark.parametrize("ignores", [False, True])
def test_a_log_without_subject_search_says_so(server: LabServer, tmp_path: Path, ignores: bool) -> None:
    server.world.log._by_key["everything"] = server.world.log.entries[:1]
    with without_subjects(ignores=ignores):
        analysis = investigation(server, tmp_path / "case").analyse()
    assert analysis.history.log_only == ()
    (reason,) = [o.reason for what, o in analysis.history.not_checked if what == "log-only releases"]
    assert "does not search by signer" in reason


def test_eight_files_and_nine_hashes(server: LabServer, tmp_path: Path) -> None:
    """Bare digests of four removed releases and one of nothing: the log tells which four are which."""
    loose = hashes(server, *ALL, names=False) + "f" * 64 + "\n"
    analysis = investigation(server, tmp_path / "case", imports={"h.txt": ("hashes", loose)}).analyse()
    for version in SIGNED:
        truth = {f.filename: f.sha256 for f in server.world.files_of(version)}
        assert {name: a.sha256 for name, a in artifacts(analysis, version).items()} == truth
        finding = signals(analysis, version)["log-only-release"]
        assert finding.severity.value == "medium"
        assert finding.evidence
    left = {what for what, _ in analysis.history.not_checked if what.startswith("digest ")}
    wanted = {f.sha256 for version in BARE for f in server.world.files_of(version)} | {"f" * 64}
    assert left == {f"digest {sha256}" for sha256 in wanted}
    assert {one.version for one in analysis.history.log_only} == set(SIGNED)
    assert not {a.release.version for a in analysis.assessments} & set(BARE)


def test_hashes_of_named_releases_are_attributed_without_a_finding(server: LabServer, tmp_path: Path) -> None:
    facts = "".join(
        f'[[fact]]\nkind = "removed"\nversion = "{v}"\nat = 2026-02-20T00:00:00Z\nsource = "x"\n' for v in ALL
    )
    imports = {"h.txt": ("hashes", hashes(server, *ALL, names=False)), "facts.toml": ("facts", facts)}
    analysis = investigation(server, tmp_path / "case", imports=imports).analyse()
    for version in SIGNED:
        assert len(artifacts(analysis, version)) == 2
        assert "log-only-release" not in signals(analysis, version)
    assert analysis.history.log_only == ()


def test_an_attestation_that_the_index_withholds_is_a_contradiction(
    server: LabServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = server.world.files_of("1.0.10")[0]
    monkeypatch.setattr(server, "_snapshot", None)
    hidden = dataclasses.replace(stored, provenance=None)
    shown = [hidden if f is stored else f for f in server.world.files]
    monkeypatch.setitem(server.world.uploads, server.world.scenario.project, shown)
    analysis = investigation(server, tmp_path / "case").analyse()
    (found,) = analysis.history.contradictions
    assert found.about == f"attestation of {stored.filename}"
    assert "the log holds one that verifies" in found.second
    assert found.evidence


def test_strangers_cannot_lend_a_release_an_attestation(tmp_path: Path) -> None:
    """Anybody may log a statement about any digest; one by another repository, after the upload, is not the file's."""
    world = build_world(removed_scenario())
    stored = world.files_of(BARE[0])[0]
    claims = dataclasses.replace(world.release("1.0.11").claims, repository_id=666, owner_id=667)
    at = world.scenario.as_of - timedelta(days=1)
    signer = world.authority.issue(claims, at)
    statement = publish_statement(stored.filename, stored.sha256)
    sign_and_log(world.log, signer, claims.san, statement, stored.sha256, at)
    with serve(world) as server:
        imports = {"h.txt": ("hashes", hashes(server, *ALL))}
        analysis = investigation(server, tmp_path / "named", imports=imports).analyse()
        loose = {"h.txt": ("hashes", hashes(server, *ALL, names=False))}
        attributed = investigation(server, tmp_path / "loose", imports=loose).analyse()
    artifact = artifacts(analysis, BARE[0])[stored.filename]
    assert artifact.attested is False
    assert "strangers" in artifact.provenance.caveat
    assert "provenance-lost" in signals(analysis, BARE[0])
    assert not {a.release.version for a in attributed.assessments} & set(BARE)
    assert analysis.history.log_only == ()


def test_lead_indices_are_fetched_and_verified(server: LabServer, tmp_path: Path) -> None:
    name = server.world.files_of(SIGNED[0])[0].filename
    entry = next(item.statement.entry for item in server.world.signed if item.filename == name)
    lead = (
        'schema = "forensics/lead/1"\nid = "x"\nproject = "pypi:wares"\ntitle = "x"\n'
        f'[[log]]\nindex = {entry.global_index}\nabout = "linked in a report"\nsource = "blog"\n'
        '[[log]]\nindex = 5\nabout = "of an older shard"\nsource = "blog"\n'
    )
    with without_subjects():
        analysis = investigation(server, tmp_path / "case", imports={"lead.toml": ("lead", lead)}).analyse()
    (one,) = analysis.history.log_only
    assert one.record.index == entry.global_index
    assert "linked in a report" in one.about
    missing = [o.reason for what, o in analysis.history.not_checked if what == "log entry 5"]
    assert missing == ["the log has no entry at this index"]


def test_entries_that_an_export_of_the_mirror_names_are_fetched_and_verified(server: LabServer, tmp_path: Path) -> None:
    name = server.world.files_of(SIGNED[0])[0].filename
    entry = next(item.statement.entry for item in server.world.signed if item.filename == name)
    rows = [{"EntryUUID": entry.entry_id, "source_repository_uri": "https://forge.example/a/b"},
            {"EntryUUID": "0" * 64, "source_repository_uri": None}]  # fmt: skip
    table = "".join(json.dumps(row) + "\n" for row in rows)
    with without_subjects():
        analysis = investigation(server, tmp_path / "case", imports={"rows.jsonl": ("rekor-rows", table)}).analyse()
    (one,) = analysis.history.log_only
    assert one.record.index == entry.global_index
    assert one.record.verified
    assert "https://forge.example/a/b" in one.about
    missing = [o.reason for what, o in analysis.history.not_checked if what == f"log entry {'0' * 64}"]
    assert missing == ["the log has no entry of this id"]


def test_what_is_asked_of_a_public_log_is_little() -> None:
    slow = polite(Limits(), "https://rekor.sigstore.dev")
    assert slow.per_second * 2 <= 4
    assert slow.concurrency * 2 <= 2
    assert slow.requests_per_host <= 500
    assert polite(Limits(), "http://127.0.0.1:9/rekor") == Limits()


def test_a_case_of_an_earlier_version_has_no_log(server: LabServer, tmp_path: Path, monkeypatch: Any) -> None:
    made = investigation(server, tmp_path / "case", collect=False)
    monkeypatch.delitem(made.case.meta.endpoints, "rekor")
    made.case.add_import("h.txt", hashes(server, SIGNED[0]).encode(), kind="hashes", source="x")
    made.collect(limits=FAST)
    assert rekor_requests(server) == []
    provenance = [a.provenance for a in artifacts(made.analyse(), SIGNED[0]).values()]
    assert all(isinstance(p, NotChecked) and p.needs == "log" for p in provenance)
    assert not any(isinstance(p, Checked) for p in provenance)
