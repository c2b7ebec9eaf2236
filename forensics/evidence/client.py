"""The HTTP client: limits, retries and politeness, the same whether answers come from a server or from a case."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import httpx

from forensics._version import __version__
from forensics.evidence.answer import Answer
from forensics.evidence.hosts import Host, HostReport, Limits
from forensics.evidence.redirects import REDIRECTS, checked_url, next_url, origin, without_credentials
from forensics.evidence.retry import Given, give_up, retry_after
from forensics.evidence.transport import ALLOWANCE, EVIDENCE, RECEIVED, receive
from forensics.evidence.wire import ReceivedResponse, clean_url, decode_content
from forensics.model.endpoints import CONTACT
from forensics.model.errors import BadAnswer, HostileInput, Refused

__all__ = ["USER_AGENT", "Answer", "Client", "HostReport", "Limits"]

USER_AGENT = f"release-forensics/{__version__} (+{CONTACT})"
_BACKOFF_SECONDS = 0.5


class Client:
    """Asks through *transport* within *limits*; *progress* hears one sentence whenever we have to wait.

    Any final status below 500 other than 429 is an `Answer`: judging a 404 or a 403 is the source's business.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        limits: Limits | None = None,
        *,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._transport = transport
        self._limits = limits or Limits()
        self._progress = progress
        self._hosts: dict[str, Host] = {}
        self._recall: Callable[[httpx.Request], httpx.Response | None] | None = getattr(transport, "recall", None)
        self._ask: Callable[[httpx.Request], Any] = getattr(transport, "ask", transport.handle_async_request)
        self._offline: bool = getattr(transport, "offline", False)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.aclose()

    async def get(self, url: str, *, accept: str | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a GET. Raises a SourceError: Unreachable, Refused, BadAnswer, NotRecorded, BudgetSpent.

        *headers* such as Authorization are sent and never recorded.
        """
        return await self._follow("GET", url, {**({"accept": accept} if accept else {}), **(headers or {})}, b"")

    async def post(
        self,
        url: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        content_type: str = "application/json",
        accept: str | None = None,
    ) -> Answer:
        """Return the answer to a POST of *content*, or of *json*. Raises as `get` does."""
        if content is None:
            import msgspec

            # Sorted keys: the same question must have the same digest, or a replay would not find it.
            content = msgspec.json.encode(json, order="deterministic")
        headers = {"content-type": content_type, **({"accept": accept} if accept else {})}
        return await self._follow("POST", url, headers, content)

    def left_over(self) -> dict[str, HostReport]:
        """Return per host what was asked, whether its circuit is open, and which URLs were left unasked."""
        return {name: host.report() for name, host in sorted(self._hosts.items())}

    async def _follow(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> Answer:
        seen: list[str] = []
        url, headers = without_credentials(url, headers)
        for _ in range(self._limits.redirects + 1):
            request = self._request(method, url, headers, content)
            received = await self._exchange(request)
            seen += [one for one in request.extensions[EVIDENCE] if one not in seen]
            location = received.header("location")
            if received.status not in REDIRECTS or location is None:
                return self._answer(request, received)
            url = next_url(method, request.url, received.status, location, tuple(seen))
        raise Refused(
            f"{clean_url(url)} redirects more than {self._limits.redirects} times.",
            meaning="Its answer is not known.",
            evidence=tuple(seen),
        )

    def _request(self, method: str, url: str, headers: Mapping[str, str], content: bytes) -> httpx.Request:
        limits = self._limits
        timeout = {"connect": limits.connect_seconds, "read": limits.read_seconds, "write": limits.read_seconds}
        extensions = {"timeout": timeout, ALLOWANCE: (limits.body_bytes, limits.total_seconds), EVIDENCE: []}
        base = {"user-agent": USER_AGENT, "accept-encoding": "gzip, deflate", "accept": "*/*"}
        for name, value in headers.items():
            base[name.lower()] = value
        try:
            target = checked_url(url)
            return httpx.Request(method, target, headers=base, content=content or None, extensions=extensions)
        except (httpx.InvalidURL, ValueError, TypeError) as error:
            raise Refused(f"{clean_url(str(url))[:200]!r} is not asked: {error}.") from None

    def _answer(self, request: httpx.Request, received: ReceivedResponse) -> Answer:
        evidence = tuple(request.extensions[EVIDENCE])
        url = clean_url(str(request.url))
        try:
            encodings = received.header("content-encoding")
            limit = self._limits.body_bytes
            body = decode_content(received.body, encodings, limit, url) if encodings else received.body
        except HostileInput as error:
            raise Refused(error.what, meaning="The answer is kept but was not read.", evidence=evidence) from None
        except BadAnswer as error:
            raise BadAnswer(error.what, meaning="The answer is kept but cannot be read.", evidence=evidence) from None
        observation = evidence[-1] if evidence else ""
        return Answer(received.status, received.header_map(), body, url, observation, self._limits.json_depth)

    async def _exchange(self, request: httpx.Request) -> ReceivedResponse:
        """Return the final answer to one request, from the case if it is there, else asked with patience."""
        if self._recall is not None:
            try:
                recalled = self._recall(request)
            except httpx.TransportError as error:
                raise give_up(request, Given(error=error), self._limits) from None
            if recalled is not None:
                received: ReceivedResponse = recalled.extensions[RECEIVED]
                if not received.final:
                    raise give_up(request, Given(received), self._limits)
                return received
        name = origin(request.url)
        host = self._hosts.get(name) or self._hosts.setdefault(name, Host(name, self._limits))
        return await self._patiently(request, host)

    async def _patiently(self, request: httpx.Request, host: Host) -> ReceivedResponse:
        limits, waited, attempt = self._limits, 0.0, 0
        while True:
            attempt += 1
            async with host.place(clean_url(str(request.url))):
                begun = time.monotonic()
                given = await self._attempt(request)
            if given.received is not None and given.received.final:
                host.succeeded()
                return given.received
            host.waited(time.monotonic() - begun)
            pause = retry_after(given)
            if pause is None:
                pause = min(_backoff(attempt), limits.max_wait_seconds - waited)
            patience_over = attempt >= limits.attempts or waited + pause > limits.max_wait_seconds or host.exhausted
            if patience_over or host.open or not given.transient:
                error = give_up(request, given, limits)
                if given.transient or given.nowhere:  # a body over our limit says nothing against the host
                    host.failed(error, for_good=given.nowhere)
                raise error
            if self._progress and pause >= 1:
                self._progress(f"{host.name}: {given.what}; asking again in {pause:.0f} s")
            waited += pause
            await asyncio.sleep(pause)

    async def _attempt(self, request: httpx.Request) -> Given:
        try:
            if self._recall is None:
                return Given(await receive(self._transport, request))
            response = await self._ask(request)
        except httpx.TransportError as error:
            return Given(error=error)
        return Given(response.extensions[RECEIVED])


def _backoff(attempt: int) -> float:
    """Return seconds to wait after the *attempt*-th failure; full jitter, so that a crowd does not return at once."""
    return random.uniform(0, _BACKOFF_SECONDS * 2 ** (attempt - 1))  # noqa: S311 -- nothing secret depends on it
