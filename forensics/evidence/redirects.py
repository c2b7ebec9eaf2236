"""Redirects: followed on the same site only, so that no answer sends us, or our credentials, somewhere else."""

from __future__ import annotations

import httpx

from forensics.evidence.wire import scrub
from forensics.model.errors import BadAnswer, Refused

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORT = {"http": 80, "https": 443}


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
    return str(target.copy_with(fragment=None, userinfo=asked.userinfo))


def same_site(asked: httpx.URL, target: httpx.URL) -> bool:
    """Return whether *target* is on the site of *asked*: same host, same scheme or better, same or default port."""
    if asked.host != target.host or not target.host or target.userinfo not in {b"", asked.userinfo}:
        return False
    if target.scheme not in _DEFAULT_PORT or (asked.scheme, target.scheme) == ("https", "http"):
        return False
    port = asked.port or _DEFAULT_PORT[asked.scheme]
    return target.port is None or target.port == port
