"""HTTP for a Rekor v2 log: checkpoint, tiles and bundles, with the ways in which a log can go wrong."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tests.lab.pki import Authority
from tests.lab.rekor import RekorLog
from tests.lab.server import _listen
from tests.lab.tiles_log import WIDTH, TilesLog
from tests.lab.trust import trusted_root, write_trusted_root

_PATH = re.compile(r"tile/(entries|\d{1,2})/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?")
Change = Callable[[bytes], bytes]


@dataclass
class TilesSite:
    """What is served: the first ``size`` entries of ``log``.

    ``head``: a checkpoint to serve instead of the true one. ``changes``: by path (``tile/0/000``), what is done to a
    tile or bundle before it is served, whole or partial. ``partials``: whether partial tiles stay once the whole one is
    there. ``status``: what everything is answered with, if not 200. ``zipped``: whether gzip is used where accepted.
    """

    log: TilesLog
    size: int = 0
    head: str | None = None
    changes: dict[str, Change] = field(default_factory=dict)
    partials: bool = True
    status: int = 200
    zipped: bool = False
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.size = self.size or len(self.log.entries)

    def routes(self) -> list[Route]:
        """The read API."""
        return [Route("/api/v2/checkpoint", self._checkpoint), Route("/api/v2/{path:path}", self._tile)]

    async def _checkpoint(self, request: Request) -> Response:
        self.asked.append("checkpoint")
        if self.status != 200:
            return Response(status_code=self.status)
        return Response(self.head or self.log.checkpoint(self.size), media_type="text/plain")

    async def _tile(self, request: Request) -> Response:
        path = str(request.path_params["path"])
        self.asked.append(path)
        data = self._data(path) if self.status == 200 else None
        if data is None:
            return Response(status_code=404 if self.status == 200 else self.status)
        headers = {"cache-control": "max-age=31536000, immutable"}
        if self.zipped and "gzip" in request.headers.get("accept-encoding", ""):
            data, headers["content-encoding"] = gzip.compress(data, 1), "gzip"
        return Response(data, media_type="application/octet-stream", headers=headers)

    def _data(self, path: str) -> bytes | None:
        match = _PATH.fullmatch(path)
        if match is None:
            return None
        index = int(match[2].replace("x", "").replace("/", ""))
        width = int(match[3] or WIDTH)
        level = None if match[1] == "entries" else int(match[1])
        count = self.size >> (8 * (level or 0))
        if not 0 < width <= WIDTH or index * WIDTH + width > count:
            return None
        if match[3] and not self.partials and (index + 1) * WIDTH <= count:
            return None
        data = self.log.bundle(index, width) if level is None else self.log.tile(level, index, width)
        change = self.changes.get(path.partition(".p/")[0])
        return change(data) if change else data


@dataclass
class TilesServer:
    """A site being served."""

    site: TilesSite
    url: str
    root: Path
    authority: Authority

    def env(self) -> dict[str, str]:
        """The environment that points the toolkit at this log, and at nothing else."""
        nowhere = "http://127.0.0.1:9"
        return {
            "FORENSICS_REKOR_TILES_URLS": self.url,
            "FORENSICS_TRUST_ROOT": str(self.root),
            **{f"FORENSICS_{name}_URL": nowhere for name in ("PYPI", "FILES", "OSV", "REKOR")},
        }


def write_root(authority: Authority, logs: list[TilesLog], path: Path, v1: RekorLog | None = None) -> Path:
    """Write a trust root of ``authority`` that knows ``logs``, and a Rekor v1."""
    stamper = Authority("tsa.lab.example")
    root = trusted_root(authority, v1 or RekorLog(), (stamper, stamper.chain[0]))
    root["tlogs"] += [log.in_trust_root() for log in logs]
    return write_trusted_root(json.loads(json.dumps(root)), path)


@contextlib.contextmanager
def serve_tiles(site: TilesSite, authority: Authority, directory: Path) -> Iterator[TilesServer]:
    """Serve a site on loopback for the time of a ``with`` block."""
    with serving(Starlette(routes=list(site.routes()))) as url:
        root = write_root(authority, [site.log], directory / "tiles-root.json")
        yield TilesServer(site, url, root, authority)


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an application on loopback for the time of a ``with`` block; yields its URL."""
    listener = _listen(0)
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="tiles", daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
