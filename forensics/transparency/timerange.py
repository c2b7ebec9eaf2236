"""From times to indices: where in a log to begin and to end.

Entries are in the order in which the log took them in, so a time is found by halving. Rekor v1 says when it took an
entry in (integratedTime, signed by the promise); Rekor v2 does not, and the beginning of the certificate's validity
stands in for it: that is when the signer asked for the certificate, seconds to minutes before the entry.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from forensics.model.errors import EvidenceError, UsageError
from forensics.transparency import der
from forensics.transparency.entries import EntryView
from forensics.transparency.ranges import Span

TimeOf = Callable[[int], Awaitable[datetime | None]]
"""Tells the time of the entry at an index; None for an entry without one."""

CERTIFICATE_MARGIN = timedelta(minutes=30)
"""Certificates live ten minutes, and clocks and queues differ: entries are ordered by them only roughly."""

MAX_STEPS_ASIDE = 256
"""How many neighbours without a time are passed over before a search gives up."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The entries *span* that can be of the times asked for, how they were found, and how many entries were asked."""

    span: Span
    basis: str
    asked: int


def certificate_time(view: EntryView) -> datetime | None:
    """Return when the certificate of *view* begins to be valid; None without a certificate that can be read."""
    certificate = view.certificate
    if certificate is None:
        return None
    try:
        return der.read_certificate(certificate).not_before
    except EvidenceError:
        return None


async def by_integrated_time(time_of: TimeOf, since: datetime, until: datetime, within: Span) -> TimeRange:
    """Return the entries of Rekor v1 in *within* that were taken in from *since* to *until*, both included.

    Raises UsageError for times in the wrong order or without a zone, and what *time_of* raises.
    """
    search = _Search(time_of)
    span = await search.span(since, until, within)
    return TimeRange(span, "by integrated time, signed by the log", search.asked)


async def by_certificate(
    time_of: TimeOf, since: datetime, until: datetime, within: Span, margin: timedelta = CERTIFICATE_MARGIN
) -> TimeRange:
    """Return the entries of Rekor v2 in *within* whose certificates can begin from *since* to *until*.

    The order is only rough, so the range is widened by *margin* at both ends, which its basis says. Keys without a
    certificate have no time; their neighbours stand in for them. Raises UsageError as `by_integrated_time` does.
    """
    search = _Search(time_of)
    span = await search.span(since - margin, until + margin, within)
    minutes = int(margin.total_seconds() // 60)
    basis = f"by the beginning of certificates, {minutes} minutes wider at both ends; the log itself states no times"
    return TimeRange(span, basis, search.asked)


class _Search:
    """Halving, over entries some of which have no time. Each entry is asked for once."""

    def __init__(self, time_of: TimeOf) -> None:
        self._time_of = time_of
        self._known: dict[int, datetime | None] = {}

    @property
    def asked(self) -> int:
        return len(self._known)

    async def span(self, since: datetime, until: datetime, within: Span) -> Span:
        if since.tzinfo is None or until.tzinfo is None:
            raise UsageError("a time without a zone")
        if since > until:
            raise UsageError(f"{since.astimezone(UTC)} is after {until.astimezone(UTC)}")
        if not 0 <= within.begin <= within.end:
            raise UsageError(f"[{within.begin}, {within.end}) is not a run of entries")
        begin = await self._first(within, lambda time: time >= since)
        return Span(begin, await self._first(Span(begin, within.end), lambda time: time > until))

    async def _first(self, within: Span, reached: Callable[[datetime], bool]) -> int:
        """The first entry of *within* whose time has *reached*; its end if none has."""
        low, high = within
        while low < high:
            middle = (low + high) // 2
            at, time = await self._near(middle, high)
            if time is None or reached(time):  # without any time up to `high`, what lies before decides
                high = middle
            else:
                low = at + 1
        return low

    async def _near(self, index: int, end: int) -> tuple[int, datetime | None]:
        """The next entry from *index* on that has a time."""
        for at in range(index, min(end, index + MAX_STEPS_ASIDE)):
            if at not in self._known:
                self._known[at] = await self._time_of(at)
            if (time := self._known[at]) is not None:
                return at, time
        return index, None
