"""When a project publishes: gaps, hours, company. Grown one release at a time, so that each sees only the past."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp

from forensics.signals import thresholds as t


@dataclass(slots=True)
class Rhythm:
    """The habits of one line or project as of now: sorted gaps in seconds, counts by hour and weekday, company kept.

    `published` counts publications with a known time; `in_company` those that followed another line within the
    burst window.
    """

    gaps: list[float] = field(default_factory=list)
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    weekdays: list[int] = field(default_factory=lambda: [0] * 7)
    cells: dict[tuple[int, int], int] = field(default_factory=dict)
    published: int = 0
    in_company: int = 0
    _last: tuple[datetime, int, float] | None = field(default=None, repr=False, compare=False)

    def add(self, at: datetime, gap: timedelta | None, in_company: bool) -> None:
        """Take in one publication: its time, its gap to the release before it in its line, whether it had company."""
        if gap is not None:
            insort(self.gaps, gap.total_seconds())
        self.hours[at.hour] += 1
        self.weekdays[at.weekday()] += 1
        cell = (at.weekday(), at.hour)
        self.cells[cell] = self.cells.get(cell, 0) + 1
        self.published += 1
        self.in_company += in_company

    def company_share(self) -> float:
        """Return the share of publications that had company; 0 without any."""
        return self.in_company / self.published if self.published else 0.0

    def unusualness(self, at: datetime) -> float:
        """Return the share of earlier publications that were at least as unusual in hour and weekday as *at*.

        Density: counts over the clock, smoothed with a wrapped Gaussian of OFF_HOURS_KERNEL_HOURS, times the share
        of the weekday (add-one). 0 means that no earlier release was as unusual.
        """
        if self._last and self._last[:2] == (at, self.published):
            return self._last[2]
        by_hour = self._smoothed()
        total = self.published + 7

        def density(weekday: int, hour: int) -> float:
            return by_hour[hour] * (self.weekdays[weekday] + 1) / total

        own = density(at.weekday(), at.hour)
        as_unusual = sum(count for (day, hour), count in self.cells.items() if density(day, hour) <= own)
        share = as_unusual / self.published if self.published else 1.0
        self._last = (at, self.published, share)
        return share

    def _smoothed(self) -> list[float]:
        busy = [(hour, count) for hour, count in enumerate(self.hours) if count]
        return [sum([count * _KERNEL[hour - h] for h, count in busy]) for hour in range(24)]


_KERNEL = [exp(-((min(d, 24 - d) / t.OFF_HOURS_KERNEL_HOURS) ** 2) / 2) for d in range(24)]
"""Weight by distance on the clock; a negative distance counts from the other end, which is the same."""
