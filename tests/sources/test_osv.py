"""OSV: records joined by alias, withdrawn ones, single ones, batches, the zip of an ecosystem, indicators."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from forensics.evidence.archive import Archive
from forensics.evidence.client import Client
from forensics.evidence.network import open_network
from forensics.evidence.transport import RecordingTransport
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import HostileInput
from forensics.model.project import Ecosystem, parse_project
from forensics.model.release import Advisory
from forensics.sources.imports import osv as imports
from forensics.sources.interface import Witness
from forensics.sources.osv import advised_among, read_advisories
from forensics.sources.osv_record import advisories_in
from forensics.sources.supplements import Supplements, detect_kind
from tests.sources.tiny import FAST, Tiny, analysed, entry, investigation

T = TypeVar("T")
DEMO = parse_project("demo")


def record(identifier: str, *, name: str = "demo", **more: Any) -> dict[str, Any]:
    affected = [{"package": {"ecosystem": "PyPI", "name": name}, "versions": ["1.0.0"]}]
    return {"id": identifier, "modified": "2026-01-02T00:00:00Z", "affected": affected, "aliases": [], **more}


def read(*records: dict[str, Any]) -> dict[str, Advisory]:
    told = advisories_in({r["id"]: (r, ("o-1",)) for r in records}, DEMO)
    return {one.id: one for one in told}


def ask(tiny: Tiny, path: Path, talk: Callable[[Client, Endpoints], Awaitable[T]]) -> T:
    async def run() -> T:
        with Archive.append_to(path, datetime.now(UTC)) as archive:
            async with Client(RecordingTransport(open_network(), archive), FAST) as client:
                return await talk(client, Endpoints({"osv": f"{tiny.url}/osv"}))

    return asyncio.run(run())


def test_one_of_an_alias_group_speaks_for_all() -> None:
    told = read(
        record("PYSEC-2026-1", aliases=["CVE-2026-1"]),
        record("GHSA-x", aliases=["CVE-2026-1"], database_specific={"cwe_ids": ["CWE-506"]}),
        record("GHSA-other", aliases=["CVE-2026-2"]),
    )
    assert {name: one.malicious for name, one in told.items()} == {
        "GHSA-x": True,
        "PYSEC-2026-1": True,
        "GHSA-other": False,
    }


def test_a_withdrawn_record_speaks_for_nobody() -> None:
    told = read(
        record("MAL-2026-1", aliases=["PYSEC-2026-1"], withdrawn="2026-02-01T00:00:00Z"), record("PYSEC-2026-1")
    )
    assert told["MAL-2026-1"].withdrawn is not None
    assert not told["PYSEC-2026-1"].malicious


def test_first_reports_and_indicators_are_kept() -> None:
    block = {
        "malicious-packages-origins": [
            {"source": "two", "import_time": "2026-01-03T00:00:00Z"},
            {"source": "one", "import_time": "2026-01-02T10:00:00.5Z"},
            {"source": "broken", "import_time": "yesterday"},
            7,
        ],
        "iocs": {"domains": ["evil.example", 7], "urls": ["https://evil.example/x"], "ips": "no list"},
    }
    told = read(record("MAL-2026-1", database_specific=block))["MAL-2026-1"]
    assert [source for source, _ in told.reports] == ["one", "two"]
    assert told.indicators == (("domain", "evil.example"), ("url", "https://evil.example/x"))


def advisories(tiny: Tiny, path: Path, *also: str) -> Outcome[tuple[Advisory, ...]]:
    return ask(tiny, path, lambda client, where: read_advisories(client, where, DEMO, Witness("OSV"), also))


def test_aliases_and_named_ids_are_asked_for_one_by_one(tiny: Tiny, tmp_path: Path) -> None:
    tiny.put("/osv/v1/query", {"vulns": [record("PYSEC-2026-1", aliases=["MAL-2026-1", "CVE-2026-1"])]})
    tiny.put("/osv/v1/vulns/MAL-2026-1", record("MAL-2026-1"))
    tiny.put("/osv/v1/vulns/GHSA-named", record("GHSA-named"))
    tiny.put("/osv/v1/vulns/GHSA-liar", record("GHSA-another"))
    told = advisories(tiny, tmp_path / "a", "GHSA-named", "GHSA-liar", "GHSA-nowhere")
    assert isinstance(told, Checked)
    assert [one.id for one in told.value] == ["GHSA-named", "MAL-2026-1", "PYSEC-2026-1"]
    assert not any("CVE" in path for path in tiny.asked)


def test_a_batch_tells_which_packages_have_advisories(tiny: Tiny, tmp_path: Path) -> None:
    def names(client: Client, where: Endpoints) -> Awaitable[Outcome[dict[str, tuple[str, ...]]]]:
        return advised_among(client, where, Ecosystem.PYPI, ["a", "b"], Witness("OSV"))

    tiny.put("/osv/v1/querybatch", {"results": [{}, {"vulns": [{"id": "MAL-1", "modified": "x"}]}]})
    told = ask(tiny, tmp_path / "a", names)
    assert isinstance(told, Checked)
    assert told.value == {"b": ("MAL-1",)}
    tiny.put("/osv/v1/querybatch", {"results": [{}]})
    assert isinstance(ask(tiny, tmp_path / "b", names), NotChecked), "as many answers as questions, or none"


def packed(*records: dict[str, Any], **more: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in records:
            archive.writestr(f"{one['id']}.json", json.dumps(one))
        for name, data in more.items():
            archive.writestr(f"{name}.json", data)
    return buffer.getvalue()


def brought(data: bytes) -> list[str]:
    found = Supplements()
    imports.read_osv(data, "a file", ("o-9",), DEMO, found)
    return [one.id for one in found.advisories]


def test_records_come_as_zip_list_lines_answer_or_alone() -> None:
    some = [record("MAL-1"), record("MAL-2", name="other"), record("PYSEC-1", name="Demo")]
    assert brought(packed(*some)) == ["MAL-1", "PYSEC-1"]
    assert brought(json.dumps(some).encode()) == ["MAL-1", "PYSEC-1"]
    assert brought("\n".join(map(json.dumps, some)).encode()) == ["MAL-1", "PYSEC-1"]
    assert brought(json.dumps({"vulns": some}).encode()) == ["MAL-1", "PYSEC-1"]
    assert brought(json.dumps(some[0]).encode()) == ["MAL-1"]


def test_kinds_are_told_by_content() -> None:
    assert detect_kind("all.zip", packed(record("MAL-1"))) == "osv"
    assert detect_kind("MAL-1.json", json.dumps(record("MAL-1")).encode()) == "osv"


def test_hostile_archives_end_in_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MAX_RECORD", 10_000)
    with pytest.raises(HostileInput):
        brought(packed(bomb=b"[" + b" " * 20_000_000))
    monkeypatch.setattr(imports, "MAX_ENTRIES", 2)
    with pytest.raises(HostileInput, match="more than 2 members"):
        brought(packed(*(record(f"MAL-{n}") for n in range(3))))
    with pytest.raises(ValueError, match="damaged archive"):
        brought(packed(record("MAL-1"))[:-30])
    with pytest.raises(ValueError, match="no OSV record"):
        brought(packed())


def test_an_imported_zip_speaks_where_osv_is_silent(tiny: Tiny, tmp_path: Path) -> None:
    """The version that it names is judged; for the others, silence of a file is not OSV's silence."""
    tiny.page([entry("demo-1.0.0.tar.gz"), entry("demo-1.0.1.tar.gz", 2)], meta={"api-version": "1.1"})
    tiny.put("/osv/v1/query", {"message": "down"}, 503)
    made = investigation(tiny, tmp_path / "case")
    made.case.add_import("all.zip", packed(record("MAL-2026-1")), kind="osv", source="the bucket, 2026-01-05")
    told = {a.release.version: a for a in made.analyse(workers=1).assessments}
    assert "advisory-match" in {f.signal for f in told["1.0.0"].findings}
    missing = next(u for u in told["1.0.1"].not_checked if u.signal == "advisory-match")
    assert "OSV could not be asked" in missing.outcome.reason


def test_reports_are_events_and_indicators_stand_in_the_document(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page([entry("demo-1.0.0.tar.gz")], meta={"api-version": "1.1"})
    block = {
        "malicious-packages-origins": [{"source": "first-reporter", "import_time": "2026-01-02T10:00:00Z"}],
        "iocs": {"domains": ["evil.example"]},
    }
    tiny.put("/osv/v1/query", {"vulns": [record("MAL-2026-1", database_specific=block)]})
    _, document = analysed(tiny, tmp_path / "case")
    (event,) = [e for e in document["events"] if e["what"] == "reported"]
    assert (event["at"], event["kind"], event["subject"]) == (
        "2026-01-02T10:00:00Z",
        "asserted by a reporter",
        "MAL-2026-1",
    )
    assert "first-reporter" in event["detail"]
    assert document["advisories"][0]["indicators"] == [{"type": "domain", "value": "evil.example"}]
