"""Loopback servers for the rows: an index of many releases without attestations, and documents that come slowly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any


@contextmanager
def _server(app: Any) -> Iterator[str]:
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def slow_documents(seconds: float) -> Iterator[str]:
    """Serve any path as 2 kB of JSON after *seconds*."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    body = b'{"x": "' + b"y" * 2000 + b'"}'

    async def answer(request: Request) -> Response:
        await asyncio.sleep(seconds)
        return Response(body, media_type="application/json")

    with _server(Starlette(routes=[Route("/{path:path}", answer)])) as base:
        yield base


def file_row(number: int) -> dict[str, Any]:
    """One file as the Simple API gives it (PEP 691, PEP 700, PEP 740), its provenance observed to be absent."""
    start = datetime(2022, 1, 1, 12, tzinfo=UTC)
    return {
        "filename": f"bench_project-1.{number // 50}.{number % 50}-py3-none-any.whl",
        "url": f"/packages/aa/bb/{'c' * 60}/x.whl",
        "hashes": {"sha256": f"{number:064x}"},
        "size": 1000,
        "upload-time": (start + timedelta(hours=40 * number)).isoformat(),
        "yanked": False,
        "provenance": None,
    }


@contextmanager
def serving(releases: int) -> Iterator[dict[str, str]]:
    """Serve an index of *releases* of `bench-project`, observed to be unattested; yields the environment to export."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    files = [file_row(n) for n in range(releases)]
    simple = {
        "meta": {"api-version": "1.4", "_last-serial": 1},
        "name": "bench-project",
        "files": files,
        "versions": [],
    }

    async def index(request: Request) -> JSONResponse:
        return JSONResponse(simple)

    async def osv(request: Request) -> JSONResponse:
        return JSONResponse({})

    routes = [Route("/simple/bench-project/", index), Route("/osv/v1/query", osv, methods=["POST"])]
    with _server(Starlette(routes=routes)) as base:
        yield {"FORENSICS_PYPI_URL": base, "FORENSICS_OSV_URL": f"{base}/osv"}
