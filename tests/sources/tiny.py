"""A package index of a few lines over loopback HTTP, that can be made to answer anything."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import threading
import time
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import uvicorn

from forensics.evidence.client import Limits
from forensics.investigation import Analysis, Investigation
from forensics.model.document import Document
from forensics.model.endpoints import Endpoints, resolve_endpoints
from forensics.model.project import parse_project
from forensics.report.build import build_document

FAST = Limits(per_second=1e9, attempts=2, max_wait_seconds=0.1, read_seconds=0.5, total_seconds=1.0)
NO_PROVENANCE = {"message": "No provenance available for it"}


@dataclass
class Reply:
    """One answer: *body* as JSON unless it is bytes; *delay* in seconds; *cut* hangs up after half of it."""

    body: Any
    status: int = 200
    delay: float = 0.0
    cut: bool = False


@dataclass
class Tiny:
    """The replies by path (a path that ends in `*` stands for all that begin so), more headers, and what was asked."""

    url: str = ""
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def put(self, path: str, body: Any, status: int = 200, **more: Any) -> None:
        self.replies[path] = Reply(body, status, **more)

    def page(self, files: list[dict[str, Any]], project: str = "demo", **more: Any) -> None:
        """Put a Simple API page of PyPI's own kind; *more* replaces its keys."""
        self.put(f"/simple/{project}/", simple_page(files, **more))

    def legacy(self, releases: dict[str, list[dict[str, Any]]], project: str = "demo", latest: str = "1.0.0") -> None:
        self.put(f"/pypi/{project}/json", {"info": {"name": project, "version": latest}, "releases": releases})

    def find(self, path: str) -> Reply:
        stars = [key for key in self.replies if key.endswith("*") and path.startswith(key[:-1])]
        if path.startswith("/packages/") and path not in self.replies and not stars:
            return _stored(path)
        return self.replies.get(path) or (
            self.replies[max(stars, key=len)] if stars else Reply({"message": "Not Found"}, 404)
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["raw_path"].decode()
        self.asked.append(path)
        reply = _empty_journal((await receive())["body"]) if path == "/journal" else self.find(path)
        await asyncio.sleep(reply.delay)
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2] if reply.cut else body})


def _empty_journal(question: bytes) -> Reply:
    """A journal in which nothing ever happened, and a project without accounts."""
    _, method = xmlrpc.client.loads(question)
    answer: Any = 7 if method == "changelog_last_serial" else []
    return Reply(xmlrpc.client.dumps((answer,), methodresponse=True).encode())


def _stored(path: str) -> Reply:
    """The file that `entry` makes: its bytes are its name, and its place is made of their digest."""
    name = unquote(path.rpartition("/")[2]).encode("utf-8", "surrogatepass")
    there = "".join(path.split("/")[2:5]) == hashlib.sha256(name).hexdigest()
    return Reply(name) if there else Reply({"message": "Not Found"}, 404)


def simple_page(files: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    page = {"meta": {"api-version": "1.4", "_last-serial": 7}, "name": "demo", "project-status": {"status": "active"}}
    return {**page, "versions": [], "files": files, **more}


def entry(filename: str, day: int = 1, **more: Any) -> dict[str, Any]:
    """One file of a Simple page, without a provenance key unless *more* brings one."""
    digest = more.pop("sha256", None) or hashlib.sha256(filename.encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "filename": filename,
        "url": f"https://files.example/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{filename}",
        "hashes": {"sha256": digest},
        "size": 1000,
        "upload-time": f"2026-01-{day:02d}T12:00:00Z",
        "yanked": False,
        **more,
    }


def old_entry(filename: str, sha256: str, day: int = 1) -> dict[str, Any]:
    """One file of the legacy API."""
    stamp = f"2026-01-{day:02d}T12:00:00.000000Z"
    return {"filename": filename, "digests": {"sha256": sha256}, "upload_time_iso_8601": stamp, "yanked": False}


@contextmanager
def tiny_server() -> Iterator[Tiny]:
    tiny = Tiny()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(tiny, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    tiny.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    while not server.started:
        time.sleep(0.005)
    try:
        yield tiny
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()


def investigation(tiny: Tiny, path: Path, *, collect: bool = True, name: str = "demo") -> Investigation:
    """A case about *name*, all of whose services are the tiny server, filled; it has no further witnesses."""
    urls = {"pypi": tiny.url, "files": tiny.url, "osv": f"{tiny.url}/osv", "rekor": f"{tiny.url}/rekor"}
    every = resolve_endpoints(urls).urls
    endpoints = Endpoints({key: url for key, url in every.items() if key not in {"journal", "depsdev", "github"}})
    made = Investigation.start(parse_project(name), path, endpoints)
    if collect:
        made.collect(limits=FAST)
    return made


def analysed(tiny: Tiny, path: Path, **more: Any) -> tuple[Analysis, Document]:
    """What follows from a case filled by the tiny server, and the document of it."""
    analysis = investigation(tiny, path, **more).analyse(workers=1)
    return analysis, build_document(analysis)
