"""Recording and replaying: two transports that a source cannot tell apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from forensics.evidence.archive import Archive
from forensics.evidence.index import Exchange
from forensics.evidence.wire import (
    Failure,
    ReceivedResponse,
    SentRequest,
    body_digest,
    clean_request_headers,
    clean_response_headers,
    clean_url,
    scrub,
    site_of,
)
from forensics.model.errors import NotRecorded

EVIDENCE = "forensics.evidence"
"""Key in `request.extensions`: a list to which a transport adds the ids of the observations it made or found."""
RECEIVED = "forensics.received"
"""Key in `response.extensions`: the `ReceivedResponse` behind it, its body not yet content-decoded."""
ALLOWANCE = "forensics.allowance"
"""Key in `request.extensions`: (largest body in bytes, longest exchange in seconds)."""


class Unresolved(httpx.ConnectError):
    """The name of the host leads to no address. *passing*: its name servers did not answer, which may pass."""

    passing = False


def _now() -> datetime:
    return datetime.now(UTC)


def sent_request(request: httpx.Request) -> SentRequest:
    """Return what is recorded of a request."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
    body = request.content
    return SentRequest(
        request.method, clean_url(str(_bare(request.url))), clean_request_headers(headers), body_digest(body), body
    )


def _bare(url: httpx.URL) -> httpx.URL:
    # str() of an httpx URL masks the password but prints the user name.
    return url.copy_with(userinfo=b"") if url.userinfo else url


async def receive(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> ReceivedResponse:
    """Send *request* through *transport* and read the answer within the request's allowance.

    A body beyond the limit, or cut short by time or the peer, comes back with `truncated` set.
    Raises httpx.TransportError when there is no answer at all.
    """
    limit, seconds = request.extensions.get(ALLOWANCE, (64 * 2**20, 120.0))
    parts: list[bytes] = []
    response: httpx.Response | None = None
    truncated: str | None = None
    try:
        async with asyncio.timeout(seconds):
            response = await transport.handle_async_request(request)
            truncated = await _read(response, parts, limit)
    except TimeoutError:
        if response is None:
            raise httpx.ReadTimeout(f"no complete answer within {seconds:g} seconds", request=request) from None
        truncated = "time"
    except httpx.TransportError as error:
        if response is None:
            raise
        truncated = "time" if isinstance(error, httpx.TimeoutException) else "disconnect"
    finally:
        if response is not None:
            await response.aclose()
    reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
    headers = clean_response_headers(response.headers.raw)
    return ReceivedResponse(response.status_code, reason, headers, b"".join(parts), truncated)


async def _read(response: httpx.Response, parts: list[bytes], limit: int) -> str | None:
    assert isinstance(response.stream, httpx.AsyncByteStream)
    size = 0
    async for chunk in response.stream:
        if size + len(chunk) > limit:
            parts.append(chunk[: limit - size])
            return "length"
        parts.append(chunk)
        size += len(chunk)
    return None


class RecordingTransport(httpx.AsyncBaseTransport):
    """Asks the real transport and records everything; what the archive already answers is not asked again.

    *fresh_after*: answers recorded before this UTC time are asked again (`--refresh`). *clock* gives the UTC time.
    """

    offline = False

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        archive: Archive,
        *,
        fresh_after: datetime | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._inner = inner
        self._archive = archive
        self._fresh_after = fresh_after
        self._clock = clock

    def recall(self, request: httpx.Request) -> httpx.Response | None:
        """Return the recorded final answer to *request*, or None when it must be asked."""
        exchange = self._archive.find(sent_request(request).key)
        if exchange is None or not exchange.final:
            return None
        if self._fresh_after and exchange.observation.at < self._fresh_after:
            return None
        return _as_httpx(self._archive.response(exchange), exchange.observation.id, request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the recorded answer, or ask and record. Raises what the real transport raised, after recording it."""
        return self.recall(request) or await self.ask(request)

    async def ask(self, request: httpx.Request) -> httpx.Response:
        """Ask without looking into the archive, and record what came."""
        sent, at = sent_request(request), self._clock()
        try:
            received = await receive(self._inner, request)
        except httpx.TransportError as error:
            failure = Failure(type(error).__name__, scrub(str(error)))
            _add(request, self._archive.append(sent, failure, at).id)
            raise
        return _as_httpx(received, self._archive.append(sent, received, at).id, request)

    async def aclose(self) -> None:
        """Close the real transport; the archive stays open."""
        await self._inner.aclose()


class ReplayingTransport(httpx.AsyncBaseTransport):
    """Answers only from the archive, without any network: the last final answer, else the last failure again."""

    offline = True

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._unheard: dict[str, list[Exchange]] = {}

    def recall(self, request: httpx.Request) -> httpx.Response:
        """Return the recorded answer; raises the recorded kind of httpx.TransportError, or NotRecorded."""
        sent = sent_request(request)
        exchange = self._archive.find(sent.key)
        if exchange is None:
            raise self._never_asked(sent)
        if not exchange.final:
            # All failed attempts are the evidence, as they were when the client gave up.
            for earlier in self._archive.asked(sent.key)[:-1]:
                _add(request, earlier.observation.id)
        if exchange.failed is not None:
            _add(request, exchange.observation.id)
            raise _error_of(exchange, request)
        return _as_httpx(self._archive.response(exchange), exchange.observation.id, request)

    def _never_asked(self, sent: SentRequest) -> NotRecorded:
        """Return why there is no answer: a host that failed several questions to the end was asked no more.

        The question is not named then, so that what fell to one host for one reason is one reason.
        """
        what, evidence = f"The case holds no answer to {sent.method} {sent.url}.", tuple[str, ...]()
        site = site_of(sent.url)
        if site not in self._unheard:
            self._unheard[site] = self._archive.unheard(site)
        failed = self._unheard[site]
        questions = dict.fromkeys(one.key for one in failed)
        nowhere = any(one.failed is not None and one.failed.kind == Unresolved.__name__ for one in failed)
        if len(questions) > 1 or nowhere:
            attempts = [one.observation for one in failed if one.key == failed[0].key]
            why = (attempts[-1].problem or f"status {attempts[-1].status}").rstrip(".")
            count = f"{len(questions)} failures in a row, the first" if len(questions) > 1 else "one failure"
            what = f"The case holds no answer: {site} was not asked any more after {count}: {attempts[-1].url}: {why}."
            evidence = tuple(one.id for one in attempts)
        return NotRecorded(
            what,
            meaning="Nothing is known about it, which is not the same as its absence.",
            advice="Collect again online (without --offline) to ask for it.",
            evidence=evidence,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See `recall`."""
        return self.recall(request)


def _add(request: httpx.Request, observation: str) -> None:
    request.extensions.setdefault(EVIDENCE, []).append(observation)


def _as_httpx(received: ReceivedResponse, observation: str, request: httpx.Request) -> httpx.Response:
    _add(request, observation)
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in received.headers]
    return httpx.Response(
        received.status, headers=headers, stream=httpx.ByteStream(received.body), extensions={RECEIVED: received}
    )


def _error_of(exchange: Exchange, request: httpx.Request) -> httpx.TransportError:
    assert exchange.failed is not None
    kind = Unresolved if exchange.failed.kind == Unresolved.__name__ else getattr(httpx, exchange.failed.kind, None)
    if not (isinstance(kind, type) and issubclass(kind, httpx.TransportError)):
        kind = httpx.NetworkError
    return kind(exchange.failed.message, request=request)
