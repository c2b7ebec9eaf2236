"""Against the real rekor-tiles server: what it writes is what we read, prove and search.

Run with FORENSICS_REAL=1. The server is built once, at a pinned version, through the Go module proxy; a binary that is
there already can be named with FORENSICS_REKOR_POSIX. It only writes; its files are served as they lie.
Source: sigstore/rekor-tiles README.md and api/proto.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from forensics.attestation.trust import TrustRoot, vouch
from forensics.evidence.client import Limits
from forensics.model.errors import MalformedEvidence
from forensics.sources.rekor_tiles import HttpTiles, courteous, shard_at
from forensics.sources.tiles_scan import Scanned, Wanted, scan_shard
from forensics.sources.tiles_session import asking
from forensics.transparency import matching
from forensics.transparency.checkpoint import parse_checkpoint
from forensics.transparency.matching import Matcher
from forensics.transparency.tiles import split_bundle, width_at
from forensics.transparency.tree import TileTree, read_bundle
from tests.cli.inside import inside
from tests.lab.merkle import MerkleTree
from tests.lab.pki import Authority
from tests.lab.tiles_http import write_root
from tests.lab.tiles_log import TilesLog, Writer, writer
from tests.real.go_tools import go_tool
from tests.real.rekor_v1 import free_port

VERSION = "v2.3.0"
MODULE = "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix"
ORIGIN = "log2026-1.real.example"
SAN = "https://github.com/acme/wanted/.github/workflows/release.yml@refs/tags/v1.2.3"
COUNT = 2100
PLANTED = 7

pytestmark = [
    pytest.mark.skipif(os.environ.get("FORENSICS_REAL") != "1", reason="the real server is run with FORENSICS_REAL=1"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="session")
def binary() -> Path:
    return go_tool(MODULE, VERSION, named="FORENSICS_REKOR_POSIX")


@dataclass
class Real:
    """The server, and its files served beside it."""

    binary: Path
    home: Path
    key: ed25519.Ed25519PrivateKey
    authority: Authority
    url: str = ""
    entries: list[dict[str, Any]] = field(default_factory=list)
    planted: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _port: int = 0

    @property
    def storage(self) -> Path:
        return self.home / "log"

    @property
    def root(self) -> TrustRoot:
        path = self.home / "root.json"
        if not path.exists():
            write_root(self.authority, [TilesLog(ORIGIN, self.key)], path)
        return vouch(path.read_bytes(), named=path.read_bytes())

    def start(self) -> None:
        ports = [free_port() for _ in range(3)]
        self._port = ports[0]
        words = [
            str(self.binary), "serve", f"--http-port={ports[0]}", f"--grpc-port={ports[1]}",
            f"--http-metrics-port={ports[2]}", f"--hostname={ORIGIN}", f"--storage-dir={self.storage}",
            f"--signer-filepath={self.home / 'key.pem'}", "--checkpoint-interval=500ms", "--batch-max-age=100ms",
        ]  # fmt: skip
        log = (self.home / "server.log").open("ab")
        self._process = subprocess.Popen(words, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self._port}/healthz"):
                return
            assert time.monotonic() < deadline, (self.home / "server.log").read_text()[-2000:]
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def write(self, bodies: list[tuple[Writer, bytes]]) -> list[dict[str, Any]]:
        """Log a signature over each message; return the answers in that order."""

        async def run() -> list[dict[str, Any]]:
            places = asyncio.Semaphore(256)
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as session:

                async def one(who: Writer, message: bytes) -> dict[str, Any]:
                    url = f"http://127.0.0.1:{self._port}/api/v2/log/entries"
                    async with places, session.post(url, json=request_for(who, message)) as response:
                        assert response.status in (200, 201), await response.text()
                        return dict(await response.json())

                return list(await asyncio.gather(*(one(*body) for body in bodies)))

        return asyncio.run(run())

    def env(self) -> dict[str, str]:
        return {"FORENSICS_REKOR_TILES_URLS": self.url, "FORENSICS_TRUST_ROOT": str(self.home / "root.json")}


def request_for(who: Writer, message: bytes) -> dict[str, Any]:
    verifier = {
        "x509Certificate": {"rawBytes": base64.b64encode(who.signer.der).decode()},
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
    }
    signature = {"content": base64.b64encode(who.signer.sign(message)).decode(), "verifier": verifier}
    digest = base64.b64encode(hashlib.sha256(message).digest()).decode()
    return {"hashedRekordRequestV002": {"digest": digest, "signature": signature}}


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The files of a log as its operators serve them."""
    port = free_port()
    app = Starlette(routes=[Mount("/api/v2", StaticFiles(directory=folder))])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def real(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    running = Real(binary, tmp_path_factory.mktemp("real"), ed25519.Ed25519PrivateKey.generate(), Authority())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (running.home / "key.pem").write_bytes(running.key.private_bytes(*form))
    running.storage.mkdir()
    assert running.root
    running.start()
    try:
        own = writer(running.authority, 1, san=SAN)
        others = [writer(running.authority, number) for number in range(2, 22)]
        work = [(own, b"release %d" % number) for number in range(PLANTED)]
        work += [(others[number % 20], b"other %d" % number) for number in range(COUNT - PLANTED)]
        random.Random(3).shuffle(work)
        running.entries = running.write(work)
        pairs = zip(work, running.entries, strict=True)
        running.planted = sorted(int(answer.get("logIndex", 0)) for (who, _), answer in pairs if who is own)
        with served(running.storage) as running.url:
            yield running
    finally:
        running.stop()


def scan(real: Real, url: str, san: str = SAN) -> Scanned:
    async def run() -> Scanned:
        async with asking(None, courteous(Limits(max_wait_seconds=0), [url], 1000)) as session:
            return await scan_shard(
                session, shard_at(real.root, url), real.root, Matcher([matching.subject(san)]), Wanted()
            )

    return asyncio.run(run())


def test_what_is_planted_is_found_and_nothing_else(real: Real) -> None:
    scanned = scan(real, real.url)
    assert scanned.head is not None
    assert scanned.coverage is not None
    assert len(real.planted) == PLANTED
    assert [hit.index for hit, _ in scanned.found] == real.planted
    assert scanned.coverage.complete
    assert scanned.coverage.entries == scanned.head.size >= COUNT
    for _, record in scanned.found:
        results = {check.name: check.result.value for check in record.checks}
        assert results["signature"] == results["certificate-chain"] == results["inclusion"] == "pass"
    assert not scan(real, real.url, SAN + "0").found
    done = inside(real.home, real.env(), "log", "scan", "--identity", SAN)
    assert done.returncode == 0
    assert f"{PLANTED} entries match" in done.stdout


def test_every_root_that_the_server_signed_is_recomputed(real: Real) -> None:
    notes = {answer["inclusionProof"]["checkpoint"]["envelope"] for answer in real.entries}
    bodies = {int(one.get("logIndex", 0)): base64.b64decode(one["canonicalizedBody"]) for one in real.entries}

    async def read() -> tuple[int, list[bytes], dict[int, bytes]]:
        async with asking(None, courteous(Limits(), [real.url], 1000)) as session:
            reader = HttpTiles(real.url, session.fresh, session.kept)
            head = await reader.head(shard_at(real.root, real.url))
            tree = TileTree(reader, head.size, head.checkpoint.root)
            found: list[bytes] = []
            for number in range(-(-head.size // 256)):
                width = width_at(head.size, None, number)
                found += split_bundle(await read_bundle(reader, head.size, number), width)
            sizes = {parse_checkpoint(note).size for note in notes}
            return head.size, found, {size: await tree.root_at(size) for size in sizes}

    size, entries, ours = asyncio.run(read())
    assert len(entries) == size
    assert all(entries[index] == body for index, body in bodies.items()), "what was answered is what is in the log"
    independent = MerkleTree()
    for entry in entries:
        independent.append(entry)
    assert len(notes) > 1
    for note in notes:
        checkpoint = parse_checkpoint(note)
        assert checkpoint.root == independent.root(checkpoint.size) == ours[checkpoint.size]


def test_a_restart_continues_the_same_history(real: Real) -> None:
    old = (real.storage / "checkpoint").read_text("utf-8")
    (real.home / "old.txt").write_text(old)
    words = ("log", "watch", "--state", real.home / "state.json", "--identity", SAN, "--json", "--once")
    assert inside(real.home, real.env(), *words, "--start-at-head").returncode == 0
    real.stop()
    real.start()
    own, other = writer(real.authority, 1, san=SAN), writer(real.authority, 30)
    work = [(own if number == 20 else other, b"after %d" % number) for number in range(60)]
    answers = real.write(work)
    expected = int(answers[20]["logIndex"])
    real.planted.append(expected)
    done = inside(real.home, real.env(), "log", "check", "--json", "--checkpoint", real.home / "old.txt")
    (found,) = json.loads(done.stdout)["logs"]
    assert found["consistent"]
    assert found["head"]["size"] >= parse_checkpoint(old).size + 60
    done = inside(real.home, real.env(), *words)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["entry"]["index"] for line in done.stdout.splitlines()] == [expected]


def test_damaged_files_are_named(real: Real, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(real.storage, copy)
    bundle = copy / "tile/entries/003"
    data = bytearray(bundle.read_bytes())
    data[1000] ^= 1
    bundle.write_bytes(data)
    cut = copy / "tile/entries/005"
    cut.write_bytes(cut.read_bytes()[:-1])
    tile = copy / "tile/0/002"
    data = bytearray(tile.read_bytes())
    data[64] ^= 1
    tile.write_bytes(data)
    with served(copy) as url:
        scanned = scan(real, url)
        assert scanned.failed
        assert [(gap.begin, gap.end) for gap in scanned.broken] == [(768, 769), (1280, 1536)]
        left = [index for index in real.planted if index != 768 and not 1280 <= index < 1536]
        assert [hit.index for hit, _ in scanned.found] == left

        async def read() -> None:
            async with asking(None, courteous(Limits(), [url], 100)) as session:
                reader = HttpTiles(url, session.fresh, session.kept)
                head = await reader.head(shard_at(real.root, url))
                tree = TileTree(reader, head.size, head.checkpoint.root)
                assert await tree.leaf(100)
                with pytest.raises(MalformedEvidence, match="tile/0/002"):
                    await tree.leaf(600)

        asyncio.run(read())
        edge = next(copy.glob("tile/1/000.p/*"))
        for one in copy.glob("tile/1/000.p/*"):
            one.write_bytes(edge.read_bytes()[:-32])
        assert scan(real, url).unsound
