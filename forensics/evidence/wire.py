"""What goes over the wire, as plain values: requests and answers ready to be recorded, without secrets.

Nothing here knows a library, a file or a case, so recording and replaying cannot drift apart.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass

from forensics.model.errors import BadAnswer, DamagedCase, HostileInput

Headers = tuple[tuple[str, str], ...]

# Request headers are recorded by an allow-list: a secret in a header nobody thought of stays out of the case.
RECORDED_REQUEST_HEADERS = frozenset(
    {
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
        "content-type",
        "content-length",
        "range",
        "if-none-match",
        "if-modified-since",
        "x-github-api-version",
    }
)
# Headers that change which answer is the right one, besides method, URL and body.
_KEY_HEADERS = ("accept", "range", "if-none-match", "if-modified-since")
_SECRET_RESPONSE_HEADERS = frozenset({"set-cookie", "set-cookie2", "authorization", "proxy-authorization", "cookie"})
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*@(?:[^/?#\s@]*@)*")
MAX_HEAD_BYTES = 256 * 2**10
"""Largest HTTP head (status line and headers) that is kept or read, in bytes."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it is recorded: no credentials in the URL, only allow-listed headers.

    `body_sha256` is None for an empty body; a request that was read back from an index has only the digest.
    """

    method: str
    url: str
    headers: Headers
    body_sha256: str | None = None
    body: bytes = b""

    @property
    def key(self) -> str:
        """What makes two requests the same question: method, URL, body digest and the headers that choose an answer."""
        given = {name.lower(): value for name, value in self.headers}
        digest = self.body_sha256 or "-"
        return "\n".join((self.method, self.url, digest, *(given.get(name, "-") for name in _KEY_HEADERS)))


@dataclass(frozen=True, slots=True)
class ReceivedResponse:
    """An answer as it is recorded: transfer coding undone, content coding as received.

    `truncated` is why the body is incomplete, in WARC's words: `length` (our limit), `time`, `disconnect`.
    """

    status: int
    reason: str
    headers: Headers
    body: bytes
    truncated: str | None = None

    @property
    def final(self) -> bool:
        """Whether the answer stands: complete, and neither 429 nor a server error, which are asked again."""
        return self.truncated is None and self.status != 429 and self.status < 500

    def header(self, name: str) -> str | None:
        """Return the first header of that lower-case name."""
        return next((value for given, value in self.headers if given.lower() == name), None)

    def header_map(self) -> dict[str, str]:
        """Return the headers by lower-case name; repeated ones joined as RFC 9110 section 5.3 allows."""
        joined: dict[str, str] = {}
        for given, value in self.headers:
            name = given.lower()
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer at all: the kind of the transport's error and its message."""

    kind: str
    message: str


def body_digest(body: bytes) -> str | None:
    """Return the SHA-256 of a request body in hex, or None for an empty one."""
    return hashlib.sha256(body).hexdigest() if body else None


def site_of(url: str) -> str:
    """Return host and port of *url* as they stand in it."""
    return re.split("[/?#]", url.partition("://")[2], maxsplit=1)[0]


def clean_url(url: str) -> str:
    """Return *url* without user name, password and fragment."""
    return scrub(url).partition("#")[0]


def scrub(text: str) -> str:
    """Return *text* with the credentials of every URL in it removed, on one line."""
    return _UNSAFE.sub(" ", _USERINFO.sub("", text))


def clean_request_headers(headers: list[tuple[str, str]]) -> Headers:
    """Return the headers of a request that may be recorded."""
    return tuple(
        (name, _UNSAFE.sub(" ", value).strip()) for name, value in headers if name.lower() in RECORDED_REQUEST_HEADERS
    )


def clean_response_headers(headers: list[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of an answer that may be recorded: no cookies, and no transfer coding, which is undone."""
    kept: list[tuple[str, str]] = []
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").strip(), raw_value.decode("latin-1")
        lower = name.lower()
        if lower in _SECRET_RESPONSE_HEADERS or not name or ":" in name:
            continue
        if lower == "transfer-encoding":
            # The name that web archives use for a header whose effect is undone in the record.
            name = "X-Archive-Orig-Transfer-Encoding"
        value = scrub(value) if lower == "location" else _UNSAFE.sub(" ", value)
        kept.append((_UNSAFE.sub("", name), value.strip()))
    return tuple(kept)


def request_block(request: SentRequest) -> bytes:
    """Return the HTTP/1.1 message of *request* (RFC 9112), whatever protocol carried it."""
    target = "/" + request.url.split("://", 1)[-1].partition("/")[2] if "/" in request.url[8:] else "/"
    return _block(f"{request.method} {target} HTTP/1.1", request.headers, request.body)


def response_block(response: ReceivedResponse) -> bytes:
    """Return the HTTP/1.1 message of *response*, body after transfer decoding."""
    reason = _UNSAFE.sub(" ", response.reason)
    return _block(f"HTTP/1.1 {response.status} {reason}", response.headers, response.body)


def _block(first: str, headers: Headers, body: bytes) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + body


def parse_head(block: bytes) -> tuple[str, Headers, int]:
    """Return first line, headers and the offset of the body of a recorded HTTP message.

    Raises DamagedCase when the head has no end or a line that is not a header.
    """
    end = block.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES + 4)
    if end < 0:
        raise DamagedCase("A recorded HTTP message has no end of its headers.")
    first, *lines = block[:end].decode("latin-1").split("\r\n")
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise DamagedCase(f"A recorded HTTP message has a line that is no header: {line[:80]!r}.")
        headers.append((name, value.strip()))
    return first, tuple(headers), end + 4


def parse_status(line: str) -> tuple[int, str]:
    """Return status and reason of a recorded status line; raises DamagedCase when it is none."""
    protocol, _, rest = line.partition(" ")
    code, _, reason = rest.partition(" ")
    if not protocol.startswith("HTTP/") or len(code) != 3 or not (code.isascii() and code.isdigit()):
        raise DamagedCase(f"A recorded answer begins with {line[:80]!r}, which is no status line.")
    return int(code), reason


def decode_content(body: bytes, encodings: str, limit: int, url: str) -> bytes:
    """Return *body* with its content codings undone (RFC 9110 section 8.4), never more than *limit* bytes.

    Raises HostileInput beyond the limit or for stacked codings, BadAnswer for a coding we did not offer or broken data.
    """
    names = [name for name in (part.strip().lower() for part in encodings.split(",")) if name not in {"", "identity"}]
    if len(names) > 2:
        raise HostileInput(f"{url} answered with {len(names)} stacked content codings.")
    for name in reversed(names):
        if name in {"gzip", "x-gzip"}:
            body = _inflate(body, 31, limit, url)
        elif name == "deflate":
            # RFC 9110 means zlib; some servers send raw deflate.
            body = _inflate(body, 15 if body[:1] and body[0] & 0x0F == 8 else -15, limit, url)
        else:
            raise BadAnswer(f"{url} answered in the content coding {name[:40]!r}, which was not offered.")
    return body


def _inflate(data: bytes, window: int, limit: int, url: str) -> bytes:
    out: list[bytes] = []
    size = 0
    while data:
        machine = zlib.decompressobj(window)
        try:
            piece = machine.decompress(data, limit - size + 1)
        except zlib.error as error:
            raise BadAnswer(f"{url} answered with a broken compressed body: {error}.") from None
        size += len(piece)
        if size > limit:
            raise HostileInput(f"{url} answered with a compressed body that unpacks to more than {limit:,} bytes.")
        if not machine.eof:
            raise BadAnswer(f"{url} answered with a compressed body that ends too early.")
        out.append(piece)
        # RFC 1952 section 2.2: members may follow one another. An empty one makes no progress, so bytes must shrink.
        data = machine.unused_data if window == 31 else b""
    return b"".join(out)
