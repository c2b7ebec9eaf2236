"""Ticks of a UTC time axis, without locale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
_MOST = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick: the time in `label`, the day (or the year) in `sub` where it changes."""

    x: float
    label: str
    sub: str


def ticks(start: datetime, end: datetime, place: Callable[[datetime], float]) -> tuple[Tick, ...]:
    """Return at most nine ticks at round UTC times between *start* and *end*; *place* turns a time into an x."""
    length = end - start
    for minutes in _MINUTES:
        if length <= timedelta(minutes=minutes * _MOST):
            return tuple(_labelled(_by_minutes(start, end, minutes), place, days=minutes >= 1440))
    for months in _MONTHS[:-1]:
        if length <= timedelta(days=30.4 * months * _MOST):
            return tuple(_labelled(_by_months(start, end, months), place, days=True))
    return tuple(_labelled(_by_months(start, end, _MONTHS[-1]), place, days=True))


def _by_minutes(start: datetime, end: datetime, minutes: int) -> Iterator[datetime]:
    step = timedelta(minutes=minutes)
    at = _EPOCH + -((_EPOCH - start) // step) * step
    if at < start:
        at += step
    while at <= end:
        yield at
        at += step


def _by_months(start: datetime, end: datetime, months: int) -> Iterator[datetime]:
    number = start.year * 12 + start.month - 1
    number = max(number - number % months, 12)
    while number // 12 <= min(end.year, 9999):
        at = datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
        if start <= at <= end:
            yield at
        number += months


def _labelled(times: Iterator[datetime], place: Callable[[datetime], float], *, days: bool) -> Iterator[Tick]:
    before = ""
    for at in times:
        day = f"{at.day} {MONTHS[at.month - 1]}"
        label = day if days else f"{at.hour:02}:{at.minute:02}"
        sub = str(at.year) if days else f"{day} {at.year}"
        yield Tick(place(at), label, "" if sub == before else sub)
        before = sub
