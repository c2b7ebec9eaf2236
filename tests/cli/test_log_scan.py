"""`log scan`: what is printed, in which form, with which exit code; over Rekor v2 and over a range of v1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.inside import inside
from tests.lab import Fault, LabServer, World, serve
from tests.lab.pki import Authority
from tests.lab.rekor import OFFSET
from tests.lab.tiles_http import TilesServer, TilesSite, serve_tiles
from tests.lab.tiles_log import TilesLog, big_log, writer

SAN = "https://github.com/acme/wanted/.github/workflows/release.yml@refs/tags/v1.2.3"
CONFIG = """
startIndex: 0
endIndex: 999
monitoredValues:
  certIdentities:
    - certSubject: acme/wanted/.*@refs/tags/
      issuers: [token.actions]
outputIdentitiesFormat: json
githubIssue: {}
"""


@pytest.fixture(scope="module")
def small() -> tuple[Authority, TilesLog]:
    authority = Authority()
    own = writer(authority, 999, san=SAN)
    return authority, big_log(authority, 2000, {17: own.record(b"x"), 1999: own.record(b"y")}, writers=4)


@pytest.fixture
def tiles(small: tuple[Authority, TilesLog], tmp_path: Path) -> Iterator[TilesServer]:
    with serve_tiles(TilesSite(small[1]), small[0], tmp_path) as running:
        yield running


def scanned(tmp_path: Path, env: dict[str, str], *words: object, code: int = 0) -> dict[str, Any]:
    done = inside(tmp_path, env, "log", "scan", "--json", *words)
    assert done.returncode == code, done.stderr + done.stdout
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--identity", SAN), [17, 1999]),
        (("--identity", SAN[:-1]), []),
        (("--identity-regex", "acme/wan.ed"), [17, 1999]),
        (("--identity", SAN, "--issuer", "https://elsewhere.example"), []),
        (("--identity", SAN, "--claim", "source-repository-uri=https://github.com/acme/wanted"), [17, 1999]),
        (("--claim", "source-repository-identifier=700000999"), [17, 1999]),
        (("--identity", SAN, "--from-index", 18, "--to-index", 1999), [1999]),
        (("--identity", SAN, "--from-index", 0, "--to-index", 16), []),
        (("--email", "nobody@example.org"), []),
    ],
)
def test_what_is_sought_is_found(
    tmp_path: Path, tiles: TilesServer, words: tuple[object, ...], found: list[int]
) -> None:
    (log,) = scanned(tmp_path, tiles.env(), *words)["logs"]
    assert [entry["index"] for entry in log["entries"]] == found
    assert log["coverage"]["complete"]
    assert not log["not_proved"]


def test_digests_are_found(tmp_path: Path, tiles: TilesServer) -> None:
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of the letter x
    (log,) = scanned(tmp_path, tiles.env(), "--digest", f"sha256:{digest}")["logs"]
    assert [entry["index"] for entry in log["entries"]] == [17]


def test_the_coverage_is_stated(tmp_path: Path, tiles: TilesServer) -> None:
    done = inside(tmp_path, tiles.env(), "log", "scan", "--identity", SAN, "--from-index", 10)
    assert done.returncode == 0
    origin, root = tiles.site.log.origin, tiles.site.log.tree.root().hex()
    assert f"covered      indices 10–1999 of shard {origin}, no gaps, no entries unparsable, hashed" in done.stdout
    assert f"hashed to the checkpoint of size 2000, root {root}" in done.stdout
    assert "entry 17 (hashedrekord/0.0.2), verified" in done.stdout


def test_a_proof_that_fails_is_exit_4_and_an_outage_exit_1(tmp_path: Path, tiles: TilesServer) -> None:
    tiles.site.changes["tile/entries/000"] = lambda data: data[:-1]
    (log,) = scanned(tmp_path, tiles.env(), "--identity", SAN, code=4)["logs"]
    assert log["not_proved"] == [{"begin": 0, "end": 256, "reason": log["not_proved"][0]["reason"]}]
    tiles.site.status = 503
    (log,) = scanned(tmp_path, tiles.env(), "--identity", SAN, "--max-wait", 0, code=1)["logs"]
    assert log["problem"]
    assert log["coverage"] is None


def test_rekor_monitors_configuration_and_lines(tmp_path: Path, tiles: TilesServer) -> None:
    (tmp_path / "monitor.yaml").write_text(CONFIG)
    done = inside(
        tmp_path, tiles.env(), "log", "scan", "--config", tmp_path / "monitor.yaml", "--format", "rekor-monitor"
    )
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["CertSubject"] == SAN
    assert json.loads(line)["Index"] == 17
    assert "notifications are not sent" in done.stderr
    assert "indices 0–999" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "whom or what"),
        (("--identity", SAN, "--log", "nowhere"), "no log of this name"),
        (("--identity", SAN, "--log", "ftp://x"), "not the http"),
        (("--identity", SAN, "--from-index", 5, "--since", "2026-01-01"), "not both"),
        (("--identity", SAN, "--since", "2026-02-01", "--until", "2026-01-01"), "after --until"),
        (("--identity", SAN, "--to-index", 2000), "has 2000 entries"),
        (("--identity-regex", "(a+)+"), "repetition"),
        (("--claim", "nonsense=1"), "no claim"),
        (("--claim", "nonsense"), "NAME=VALUE"),
        (("--identity", SAN, "--log", "v1"), "billions"),
        (("--identity", SAN, "--offline"), "--case"),
        (("--identity", SAN, "--format", "xml"), "there are text"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    tmp_path: Path, tiles: TilesServer, words: tuple[object, ...], said: str
) -> None:
    done = inside(tmp_path, tiles.env(), "log", "scan", *words)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr


def v1(lab: LabServer) -> dict[str, str]:
    return {**lab.env(), "FORENSICS_TRUST_ROOT": str(lab.directory / "trusted_root.json")}


def test_a_range_of_rekor_v1(tmp_path: Path, lab: LabServer) -> None:
    log = lab.world.log
    words = ("--log", "v1", "--from-index", OFFSET, "--to-index", OFFSET + len(log.entries) - 1)
    san = next(key for entry in log.entries for key in entry.keys if key.startswith("https://"))
    (found,) = scanned(tmp_path, v1(lab), "--identity-regex", f"(?i)^{san.replace('.', '[.]')}$", *words)["logs"]
    indices = [entry.global_index for entry in log.entries if san in entry.keys]
    assert [entry["index"] for entry in found["entries"]] == indices
    assert all(entry["verified"] for entry in found["entries"])
    assert found["coverage"]["complete"]
    middle = found["entries"][-1]
    since = middle["integrated_at"]
    (timed,) = scanned(tmp_path, v1(lab), "--identity-regex", ".", "--log", "v1", "--since", since, "--until", since)[
        "logs"
    ]
    assert middle["index"] in [entry["index"] for entry in timed["entries"]]
    assert all(entry["integrated_at"] == since for entry in timed["entries"])
    assert "by integrated time" in timed["range"]


def test_what_rekor_v1_does_not_return_is_a_gap(tmp_path: Path, lab: LabServer) -> None:
    lab.inject(Fault("/rekor/api/v1/log/entries/retrieve", kind="garbage", count=1))
    words = ("--log", "v1", "--from-index", OFFSET, "--to-index", OFFSET + 29, "--identity", SAN)
    (found,) = scanned(tmp_path, v1(lab), *words, code=1)["logs"]
    assert sum(gap["end"] - gap["begin"] for gap in found["not_asked"]) == 10
    assert not found["coverage"]["complete"]


def test_a_world_of_the_lab_can_have_both_logs(
    tmp_path: Path, small: tuple[Authority, TilesLog], lab_world: World
) -> None:
    site = TilesSite(small[1])
    with serve(lab_world) as server:
        assert scanned(tmp_path, v1(server), "--identity", SAN, "--max-wait", 0, code=1)["logs"][0]["problem"]
        server.attach_tiles(site.routes(), site.log.in_trust_root())
        (log,) = scanned(tmp_path, v1(server), "--identity", SAN)["logs"]
    assert [entry["index"] for entry in log["entries"]] == [17, 1999]
    assert not any(entry["checks"][3]["result"] == "pass" for entry in log["entries"]), "another world's authority"
