"""The real network: aiohttp under httpx's transport interface, which is several times faster than httpx's own pool."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import AsyncIterator
from functools import cache, lru_cache
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from forensics.evidence.transport import Unresolved

_MAX_FIELD_BYTES = 64 * 2**10
_CHUNK = 64 * 2**10

# First match wins, so the narrow ones come first.
_KINDS: tuple[tuple[type[BaseException], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.SocketTimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorDNSError, Unresolved),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.ClientConnectionError, httpx.ReadError),
    (aiohttp.ClientError, httpx.RemoteProtocolError),
    (ValueError, httpx.UnsupportedProtocol),  # what yarl says of a URL that httpx lets pass
    (TimeoutError, httpx.PoolTimeout),
    (OSError, httpx.ConnectError),
)


def open_network(connections: int = 128) -> httpx.AsyncBaseTransport:
    """Return a transport to the real network with at most *connections* at a time.

    It honours HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR, keeps no cookies and
    reads no .netrc. It speaks HTTP/1.1.
    """
    limits = httpx.Limits(max_connections=connections, keepalive_expiry=30.0)
    authorities = _authorities(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return _ExactTransport(verify=authorities, limits=limits)


@cache
def _authorities(file: str | None, directory: str | None) -> ssl.SSLContext:
    """Return the authorities that servers are checked against, read once for each setting of the environment."""
    return httpx.create_ssl_context()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, content coding untouched."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.content.iter_chunked(_CHUNK):
                yield chunk
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _translated(error) from error

    async def aclose(self) -> None:
        self._response.close() if not self._response.content.at_eof() else self._response.release()


class _ExactTransport(AiohttpTransport):
    """`httpx_aiohttp.AiohttpTransport` that sends the URL exactly as asked, and names every error as httpx does.

    The library's own lets yarl rewrite percent-encoding, which would make the record differ from the wire; it also
    leaves some of aiohttp's errors untranslated and reports a dropped connection as a connect timeout.
    """

    def get_client(self) -> aiohttp.ClientSession:
        """Return a new session. The environment's proxies are those of now: asking it costs more than a request."""
        self._proxy = lru_cache(maxsize=256)(_proxy_for)
        connector = aiohttp.TCPConnector(
            limit=self.limits.max_connections or 100,
            keepalive_timeout=self.limits.keepalive_expiry,
            ssl=self.ssl_context,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            max_line_size=_MAX_FIELD_BYTES,
            max_field_size=_MAX_FIELD_BYTES,
            trust_env=False,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the answer's body is streamed. Raises an httpx.TransportError."""
        if not isinstance(self.client, aiohttp.ClientSession):
            self.client = self.get_client()
        timeout = request.extensions.get("timeout", {})
        try:
            response = await self.client.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=request.content or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    sock_connect=timeout.get("connect"), sock_read=timeout.get("read"), connect=timeout.get("pool")
                ),
                proxy=self._proxy(request.url.scheme, request.url.raw_host.decode("ascii")),
            )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _translated(error) from error
        return httpx.Response(
            response.status,
            headers=list(response.raw_headers),
            stream=_Body(response),
            extensions={"reason_phrase": (response.reason or "").encode("latin-1", "replace")},
        )


def _translated(error: BaseException) -> httpx.TransportError:
    kind = next((to for kind, to in _KINDS if isinstance(error, kind)), httpx.NetworkError)
    translated = kind(str(error) or type(error).__name__)
    if isinstance(translated, Unresolved) and isinstance(error, aiohttp.ClientConnectorDNSError):
        translated.passing = error.os_error.errno == socket.EAI_AGAIN
    return translated


def _proxy_for(scheme: str, host: str) -> str | None:
    """Return the proxy that the environment names for *host*, if any."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
