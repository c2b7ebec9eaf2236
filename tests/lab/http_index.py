"""HTTP for the package index, its file store and the advisory database."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.lab.artifacts import normalized
from tests.lab.journal import JournalSettings, answer
from tests.lab.pypi import IndexView, Urls
from tests.lab.world import Snapshot

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
INTEGRITY_JSON = "application/vnd.pypi.integrity.v1+json"

Now = Callable[[], Snapshot]
Where = Callable[[], Urls]
Settings = Callable[[], JournalSettings]


def index_routes(now: Now, where: Where, journal: Settings = JournalSettings) -> list[Route]:
    """Simple API, legacy JSON, Integrity API and the XML-RPC journal."""
    site = _Index(now, where, journal)
    return [
        Route("/simple/", site.simple_index),
        Route("/simple/{project}/", site.simple),
        Route("/simple/{project}", site.simple),
        Route("/pypi", site.journal, methods=["POST"]),
        Route("/pypi/{project}/json", site.legacy),
        Route("/pypi/{project}/json/", site.legacy),
        Route("/pypi/{project}/{version}/json", site.legacy_version),
        Route("/pypi/{project}/{version}/json/", site.legacy_version),
        Route("/integrity/{project}/{version}/{filename}/provenance", site.integrity),
    ]


def file_routes(now: Now) -> list[Route]:
    """The file store, which never forgets."""

    async def stored(request: Request) -> Response:
        path = str(request.path_params["path"])
        found = now().stored_at(path)
        if found is not None:
            return _bytes(found.artifact.data, "application/octet-stream")
        parent = now().stored_at(path.removesuffix(".metadata"))
        if path.endswith(".metadata") and parent is not None and parent.artifact.metadata is not None:
            return _bytes(parent.artifact.metadata, "application/octet-stream")
        return Response("404 Not Found", 404, media_type="text/plain")

    return [Route("/packages/{path:path}", stored)]


def osv_routes(now: Now) -> list[Route]:
    """The advisory database: query, batch query, one record."""

    async def query(request: Request) -> Response:
        status, body = now().osv.query(await _object(request))
        return JSONResponse(body, status)

    async def batch(request: Request) -> Response:
        queries = (await _object(request)).get("queries")
        if not isinstance(queries, list) or len(queries) > 1000:
            return JSONResponse({"code": 3, "message": "Invalid query."}, 400)
        results = []
        for question in queries:
            status, body = now().osv.query(question if isinstance(question, dict) else {})
            if status != 200:
                return JSONResponse(body, status)
            found = [{"id": record["id"], "modified": record["modified"]} for record in body.get("vulns", [])]
            results.append({"vulns": found} if found else {})
        return JSONResponse({"results": results})

    async def one(request: Request) -> Response:
        record = now().osv.record(str(request.path_params["id"]))
        if record is None:
            return JSONResponse({"code": 5, "message": "Bug not found."}, 404)
        return JSONResponse(record)

    return [
        Route("/v1/query", query, methods=["POST"]),
        Route("/v1/querybatch", batch, methods=["POST"]),
        Route("/v1/vulns/{id}", one),
    ]


class _Index:
    """Handlers of the index; each asks for the snapshot of the moment."""

    def __init__(self, now: Now, where: Where, journal: Settings) -> None:
        self._now = now
        self._where = where
        self._settings = journal

    def _view(self, request: Request) -> IndexView | None:
        """The index, if it knows the project that the path names."""
        shot, name = self._now(), normalized(request.path_params["project"])
        view = shot.index if name == shot.index.name else shot.others.get(name)
        return view if view is not None and view.exists else None

    async def simple_index(self, request: Request) -> Response:
        return _json(request, self._now().index.simple_index(), SIMPLE_JSON, self._now().index.last_serial)

    async def simple(self, request: Request) -> Response:
        view = self._view(request)
        if view is None:
            return _missing()
        if request.path_params["project"] != view.name or not request.url.path.endswith("/"):
            return RedirectResponse(f"{self._where().index}/simple/{view.name}/", 301)
        page = view.simple(self._where())
        if "json" not in request.headers.get("accept", ""):
            return _html(page)
        return _json(request, page, SIMPLE_JSON, view.last_serial)

    async def legacy(self, request: Request) -> Response:
        view = self._view(request)
        if view is not None and request.path_params["project"] != view.name:
            return RedirectResponse(f"{self._where().index}/pypi/{view.name}/json", 301)
        page = view.legacy(self._where()) if view else None
        return _json(request, page, "application/json", view.last_serial) if page and view else _missing()

    async def legacy_version(self, request: Request) -> Response:
        view = self._view(request)
        page = view.legacy_version(request.path_params["version"], self._where()) if view else None
        return _json(request, page, "application/json", view.last_serial) if page and view else _missing()

    async def integrity(self, request: Request) -> Response:
        view = self._view(request)
        if view is None:
            return _missing()
        accept = request.headers.get("accept", "*/*")
        if not any(kind in accept for kind in ("*/*", "application/json", INTEGRITY_JSON)):
            return JSONResponse({"message": "Request not acceptable"}, 406)
        status, body = view.provenance(request.path_params["version"], request.path_params["filename"])
        if status != 200:
            return JSONResponse(body, status)
        return _json(request, body, INTEGRITY_JSON, view.last_serial)

    async def journal(self, request: Request) -> Response:
        """XML-RPC: the journal, and roles."""
        text = answer(await request.body(), self._now().index, self._settings())
        if text is None:
            return Response("not XML-RPC", 400, media_type="text/plain")
        return Response(text, media_type="text/xml")


async def _object(request: Request) -> dict[str, Any]:
    """The request's body as a JSON object; anything else is an empty one."""
    try:
        value = json.loads(await request.body())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _json(request: Request, page: object, kind: str, serial: int) -> Response:
    body = json.dumps(page, separators=(",", ":")).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "X-PyPI-Last-Serial": str(serial),
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": "max-age=600, public",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _bytes(data: bytes, kind: str) -> Response:
    headers = {
        "Cache-Control": "max-age=365000000, immutable, public",
        "ETag": f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"',
    }
    return Response(data, media_type=kind, headers=headers)


def _html(page: dict[str, Any]) -> Response:
    """The frozen HTML form, for those who do not ask for JSON."""
    links = "".join(
        f'<a href="{html.escape(item["url"])}#sha256={item["hashes"]["sha256"]}">{item["filename"]}</a><br>\n'
        for item in page["files"]
    )
    return Response(f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n", media_type="text/html")


def _missing() -> Response:
    return JSONResponse({"message": "Not Found"}, 404)
