"""Which pages of the journal are asked for: found by the times in the answers, within a budget, one a second.

Serials rise with time but not evenly, so the page that holds a moment is guessed between the two nearest known points
and the guess mended by what it shows. A page that is in the case is never asked for again: the journal only grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from forensics.model.checked import Checked, NotChecked
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.journal import Span
from forensics.model.project import Project
from forensics.model.times import to_minute
from forensics.sources.interface import Witness, on_this_machine
from forensics.sources.journal import ACCEPT, LAST, NEEDS, SINCE, Head, JournalPages, merged, reaching, read_page
from forensics.sources.xmlrpc import call, scalar

if TYPE_CHECKING:
    from forensics.evidence.client import Answer, Client, Limits

BUDGET = 40
"""Requests in one run. A page is some fifteen megabytes; the server's own limit is one request a second."""
WINDOW_PAGES = 12
"""Pages for one window, guesses included: about three weeks of the journal of 2026."""
PER_SECOND = 1.0
"""The documentation asks mirrors to pause at least a second."""
PAGE_ROWS = 50_000
"""Rows that the server puts on a page at most; a first idea of how many serials one covers."""
Point = tuple[int, datetime]
# Two points from which every other is guessed; both are only ever a start.
_POINTS: tuple[Point, ...] = (
    (0, datetime(2003, 3, 1, tzinfo=UTC)),
    (24_891_358, datetime(2024, 9, 5, 11, 11, 15, tzinfo=UTC)),
)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time (UTC) of which the journal is wanted, and what for; an *urgent* one is missed if it is left."""

    start: datetime
    end: datetime
    why: str
    urgent: bool = False


def polite(limits: Limits, url: str) -> Limits:
    """Return *limits* lowered to what the journal's operator asks for; one on this machine needs no sparing."""
    lowered = replace(limits, concurrency=1, requests_per_host=min(limits.requests_per_host, BUDGET))
    if on_this_machine(url):
        return lowered
    return replace(lowered, per_second=min(limits.per_second, PER_SECOND))


@dataclass(slots=True)
class JournalCollector:
    """Asks through *client*, which must record into the archive of *pages* and recall nothing by itself."""

    client: Client
    pages: JournalPages
    project: Project
    witness: Witness = field(default_factory=lambda: Witness("PyPI journal"))
    spans: tuple[Span, ...] = ()
    head: Head | None = None
    left: list[Window] = field(default_factory=list)
    times: dict[int, datetime] = field(default_factory=dict)

    async def collect(self, serials: Sequence[int], windows: Sequence[Window], now: datetime) -> list[str]:
        """Ask for the pages with *serials*, then for each of *windows* in order; return in words what was left.

        *serials* are those that the index states: after the last of them nothing has happened to the project, so no
        window need reach beyond it. *now* (UTC) is when the end of the journal is asked for. Whatever was asked is in
        the archive.
        """
        if not await self._find_head(now):
            return [f"{self.witness.name}: {self.witness.problem}"]
        known = self.pages.read(self.project, Witness(self.witness.name))
        if isinstance(known, Checked):
            self.times.update((row.serial, row.at) for row in known.value.rows)
            self.spans = tuple(reaching(span, self.head) for span in known.value.spans)
        for serial in serials:
            if not any(span.first <= serial <= span.last for span in self.spans):
                await self._ask(serial - 1, None)
        last = self.times.get(max(serials, default=0))
        for window in windows:
            if last is not None and window.end > last:
                window = replace(window, end=last)
            if window.start > window.end:
                continue
            if self.witness.problem or not await self._read(window):
                self.left += [window] if window.urgent else []
        return self._left()

    def _left(self) -> list[str]:
        problem = self.witness.problem
        if not self.left:
            return [f"{self.witness.name}: {problem}"] if problem else []
        named = "; ".join(f"{w.why}, from {to_minute(w.start)} to {to_minute(w.end)} UTC" for w in self.left[:10])
        return [f"{self.witness.name}: not read: {named} ({problem or 'it would have taken too many pages'})"]

    async def _find_head(self, now: datetime) -> bool:
        outcome = await self._post(call(LAST))
        if outcome is None:
            return False
        try:
            self.head = (now, scalar(outcome.body, self.pages.url, (outcome.observation,)))
        except (BadAnswer, HostileInput) as error:
            self.witness.miss(error.what, NEEDS, (outcome.observation,))
            return False
        return True

    async def _read(self, window: Window) -> bool:
        """Ask until *window* is covered; False when it is not after as many pages as one window may have."""
        assert self.head is not None
        end = min(window.end, self.head[0])
        late: int | None = None
        leap = self._page_size()
        for _ in range(WINDOW_PAGES):
            reached = next((span for span in self.spans if span.start <= window.start <= span.end), None)
            while reached is not None and reached.end < end and (more := self._after(reached)) is not None:
                reached = more
            if reached is not None and reached.end >= end:
                return True
            since, at = (reached.last, reached.end) if reached else self._guess(window.start)
            if reached is None and late is not None and since >= late - leap:  # the guess before began too late as well
                since, at = self._at_least(late - leap)
                leap *= 2
            span = await self._ask(since, at)
            if span is None:
                return not self.witness.problem
            late = since if span.start > window.start else None
        return False

    def _after(self, span: Span) -> Span | None:
        return next((s for s in self.spans if s.first <= span.last + 1 and s.last > span.last), None)

    def _points(self) -> list[Point]:
        """Return what is known of serials and their times, in order."""
        assert self.head is not None
        points = [*_POINTS, (self.head[1], self.head[0])]
        points += [point for span in self.spans for point in ((span.first, span.start), (span.last, span.end))]
        return sorted(point for point in points if point[0] <= self.head[1])

    def _at_least(self, since: int) -> tuple[int, datetime | None]:
        """Return *since*, or the last known point with its time where that is not earlier."""
        below = max((p for p in self._points() if p[0] <= max(0, since)), default=_POINTS[0])
        return below if below[0] >= since else (since, None)

    def _guess(self, at: datetime) -> tuple[int, datetime | None]:
        """Return the serial after which a page that holds the time *at* should begin, and its time if known."""
        points = self._points()
        below = max((p for p in points if p[1] <= at), default=points[0])
        above = min((p for p in points if p[1] > at and p[0] > below[0]), default=points[-1])
        page = self._page_size()
        if above[0] - below[0] <= page:
            return below
        share = (at - below[1]) / max(above[1] - below[1], timedelta(seconds=1))
        middle = below[0] + int((above[0] - below[0]) * min(1.0, max(0.0, share)))
        since = middle - page // 2
        return (since, None) if since > below[0] else below

    def _page_size(self) -> int:
        """Return how many serials a page covers, by those that were read."""
        full = [span.last - span.first for span in self.spans if self.head and span.last < self.head[1]]
        return max(1, min((PAGE_ROWS, *full)))

    async def _ask(self, since: int, at: datetime | None) -> Span | None:
        """Return the page after *since*, from the case or asked for; None when it is empty or cannot be had.

        *at* is the time of *since*, where it is known: nothing lies between it and the first row.
        """
        assert self.head is not None
        page = self.pages.recorded(since, self.project, self.head)
        if page is None:
            answer = await self._post(call(SINCE, since))
            if answer is None:
                return None
            try:
                page = read_page(answer.body, self.pages.url, self.project, answer.observation)
            except (BadAnswer, HostileInput) as error:
                self.witness.miss(error.what, NEEDS, (answer.observation,))
                return None
        if page.span is None:
            return None
        self.times.update((row.serial, row.at) for row in page.rows)
        span = reaching(page.span, self.head)
        span = replace(span, first=since + 1, start=min(at, span.start) if at else span.start)
        self.spans = merged((*self.spans, span))
        return span

    async def _post(self, body: bytes) -> Answer | None:
        """Return the answer to a call, None when there is none with status 200; the witness keeps why."""
        outcome = await self.witness.ask(
            self.client.post(self.pages.url, content=body, content_type="text/xml", accept=ACCEPT), NEEDS
        )
        if isinstance(outcome, NotChecked):
            return None
        if outcome.value.status != 200:
            self.witness.miss(f"{self.pages.url} answered HTTP {outcome.value.status}", NEEDS, outcome.evidence)
            return None
        return outcome.value
