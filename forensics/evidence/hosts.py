"""What we allow ourselves per host: concurrency, rate, a request budget, and a circuit that opens after failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from forensics.model.errors import BudgetSpent, SourceError

MAX_NAMES = 10_000
"""Most URLs that are kept by name for the report of what was left."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run. Sizes in bytes, times in seconds; the last five are per host.

    `max_wait_seconds` bounds the back-off of one request in all; `total_seconds` bounds one attempt. A host is given up
    after `breaker_failures` requests in a row without an answer, or once attempts without one took `lost_seconds` in
    all: what is slow must not be asked as long as what refuses at once.
    """

    body_bytes: int = 64 * 2**20
    json_depth: int = 200
    redirects: int = 5
    connect_seconds: float = 10
    read_seconds: float = 30
    total_seconds: float = 120
    attempts: int = 4
    max_wait_seconds: float = 60
    concurrency: int = 16
    per_second: float = 20.0
    requests_per_host: int = 20_000
    breaker_failures: int = 5
    lost_seconds: float = 120


@dataclass(frozen=True, slots=True)
class HostReport:
    """What happened with one host, for the section of what could not be checked.

    `left` are the URLs that were not asked because the circuit was open or the budget spent; `left_count` counts
    them, also where the names were too many to keep. `evidence` are the observations of the first failure.
    """

    host: str
    asked: int
    circuit_open: bool
    first_failure: str | None
    evidence: tuple[str, ...]
    left: tuple[str, ...]
    left_count: int


@dataclass
class Host:
    """The state of one host during one run; it belongs to one event loop."""

    name: str
    limits: Limits
    asked: int = 0
    failures: int = 0
    lost: float = 0.0
    first_failure: SourceError | None = None
    open: bool = False
    left: dict[str, None] = field(default_factory=dict)
    left_count: int = 0

    def __post_init__(self) -> None:
        from aiolimiter import AsyncLimiter

        self._places = asyncio.Semaphore(self.limits.concurrency)
        # Bursts of at most a quarter of a second's worth keep the start of a run polite.
        rate = self.limits.per_second
        self._rate = AsyncLimiter(max(1.0, rate / 4), max(1.0, rate / 4) / rate) if rate < 10_000 else None

    @asynccontextmanager
    async def place(self, url: str) -> AsyncIterator[None]:
        """Wait for a turn to ask *url* once; raises BudgetSpent when the host is given up."""
        async with self._places:
            self.admit(url)
            if self._rate:
                await self._rate.acquire()
                self.admit(url)  # the circuit may have opened while this request waited
            self.asked += 1
            yield

    def admit(self, url: str) -> None:
        """Raise BudgetSpent, naming the host and its first failure, when nothing more is asked of it."""
        if self.open:
            first = self.first_failure
            assert first is not None
            self._leave(url)
            raise BudgetSpent(
                f"{self.name} is not asked any more after {_times(self.failures)}: {first.what}",
                meaning="What this host would have said is not known.",
                advice="Run the same command again later; what is recorded is not asked again.",
                evidence=first.evidence,
            )
        if self.asked >= self.limits.requests_per_host:
            self._leave(url)
            raise BudgetSpent(
                f"The budget of {self.limits.requests_per_host:,} requests to {self.name} is used up.",
                meaning="What this host would have said is not known.",
                advice="Run the same command again: it goes on where this run stopped.",
            )

    def _leave(self, url: str) -> None:
        self.left_count += 1
        if len(self.left) < MAX_NAMES:
            self.left[url] = None

    def succeeded(self) -> None:
        """Note an answer: the count of failures in a row begins anew."""
        self.failures, self.lost = 0, 0.0
        if not self.open:
            self.first_failure = None

    def waited(self, seconds: float) -> None:
        """Note an attempt without an answer that took *seconds*."""
        self.lost += seconds

    @property
    def exhausted(self) -> bool:
        """Whether attempts without an answer took all the time there is for them."""
        return self.lost >= self.limits.lost_seconds

    def failed(self, error: SourceError, *, for_good: bool = False) -> None:
        """Note that a request was given up; enough in a row open the circuit, and one does that failed *for_good*."""
        self.failures += 1
        self.first_failure = self.first_failure or error
        self.open = self.open or for_good or self.exhausted or self.failures >= self.limits.breaker_failures

    def report(self) -> HostReport:
        """Return what happened so far."""
        first = self.first_failure
        return HostReport(
            self.name,
            self.asked,
            self.open,
            first.what if first else None,
            first.evidence if first else (),
            tuple(self.left),
            self.left_count,
        )


def _times(failures: int) -> str:
    return f"{failures} failures in a row, the first" if failures > 1 else "one failure"
