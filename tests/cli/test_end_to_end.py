"""The demonstration from the wire to the sentence. What must come out stands in the scenario, not in the toolkit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Collected
from tests.conftest import Forensics
from tests.lab import World

BAD = ["8.3.41", "8.3.42", "8.3.45", "8.3.46"]
SILENT_SOURCES = {
    "artifact-differs-from-source": "artifact",
    "no-source-release": "git",
    "commit-unreachable": "git",
    "exec-surface-added": "artifact",
}


def iso(moment: Any) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def releases(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {r["version"]: r for r in document["releases"]}


@pytest.fixture
def known(forensics: Forensics, collected: Collected, vouched: dict[str, str]) -> dict[str, Any]:
    done = forensics("timeline", "--case", collected.imported, "--offline", "--json", env=vouched)
    assert done.returncode == 11, done.stderr
    return dict(json.loads(done.stdout))


def test_the_scenario_says_which_are_bad(lab_world: World) -> None:
    assert [r.version for r in lab_world.scenario.release if r.malicious] == BAD


@pytest.mark.parametrize("which", ["plain", "imported"])
def test_the_bad_ones_are_flagged_and_nothing_else(
    which: str, collected: Collected, known: dict[str, Any], lab_world: World
) -> None:
    document = known if which == "imported" else collected.live
    told = releases(document)
    assert {v for v, r in told.items() if r["verdict"] == "likely-compromised"} == set(BAD)
    assert {r["verdict"] for v, r in told.items() if v not in BAD} <= {"ordinary", "notable"}
    for row in lab_world.scenario.expect:
        fired = {s["id"] for s in told[row.version]["signals"]}
        assert not fired & set(row.silent), row.version
        if which == "imported":
            assert {s for s in row.signals if s not in SILENT_SOURCES} <= fired, row.version
    assert (document["verdict"], document["exit_code"]) == ("likely-compromised", 11)
    assert document["installable_now"] == []
    assert document["installable_checked"] is True


def test_the_waves_and_their_neighbours(known: dict[str, Any]) -> None:
    assert [
        (w["line"], w["releases"], w["last_good"]["version"], w["first_good"]["version"]) for w in known["waves"]
    ] == [("8", ["8.3.41", "8.3.42"], "8.3.40", "8.3.43"), ("8", ["8.3.45", "8.3.46"], "8.3.44", "8.3.47")]


def test_exposure_is_right_to_the_second(known: dict[str, Any], lab_world: World) -> None:
    for version in BAD:
        row = next(r for r in lab_world.scenario.release if r.version == version)
        exposure = releases(known)[version]["exposure"]
        assert (exposure["start"], exposure["end"]) == (iso(row.published), iso(row.removed))
        assert exposure["seconds"] == int((row.removed - row.published).total_seconds())
        assert exposure["end_reason"] == ""
        assert exposure["end_source"] == "PyPI journal", "the index's own word comes before a write-up's"
    first, second = known["waves"]
    assert (first["exposure"]["start"], first["exposure"]["end"]) == ("2024-12-04T20:51:00Z", "2024-12-05T13:47:00Z")
    assert (second["exposure"]["start"], second["exposure"]["end"]) == ("2024-12-07T01:41:00Z", "2024-12-07T03:15:00Z")


def test_before_the_import_the_journal_states_the_end(collected: Collected, lab_world: World) -> None:
    for version in BAD:
        row = next(r for r in lab_world.scenario.release if r.version == version)
        told = releases(collected.live)[version]
        assert told["exposure"]["end"] == iso(row.removed)
        assert told["removed_kind"] == "asserted by the index: PyPI journal"
    assert collected.live["journal"]["rows"] > 0


def test_facts_added_by_hand_give_the_same_end_as_the_file(
    forensics: Forensics,
    collected: Collected,
    vouched: dict[str, str],
    tmp_path: Path,
    known: dict[str, Any],
    lab_world: World,
) -> None:
    case = tmp_path / "by-hand"
    shutil.copytree(collected.plain, case)
    rows = [r for r in lab_world.scenario.release if r.removed]
    words = [
        w
        for r in rows
        for w in ("--removed", f"{r.version}={iso(r.removed)}", "--published", f"{r.version}={iso(r.published)}")
    ]
    done = forensics("case", "add", case, *words, "--source", "ticket 7", env=vouched)
    assert done.returncode == 0, done.stderr
    document = json.loads(forensics("timeline", "--case", case, "--offline", "--json", env=vouched).stdout)
    for version in BAD:
        mine, theirs = releases(document)[version], releases(known)[version]
        for key in ("start", "end", "seconds"):
            assert mine["exposure"][key] == theirs["exposure"][key]
        assert "ticket 7" in {mention["source"] for mention in mine["mentions"]}
        assert mine["removed_kind"] == "asserted by the index: PyPI journal", "its word comes before the responder's"
    assert forensics("case", "verify", case, env=vouched).returncode == 0, "tables are renewed with the evidence"


def test_the_log_still_holds_what_the_index_deleted(known: dict[str, Any], lab_world: World) -> None:
    told = releases(known)
    for row in (r for r in lab_world.scenario.release if r.malicious):
        states = {f["provenance"] for f in told[row.version]["files"]}
        statuses = {a["status"] for f in told[row.version]["files"] for a in f["attestations"]}
        if row.door == "trusted-attested":
            assert (states, statuses, told[row.version]["door"]) == ({"attested"}, {"valid"}, "trusted-attested")
        else:
            assert states == {"absent"}
            assert told[row.version]["door"] == "unknown", "absence of an attestation proves no token"


def test_every_statement_rests_on_observations_that_the_case_holds(known: dict[str, Any]) -> None:
    ids = {o["id"] for o in known["observations"]}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            if "evidence" in value and path not in {"sources", "not_checked"}:
                assert set(value["evidence"]) <= ids, path
                if path in {"signals", "events", "sentences", "releases", "files", "attestations", "waves"}:
                    assert value["evidence"], (path, value)
            for key, inner in value.items():
                walk(inner, key)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, path)

    walk(known, "")


def test_the_case_verifies_and_a_forged_table_is_named(
    forensics: Forensics, collected: Collected, vouched: dict[str, str], tmp_path: Path
) -> None:
    case = tmp_path / "case"
    shutil.copytree(collected.imported, case)
    assert forensics("case", "verify", case, env=vouched).returncode == 0
    from forensics.evidence.case import Case
    from forensics.timeline.tables import from_parquet, to_parquet

    opened = Case.open(case)
    tables = {name: opened.table(name) for name in opened.table_names()}
    frame = from_parquet(tables["releases"])
    tables["releases"] = to_parquet(frame.filter(frame["version"] != "8.3.41"))
    tables["events"] = b"PAR1 nothing"
    tables["invented"] = tables["releases"]
    opened.write_tables(tables)
    done = forensics("case", "verify", case, env=vouched)
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    for name in ("releases", "events", "invented"):
        assert f"data/tables/{name}.parquet: does not follow from the evidence" in done.stdout
    assert "artifacts" not in done.stdout
    both = forensics("verify", case, collected.imported, env=vouched)
    assert both.returncode == 4
    assert "intact" in both.stdout, "a damaged case does not hide the next"


def test_cases_and_documents_are_verified_into_one_document(
    forensics: Forensics, collected: Collected, vouched: dict[str, str], tmp_path: Path
) -> None:
    case, nothing, junk = tmp_path / "case", tmp_path / "nothing", tmp_path / "junk.json"
    shutil.copytree(collected.plain, case)
    flipped = case / "data/trusted_root.json"
    flipped.write_bytes(flipped.read_bytes() + b" ")
    nothing.mkdir()
    junk.write_text("{}")
    done = forensics("verify", case, junk, collected.plain, nothing, "--json", env=vouched)
    assert done.returncode == 4
    document = json.loads(done.stdout)
    assert document["schema"] == "forensics/verify/1"
    damaged, unread, whole, no_case = document["files"]
    assert (damaged["kind"], damaged["status"]) == ("case", "invalid")
    assert [row["file"] for row in damaged["damage"]] == ["data/trusted_root.json"]
    assert (unread["file"], unread["status"]) == (str(junk), "unreadable")
    assert (whole["kind"], whole["status"], whole["finished"], whole["damage"]) == ("case", "valid", True, [])
    assert [check["name"] for check in whole["checks"]] == ["seal"]
    assert no_case["status"] == "unreadable"
    assert no_case["reason"]
    alone = forensics("verify", collected.plain, "--json", env=vouched)
    assert alone.returncode == 0
    assert json.loads(alone.stdout)["trust_root"] is None


def test_no_table_decides_what_is_said(
    forensics: Forensics, collected: Collected, vouched: dict[str, str], tmp_path: Path, known: dict[str, Any]
) -> None:
    from forensics.evidence.case import Case

    case = tmp_path / "case"
    shutil.copytree(collected.imported, case)
    Case.open(case).write_tables({"releases": b"junk"})
    done = forensics("timeline", "--case", case, "--offline", "--json", env=vouched)
    assert json.loads(done.stdout)["releases"] == known["releases"]


@pytest.mark.parametrize("kind", ["attestation", "bytes"])
def test_a_flipped_byte_in_the_archive_is_damage(
    kind: str, forensics: Forensics, collected: Collected, vouched: dict[str, str], tmp_path: Path
) -> None:
    case = tmp_path / "case"
    shutil.copytree(collected.plain, case)
    archive = case / "data" / "http.warc.gz"
    data = bytearray(archive.read_bytes())
    data[len(data) // (2 if kind == "bytes" else 3)] ^= 1
    archive.write_bytes(data)
    for words in (("timeline", "--case", case, "--offline"), ("case", "verify", case)):
        done = forensics(*words, env=vouched)
        assert done.returncode == 4, words
        assert "Traceback" not in done.stderr
        assert "http.warc.gz" in done.stdout + done.stderr or "archive" in done.stdout + done.stderr
