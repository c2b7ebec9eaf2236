"""Values as a reader sees them. Closed sets have words and classes here; anything else is shown as it came."""

from __future__ import annotations

from datetime import datetime, timedelta

from forensics.model.document import ReleaseDoc
from forensics.model.finding import Family, Severity, Verdict
from forensics.model.release import Door
from forensics.model.times import duration, parse_time, to_minute

FAMILIES = tuple(family.value for family in Family)
_RANKS = {verdict.value: verdict.rank for verdict in Verdict}
_FLAGGED = Verdict.SUSPICIOUS.rank
_LETTERS = {severity.value: severity.value[0].upper() for severity in Severity}
_DOORS = {
    Door.TRUSTED_ATTESTED.value: "trusted publisher, attested",
    Door.TRUSTED_UNATTESTED.value: "trusted publisher, not attested",
    Door.TOKEN_ATTESTED.value: "token, attested",
    Door.TOKEN.value: "token",
    Door.FOREIGN_ATTESTED.value: "foreign identity, attested",
    Door.UNKNOWN.value: "unknown",
}


def rank(verdict: str) -> int:
    """Return the weight of a verdict: 0 for undetermined to 4; an unknown word counts as undetermined."""
    return _RANKS.get(verdict, 0)


def publisher_words(release: ReleaseDoc) -> str:
    """Return who published, as the index states it; empty where it states nothing about any release."""
    publication = release["publication"]
    if publication is None:
        return ""
    if publication["account"] is None:
        return "not known"
    email = f" <{publication['email']}>" if publication["email"] else ""
    robot = f" (trusted publisher {publication['trusted_publisher']})" if publication["trusted_publisher"] else ""
    approved = f", approved by {publication['approver']}" if publication["approver"] else ""
    return f"{publication['account']}{email}{robot}{approved}"


def flagged(verdict: str) -> bool:
    """Return whether a release of this verdict is a suspect."""
    return rank(verdict) >= _FLAGGED


def verdict_class(verdict: str) -> str:
    """Return the CSS class of a verdict."""
    return f"v-{verdict}" if verdict in _RANKS else "v-undetermined"


def verdict_words(verdict: str) -> str:
    """Return a verdict as words."""
    return verdict.replace("-", " ") if verdict in _RANKS else verdict


def letter(severity: str) -> str:
    """Return the letter of a severity: D, H, M or L."""
    return _LETTERS.get(severity, "?")


def severity_class(severity: str) -> str:
    """Return the CSS class of a severity."""
    return f"s-{severity}" if severity in _LETTERS else "s-low"


def door_words(door: str) -> str:
    """Return how a release came in, as words."""
    return _DOORS.get(door, door)


def predicate_words(predicate_type: str) -> str:
    """Return the specification's name of a predicate type, or nothing for one that has none here."""
    if predicate_type.endswith("/attestations/publish/v1"):
        return "PyPI Publish"
    return "SLSA" if predicate_type.startswith("https://slsa.dev/provenance/") else ""


def moment(text: str | None) -> datetime | None:
    """Return the time that *text* names, or None where it names none."""
    try:
        return parse_time(text) if text else None
    except (ValueError, OverflowError):
        return None


def when(text: str | None) -> str:
    """Return a time to the second, in UTC and without saying so; a text that is no time as it is."""
    at = moment(text)
    return to_minute(at) if at else (text or "")


def unremoved(listed: bool | None) -> str:
    """Return what stands in the place of a removal's time where nobody states one."""
    if listed is None:
        return "not known whether it is listed"
    return "still listed" if listed else "not listed; time not known"


def span(seconds: int | float | None) -> str:
    """Return a span for a reader, or nothing for none."""
    return "" if seconds is None else duration(timedelta(seconds=int(seconds)))


def offset(at: datetime | None, origin: datetime | None) -> str:
    """Return how far *at* is from *origin*: `+12 h 24 min`, `−3 d`, `0`, or nothing where one is not known.

    It is the distance of the two as `when` shows them, so that a reader who subtracts gets the same.
    """
    if at is None or origin is None:
        return ""
    difference = at.replace(microsecond=0) - origin.replace(microsecond=0)
    if not difference:
        return "0"
    return ("+" if difference > timedelta() else "−") + duration(difference)


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 release`, `1,204 releases`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count: int | None) -> str:
    """Return a size in bytes for a reader: `899,072 B`."""
    return "" if count is None else f"{count:,} B"
