"""The journal: which pages are asked for, what is read from them, and what a history makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forensics.evidence.archive import Archive
from forensics.evidence.client import Client, Limits
from forensics.evidence.network import open_network
from forensics.evidence.transport import RecordingTransport
from forensics.model.checked import Checked, NotChecked
from forensics.model.journal import Journal, JournalRow
from forensics.model.project import parse_project
from forensics.sources.index import Index
from forensics.sources.interface import Witness
from forensics.sources.journal import JournalPages
from forensics.sources.journal_collect import BUDGET, JournalCollector, Window, polite
from forensics.timeline.journal import journal_events, journal_supplements
from tests.lab import LabServer, build_world, serve
from tests.lab.faults import Fault
from tests.lab.journal import JournalSettings

PROJECT = parse_project("elementary-data")
GONE = datetime(2026, 4, 25, 9, tzinfo=UTC)
UPLOADED = datetime(2026, 4, 24, 22, 20, tzinfo=UTC)
AROUND = Window(UPLOADED - timedelta(days=1), GONE + timedelta(hours=1), "around 0.23.3")
NEVER = datetime.max.replace(tzinfo=UTC)
FAST = Limits(per_second=1e9, attempts=2, max_wait_seconds=0.1, read_seconds=2)


@pytest.fixture(scope="module")
def server() -> Iterator[LabServer]:
    with serve(build_world("elementary-data-2026-04")) as running:
        yield running


@pytest.fixture(autouse=True)
def _quiet(server: LabServer) -> None:
    server.clear_faults()
    server.reset_requests()
    server.moment = server.world.scenario.as_of
    server.journal = JournalSettings(page=500, filler=timedelta(minutes=7))


@contextmanager
def collected(
    server: LabServer, path: Path, *windows: Window, serials: tuple[int, ...] = (), limits: Limits = FAST
) -> Iterator[tuple[JournalPages, list[str]]]:
    """The pages in the archive at *path* after one collection, and what it left."""
    url = f"{server.urls.index}/pypi"

    async def run() -> list[str]:
        with Archive.append_to(path, datetime.now(UTC)) as archive:
            transport = RecordingTransport(open_network(), archive, fresh_after=NEVER, clock=lambda: server.moment)
            async with Client(transport, polite(limits, url)) as client:
                collector = JournalCollector(client, JournalPages(archive, url), PROJECT)
                return await collector.collect(serials, windows, server.moment)

    left = asyncio.run(run())
    with Archive.append_to(path, datetime.now(UTC)) as archive:
        yield JournalPages(archive, url), left


def read(pages: JournalPages) -> Journal:
    outcome = pages.read(PROJECT, Witness("journal"))
    assert isinstance(outcome, Checked)
    return outcome.value


def asked(server: LabServer) -> int:
    return sum(request.path == "/index/pypi" for request in server.requests)


@pytest.mark.parametrize("filler", [timedelta(minutes=7), timedelta(minutes=1), None])
def test_the_window_is_found_in_a_journal_of_everybody(
    server: LabServer, tmp_path: Path, filler: timedelta | None
) -> None:
    """A page of 500 rows is a third of a day to two days; the journal has hundreds of thousands of rows before it."""
    server.journal = JournalSettings(page=500, filler=filler)
    with collected(server, tmp_path / "a", AROUND) as (pages, left):
        assert left == []
        journal = read(pages)
        assert ("0.23.3", "remove release", GONE) in {(r.version, r.action, r.at) for r in journal.rows}
        assert "add py3 file elementary_data-0.23.3-py3-none-any.whl" in {r.action for r in journal.rows}
        assert journal.covers(UPLOADED, GONE)
        assert not journal.covers(UPLOADED - timedelta(days=900), GONE)
    assert asked(server) <= 13


def test_rows_of_other_projects_are_not_kept(server: LabServer, tmp_path: Path) -> None:
    with collected(server, tmp_path / "a", AROUND) as (pages, _):
        assert all(row.version is None or row.version.startswith("0.2") for row in read(pages).rows)


def test_the_serial_that_the_index_states_gives_the_last_change_in_one_question(
    server: LabServer, tmp_path: Path
) -> None:
    server.moment = GONE + timedelta(hours=3)
    serial = server.world.at(server.moment).index.last_serial
    with collected(server, tmp_path / "a", serials=(serial,)) as (pages, left):
        assert left == []
        assert [(r.version, r.action) for r in read(pages).rows] == [("0.23.3", "remove release")]
    assert asked(server) == 2


def test_a_page_of_the_case_is_not_asked_for_again(server: LabServer, tmp_path: Path) -> None:
    with collected(server, tmp_path / "a", AROUND) as (pages, _):
        before = read(pages)
    first = asked(server)
    server.reset_requests()
    with collected(server, tmp_path / "a", AROUND) as (pages, left):
        assert left == []
        assert read(pages).rows == before.rows
    assert first > 2
    assert asked(server) == 1, "only where the journal ends"


def test_the_last_page_is_asked_for_again_once_the_journal_has_grown(server: LabServer, tmp_path: Path) -> None:
    server.moment = UPLOADED + timedelta(hours=1)
    since = Window(UPLOADED - timedelta(hours=1), datetime(2026, 5, 30, tzinfo=UTC), "since the newest release")
    with collected(server, tmp_path / "a", since) as (pages, _):
        assert "remove release" not in {row.action for row in read(pages).rows}
        assert read(pages).covers(UPLOADED, server.moment)
    server.moment = GONE + timedelta(hours=1)
    with collected(server, tmp_path / "a", since) as (pages, left):
        assert left == []
        assert "remove release" in {row.action for row in read(pages).rows}


def test_what_the_budget_left_is_named(server: LabServer, tmp_path: Path) -> None:
    server.journal = JournalSettings(page=20, filler=timedelta(minutes=7))
    long = Window(UPLOADED - timedelta(days=60), GONE, "around 0.23.1", urgent=True)
    with collected(server, tmp_path / "a", long, AROUND) as (pages, left):
        assert "around 0.23.1, from 2026-02-23 22:20:00 to 2026-04-25 09:00:00 UTC" in left[0]
        assert not read(pages).covers(long.start, long.end)
    assert asked(server) <= BUDGET


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/index/pypi", "status", status=503, method="POST"),
        Fault("/index/pypi", "status", status=404, method="POST"),
        Fault("/index/pypi", "garbage", method="POST"),
        Fault("/index/pypi", "truncate", method="POST"),
        Fault("/index/pypi", "oversize", size=80 * 2**20, method="POST"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
def test_an_outage_is_no_journal(server: LabServer, tmp_path: Path, fault: Fault) -> None:
    server.inject(fault)
    with collected(server, tmp_path / "a", AROUND) as (pages, left):
        assert len(left) == 1
        assert left[0].startswith("PyPI journal: ")
        assert isinstance(pages.read(PROJECT, Witness("journal")), NotChecked)


def test_a_page_that_goes_backwards_is_not_believed(server: LabServer, tmp_path: Path) -> None:
    from forensics.model.errors import BadAnswer
    from forensics.sources.journal import read_page
    from tests.sources.test_xmlrpc import answer

    good = [["elementary-data", "1", 1_700_000_000, "new release", 5], ["x", None, 1_700_000_001, "create", 6]]
    assert len(read_page(answer(good), "it", PROJECT, "o-1").rows) == 1
    for bad in ([good[1], good[0]], [good[0], ["x", None, "yesterday", "create", 6]], [good[0], [None] * 5]):
        with pytest.raises(BadAnswer, match="none of a journal"):
            read_page(answer(bad), "it", PROJECT, "o-1")


def rows(*lines: tuple[str | None, str]) -> Journal:
    return Journal(
        tuple(JournalRow(v, UPLOADED + timedelta(hours=n), a, 100 + n, ("o-1",)) for n, (v, a) in enumerate(lines)), ()
    )


def index(serial: int | None) -> Index:
    from forensics.model.release import ProjectStatus

    return Index(True, ProjectStatus.ACTIVE, (), (), None, (), ("o-2",), serial=serial)


def test_a_version_counts_as_gone_only_where_somebody_could_know() -> None:
    uploaded = rows(("1.0", "new release"), ("1.0", "add source file demo-1.0.tar.gz"))
    assert journal_supplements(uploaded, index(500)).versions() == {"1.0"}
    assert journal_supplements(uploaded, index(99)).versions() == set(), "newer than what the index states"
    assert journal_supplements(uploaded, index(None)).versions() == set(), "an index that may lag behind"
    removed = rows(("1.0", "new release"), ("1.0", "remove release"))
    assert journal_supplements(removed, index(None)).versions() == {"1.0"}


def test_a_quarantine_that_was_lifted_took_nothing_away() -> None:
    lifted = rows(("1.0", "new release"), ("1.0", "release quarantined"), ("1.0", "release quarantine cleared"))
    assert {t.what for t in journal_supplements(lifted, index(500)).times} == {"published"}
    still = rows(("1.0", "new release"), ("1.0", "release quarantined"))
    assert {t.what for t in journal_supplements(still, index(500)).times} == {"published", "quarantined"}


def test_roles_yanks_and_removed_files_are_events() -> None:
    journal = rows(
        (None, "add Owner mallory"),
        ("1.0", "new release"),
        ("1.0", "yank release"),
        ("1.0", "remove file demo-1.0.tar.gz"),
        ("1.0", "remove release"),
        (None, "remove Owner mallory"),
        (None, "project quarantined"),
    )
    told = [(event.what, event.subject) for event in journal_events(journal, index(500))]
    assert told == [
        ("add Owner", "mallory"),
        ("yank release", None),
        ("remove file", "demo-1.0.tar.gz"),
        ("remove Owner", "mallory"),
        ("project quarantined", None),
    ]
