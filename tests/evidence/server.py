"""A loopback server with a temper: every misbehaviour that a source can show, over real HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route


class World:
    """The state of the server that a test looks at: how often each path was asked, and by whom."""

    def __init__(self) -> None:
        self.url = ""
        self.reset()

    def reset(self) -> None:
        self.asked: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.headers: list[dict[str, str]] = []
        self.raw_paths: list[str] = []
        self.in_flight = 0
        self.most_in_flight = 0

    def note(self, request: Request) -> int:
        path = request.url.path
        self.asked[path] += 1
        self.agents.add(request.headers.get("user-agent", ""))
        self.headers.append(dict(request.headers))
        raw = request.scope["raw_path"].decode()
        query = request.scope["query_string"].decode()
        self.raw_paths.append(raw + (f"?{query}" if query else ""))
        return self.asked[path]


Misbehaviour = Callable[[Request], Awaitable[Response]]
"""What answers one path, in whatever bad manner; that it was asked is noted before it is called."""


async def status(request: Request) -> Response:
    return Response(b"status", request.path_params["code"])


async def zipped(request: Request) -> Response:
    return Response(gzip.compress(b'{"zipped": true}'), headers={"Content-Encoding": "gzip"})


async def bomb(request: Request) -> Response:
    return Response(gzip.compress(b"\0" * 20_000_000), headers={"Content-Encoding": "gzip"})


async def broken_zip(request: Request) -> Response:
    return Response(b"not gzip at all", headers={"Content-Encoding": "gzip"})


async def garbage(request: Request) -> Response:
    return Response(b"<html>maintenance</html>")


async def latin(request: Request) -> Response:
    return Response('{"name": "Grüße"}'.encode("latin-1"), media_type="application/json")


async def deep(request: Request) -> Response:
    return Response(b"[" * 10_000 + b"]" * 10_000, media_type="application/json")


async def large(request: Request) -> Response:
    return StreamingResponse(_pieces(b"x" * 10_000, 200))


async def slow(request: Request) -> Response:
    await asyncio.sleep(3)
    return Response(b"late")


async def drip(request: Request) -> Response:
    return StreamingResponse(_pieces(b"drop", 100, seconds=0.1))


async def off_site(request: Request) -> Response:
    return RedirectResponse("http://127.0.0.2:1/elsewhere?x=1")


async def loop(request: Request) -> Response:
    return RedirectResponse(request.url.path)


async def moved(request: Request) -> Response:
    return RedirectResponse("/doc/7", 301)


async def echo(request: Request) -> Response:
    return JSONResponse({"body": json.loads(await request.body())})


async def missing(request: Request) -> Response:
    return JSONResponse({"message": "Not Found"}, 404)


async def _pieces(piece: bytes, count: int, seconds: float = 0) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield piece
        if seconds:
            await asyncio.sleep(seconds)


def app(world: World) -> Starlette:
    """Every path on which the server shows its temper. What depends on the world's counts stands here."""

    async def doc(request: Request) -> Response:
        world.in_flight += 1
        world.most_in_flight = max(world.most_in_flight, world.in_flight)
        await asyncio.sleep(float(request.query_params.get("delay", "0")))
        world.in_flight -= 1
        number = request.path_params["number"]
        return JSONResponse({"number": number, "text": "räksmörgås"}, headers={"Set-Cookie": "session=SECRETCOOKIE"})

    async def flaky(request: Request) -> Response:
        code, until = request.path_params["code"], request.path_params["until"]
        after = request.query_params.get("after")
        if world.asked[request.url.path] <= until:
            return Response(b"not yet", code, headers={"Retry-After": after} if after else {})
        return JSONResponse({"ok": True})

    behaviours: dict[str, Misbehaviour] = {
        "/doc/{number:int}": doc,
        "/status/{code:int}": status,
        "/flaky/{code:int}/{until:int}": flaky,
        "/zipped": zipped,
        "/bomb": bomb,
        "/broken-zip": broken_zip,
        "/garbage": garbage,
        "/latin": latin,
        "/deep": deep,
        "/large": large,
        "/slow": slow,
        "/drip": drip,
        "/off-site": off_site,
        "/loop": loop,
        "/moved": moved,
    }
    routes = [Route(path, _noted(world, answer)) for path, answer in behaviours.items()]
    routes.append(Route("/echo", _noted(world, echo), methods=["POST"]))
    return Starlette(routes=[*routes, Route("/{rest:path}", _noted(world, missing))])


def _noted(world: World, answer: Misbehaviour) -> Misbehaviour:
    async def noting(request: Request) -> Response:
        world.note(request)
        return await answer(request)

    return noting


@contextmanager
def serving() -> Iterator[World]:
    """Serve the misbehaving application on a free port of the loopback interface."""
    world = World()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    config = uvicorn.Config(app(world), log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    world.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    while not server.started:
        threading.Event().wait(0.01)
    try:
        yield world
    finally:
        server.should_exit = True
        thread.join(5)


@contextmanager
def raw_server(answer: bytes) -> Iterator[str]:
    """Serve *answer* verbatim to every connection and hang up: for answers that no HTTP library would send."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.close()
