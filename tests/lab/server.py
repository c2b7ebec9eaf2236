"""One real HTTP server for a world, on loopback, in a thread of its own."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from tests.lab.depsdev import DepsDevView, depsdev_routes
from tests.lab.errors import LabError
from tests.lab.faults import Fault, FaultLayer, RequestRecord
from tests.lab.git_site import GitSite, git_routes
from tests.lab.github import CiView, github_routes
from tests.lab.github_attestations import attestation_routes
from tests.lab.http_index import file_routes, index_routes, osv_routes
from tests.lab.http_npm import npm_routes
from tests.lab.http_rekor import rekor_routes
from tests.lab.journal import JournalSettings
from tests.lab.known import write_known
from tests.lab.pypi import Urls
from tests.lab.scenario import Scenario
from tests.lab.trust import write_trusted_root
from tests.lab.world import Snapshot, World, build_world

_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


class LabServer:
    """A world being served. Start and stop it, or use :func:`serve` as a context manager."""

    def __init__(self, world: World, *, port: int = 0, directory: Path | None = None) -> None:
        self.world = world
        self._moment = world.scenario.as_of
        self.journal = JournalSettings()
        self._snapshot: Snapshot | None = None
        self._lock = threading.Lock()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="lab-")
            directory = Path(self._temporary.name)
        self.directory = directory
        self._tiles: Starlette | None = None
        slugs = {release.claims.slug for release in world.releases} | {_slug(world.scenario)}
        public = world.scenario.repository.visibility == "public"  # a stranger is told that others do not exist
        self._git = GitSite(world.git, slugs if public else set())
        self._ci = CiView(world.scenario, world.releases)
        self._layer = FaultLayer(self._app())
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            self._layer, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="lab", daemon=True)

    @property
    def base(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def urls(self) -> Urls:
        """Where the index and the file store are."""
        return Urls(index=f"{self.base}/index", files=f"{self.base}/files")

    @property
    def npm_url(self) -> str:
        """Where the npm registry is."""
        return f"{self.base}/npm"

    @property
    def moment(self) -> datetime:
        """The moment that is served; setting it takes effect with the next request."""
        return self._moment

    @moment.setter
    def moment(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise LabError("a moment needs an offset")
        with self._lock:
            self._moment = moment.astimezone(UTC)
            self._snapshot = None

    def env(self) -> dict[str, str]:
        """The environment that points the toolkit at this world."""
        return {
            "FORENSICS_PYPI_URL": self.urls.index,
            "FORENSICS_FILES_URL": self.urls.files,
            "FORENSICS_NPM_URL": self.npm_url,
            "FORENSICS_REKOR_URL": f"{self.base}/rekor",
            "FORENSICS_OSV_URL": f"{self.base}/osv",
            "FORENSICS_GITHUB_API_URL": f"{self.base}/github",
            "FORENSICS_GIT_URL_TEMPLATE": f"{self.base}/git/{{owner}}/{{repo}}",
            "FORENSICS_REKOR_TILES_URLS": f"{self.base}/tiles",
            "FORENSICS_TRUST_ROOT": str(self.directory / "trusted_root.json"),
            "FORENSICS_DEPSDEV_URL": f"{self.base}/depsdev",
        }

    def start(self) -> LabServer:
        """Write the trust root and start serving; returns when the server answers."""
        self.world.write_trusted_root(self.directory)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise LabError("the lab's server did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Stop serving and remove the temporary directory, if the server made one."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._socket.close()
        self._git.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def attach_tiles(self, routes: list[Route], log: dict[str, object]) -> None:
        """Serve a Rekor v2 log below ``/tiles``, and add it (a row of ``tlogs``) to the trust root; after the start."""
        self._tiles = Starlette(routes=list(routes))
        path = self.directory / "trusted_root.json"
        root = json.loads(path.read_text("utf-8"))
        root["tlogs"].append(log)
        write_trusted_root(root, path)

    def write_known(self) -> list[Path]:
        """Write the files that the responder brings along, below the server's directory."""
        return write_known(self.world, self.directory / "known")

    def inject(self, fault: Fault) -> Fault:
        """Make requests fail as told, until :meth:`clear_faults`."""
        return self._layer.inject(fault)

    def clear_faults(self) -> None:
        """Answer truthfully again."""
        self._layer.clear()

    @property
    def requests(self) -> list[RequestRecord]:
        """All requests since the start or the last reset."""
        return self._layer.requests()

    def reset_requests(self) -> None:
        """Empty the request log."""
        self._layer.reset_requests()

    def _now(self) -> Snapshot:
        with self._lock:
            if self._snapshot is None:
                self._snapshot = self.world.at(self._moment)
            return self._snapshot

    def _app(self) -> Starlette:
        def now() -> datetime:
            return self._moment

        routes: list[BaseRoute] = [
            Mount("/index", routes=index_routes(self._now, lambda: self.urls, lambda: self.journal)),
            Mount("/files", routes=file_routes(self._now)),
            Mount("/npm", routes=npm_routes(self._now, lambda: self.npm_url)),
            Mount("/rekor", routes=rekor_routes(self._now)),
            Mount("/osv", routes=osv_routes(self._now)),
            Mount("/github", routes=[*github_routes(self._ci, now), *attestation_routes(self.world, now)]),
            Mount("/depsdev", routes=depsdev_routes(lambda: DepsDevView(self.world, self._moment))),
            Mount("/git", routes=git_routes(self._git, lambda: self._moment)),
        ]
        routes.append(Mount("/tiles", app=self._serve_tiles))
        return Starlette(routes=routes)

    def _world_tiles(self) -> Starlette:
        """The Rekor v2 log of the scenario as it stood at the moment; 501 where the scenario names none."""
        from tests.lab.tiles_http import TilesSite

        tiles, moment = self.world.notary.tiles, self._moment
        if tiles is None or not tiles.size_at(moment):
            return Starlette(routes=[Route("/{rest:path}", _unserved, methods=_METHODS)])
        return Starlette(routes=list(TilesSite(tiles.log, tiles.size_at(moment)).routes()))

    async def _serve_tiles(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._tiles or self._world_tiles()
        await app(scope, receive, send)


def _slug(scenario: Scenario) -> str:
    return "/".join(scenario.repository.url.rstrip("/").split("/")[-2:])


async def _unserved(request: Request) -> Response:
    return JSONResponse({"message": "the lab does not serve this source yet"}, 501)


def _listen(port: int) -> socket.socket:
    # The protocol must be named: asyncio sets TCP_NODELAY only then, and without it every answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


@contextlib.contextmanager
def serve(
    what: World | Scenario | str | Path,
    *,
    port: int = 0,
    moment: datetime | None = None,
    directory: Path | None = None,
) -> Iterator[LabServer]:
    """Serve a world, or the world of a scenario, for the time of a ``with`` block."""
    world = what if isinstance(what, World) else build_world(what)
    server = LabServer(world, port=port, directory=directory)
    if moment is not None:
        server.moment = moment
    try:
        yield server.start()
    finally:
        server.stop()
