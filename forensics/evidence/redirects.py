"""URLs that are asked, and redirects: followed on the same site only, so that no answer sends us somewhere else."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import httpx

from forensics.evidence.wire import scrub
from forensics.model.errors import BadAnswer, Refused

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORT = {"http": 80, "https": 443}
_HOST = re.compile(rb"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9_.])?|[0-9A-Fa-f:.]{2,45}")


def checked_url(url: str) -> httpx.URL:
    """Return *url*, parsed; raises httpx.InvalidURL when it is not http(s), names no host, or a port that is none."""
    parsed = httpx.URL(url)
    if parsed.scheme not in _DEFAULT_PORT:
        raise httpx.InvalidURL("it is neither http nor https")
    if not _HOST.fullmatch(parsed.raw_host):
        raise httpx.InvalidURL("it names no host")
    if parsed.port is not None and not 0 < parsed.port < 65536:
        raise httpx.InvalidURL("its port is none")
    return parsed


def without_credentials(url: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """Return *url* without user and password, and *headers* with them instead (RFC 7617), unless Authorization is set.

    A URL is printed, recorded and compared; credentials in it would be, too.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        return url, headers  # refused where it is asked
    if not parsed.userinfo:
        return url, headers
    bare = str(parsed.copy_with(userinfo=b""))
    if any(name.lower() == "authorization" for name in headers):
        return bare, headers
    return bare, {**headers, "authorization": f"Basic {b64encode(unquote_to_bytes(parsed.userinfo)).decode()}"}


def origin(url: httpx.URL) -> str:
    """Return the host of *url*, with its port where that is not the scheme's own."""
    return f"{url.host}:{url.port}" if url.port is not None else url.host


def next_url(method: str, asked: httpx.URL, status: int, location: str, evidence: tuple[str, ...]) -> str:
    """Return where a redirect leads. Source: RFC 9110 section 15.4.

    Raises Refused when it leaves the site, goes from https to http, or asks to turn a POST into something else;
    BadAnswer when it is no URL.
    """
    try:
        target = asked.join(location)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadAnswer(f"{asked} redirects to something that is no URL: {error}.", evidence=evidence) from None
    where = scrub(str(target))[:200]
    if method != "GET" and status not in {307, 308}:
        raise Refused(f"{asked} redirects a {method} with status {status}, which would lose it.", evidence=evidence)
    if not same_site(asked, target):
        raise Refused(
            f"{asked} redirects off its site, to {where}.",
            meaning="The redirect is kept as evidence and was not followed.",
            evidence=evidence,
        )
    return str(target.copy_with(fragment=None))


def same_site(asked: httpx.URL, target: httpx.URL) -> bool:
    """Return whether *target* is on the site of *asked*: same host, same scheme or better, same or default port."""
    if asked.host != target.host or not target.host or target.userinfo:
        return False
    if target.scheme not in _DEFAULT_PORT or (asked.scheme, target.scheme) == ("https", "http"):
        return False
    port = asked.port or _DEFAULT_PORT[asked.scheme]
    return target.port is None or target.port == port
