"""Checkpoints that were shown to others are proved to belong to the log of today, or the contradiction is shown."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.cli.conftest import Collected
from tests.cli.inside import inside
from tests.lab import LabServer
from tests.lab.pki import Authority
from tests.lab.rekor import ORIGIN
from tests.lab.tiles_http import TilesServer, TilesSite, serve_tiles
from tests.lab.tiles_log import TilesLog, big_log


@pytest.fixture(scope="module")
def small_log() -> tuple[Authority, TilesLog]:
    authority = Authority()
    return authority, big_log(authority, 3000, {}, writers=3)


@pytest.fixture
def tiles(small_log: tuple[Authority, TilesLog], tmp_path: Path) -> Iterator[TilesServer]:
    authority, log = small_log
    with serve_tiles(TilesSite(log), authority, tmp_path) as running:
        yield running


def checked(tmp_path: Path, env: dict[str, str], *words: object, code: int = 0) -> dict[str, Any]:
    done = inside(tmp_path, env, "log", "check", "--json", *words)
    assert done.returncode == code, done.stderr + done.stdout
    return dict(json.loads(done.stdout))


def noted(tmp_path: Path, *notes: str) -> list[str]:
    words = []
    for number, text in enumerate(notes):
        path = tmp_path / f"note-{number}.txt"
        path.write_text(text, "utf-8")
        words += ["--checkpoint", str(path)]
    return words


def test_every_checkpoint_of_a_case_is_proved(
    collected: Collected, vouched: dict[str, str], lab: LabServer, tmp_path: Path
) -> None:
    case = tmp_path / "case"
    shutil.copytree(collected.plain, case)
    env = {**vouched, "FORENSICS_REKOR_URL": f"{lab.base}/rekor"}
    found = checked(tmp_path, env, "--case", case)
    active = next(log for log in found["logs"] if log["log"] == ORIGIN)
    assert active["consistent"], active
    assert len(active["checkpoints"]) > 3
    assert active["head"] is not None
    assert all(one["evidence"] for one in active["checkpoints"])
    # The proofs are kept: the same is proved again without anybody, except that nobody saw the log of today.
    offline = checked(tmp_path, vouched, "--case", case, "--offline")
    again = next(log for log in offline["logs"] if log["log"] == ORIGIN)
    assert again["consistent"]
    assert "nobody was asked" in again["not_proved"][0]
    assert inside(tmp_path, vouched, "case", "verify", case).returncode == 0


def test_offline_says_what_is_not_proved(collected: Collected, vouched: dict[str, str], tmp_path: Path) -> None:
    found = checked(tmp_path, vouched, "--case", collected.plain, "--offline")
    active = next(log for log in found["logs"] if log["log"] == ORIGIN)
    assert not active["consistent"]
    assert active["needed"]
    assert not active["contradictions"]
    text = inside(tmp_path, vouched, "log", "check", "--case", collected.plain, "--offline").stdout
    assert "NOT PROVED" in text


def test_a_split_view_shows_both_notes(
    collected: Collected, vouched: dict[str, str], lab: LabServer, tmp_path: Path
) -> None:
    log = lab.world.log
    sizes = [len(log.entries), len(log.entries) - 7]
    forged = [log._note(ORIGIN, size, b"\x07" * 32) for size in sizes]
    env = {**vouched, "FORENSICS_REKOR_URL": f"{lab.base}/rekor"}
    found = checked(tmp_path, env, "--case", collected.plain, *noted(tmp_path, *forged), code=4)
    active = next(one for one in found["logs"] if one["log"] == ORIGIN)
    kinds = {one["kind"] for one in active["contradictions"]}
    assert "proof that fails" in kinds or "split view" in kinds
    notes = [text for one in active["contradictions"] for text in one["notes"]]
    assert set(forged) & set(notes)
    assert all(notes)


def test_tiles_prove_older_checkpoints(tiles: TilesServer, tmp_path: Path) -> None:
    log = tiles.site.log
    words = noted(tmp_path, *(log.checkpoint(size) for size in (1, 255, 256, 257, 2048, 2999)))
    found = checked(tmp_path, tiles.env(), *words)
    (one,) = found["logs"]
    assert one["consistent"]
    assert one["head"]["size"] == 3000
    assert one["chains"] == [[1, 255, 256, 257, 2048, 2999, 3000]]


def test_the_file_in_which_rekor_monitor_keeps_checkpoints_is_read(tiles: TilesServer, tmp_path: Path) -> None:
    log = tiles.site.log
    lines = "".join(log.checkpoint(size).replace("\n", "\\n") + "\n" for size in (700, 2048))
    (one,) = checked(tmp_path, tiles.env(), *noted(tmp_path, lines))["logs"]
    assert one["chains"] == [[700, 2048, 3000]]


def test_a_fork_of_tiles_is_a_contradiction(tiles: TilesServer, tmp_path: Path) -> None:
    log = tiles.site.log
    fork = log.fork(2000)
    fork.extend(b"another %d" % number for number in range(500))
    words = noted(tmp_path, log.checkpoint(1500), fork.checkpoint(), fork.checkpoint(1900))
    done = inside(tmp_path, tiles.env(), "log", "check", *words)
    assert done.returncode == 4
    assert "CONTRADICTION" in done.stdout
    for note in (fork.checkpoint(), log.checkpoint()):
        assert all(line in done.stdout for line in note.splitlines()), "both notes are shown"
    (one,) = checked(tmp_path, tiles.env(), *words, code=4)["logs"]
    assert len(one["contradictions"]) == 1, "what both histories share contradicts nothing"


def test_a_log_that_shrank_is_rolled_back(tiles: TilesServer, tmp_path: Path) -> None:
    words = noted(tmp_path, tiles.site.log.checkpoint(2500))
    tiles.site.size = 2000
    (one,) = checked(tmp_path, tiles.env(), *words, code=4)["logs"]
    assert [found["kind"] for found in one["contradictions"]] == ["rollback"]


def test_tiles_that_do_not_fit_their_checkpoint_are_a_contradiction(tiles: TilesServer, tmp_path: Path) -> None:
    words = noted(tmp_path, tiles.site.log.checkpoint(2500))
    tiles.site.head = tiles.site.log.checkpoint(3000, b"\x01" * 32)
    (one,) = checked(tmp_path, tiles.env(), *words, code=4)["logs"]
    assert "its own tiles" in one["contradictions"][0]["reason"]


def test_a_log_that_is_gone_leaves_it_unproved(tiles: TilesServer, tmp_path: Path) -> None:
    words = noted(tmp_path, tiles.site.log.checkpoint(2500), tiles.site.log.checkpoint(100))
    tiles.site.status = 404
    (one,) = checked(tmp_path, tiles.env(), *words, "--max-wait", 0, code=1)["logs"]
    assert not one["consistent"]
    assert not one["contradictions"]
    assert one["not_proved"]


class Cosigner:
    """A witness: what it writes under a note, by C2SP tlog-cosignature, and the key that it publishes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.key = Ed25519PrivateKey.generate()
        self.public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.hint = hashlib.sha256(name.encode() + b"\n\x04" + self.public).digest()[:4]

    def published(self, kind: bytes = b"\x04") -> str:
        return f"{self.name}+{self.hint.hex()}+{base64.b64encode(kind + self.public).decode()}"

    def under(self, note: str, seconds: int, signed: str | None = None) -> str:
        """*note* with a line of this witness, over the text of *signed* where that is another one."""
        text = (signed or note).partition("\n\n")[0] + "\n"
        value = self.key.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
        line = base64.b64encode(self.hint + seconds.to_bytes(8, "big") + value).decode()
        return f"{note}— {self.name} {line}\n"


def test_cosignatures_of_named_witnesses_are_verified(tiles: TilesServer, tmp_path: Path) -> None:
    log, known, stranger = tiles.site.log, Cosigner("witness.example"), Cosigner("stranger.example")
    tiles.site.head = known.under(stranger.under(log.checkpoint(), 1), 1_700_000_600)
    words = noted(tmp_path, known.under(log.checkpoint(2000), 1_700_000_000), log.checkpoint(2000), log.checkpoint(7))
    silent = Cosigner("silent.example")
    words += ["--witness", known.published(), "--witness", silent.published()]
    (one,) = checked(tmp_path, tiles.env(), *words)["logs"]
    assert one["consistent"]
    rows = [(row["size"], row["witness"], row["standing"], row["time"]) for row in one["cosignatures"]]
    assert rows == [
        (3000, "stranger.example", "unknown", None),
        (3000, "witness.example", "verified", "2023-11-14T22:23:20+00:00"),
        (2000, "witness.example", "verified", "2023-11-14T22:13:20+00:00"),
    ]
    said = inside(tmp_path, tiles.env(), "log", "check", *words).stdout
    assert "cosigned     3000 entries by witness.example at 2023-11-14 22:23:20+00:00\n" in said
    assert f"unknown      stranger.example+{stranger.hint.hex()} signed under 1;" in said
    assert "no line      of silent.example under any\n" in said


def test_a_wrong_cosignature_of_a_named_witness_is_a_finding(tiles: TilesServer, tmp_path: Path) -> None:
    log, known = tiles.site.log, Cosigner("witness.example")
    lent = known.under(log.checkpoint(2000), 1_700_000_000, log.checkpoint(1999))
    words = noted(tmp_path, lent, known.under(log.checkpoint(2000), 1_700_000_000))
    (one,) = checked(tmp_path, tiles.env(), *words, "--witness", known.published(), code=4)["logs"]
    assert one["consistent"], "the log itself did nothing wrong"
    standings = {row["standing"]: row for row in one["cosignatures"]}
    assert set(standings) == {"wrong", "verified"}, "what holds in one note still holds"
    assert standings["wrong"]["note"] == lent
    said = inside(tmp_path, tiles.env(), "log", "check", *words, "--witness", known.published())
    assert said.returncode == 4
    assert "WRONG COSIGNATURE  of 2000 entries by witness.example+" in said.stdout
    assert all(line in said.stdout for line in lent.splitlines())
    checked(tmp_path, tiles.env(), *words)  # of a witness whom nobody named, nothing is said
    refused = inside(tmp_path, tiles.env(), "log", "check", *words, "--witness", known.published(b"\x01"))
    assert refused.returncode == 2
    assert "verifier key" in refused.stderr


def test_what_no_log_signed_is_not_counted(tiles: TilesServer, tmp_path: Path) -> None:
    stranger = TilesLog(tiles.site.log.origin)
    stranger.extend([b"a"])
    found = checked(tmp_path, tiles.env(), *noted(tmp_path, stranger.checkpoint()))
    assert not found["logs"]
    assert "did not sign" in found["not_counted"][0]["reason"]
    (tmp_path / "empty").write_text("nothing")
    done = inside(tmp_path, tiles.env(), "log", "check", "--checkpoint", tmp_path / "empty")
    assert done.returncode == 2
    assert "holds no checkpoint" in done.stderr
