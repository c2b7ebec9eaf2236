"""A real Rekor v1 on loopback: rekor-server over Trillian over MariaDB, with Redis as its search index."""

from __future__ import annotations

import base64
import contextlib
import getpass
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.rekor import NAME
from tests.real.go_tools import go_tool, module_folder

REKOR, TRILLIAN = "v1.5.4", "v1.7.2"
"""rekor 1.5.4 is the first that searches by subject, and the last that builds with Go 1.26."""
START_SECONDS = 90


@dataclass
class RealRekor:
    """The servers, with the key that the log signs with."""

    home: Path
    key: ec.EllipticCurvePrivateKey
    url: str = ""
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start everything, each part once the one below answers."""
        server, signer = (
            go_tool(f"github.com/google/trillian/cmd/trillian_log_{name}", TRILLIAN) for name in ("server", "signer")
        )
        rekor = go_tool("github.com/sigstore/rekor/cmd/rekor-server", REKOR)
        mysql = self._database()
        redis, rpc, health, more, port = (free_port() for _ in range(5))
        self._spawn(
            "redis-server",
            "--port",
            redis,
            "--bind",
            "127.0.0.1",
            "--dir",
            self.home,
            "--save",
            "",
            "--appendonly",
            "no",
        )
        uri = ("--storage_system=mysql", "--quota_system=noop", f"--mysql_uri={mysql}")
        self._spawn(server, *uri, f"--rpc_endpoint=127.0.0.1:{rpc}", f"--http_endpoint=127.0.0.1:{health}")
        self._spawn(
            signer, *uri, f"--rpc_endpoint=127.0.0.1:{free_port()}", f"--http_endpoint=127.0.0.1:{more}",
            "--force_master", "--sequencer_interval=50ms", "--batch_size=200",
        )  # fmt: skip
        answers(rpc)
        answers(redis)
        self._spawn(
            rekor, "serve", f"--port={port}", f"--trillian_log_server.port={rpc}", f"--redis_server.port={redis}",
            f"--rekor_server.signer={self.home / 'key.pem'}", f"--rekor_server.hostname={NAME}",
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{port}"
        self._until(lambda: urllib.request.urlopen(f"{self.url}/api/v1/log", timeout=5).status == 200)

    def stop(self) -> None:
        """End what was started, the last first."""
        for process in reversed(self._running):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                process.kill()

    def add(self, proposed: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        """Log each entry; return its id and the log's answer, in that order."""

        def one(entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
            headers = {"content-type": "application/json", "accept": "application/json"}
            request = urllib.request.Request(f"{self.url}/api/v1/log/entries", json.dumps(entry).encode(), headers)
            with urllib.request.urlopen(request, timeout=60) as response:
                ((name, answer),) = json.load(response).items()
            return name, answer

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(one, proposed))

    def _database(self) -> str:
        """Start MariaDB on a socket of its own, with Trillian's tables; return how Trillian reaches it."""
        data, place = self.home / "mysql", self.home / "db.sock"
        user = f"--user={getpass.getuser()}"
        subprocess.run(
            [tool("mariadb-install-db"), "--no-defaults", f"--datadir={data}", user, "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            capture_output=True, timeout=120, check=True,
        )  # fmt: skip
        self._spawn(
            tool("mariadbd"), "--no-defaults", f"--datadir={data}", f"--socket={place}", "--skip-networking", user,
            f"--pid-file={self.home / 'db.pid'}", "--innodb-flush-log-at-trx-commit=0",
        )  # fmt: skip
        client = [tool("mariadb"), "--no-defaults", f"--socket={place}", "--user=root"]

        def ask(*words: str, script: bytes = b"") -> bool:
            done = subprocess.run([*client, *words], input=script, capture_output=True, timeout=60, check=False)
            return done.returncode == 0

        self._until(lambda: ask("--execute=SELECT 1"))
        assert ask("--execute=CREATE DATABASE rekor")
        schema = module_folder("github.com/google/trillian", TRILLIAN) / "storage/mysql/schema/storage.sql"
        assert ask("rekor", script=schema.read_bytes())
        return f"root@unix({place})/rekor"

    def _spawn(self, *words: object) -> None:
        log = (self.home / "servers.log").open("ab")
        self._running.append(subprocess.Popen([str(word) for word in words], stdout=log, stderr=log))

    def _until(self, question: Any) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError):
                if question():
                    return
            assert time.monotonic() < deadline, (self.home / "servers.log").read_text(errors="replace")[-3000:]
            time.sleep(0.2)


def proposed_dsse(envelope: bytes, pem: bytes) -> dict[str, Any]:
    """What a client posts to have a DSSE envelope logged."""
    content = {"envelope": envelope.decode(), "verifiers": [base64.b64encode(pem).decode()]}
    return {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": content}}


def proposed_record(digest: str, signature: bytes, pem: bytes) -> dict[str, Any]:
    """What a client posts to have a signature over a digest logged."""
    signed = {"content": base64.b64encode(signature).decode(), "publicKey": {"content": base64.b64encode(pem).decode()}}
    spec = {"signature": signed, "data": {"hash": {"algorithm": "sha256", "value": digest}}}
    return {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}


def tool(name: str) -> str:
    """Where a program of the system lies; skips the test where it does not."""
    found = shutil.which(name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        pytest.skip(f"there is no {name}: install mariadb-server and redis-server")
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> None:
    """Wait until somebody listens on a port."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert time.monotonic() < deadline, f"nobody listens on {port}"
        time.sleep(0.1)


@contextlib.contextmanager
def real_rekor() -> Iterator[RealRekor]:
    """Everything running, for the time of a ``with`` block. The folder is short: a socket's path has to be."""
    for name in ("mariadbd", "mariadb-install-db", "redis-server"):
        tool(name)
    with tempfile.TemporaryDirectory(prefix="rekor-v1-") as folder:
        running = RealRekor(Path(folder), ec.generate_private_key(ec.SECP256R1()))
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (running.home / "key.pem").write_bytes(running.key.private_bytes(*form))
        try:
            running.start()
            yield running
        finally:
            running.stop()
