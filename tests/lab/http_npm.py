"""HTTP for the npm registry.

A scoped name may be written with its slash or with ``%2f``; both arrive alike. Source: npm/registry
`docs/REGISTRY-API.md`, `docs/responses/package-metadata.md`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.lab.npm_registry import RegistryView
from tests.lab.world import Snapshot

ABBREVIATED = "application/vnd.npm.install-v1+json"
_NAME = r"(?P<name>(?:@[^/@]+/)?[^/@]+)"
_PACKAGE = re.compile(_NAME)
_VERSION = re.compile(rf"{_NAME}/(?P<version>[^/]+)")
_TARBALL = re.compile(rf"{_NAME}/-/(?P<file>[^/]+\.tgz)")
_ATTESTATIONS = re.compile(rf"-/npm/v1/attestations/{_NAME}@(?P<version>[^/]+)")
_MAINTAINER = re.compile(r"maintainer:(\S+)")
_PAGE = 250


def npm_routes(now: Callable[[], Snapshot], where: Callable[[], str]) -> list[Route]:
    """All of the registry's read API that the lab serves; ``where`` gives the registry's own URL."""

    async def serve(request: Request) -> Response:
        return _answer(request, str(request.path_params["rest"]), now().registry, where())

    return [Route("/{rest:path}", serve)]


def _answer(request: Request, path: str, view: RegistryView, base: str) -> Response:
    if path == "-/npm/v1/keys":
        return JSONResponse(view.keys.listed(view.moment))
    if path == "-/v1/search":
        return _search(request, view)
    if match := _ATTESTATIONS.fullmatch(path):
        found = view.attestations(match["name"], match["version"])
        return _json(request, found) if found else _missing()
    if match := _TARBALL.fullmatch(path):
        data = view.tarball(match["name"], match["file"])
        return (
            _missing()
            if data is None
            else Response(data, media_type="application/octet-stream", headers=_headers(data))
        )
    if match := _PACKAGE.fullmatch(path):
        short = ABBREVIATED in request.headers.get("accept", "")
        page = view.abbreviated(match["name"], base) if short else view.packument(match["name"], base)
        return _json(request, page, ABBREVIATED if short else "application/json") if page else _missing()
    if match := _VERSION.fullmatch(path):
        return _one_version(request, view.packument(match["name"], base), match["version"])
    return _missing()


def _one_version(request: Request, page: dict[str, Any] | None, version: str) -> Response:
    if page is None:
        return _missing()
    row = page["versions"].get(page.get("dist-tags", {}).get(version, version))
    return _json(request, row) if row else JSONResponse(f"version not found: {version}", 404)


def _search(request: Request, view: RegistryView) -> Response:
    """The packages of an account: ``text=maintainer:NAME``, in pages of ``size`` from ``from``."""
    named = _MAINTAINER.search(request.query_params.get("text", ""))
    try:
        size = min(_PAGE, max(0, int(request.query_params.get("size", "20"))))
        start = max(0, int(request.query_params.get("from", "0")))
    except ValueError:
        return JSONResponse({"error": "size and from must be numbers"}, 400)
    rows = view.search(named[1]) if named else []
    time = view.moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return JSONResponse({"objects": rows[start : start + size], "total": len(rows), "time": time})


def _json(request: Request, page: object, kind: str = "application/json") -> Response:
    body = json.dumps(page, separators=(",", ":"), ensure_ascii=False).encode()
    headers = _headers(body)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _headers(body: bytes) -> dict[str, str]:
    return {
        "ETag": f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"',
        "Cache-Control": "public, max-age=300",
        "Vary": "Accept-Encoding, Accept",
    }


def _missing() -> Response:
    return JSONResponse({"error": "Not found"}, 404)
