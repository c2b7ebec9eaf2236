"""The installed command over a fleet of projects: campaigns, resumption, both engines, and readers of the dataset."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from forensics.sweep.dataset import open_dataset
from forensics.sweep.tables import SCHEMAS
from tests.command import COMMAND, environment
from tests.lab import LabServer, serve
from tests.lab.fleet import Fleet, build_fleet
from tests.sweep.running import FAST, cluster, done

pytestmark = pytest.mark.slow


@dataclass
class Swept:
    """A fleet, its server, and the sweep over it that was killed once and went on."""

    fleet: Fleet
    server: LabServer
    home: Path
    document: dict[str, Any]
    done_before: set[str]
    asked_after: set[str]

    @property
    def out(self) -> Path:
        return self.home / "sweep"

    @property
    def names(self) -> Path:
        return self.home / "names.txt"

    def run(self, *words: object, code: int = 11) -> str:
        line = [str(COMMAND), "sweep", *map(str, words)]
        env = environment(self.home, self.server.env())
        ended = subprocess.run(line, env=env, cwd=self.home, capture_output=True, encoding="utf-8", check=False)
        assert ended.returncode == code, ended.stderr
        return ended.stdout


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swept]:
    home = tmp_path_factory.mktemp("fleet")
    fleet = build_fleet(40, releases=3)
    with serve(fleet) as server:
        made = Swept(fleet, server, home, {}, set(), set())
        made.names.write_text("\n".join(fleet.names) + "\n", "utf-8")
        line = [str(COMMAND), "sweep", str(made.names), "-o", str(made.out), *FAST]
        killed = subprocess.Popen(line, env=environment(home, server.env()), cwd=home, start_new_session=True)
        deadline = time.monotonic() + 90
        while len(done(made.out)) < 12 and killed.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        made.done_before = done(made.out)
        server.reset_requests()
        made.document = json.loads(made.run(made.names, "-o", made.out, *FAST, "--json"))
        made.asked_after = {name for r in server.requests for name in fleet.names if f"/{name}/" in r.path}
        yield made


def test_planted_campaigns_are_joined_exactly(swept: Swept) -> None:
    planted = {frozenset(names) for names in swept.fleet.planted.campaigns.values()}
    found = [
        frozenset(purl.partition("/")[2].partition("@")[0] for purl in campaign["flagged"] + campaign["related"])
        for campaign in swept.document["campaigns"]
    ]
    assert set(found) == planted
    assert len(found) == len(planted)
    kinds = [{thread["kind"] for thread in campaign["threads"]} for campaign in swept.document["campaigns"]]
    assert kinds == [{"run", "commit", "identity"}, {"payload"}, {"identity"}]


def test_exactly_what_was_planted_is_flagged(swept: Swept) -> None:
    bad = swept.fleet.planted.alone.union(*swept.fleet.planted.campaigns.values())
    assert {row["project"] for row in swept.document["flagged"]} == {f"pypi:{name}" for name in bad}
    assert all(row["versions"] == ["1.2.3"] for row in swept.document["flagged"])
    assert (swept.document["judged"], swept.document["remaining"]) == (40, 0)


def test_a_killed_sweep_goes_on_without_what_it_has(swept: Swept) -> None:
    assert 0 < len(swept.done_before) < 40
    assert swept.asked_after
    assert not swept.asked_after & swept.done_before


def test_what_is_missing_is_not_called_absent(swept: Swept) -> None:
    assert {row["source"]: row["projects"] for row in swept.document["missed"]}["git"] == 40
    adoption = json.loads((swept.out / "adoption.json").read_text("utf-8"))
    states = {row["name"]: row["wheel"] for row in adoption["data"]}
    lost = swept.fleet.planted.alone | swept.fleet.planted.campaigns["payload"]
    assert {name for name, state in states.items() if state is False} == lost
    assert (swept.out / "adoption.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_second_run_asks_nobody(swept: Swept) -> None:
    swept.server.reset_requests()
    again = json.loads(swept.run(swept.names, "-o", swept.out, *FAST, "--json"))
    assert again == swept.document
    assert swept.server.requests == []


def test_every_case_is_a_case(swept: Swept) -> None:
    name = sorted(swept.fleet.planted.campaigns["run"])[0]
    case = swept.out / "cases" / "pypi" / name
    env = environment(swept.home, swept.server.env())
    line = [str(COMMAND), "timeline", "--case", str(case), "--offline", "--json"]
    ended = subprocess.run(line, env=env, capture_output=True, encoding="utf-8", check=False)
    assert ended.returncode in {10, 11}, ended.stderr


def test_a_campaign_starts_from_a_case(swept: Swept) -> None:
    origin, *others = sorted(swept.fleet.planted.campaigns["payload"])
    case = swept.out / "cases" / "pypi" / origin
    found = json.loads(swept.run(swept.names, "-o", swept.out, "--campaign", case, *FAST, "--json"))
    (campaign,) = found["campaigns"]
    assert campaign["projects"] == [f"pypi:{name}" for name in (origin, *others)]


def test_the_packages_of_a_publisher(swept: Swept, tmp_path: Path) -> None:
    found = json.loads(swept.run("--publisher", "mono/repo", "-o", tmp_path / "mono", *FAST, "--json", code=0))
    assert found["judged"] == len(swept.fleet.planted.monorepo) == 6
    assert {project.name for project in open_dataset(tmp_path / "mono").done()} == swept.fleet.planted.monorepo
    swept.server.reset_requests()
    again = json.loads(swept.run("--publisher", "mono/repo", "-o", tmp_path / "mono", *FAST, "--json", code=0))
    assert again == found
    assert swept.server.requests == []
    swept.run("--publisher", "not a repository", "-o", tmp_path / "none", *FAST, code=2)


def test_readers_of_parquet_see_one_table(swept: Swept) -> None:
    duckdb = pytest.importorskip("duckdb")
    own = open_dataset(swept.out).table("releases")
    files = f"{swept.out}/releases/**/*.parquet"
    by_polars = pl.scan_parquet(files, hive_partitioning=True).collect().select(own.columns)
    assert by_polars.sort("project", "version").equals(own.sort("project", "version"))
    query = f"select project, version, verdict from read_parquet('{files}', hive_partitioning=true)"
    by_duckdb = sorted(duckdb.sql(query).fetchall())
    assert by_duckdb == sorted(own.select("project", "version", "verdict").rows())


@pytest.mark.timeout(300)
def test_a_cluster_that_loses_a_worker_gives_the_same_tables(swept: Swept, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the optional extra `cluster` is not installed")
    some = tmp_path / "some.txt"
    some.write_text("\n".join(swept.fleet.names[:9]) + "\n", "utf-8")
    out = tmp_path / "by-dask"
    with cluster(tmp_path, workers=3) as (address, workers):
        line = [str(COMMAND), "sweep", str(some), "-o", str(out), "--scheduler", address, *FAST]
        running = subprocess.Popen(line, env=environment(swept.home, swept.server.env()), stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 90
        while len(done(out)) < 2 and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        workers[0].kill()
        assert running.wait(timeout=200) in {10, 11}
    wanted = list(open_dataset(out).done())
    assert len(wanted) == 9
    for name in SCHEMAS:
        mine, theirs = (open_dataset(path).table(name, wanted) for path in (swept.out, out))
        assert mine.equals(theirs), name


def test_other_services_are_another_sweep(swept: Swept) -> None:
    elsewhere = ("--endpoint", "pypi=http://127.0.0.1:9")
    assert swept.run(swept.names, "-o", swept.out, *FAST, *elsewhere, code=2) == ""


def test_a_directory_that_holds_something_else(swept: Swept, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", "utf-8")
    swept.run(swept.names, "-o", tmp_path, *FAST, code=2)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
