"""A watch over a log that grows, disappears, lags and forks: nothing is missed, nothing is invented."""

from __future__ import annotations

import fcntl
import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.inside import inside
from tests.command import COMMAND, environment
from tests.lab.pki import Authority
from tests.lab.tiles_http import TilesServer, TilesSite, serve_tiles
from tests.lab.tiles_log import TilesLog, Writer, big_log, writer

SAN = "https://github.com/acme/wanted/.github/workflows/release.yml@refs/tags/v1.2.3"
SIZE = 3000
PLANTED = (3, 700, 1023, 1024, 1500, 2047, 2048, 2500, 2999)


@pytest.fixture(scope="module")
def parts() -> tuple[Authority, Writer, TilesLog]:
    authority = Authority()
    own = writer(authority, 1, san=SAN)
    log = big_log(authority, SIZE, {index: own.record(b"%d" % index) for index in PLANTED}, writers=3)
    return authority, own, log


@pytest.fixture
def tiles(parts: tuple[Authority, Writer, TilesLog], tmp_path: Path) -> Iterator[TilesServer]:
    authority, _, log = parts
    with serve_tiles(TilesSite(log, 1000), authority, tmp_path) as running:
        yield running


class Watcher:
    """`forensics log watch` with a state of its own."""

    def __init__(self, tiles: TilesServer, home: Path) -> None:
        self.home = home
        self.tiles = tiles
        self.state = home / "state.json"

    def words(self, *more: object) -> list[object]:
        return ["log", "watch", "--state", self.state, "--identity", SAN, "--json", "--max-wait", 0, *more]

    def once(self, *more: object, code: int = 0) -> list[Any]:
        done = inside(self.home, self.tiles.env(), *self.words("--once", *more))
        assert done.returncode == code, done.stderr + done.stdout
        return [json.loads(line) for line in done.stdout.splitlines()]

    def next(self) -> int:
        return int(json.loads(self.state.read_text("utf-8"))["next"])


@pytest.fixture
def watcher(tiles: TilesServer, tmp_path: Path) -> Watcher:
    return Watcher(tiles, tmp_path)


def indices(lines: list[Any]) -> list[int]:
    return [line["entry"]["index"] for line in lines]


def test_it_never_begins_anew_by_itself(watcher: Watcher) -> None:
    watcher.once(code=2)
    assert not watcher.state.exists()
    assert indices(watcher.once("--start-at", 0)) == [3, 700]
    assert watcher.next() == 1000
    assert watcher.once("--start-at", 0) == [], "there is a state, so it goes on"
    whole = watcher.state.read_bytes()
    for damaged in (
        whole[:50],
        whole.replace(b'"next": 1000', b'"next": 2000'),
        whole.replace(b"\\n1000\\n", b"\\n1001\\n"),
        whole.replace(b"\\n\\n", b"\\n\\n" + b"\\u2014 x AAAAAA==\\n" * 101, 1),
    ):
        watcher.state.write_bytes(damaged)
        watcher.once(code=2)
        assert watcher.state.read_bytes() == damaged
    watcher.tiles.site.size = 2000
    assert watcher.once("--start-at-head") == []
    assert watcher.next() == 2000


def test_what_is_new_is_found_each_once(watcher: Watcher) -> None:
    assert watcher.once("--start-at-head") == []
    found = []
    for size in (1001, 1024, 1030, 2048, 2049, SIZE):
        watcher.tiles.site.size = size
        found += indices(watcher.once())
        assert watcher.next() == size
    assert found == [index for index in PLANTED if index >= 1000]
    assert all(line["entry"]["verified"] for line in watcher.once())


def test_a_log_that_disappears_and_returns_is_no_alarm(watcher: Watcher) -> None:
    watcher.once("--start-at-head")
    site = watcher.tiles.site
    site.size = 2000
    for status in (503, 404, 500):
        site.status = status
        assert watcher.once(code=1) == []
        assert watcher.next() == 1000
    site.status, site.head = 200, "<html>maintenance</html>"
    assert watcher.once(code=1) == [], "a page that is no checkpoint contradicts nobody"
    site.head = None
    assert indices(watcher.once()) == [1023, 1024, 1500]


@pytest.mark.parametrize("at", [900, 1000])
def test_a_fork_ends_the_watch_and_keeps_the_state(watcher: Watcher, at: int) -> None:
    watcher.once("--start-at-head")
    site, log = watcher.tiles.site, watcher.tiles.site.log
    before = watcher.state.read_bytes()
    site.log = log.fork(900)
    site.log.extend(b"another %d" % number for number in range(1100))
    site.size = 2000 if at == 900 else 1000
    (line,) = watcher.once(code=4)
    found = line["contradiction"]
    assert found["kind"] == "split view"
    assert found["notes"] == [log.checkpoint(1000), site.log.checkpoint(site.size)]
    assert watcher.state.read_bytes() == before
    assert json.loads(watcher.state.with_name("state.json.contradiction.json").read_text())["contradiction"] == found
    site.log, site.size = log, 1500  # the log that we knew returns, and the watch goes on where it was
    assert indices(watcher.once()) == [1023, 1024]


def test_a_rollback_is_told_from_a_server_that_is_behind(watcher: Watcher) -> None:
    watcher.once("--start-at-head")
    watcher.tiles.site.size = 990
    (line,) = watcher.once("--interval", 0.1, code=4)
    assert line["contradiction"]["kind"] == "rollback"
    assert watcher.next() == 1000


def test_an_entry_that_was_altered_is_never_passed_over(watcher: Watcher) -> None:
    watcher.once("--start-at-head")
    site = watcher.tiles.site
    site.size = SIZE
    site.changes["tile/entries/008"] = lambda data: data[:-9] + b"?" + data[-8:]  # its last entry, 2303
    *matches, last = watcher.once("--interval", 0.1, code=4)
    assert indices(matches) == [1023, 1024, 1500, 2047, 2048]
    assert "entry 2303: does not hash to the tree" in last["contradiction"]["reason"]
    assert watcher.next() == 2303
    site.changes.clear()
    assert indices(watcher.once()) == [2500, 2999]


def test_it_goes_on_from_rekor_monitors_file(watcher: Watcher, tmp_path: Path) -> None:
    body = watcher.tiles.site.log.checkpoint(800).partition("\n\n")[0] + "\n"
    (tmp_path / "logInfo.txt").write_text("old\n" + body.replace("\n", "\\n") + "\n")
    watcher.tiles.site.size = 1100
    assert indices(watcher.once("--log-info", tmp_path / "logInfo.txt")) == [1023, 1024]


def test_it_searches_what_rekor_monitor_had_not_yet_searched(watcher: Watcher, tmp_path: Path) -> None:
    body = watcher.tiles.site.log.checkpoint(1100).partition("\n\n")[0] + "\n"
    (tmp_path / "logInfo.txt").write_text(body.replace("\n", "\\n") + "\n")
    (tmp_path / "metadata.json").write_text('{"latestIndex":1024}')
    watcher.tiles.site.size = 1600
    watcher.once("--metadata", tmp_path / "metadata.json", code=2)
    words = ("--log-info", tmp_path / "logInfo.txt", "--metadata", tmp_path / "metadata.json")
    assert indices(watcher.once(*words)) == [1024, 1500]
    watcher.state.unlink()
    (tmp_path / "metadata.json").write_text('{"latestIndex":99999999}')
    assert indices(watcher.once(*words)) == [1500], "of another log, or ahead: the checkpoint counts"
    watcher.state.unlink()
    (tmp_path / "metadata.json").write_text("{}")
    watcher.once(*words, code=2)
    (tmp_path / "metadata.json").write_text('{"latestIndex":1000}')
    (tmp_path / "monitor.yaml").write_text(
        f"monitoredValues: {{subjects: ['^{SAN}$']}}\n"
        f"logInfoFile: {tmp_path / 'logInfo.txt'}\nidentityMetadataFile: {tmp_path / 'metadata.json'}\n"
    )
    assert indices(watcher.once("--config", tmp_path / "monitor.yaml")) == [1023, 1024, 1500]


def start(watcher: Watcher, home: Path, *more: object) -> subprocess.Popen[str]:
    line = [str(COMMAND), *map(str, watcher.words("--interval", 0.05, *more))]
    env = environment(home, watcher.tiles.env())
    return subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


@pytest.mark.slow
def test_kills_and_faults_miss_nothing(
    watcher: Watcher, parts: tuple[Authority, Writer, TilesLog], tmp_path: Path
) -> None:
    """The log grows, vanishes, returns and lags while the watch is killed again and again; then it forks."""
    _, own, whole = parts
    watcher.once("--start-at-head")
    site = watcher.tiles.site
    chance = random.Random(7)
    site.log = whole.fork(1000)
    wanted: list[int] = []
    found: list[int] = []
    for number in range(3):
        running = start(watcher, tmp_path)
        for _ in range(6):
            noise = [b'{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{}}'] * chance.randrange(1, 200)
            wanted.append(len(site.log.entries) + len(noise))
            site.log.extend([*noise, own.record(b"%d" % len(site.log.entries))])
            site.size = len(site.log.entries)
            site.status = chance.choice([200, 200, 503])
            time.sleep(0.1)
            site.status = 200
        deadline = time.monotonic() + 20
        while number == 2 and watcher.next() < site.size and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(chance.random() * 0.3)
        running.send_signal(signal.SIGKILL)
        found += indices([json.loads(line) for line in running.communicate()[0].splitlines() if line.endswith("}")])
    found += indices(watcher.once())
    assert sorted(set(found)) == wanted
    fork = site.log.fork(1200)
    fork.extend(b"x" for _ in range(site.size))
    site.log, site.size = fork, len(fork.entries)
    running = start(watcher, tmp_path)
    out, _ = running.communicate(timeout=30)
    assert running.returncode == 4
    assert json.loads(out.splitlines()[-1])["contradiction"]["kind"] == "split view"


def test_two_watches_do_not_share_a_state(watcher: Watcher) -> None:
    watcher.once("--start-at-head")
    with watcher.state.with_name("state.json.lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        watcher.once(code=2)
