"""deps.dev: what is read from its answers, what a default means, and what an outage does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from forensics.evidence.archive import Archive
from forensics.evidence.client import Client, Limits
from forensics.evidence.network import open_network
from forensics.evidence.transport import RecordingTransport, ReplayingTransport
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.project import parse_project
from forensics.sources.depsdev import DepsDev, Opinions
from forensics.sources.interface import Witness
from tests.lab import LabServer, build_world, serve
from tests.lab.faults import Fault
from tests.sources.tiny import Tiny

T = TypeVar("T")
FAST = Limits(per_second=1e9, attempts=2, max_wait_seconds=0.1, read_seconds=2)
PROJECT = parse_project("elementary-data")
REAL = Path(__file__).resolve().parents[3] / "shared/evidence/depsdev/npm-lodash-4.17.20.version.json"


@pytest.fixture(scope="module")
def _server() -> Iterator[LabServer]:
    with serve(build_world("elementary-data-2026-04")) as running:
        yield running


@pytest.fixture
def server(_server: LabServer) -> LabServer:
    _server.clear_faults()
    _server.reset_requests()
    _server.moment = _server.world.scenario.as_of
    return _server


def ask(path: Path, base: str, talk: Callable[[DepsDev], Awaitable[T]], *, replay: bool = False, name: str = "") -> T:
    project = parse_project(name) if name else PROJECT

    async def run() -> T:
        with Archive.append_to(path, datetime.now(UTC)) as archive:
            transport = ReplayingTransport(archive) if replay else RecordingTransport(open_network(), archive)
            async with Client(transport, FAST) as client:
                return await talk(DepsDev(client, base, project, Witness("deps.dev")))

    return asyncio.run(run())


def opinions(path: Path, base: str, **more: Any) -> Outcome[Opinions]:
    return ask(path, base, lambda service: service.opinions(), **more)


def test_every_version_has_an_opinion_live_and_from_the_case(server: LabServer, tmp_path: Path) -> None:
    base = f"{server.base}/depsdev"
    live = opinions(tmp_path / "a", base)
    assert opinions(tmp_path / "a", base, replay=True) == live
    assert isinstance(live, Checked)
    assert list(live.value.opinions) == list(live.value.published)
    assert len(server.requests) == 3, "one question about the package, and two about all its versions"
    opinion = live.value.opinions["0.23.4"]
    claims = server.world.release("0.23.4").claims
    assert {(a.verified, a.repository, a.commit) for a in opinion.attestations} == {
        (True, claims.repository, claims.commit)
    }
    assert opinion.is_default
    assert ("github.com/elementary-data/elementary", "PYPI_PUBLISH_ATTESTATION") in {
        (related.id, related.provenance) for related in opinion.related
    }
    assert opinion.findings == ()


def test_a_removed_version_stays_for_a_day(server: LabServer, tmp_path: Path) -> None:
    server.moment = datetime(2026, 4, 26, 8, tzinfo=UTC)
    seen = opinions(tmp_path / "a", f"{server.base}/depsdev")
    assert isinstance(seen, Checked)
    assert "0.23.3" in seen.value.published
    server.moment += timedelta(days=2)
    later = opinions(tmp_path / "b", f"{server.base}/depsdev")
    assert isinstance(later, Checked)
    assert "0.23.3" not in later.value.published


def test_a_digest_leads_to_its_version(server: LabServer, tmp_path: Path) -> None:
    digest = server.world.files_of("0.23.4")[0].sha256

    async def talk(service: DepsDev) -> Opinions:
        return await service.with_hashes(Opinions(True), (digest, "0" * 64))

    told = ask(tmp_path / "a", f"{server.base}/depsdev", talk)
    assert {key: value.value for key, value in told.by_hash.items()} == {
        digest: ("elementary-data 0.23.4",),
        "0" * 64: (),
    }


def test_without_the_batch_the_latest_are_asked_one_by_one(server: LabServer, tmp_path: Path) -> None:
    server.inject(Fault("/depsdev/v3alpha", "status", status=404))
    told = opinions(tmp_path / "a", f"{server.base}/depsdev")
    assert isinstance(told, Checked)
    assert "0.23.4" in told.value.opinions
    assert len(told.value.opinions) == 20
    assert told.value.opinions["0.23.4"].findings is None


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/depsdev", "status", status=503),
        Fault("/depsdev", "garbage"),
        Fault("/depsdev", "truncate"),
        Fault("/depsdev", "delay", seconds=30),
        Fault("/depsdev", "oversize", size=80 * 2**20),
    ],
    ids=lambda fault: fault.kind,
)
def test_an_outage_is_no_absence(server: LabServer, tmp_path: Path, fault: Fault) -> None:
    server.inject(fault)
    assert isinstance(opinions(tmp_path / "a", f"{server.base}/depsdev"), NotChecked)


def test_a_package_that_it_does_not_know_is_its_word_alone(tiny: Tiny, tmp_path: Path) -> None:
    told = opinions(tmp_path / "a", tiny.url)
    assert isinstance(told, Checked)
    assert not told.value.known
    assert told.value.opinions == {}


def test_what_is_left_out_is_false_or_empty(tiny: Tiny, tmp_path: Path) -> None:
    """Protobuf in JSON leaves out defaults: a missing `verified` is false, and a missing list is empty."""
    key = {"system": "PYPI", "name": "demo", "version": "1.0"}
    tiny.put("/v3/systems/PYPI/packages/demo", {"versions": [{"versionKey": key}, {"versionKey": None}, "x"]})
    row = {"versionKey": key, "attestations": [{"type": "a"}, {}], "slsaProvenances": [{"verified": True}, None]}
    tiny.put("/v3alpha/versionbatch", {"responses": [{"request": {"versionKey": key}, "version": row}, 7]})
    tiny.put("/v3alpha/findingsbatch", {"responses": [{"request": {"versionKey": key}}]})
    told = opinions(tmp_path / "a", tiny.url, name="demo")
    assert isinstance(told, Checked)
    opinion = told.value.opinions["1.0"]
    assert [(a.kind, a.verified) for a in opinion.attestations] == [
        ("a", False),
        ("", False),
        ("SLSA provenance", True),
        ("SLSA provenance", False),
    ]
    assert (opinion.is_default, opinion.deprecated, opinion.published, opinion.findings) == (False, None, None, ())


def test_a_name_with_a_scope_is_one_segment(tiny: Tiny, tmp_path: Path) -> None:
    tiny.put("/v3/systems/NPM/packages/%40scope%2Fname", {})
    told = opinions(tmp_path / "a", tiny.url, name="npm:@scope/name")
    assert isinstance(told, Checked)
    assert told.value.known
    assert tiny.asked[0] == "/v3/systems/NPM/packages/%40scope%2Fname"


@pytest.mark.evidence
@pytest.mark.skipif(not REAL.exists(), reason="the folder of real signed objects is not beside the checkout")
def test_a_real_answer(tiny: Tiny, tmp_path: Path) -> None:
    row = json.loads(REAL.read_text("utf-8"))
    tiny.put("/v3/systems/NPM/packages/lodash", {"versions": [{"versionKey": row["versionKey"]}]})
    tiny.put("/v3/systems/NPM/packages/lodash/versions/4.17.20", row)
    told = opinions(tmp_path / "a", tiny.url, name="npm:lodash")
    assert isinstance(told, Checked)
    opinion = told.value.opinions["4.17.20"]
    assert len(opinion.advisories) == 5
    assert opinion.attestations == ()
    assert {related.id for related in opinion.related} == {"github.com/lodash/lodash"}
    assert opinion.published == datetime(2020, 8, 13, 16, 53, 54, tzinfo=UTC)
