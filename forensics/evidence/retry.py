"""When to ask again, how long to wait, and what to say when we give up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from forensics.evidence.hosts import Limits
from forensics.evidence.transport import EVIDENCE, Unresolved
from forensics.evidence.wire import ReceivedResponse, clean_url, scrub
from forensics.model.errors import Refused, SourceError, Unreachable

_UNKNOWN = "Nothing is known about what it would have answered; that is not an absence."


@dataclass(frozen=True, slots=True)
class Given:
    """What one attempt gave: an answer, or the transport's error."""

    received: ReceivedResponse | None = None
    error: httpx.TransportError | None = None

    @property
    def transient(self) -> bool:
        """Whether asking again can help: not for a body over our limit, nor for a URL that cannot be asked."""
        if self.received is not None:
            return self.received.truncated != "length"
        if isinstance(self.error, Unresolved):
            return self.error.passing
        return not isinstance(self.error, httpx.UnsupportedProtocol)

    @property
    def nowhere(self) -> bool:
        """Whether the name of the host leads to no address, so that no other question to it can be answered either."""
        return isinstance(self.error, Unresolved)

    @property
    def what(self) -> str:
        """What happened, for a person, without the URL."""
        if self.received is None:
            return f"{type(self.error).__name__}: {scrub(str(self.error))}"
        cut = {"length": "its body is over the limit", "time": "its body did not come in time"}
        if self.received.truncated:
            return cut.get(self.received.truncated, "its body broke off")
        return f"status {self.received.status}"


def retry_after(given: Given) -> float | None:
    """Return the seconds that an answer asks us to wait, if it does. Source: RFC 9110 section 10.2.3."""
    text = given.received.header("retry-after") if given.received is not None else None
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter for a zone of more digits than a number of C has
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def give_up(request: httpx.Request, given: Given, limits: Limits) -> SourceError:
    """Return the error for a request that is not asked again, with the observations of every attempt."""
    url = clean_url(str(request.url))
    evidence = tuple(request.extensions[EVIDENCE])
    times = f" after {len(evidence)} attempts" if len(evidence) > 1 else ""
    received = given.received
    if received is not None and received.truncated == "length":
        what = f"The answer of {url} is larger than {limits.body_bytes:,} bytes."
        return Refused(what, meaning=_UNKNOWN, evidence=evidence)
    if received is not None and received.status == 429 and received.truncated is None:
        return Refused(
            f"{url} answered 429 (too many requests){times}.",
            meaning=_UNKNOWN,
            advice="Run the same command again later, or raise --max-wait.",
            evidence=evidence,
        )
    return Unreachable(
        f"{url} could not be asked{times}: {given.what}.",
        meaning=_UNKNOWN,
        advice="Run the same command again later; what is recorded is not asked again.",
        evidence=evidence,
    )
