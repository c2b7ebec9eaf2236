"""Earlier cases handed over: what the index said then is compared with what it says now, byte for byte evidence."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forensics.evidence.archive import Archive
from forensics.investigation.earlier import import_earlier
from forensics.model.checked import Checked
from forensics.model.errors import DamagedCase, MalformedEvidence, UsageError
from forensics.model.project import parse_project
from forensics.sources.snapshot import METHOD, make_snapshot, read_snapshot
from forensics.sources.supplements import detect_kind
from tests.sources.npm_kit import ALICE, Registry
from tests.sources.npm_kit import investigation as npm_investigation
from tests.sources.tiny import Tiny, entry, investigation

WHEEL = "demo-{}-py3-none-any.whl"
URL = "/integrity/demo/{0}/demo-{0}-py3-none-any.whl/provenance"
PROVENANCE = {
    "version": 1,
    "attestation_bundles": [{"publisher": {"kind": "GitHub"}, "attestations": [{"version": 1}]}],
}


def _page(tiny: Tiny, *versions: str, attested: tuple[str, ...] = ()) -> None:
    files = [
        entry(WHEEL.format(v), n + 1, provenance=f"https://pypi.example{URL.format(v)}" if v in attested else None)
        for n, v in enumerate(versions)
    ]
    tiny.page(files)
    for version in attested:
        tiny.put(URL.format(version), PROVENANCE)


def test_a_removed_release_and_a_vanished_attestation(tiny: Tiny, tmp_path: Path) -> None:
    _page(tiny, "1.0.0", "1.0.1", "1.0.2", attested=("1.0.0", "1.0.1"))
    investigation(tiny, tmp_path / "then")
    _page(tiny, "1.0.0", "1.0.2")
    now = investigation(tiny, tmp_path / "now")
    assert now.analyse(workers=1).history.earlier_cases == ()
    added = import_earlier(now.case, tmp_path / "then")
    assert import_earlier(now.case, tmp_path / "then").observation == added.observation, "added once"
    asked = len(tiny.asked)
    analysis = now.analyse(workers=1)
    assert len(tiny.asked) == asked
    assert len(analysis.history.earlier_cases) == 1
    gone = analysis.assessment("1.0.1")
    assert gone.release.listed is False
    assert "release-removed" in {f.signal for f in gone.findings}
    assert gone.release.artifacts[0].attested is True, "the earlier case saw its attestation"
    assert gone.release.artifacts[0].path is not None
    assert added.observation.id in gone.release.artifacts[0].provenance.evidence
    kept = {f.signal: f for f in analysis.assessment("1.0.0").findings}
    assert added.observation.id in kept["attestation-vanished"].evidence
    assert analysis.assessment("1.0.2").release.artifacts[0].vanished == ()


def test_what_npm_stated_of_a_version_that_it_forgot(tiny: Tiny, tmp_path: Path) -> None:
    demo = Registry(tiny)
    demo.release("1.0.0", 1, ALICE)
    demo.release("1.0.1", 2, ALICE, scripts={"postinstall": "node x.js"})
    demo.put()
    npm_investigation(tiny, tmp_path / "then")
    demo.forget("1.0.1")
    demo.put()
    now = npm_investigation(tiny, tmp_path / "now")
    assert not isinstance(now.analyse(workers=1).assessment("1.0.1").release.publication, Checked)
    added = import_earlier(now.case, tmp_path / "then")
    found = now.analyse(workers=1).assessment("1.0.1")
    assert isinstance(found.release.publication, Checked)
    assert found.release.publication.value.hooks == (("postinstall", "node x.js"),)
    assert found.release.publication.evidence == (added.observation.id,)


def test_what_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    _page(tiny, "1.0.0")
    now = investigation(tiny, tmp_path / "now")
    with pytest.raises(UsageError, match="is the case itself"):
        import_earlier(now.case, tmp_path / "now")
    tiny.page([entry("other-1.0.0-py3-none-any.whl")], "other", name="other")
    investigation(tiny, tmp_path / "other", name="other")
    with pytest.raises(UsageError, match="is about pypi:other"):
        import_earlier(now.case, tmp_path / "other")
    investigation(tiny, tmp_path / "begun", collect=False)
    with pytest.raises(UsageError, match="not complete"):
        import_earlier(now.case, tmp_path / "begun")


def _snapshot(folder: Path) -> bytes:
    with Archive.append_to(folder / "empty.warc.gz", datetime(2026, 1, 1, tzinfo=UTC)) as archive:
        return asyncio.run(
            make_snapshot(
                archive, parse_project("demo"), _endpoints(), case="one", digest="d" * 64,
                at=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )  # fmt: skip


def _endpoints() -> object:
    from forensics.model.endpoints import resolve_endpoints

    return resolve_endpoints({"pypi": "http://127.0.0.1:9"})


def test_snapshots_that_lie(tiny: Tiny, tmp_path: Path) -> None:
    data = _snapshot(tmp_path)
    assert detect_kind("snapshot-one.warc.gz", data) == "snapshot"
    assert asyncio.run(read_snapshot(data, parse_project("demo"))).case == "one"
    with pytest.raises(MalformedEvidence, match="no snapshot of pypi:other"):
        asyncio.run(read_snapshot(data, parse_project("other")))
    with pytest.raises(DamagedCase):
        asyncio.run(read_snapshot(data[: len(data) // 2], parse_project("demo")))
    with pytest.raises((DamagedCase, MalformedEvidence)):
        asyncio.run(read_snapshot(b"\x1f\x8bnothing", parse_project("demo")))
    _page(tiny, "1.0.0")
    now = investigation(tiny, tmp_path / "now")
    now.case.add_import("x.warc.gz", data[:40], kind="snapshot", source="somebody")
    told = now.analyse(workers=1).history
    assert any("x.warc.gz" in outcome.reason for what, outcome in told.not_checked if what == "import")
    assert METHOD == "SNAPSHOT"
