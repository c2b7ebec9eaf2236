"""Faults on demand: an ASGI layer that answers wrongly where it is told to, and a log of all requests."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FaultKind = Literal["status", "delay", "truncate", "garbage", "wrong", "redirect", "oversize"]


@dataclass
class Fault:
    """One fault for all requests whose path starts with ``prefix``, at most ``count`` times (``None``: always).

    ``status``: answer ``status``, with ``retry_after`` (seconds or HTTP date) if given. ``delay``: wait
    ``seconds``, then answer as usual. ``truncate``: announce the whole body, send half of it, hang up.
    ``garbage``: answer 200 with bytes that are no JSON. ``wrong``: answer 200 with JSON of another shape.
    ``redirect``: 302 to ``location``. ``oversize``: stream ``size`` bytes without announcing a length.
    """

    prefix: str
    kind: FaultKind = "status"
    status: int = 503
    retry_after: str | None = None
    seconds: float = 0.0
    location: str = "http://elsewhere.invalid/"
    size: int = 64 * 1024 * 1024
    count: int | None = None
    method: str | None = None
    hits: int = field(default=0, init=False)


@dataclass(frozen=True)
class RequestRecord:
    """One request that reached the server; ``time`` is ``time.monotonic()`` on arrival."""

    method: str
    path: str
    query: str
    time: float
    headers: tuple[tuple[str, str], ...]


class FaultLayer:
    """Wraps the lab's application. Safe to control from another thread."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._requests: list[RequestRecord] = []

    def inject(self, fault: Fault) -> Fault:
        """Add a fault; later faults are looked at first."""
        with self._lock:
            self._faults.insert(0, fault)
        return fault

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()

    def requests(self) -> list[RequestRecord]:
        """A copy of the request log."""
        with self._lock:
            return list(self._requests)

    def reset_requests(self) -> None:
        """Empty the request log."""
        with self._lock:
            self._requests.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fault = self._arrive(scope)
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        elif fault.kind == "truncate":
            await self._truncate(scope, receive, send)
        else:
            await self._answer(fault, send)

    def _arrive(self, scope: Scope) -> Fault | None:
        """Log the request and pick the fault that applies to it."""
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        query = scope["query_string"].decode("latin-1")
        record = RequestRecord(scope["method"], scope["path"], query, time.monotonic(), headers)
        with self._lock:
            self._requests.append(record)
            for fault in self._faults:
                spent = fault.count is not None and fault.hits >= fault.count
                if record.path.startswith(fault.prefix) and fault.method in (None, record.method) and not spent:
                    fault.hits += 1
                    return fault
        return None

    async def _truncate(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half of the real body under its full Content-Length; the server then closes the connection."""

        async def halved(message: Message) -> None:
            if message["type"] == "http.response.body":
                body = message.get("body", b"")
                message = {**message, "body": body[: len(body) // 2]}
            await send(message)

        await self._app(scope, receive, halved)

    async def _answer(self, fault: Fault, send: Send) -> None:
        """Answer in the application's stead."""
        kind = b"application/json"
        if fault.kind == "status":
            headers = [(b"content-type", kind)]
            if fault.retry_after is not None:
                headers.append((b"retry-after", fault.retry_after.encode()))
            await _whole(send, fault.status, headers, b'{"message":"injected by the lab"}')
        elif fault.kind == "garbage":
            await _whole(send, 200, [(b"content-type", kind)], b"\x00\xff{not json\x80" * 8)
        elif fault.kind == "wrong":
            await _whole(send, 200, [(b"content-type", kind)], b'["what", "nobody", "asked", 4]')
        elif fault.kind == "redirect":
            await _whole(send, 302, [(b"location", fault.location.encode())], b"")
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
            await _stream(send, fault.size)


async def _whole(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Send, size: int) -> None:
    chunk = b" " * 65536
    while size > 0:
        await send({"type": "http.response.body", "body": chunk[:size], "more_body": True})
        size -= len(chunk)
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})
