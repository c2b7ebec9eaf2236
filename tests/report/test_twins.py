"""The forms that programs read, each held against what reads it: Timesketch, stix2, the OSV schema, csv, networkx."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import networkx as nx
import pytest

from forensics.model.errors import UsageError
from forensics.report import FORMATS
from forensics.report.cells import cell
from forensics.report.indicators import indicators_of
from forensics.report.words import flagged

from . import documents
from .made_releases import claims

SCHEMA = json.loads((Path(__file__).parent / "osv_schema.json").read_text(encoding="utf-8"))
BAD = ["8.3.41", "8.3.42", "8.3.45", "8.3.46"]


@pytest.fixture(scope="module")
def doc() -> Any:
    return documents.compromised()


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_event_is_a_row(doc: Any) -> None:
    rows = rows_of(FORMATS["csv"](doc))
    assert [(r["time"], r["what"], r["release"]) for r in rows] == [
        (e["at"], e["what"], e["version"] or "") for e in doc["events"]
    ]
    bad = next(row for row in rows if row["release"] == "8.3.45")
    assert bad["verdict"] == "likely-compromised"
    assert "provenance-lost" in bad["signals"].split()
    assert {row["note"] for row in rows} == {doc["case"]["label"]}  # a reconstruction says so in every row


def test_timesketch_finds_its_required_fields(doc: Any) -> None:
    """Source: Timesketch's import guide. Without these three a line is refused; a list of tags is called `tag`."""
    lines = FORMATS["jsonl"](doc).splitlines()
    assert len(lines) == len(doc["events"])
    for line, event in zip(lines, doc["events"], strict=True):
        row = json.loads(line)
        assert {type(row[name]) for name in ("message", "datetime", "timestamp_desc")} == {str}
        assert all(row[name] for name in ("message", "datetime", "timestamp_desc"))
        at = datetime.fromisoformat(row["datetime"])
        assert at.utcoffset() == timedelta(0)
        assert row["timestamp"] == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        assert at == datetime.fromisoformat(event["at"])
        assert not any(len(str(value).encode()) > 32_766 for value in row.values())
        assert ("likely-compromised" in row.get("tag", [])) == (event["version"] in BAD)


def test_timesketch_keeps_microseconds(doc: Any) -> None:
    one = {**doc["events"][0], "at": "2024-12-04T20:51:00.123456Z"}
    row = json.loads(FORMATS["jsonl"]({**doc, "events": [one]}))
    assert row["timestamp"] % 1_000_000 == 123_456


def test_indicators_tell_what_to_search_from_what_surrounds_it(doc: Any) -> None:
    doc = json.loads(json.dumps(doc))
    for name, kind, versions in (
        ("payload:" + "f" * 64, "payload", ["8.3.41"]),
        ("account:glenn", "account", ["8.3.40", "8.3.41"]),
    ):
        node = {"id": name, "type": kind, "label": "x", "versions": versions, "members": 1}
        doc["graph"]["nodes"].append({**node, "verdict": "likely-compromised"})
    rows = rows_of(FORMATS["iocs.csv"](doc))
    roles = {(row["type"], row["value"]): row["role"] for row in rows}
    for release in doc["releases"]:
        for file in release["files"]:
            assert roles.get(("sha256", file["sha256"])) == ("indicator" if flagged(release["verdict"]) else None)
    assert roles["signer", claims("x")["subject_alternative_name"]] == "context"
    assert roles["repository", documents.REPOSITORY] == "context"
    assert roles["commit", claims("8.3.41")["source_repository_digest"]] == "indicator"
    assert roles["sha256-inside", "f" * 64] == "indicator"
    assert roles["account", "glenn"] == "context"  # an unflagged release is theirs, too
    assert roles["domain", "evil.example"] == "indicator"
    assert roles["purl", "pkg:pypi/ultralytics@8.3.41"] == "indicator"
    assert all(row["evidence"] for row in rows if row["type"] != "account" and row["type"] != "sha256-inside")
    both = next(row for row in rows if row["type"] == "signer")
    assert both["releases"].split() == ["8.3.41", "8.3.42"]
    assert both["first_seen"] < both["last_seen"]


def test_a_value_of_several_releases_has_the_worst_of_their_verdicts(doc: Any) -> None:
    doc = json.loads(json.dumps(doc))
    next(r for r in doc["releases"] if r["version"] == "8.3.41")["verdict"] = "suspicious"
    rows = [row for row in rows_of(FORMATS["iocs.csv"](doc)) if len(row["releases"].split()) > 1]
    assert {row["verdict"] for row in rows if "8.3.42" in row["releases"].split()} == {"likely-compromised"}


def test_stix_is_read_back_by_stix2_and_says_what_the_csv_says(doc: Any) -> None:
    import stix2

    text = FORMATS["stix.json"](doc)
    bundle = stix2.parse(text, allow_custom=False)
    kinds = [one.type for one in bundle.objects]
    assert kinds[0] == "identity"
    assert kinds[-1] == "report"
    assert kinds.count("software") == len(BAD)
    ids = [one.id for one in bundle.objects]
    assert len(set(ids)) == len(ids)
    report = bundle.objects[-1]
    assert set(report.object_refs) == set(ids[:-1])
    patterns = {one.pattern for one in bundle.objects if one.type == "indicator"}
    hashes = [i.value for i in indicators_of(doc) if i.type == "sha256" and i.role == "indicator"]
    assert len(hashes) == 2 * len(BAD)
    assert {f"[file:hashes.'SHA-256' = '{value}']" for value in hashes} <= patterns
    assert "[domain-name:value = 'evil.example']" in patterns
    assert all(doc["case"]["label"] in one.description for one in bundle.objects if one.type == "indicator")
    for one in bundle.objects:
        if "created" in one:
            assert one.created == datetime.fromisoformat(doc["case"]["collected_at"])


def test_stix_of_a_suspicion_is_no_accusation(doc: Any) -> None:
    import stix2

    doc = json.loads(json.dumps(doc))
    for release in doc["releases"]:
        if release["version"] in BAD:
            release["verdict"] = "suspicious"
    doc["advisories"] = []
    found = [one for one in stix2.parse(FORMATS["stix.json"](doc)).objects if one.type == "indicator"]
    assert {tuple(one.indicator_types) for one in found} == {("anomalous-activity",)}


def test_without_stix2_the_user_is_told_how_to_get_it(doc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "stix2", None)
    with pytest.raises(UsageError, match="stix2") as caught:
        FORMATS["stix.json"](doc)
    assert "release-forensics[stix]" in caught.value.diagnostics()


def test_osv_drafts_follow_the_schema(doc: Any) -> None:
    record = json.loads(FORMATS["osv.json"](doc))
    jsonschema.validate(record, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert record["affected"][0]["versions"] == BAD
    assert record["affected"][0]["package"] == {
        "ecosystem": "PyPI", "name": "ultralytics", "purl": "pkg:pypi/ultralytics",
    }  # fmt: skip
    assert record["aliases"] == ["PYSEC-2024-154"]
    assert record["database_specific"]["draft"] is True
    assert record["database_specific"]["reconstruction"] == doc["case"]["label"]
    assert len(record["database_specific"]["iocs"]["sha256"]) == 2 * len(BAD)
    assert doc["case"]["label"] in record["details"]


def test_an_advisory_on_other_versions_is_related_and_no_alias(doc: Any) -> None:
    doc = json.loads(json.dumps(doc))
    doc["advisories"][0]["versions"].append("8.3.40")
    record = json.loads(FORMATS["osv.json"](doc))
    assert "aliases" not in record
    assert record["related"] == ["PYSEC-2024-154"]


def test_a_suspicion_is_no_record() -> None:
    with pytest.raises(UsageError, match="likely compromised"):
        FORMATS["osv.json"](documents.benign())


def test_the_draft_of_an_npm_package_names_its_ecosystem(doc: Any) -> None:
    doc = json.loads(json.dumps(doc))
    doc["project"] |= {"ecosystem": "npm", "name": "@scope/thing", "purl": "pkg:npm/%40scope/thing"}
    record = json.loads(FORMATS["osv.json"](doc))
    jsonschema.validate(record, SCHEMA)
    assert record["id"] == "MAL-0000-scope-thing"
    assert record["affected"][0]["package"]["ecosystem"] == "npm"


def test_graphml_is_read_back_whole(doc: Any) -> None:
    graph = nx.parse_graphml(FORMATS["graphml"](doc), force_multigraph=True)
    assert set(graph.nodes) == {node["id"] for node in doc["graph"]["nodes"]}
    assert graph.number_of_edges() == len(doc["graph"]["edges"])
    assert graph.nodes["release:8.3.41"]["verdict"] == "likely-compromised"
    assert any(data["evidence"].startswith("o-") for _, _, data in graph.edges(data=True))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", r"\t=1"),
        ("  =1", "'  =1"),
        ("\r=1", r"\r=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        (" \uff0b1", "' \uff0b1"),
        ("\uff0d1", "'\uff0d1"),
        ("\uff20SUM(1)", "'\uff20SUM(1)"),
        ("8.3.41", "8.3.41"),
        (-3, "-3"),
        (None, ""),
        ("a\x1b[2Jb", r"a\u001b[2Jb"),
    ],
)
def test_no_cell_is_a_formula(value: object, written: str) -> None:
    assert cell(value) == written


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_document_gives_the_same_bytes(name: str, doc: Any) -> None:
    assert FORMATS[name](doc) == FORMATS[name](json.loads(json.dumps(doc)))
