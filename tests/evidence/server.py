"""A loopback server with a temper: every misbehaviour that a source can show, over real HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
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


def app(world: World) -> Starlette:
    async def doc(request: Request) -> Response:
        world.note(request)
        world.in_flight += 1
        world.most_in_flight = max(world.most_in_flight, world.in_flight)
        await asyncio.sleep(float(request.query_params.get("delay", "0")))
        world.in_flight -= 1
        number = request.path_params["number"]
        return JSONResponse({"number": number, "text": "räksmörgås"}, headers={"Set-Cookie": "session=SECRETCOOKIE"})

    async def status(request: Request) -> Response:
        world.note(request)
        return Response(b"status", request.path_params["code"])

    async def flaky(request: Request) -> Response:
        times = world.note(request)
        code, until = request.path_params["code"], request.path_params["until"]
        after = request.query_params.get("after")
        if times <= until:
            return Response(b"not yet", code, headers={"Retry-After": after} if after else {})
        return JSONResponse({"ok": True})

    async def zipped(request: Request) -> Response:
        world.note(request)
        return Response(gzip.compress(b'{"zipped": true}'), headers={"Content-Encoding": "gzip"})

    async def bomb(request: Request) -> Response:
        world.note(request)
        return Response(gzip.compress(b"\0" * 20_000_000), headers={"Content-Encoding": "gzip"})

    async def broken_zip(request: Request) -> Response:
        world.note(request)
        return Response(b"not gzip at all", headers={"Content-Encoding": "gzip"})

    async def garbage(request: Request) -> Response:
        world.note(request)
        return Response(b"<html>maintenance</html>")

    async def latin(request: Request) -> Response:
        world.note(request)
        return Response('{"name": "Grüße"}'.encode("latin-1"), media_type="application/json")

    async def deep(request: Request) -> Response:
        world.note(request)
        return Response(b"[" * 10_000 + b"]" * 10_000, media_type="application/json")

    async def large(request: Request) -> Response:
        world.note(request)

        async def pieces() -> Iterator[bytes]:
            for _ in range(200):
                yield b"x" * 10_000

        return StreamingResponse(pieces())

    async def slow(request: Request) -> Response:
        world.note(request)
        await asyncio.sleep(3)
        return Response(b"late")

    async def drip(request: Request) -> Response:
        world.note(request)

        async def pieces() -> Iterator[bytes]:
            for _ in range(100):
                yield b"drop"
                await asyncio.sleep(0.1)

        return StreamingResponse(pieces())

    async def off_site(request: Request) -> Response:
        world.note(request)
        return RedirectResponse("http://127.0.0.2:1/elsewhere?x=1")

    async def loop(request: Request) -> Response:
        world.note(request)
        return RedirectResponse(request.url.path)

    async def moved(request: Request) -> Response:
        world.note(request)
        return RedirectResponse("/doc/7", 301)

    async def echo(request: Request) -> Response:
        world.note(request)
        return JSONResponse({"body": json.loads(await request.body())})

    return Starlette(
        routes=[
            Route("/doc/{number:int}", doc),
            Route("/status/{code:int}", status),
            Route("/flaky/{code:int}/{until:int}", flaky),
            Route("/zipped", zipped),
            Route("/bomb", bomb),
            Route("/broken-zip", broken_zip),
            Route("/garbage", garbage),
            Route("/latin", latin),
            Route("/deep", deep),
            Route("/large", large),
            Route("/slow", slow),
            Route("/drip", drip),
            Route("/off-site", off_site),
            Route("/loop", loop),
            Route("/moved", moved),
            Route("/echo", echo, methods=["POST"]),
            Route("/{rest:path}", status_404(world)),
        ]
    )


def status_404(world: World):  # type: ignore[no-untyped-def]
    async def missing(request: Request) -> Response:
        world.note(request)
        return JSONResponse({"message": "Not Found"}, 404)

    return missing


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
