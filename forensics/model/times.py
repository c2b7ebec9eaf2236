"""Times: always aware, always UTC, printed one way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def parse_time(text: str) -> datetime:
    """Return the UTC time that an RFC 3339 *text* names; a text without zone is taken as UTC (PyPI's legacy JSON).

    Raises ValueError for anything else, including years that a `datetime` cannot hold.
    """
    value = datetime.fromisoformat(text)
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text[:60]!r} lies outside what a datetime can hold") from error


def time_of(value: object) -> datetime | None:
    """Return the UTC time that *value* states as `parse_time` reads it, None for anything else."""
    try:
        return parse_time(value) if isinstance(value, str) else None
    except ValueError:
        return None


def from_seconds(seconds: int) -> datetime:
    """Return the UTC time *seconds* after the epoch; raises ValueError outside what a `datetime` can hold."""
    try:
        return datetime.fromtimestamp(seconds, tz=UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} seconds is not a time") from error


def to_iso(value: datetime) -> str:
    """Return *value* as RFC 3339 in UTC with a Z; fractions only where there are any."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_minute(value: datetime) -> str:
    """Return *value* for a reader: UTC to the second, without zone letters."""
    return value.astimezone(UTC).isoformat(" ", "seconds")[:19]  # a quarter of the time of `strftime`


def to_utc(value: datetime) -> str:
    """Return *value* for a reader of prose: to the second, and saying that it is UTC."""
    return f"{to_minute(value)} UTC"


def duration(value: timedelta) -> str:
    """Return a span for a reader, two units at most: `12 h 24 min`, `3 d 4 h`, `45 s`."""
    seconds = int(abs(value.total_seconds()))
    units = [("d", 86400), ("h", 3600), ("min", 60), ("s", 1)]
    parts: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}")
        if len(parts) == 2 or (parts and name == "min"):
            break
    return " ".join(parts) or "0 s"
