"""Unknown is not absent: what each kind of silence of a source is read as, from the wire to the document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forensics.model.checked import Checked, NotChecked
from forensics.model.document import Document
from forensics.model.errors import NoSuchProject
from forensics.model.finding import Verdict
from forensics.report.build import build_document
from tests.sources.tiny import NO_PROVENANCE, Tiny, analysed, entry, investigation, simple_page

WHEEL = "demo-1.0.{}-py3-none-any.whl"
SIGNED = {"version": 1, "attestation_bundles": []}


def files(count: int, **more: Any) -> list[dict[str, Any]]:
    return [entry(WHEEL.format(n), day=n + 1, **more) for n in range(count)]


def states(document: Document) -> dict[str, tuple[str, str]]:
    """Provenance and its reason by file."""
    return {f["filename"]: (f["provenance"], f["provenance_reason"]) for r in document["releases"] for f in r["files"]}


def unchecked(document: Document, what: str) -> list[str]:
    return [row["reason"] for row in document["not_checked"] if row["what"] == what]


def problem(document: Document, source: str) -> str | None:
    return next(s["problem"] for s in document["sources"] if s["source"] == source)


@pytest.mark.parametrize(
    ("meta", "more", "word"),
    [
        ({"api-version": "1.1", "_last-serial": 7}, {"provenance": None}, "below 1.3"),
        ({"api-version": "1.1"}, {}, "below 1.3"),
        ({"api-version": "1.4"}, {"provenance": None}, "gave no serial"),
        ({}, {"provenance": None}, "unstated"),
        ({"api-version": "one"}, {"provenance": None}, "below 1.3"),
        ({"api-version": "1.4", "_last-serial": 7}, {}, "without a provenance key"),
        ({"api-version": "1.4", "_last-serial": 7}, {"provenance": 3}, "without a provenance key"),
    ],
)
def test_a_mirror_says_nothing_about_provenance(
    tiny: Tiny, tmp_path: Path, meta: dict[str, Any], more: dict[str, Any], word: str
) -> None:
    tiny.page(files(6, **more), meta=meta)
    tiny.legacy({})
    _, document = analysed(tiny, tmp_path / "case")
    told = states(document)
    assert len(told) == 6
    for state, reason in told.values():
        assert state == "not observed"
        assert word in reason
        assert "HTTP 404 without the Integrity API's own message" in reason
    assert len([path for path in tiny.asked if path.startswith("/integrity/")]) == 3, "a mirror is probed, not flooded"
    assert document["verdict"] == "undetermined"
    assert document["headline"] == "No release could be judged: nothing that tells was observed for any of 6 releases."
    assert problem(document, "PyPI Integrity API")


def test_a_headline_without_suspects_says_how_many_could_not_be_judged_and_who_was_asked(
    tiny: Tiny, tmp_path: Path
) -> None:
    tiny.page([*files(1), *files(3, provenance=None)[1:]])
    tiny.legacy({})
    _, document = analysed(tiny, tmp_path / "case")
    assert document["headline"] == "None of 3 releases is suspicious by what could be checked; 1 could not be judged."
    assert document["sentences"][0]["evidence"]


def test_an_integrity_api_beside_a_mirror_is_asked_for_every_file(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page(files(5), meta={"api-version": "1.1"})
    tiny.put("/integrity/*", NO_PROVENANCE, 404)
    _, document = analysed(tiny, tmp_path / "case")
    assert [state for state, _ in states(document).values()] == ["absent"] * 5


def test_a_null_of_the_index_itself_is_absence_and_nobody_is_asked_again(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page(files(3, provenance=None))
    tiny.legacy({})
    _, document = analysed(tiny, tmp_path / "case")
    assert set(states(document).values()) == {("absent", "")}
    assert not [path for path in tiny.asked if path.startswith("/integrity/")]
    assert document["verdict"] == "ordinary"


@pytest.mark.parametrize(
    ("reply", "state", "word"),
    [
        ({"body": SIGNED}, "absent", ""),
        ({"body": NO_PROVENANCE, "status": 404}, "absent", ""),
        ({"body": {"message": "Not Found"}, "status": 404}, "not observed", "without the Integrity API's own message"),
        ({"body": b"<html>no</html>", "status": 404}, "not observed", "without the Integrity API's own message"),
        ({"body": {"message": "off"}, "status": 403}, "not observed", "temporarily disabled on the index (HTTP 403)"),
        ({"body": {}, "status": 406}, "not observed", "HTTP 406"),
        ({"body": {}, "status": 500}, "not observed", "status 500"),
        ({"body": {}, "status": 429}, "not observed", "429 (too many requests)"),
        ({"body": SIGNED, "delay": 1.2}, "not observed", "could not be asked"),
        ({"body": SIGNED, "cut": True}, "not observed", "broke off"),
        ({"body": b"{"}, "not observed", "JSON"),
        ({"body": []}, "not observed", "not a provenance object"),
        ({"body": {"version": 1}}, "not observed", "not a provenance object"),
        ({"body": b"[" * 5000 + b"]" * 5000}, "not observed", "deep"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else None,
)
def test_each_answer_of_the_integrity_api(
    tiny: Tiny, tmp_path: Path, reply: dict[str, Any], state: str, word: str
) -> None:
    url = f"{tiny.url}/integrity/demo/1.0.0/x/provenance"
    tiny.page([entry(WHEEL.format(0), provenance=url)])
    tiny.legacy({})
    tiny.put(
        "/integrity/*", reply["body"], reply.get("status", 200), **{k: reply[k] for k in reply if k in {"delay", "cut"}}
    )
    analysis, document = analysed(tiny, tmp_path / "case")
    (told,) = states(document).values()
    assert told[0] == state
    assert word in told[1]
    (outcome,) = [a.provenance for r in analysis.history.releases for a in r.artifacts]
    assert outcome.evidence, "also a failure is evidence"
    assert {o.id for o in analysis.observations} >= set(outcome.evidence)
    assert bool(problem(document, "PyPI Integrity API")) == (state == "not observed")


def test_a_dead_advisory_service_is_not_checked_for_each_release(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page(files(4, provenance=None))
    tiny.legacy({})
    tiny.put("/osv/v1/query", {}, 503)
    analysis, document = analysed(tiny, tmp_path / "case")
    for assessment in analysis.assessments:
        assert "advisory-match" in {u.signal for u in assessment.not_checked}
    assert "503" in str(problem(document, "OSV"))
    assert isinstance(analysis.history.advisories, NotChecked)
    assert any("Advisories were not read" in s["text"] for s in document["sentences"])


@pytest.mark.parametrize("body", [[], None, "vulns", 3, {"vulns": {}}, {"vulns": None}, b"", b"\xff"])
def test_what_is_no_answer_of_osv_is_no_absence_of_advisories(tiny: Tiny, tmp_path: Path, body: Any) -> None:
    tiny.page([])
    tiny.legacy({})
    tiny.put("/osv/v1/query", body)
    analysis, _ = analysed(tiny, tmp_path / "case")
    assert isinstance(analysis.history.advisories, NotChecked)


def test_an_empty_object_of_osv_is_absence(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page([])
    tiny.legacy({})
    analysis, _ = analysed(tiny, tmp_path / "case")
    assert analysis.history.advisories == Checked((), analysis.history.advisories.evidence)
    assert analysis.history.advisories.evidence


def test_a_quarantined_project_exists(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page([], **{"project-status": {"status": "quarantined"}})
    _, document = analysed(tiny, tmp_path / "case")
    assert document["project"]["status"] == "quarantined"
    assert document["exit_code"] == 0
    (said,) = [s for s in document["sentences"] if "quarantined the project" in s["text"]]
    assert said["evidence"], "a sentence rests on observations"


def test_a_release_without_files_is_still_listed_and_no_suspect(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page(files(1, provenance=None))
    tiny.legacy({"1.0.0": [], "1.0.7": []})
    analysis, _ = analysed(tiny, tmp_path / "case")
    empty = analysis.assessment("1.0.7")
    assert empty.release.listed is True
    assert empty.release.artifacts == ()
    assert empty.findings == ()


def test_a_release_without_files_that_another_source_names_is_removed(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page(files(1, provenance=None))
    tiny.legacy({"1.0.0": [], "1.0.7": []})
    named = {"package": {"name": "demo", "ecosystem": "PyPI"}, "versions": ["1.0.7"]}
    tiny.put("/osv/v1/query", {"vulns": [{"id": "MAL-2026-1", "affected": [named]}]})
    analysis, _ = analysed(tiny, tmp_path / "case")
    empty = analysis.assessment("1.0.7").release
    assert empty.listed is False
    assert "lists the version without any file" in [m.text for m in empty.mentions]
    assert isinstance(empty.removed, NotChecked)


def test_a_project_that_both_apis_deny_is_none(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(NoSuchProject):
        analysed(tiny, tmp_path / "case")


@pytest.mark.parametrize("legacy", [{"status": 503}, {"status": 200}, {"status": 403}])
def test_a_404_of_one_api_alone_denies_nothing(tiny: Tiny, tmp_path: Path, legacy: dict[str, int]) -> None:
    tiny.put("/pypi/demo/json", {"info": {}, "releases": {}}, **legacy)
    analysis, document = analysed(tiny, tmp_path / "case")
    assert analysis.history.unasked is not None
    assert problem(document, "PyPI index")


@pytest.mark.parametrize(
    "simple",
    [
        {"body": {}, "status": 500},
        {"body": {}},
        {"body": []},
        {"body": None},
        {"body": {"files": None}},
        {"body": b"<!DOCTYPE html><a href='demo-1.0.0.tar.gz'>"},
        {"body": simple_page([]), "cut": True},
        {"body": simple_page([]), "delay": 1.2},
    ],
    ids=str,
)
def test_an_index_that_could_not_be_asked_removes_nothing(tiny: Tiny, tmp_path: Path, simple: dict[str, Any]) -> None:
    tiny.put("/simple/demo/", **simple)
    record = {
        "id": "PYSEC-1",
        "summary": "bad",
        "published": "2026-01-05T00:00:00Z",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "demo"}, "versions": ["1.0.1", "1.0.2"]}],
    }
    tiny.put("/osv/v1/query", {"vulns": [record]})
    made = investigation(tiny, tmp_path / "case")
    made.case.add_fact({"kind": "removed", "version": "1.0.3", "at": "2026-01-06T00:00:00Z"}, source="a ticket")
    analysis = made.analyse(workers=1)
    assert {r.version for r in analysis.history.releases} == {"1.0.1", "1.0.2", "1.0.3"}
    for assessment in analysis.assessments:
        assert assessment.release.listed is None
        assert "release-removed" not in {f.signal for f in assessment.findings}
        assert "release-removed" in {u.signal for u in assessment.not_checked}
        assert not assessment.verdict.flagged
    document = build_document(analysis)
    assert any("index could not be asked" in s["text"] for s in document["sentences"])
    assert document["installable_checked"] is False
    assert document["exit_code"] == 0


def test_the_legacy_api_may_be_down(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page(files(2, provenance=None))
    tiny.put("/pypi/demo/json", {}, 500)
    analysis, document = analysed(tiny, tmp_path / "case")
    assert [r.version for r in analysis.history.releases] == ["1.0.0", "1.0.1"]
    assert all(r.listed for r in analysis.history.releases)
    assert "/pypi/demo/json" in str(problem(document, "PyPI index"))
    assert analysis.history.latest is None
    assert analysis.verdict is Verdict.ORDINARY
