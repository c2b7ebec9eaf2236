"""What a reader sees of a document, in which order and how far collapsed. Selects and groups; adds no fact."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forensics.model.document import Document, EventDoc, ReleaseDoc, UncheckedDoc
from forensics.model.document_parts import ComparisonDoc
from forensics.report.words import flagged, moment, plural

TOGETHER = timedelta(minutes=2)
"""Events of one kind and one release that are this close are one line of the table of times."""
MOST_EVENTS = 2_000
"""Above this many events, those of ordinary releases are counted instead of listed."""

_NUMBER = re.compile(r"\d+")
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!~-]{0,80}")
_TAKEN = re.compile(r"n\d+|.*-(?:h|inside|changed|rest|f\d+)")
"""Versions that would be the anchor of another release, or of a part of one."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive releases of one verdict without findings, or one release with findings."""

    releases: tuple[ReleaseDoc, ...]
    quiet: bool

    @property
    def verdict(self) -> str:
        """The verdict that all of them share."""
        return self.releases[0]["verdict"]


@dataclass(frozen=True, slots=True)
class UncheckedGroup:
    """Everything that could not be checked for the same reason: rows in the order of the document.

    Reasons that differ only in their numbers ("only 3 earlier releases") are one group; `reasons` holds each with its
    subjects.
    """

    what: str
    needs: str
    rows: tuple[UncheckedDoc, ...]
    reasons: dict[str, tuple[str, ...]]

    @property
    def subjects(self) -> tuple[str, ...]:
        """The versions, files or projects concerned, each once."""
        return tuple(dict.fromkeys(row["subject"] for row in self.rows))

    @property
    def reason(self) -> str:
        """The reason; of several that differ in numbers the first and the last."""
        first, *others = self.reasons
        return f"{first} … {others[-1]}" if others else first

    @property
    def evidence(self) -> list[str]:
        """The observations of all rows, each once."""
        return list(dict.fromkeys(item for row in self.rows for item in row["evidence"]))


@dataclass(frozen=True, slots=True)
class KeyTime:
    """One line of the table of times: an event, and how far it is from publication and from becoming known.

    The same thing done to several files of a release within TOGETHER is one line; `events` has all of them.
    """

    events: tuple[EventDoc, ...]
    from_publish: datetime | None
    from_known: datetime | None

    @property
    def event(self) -> EventDoc:
        """The first event of the line."""
        return self.events[0]

    @property
    def subjects(self) -> tuple[str, ...]:
        """What it was done to, each once."""
        return tuple(dict.fromkeys(event["subject"] for event in self.events if event["subject"]))

    @property
    def evidence(self) -> list[str]:
        """The observations of all events of the line, each once."""
        return list(dict.fromkeys(item for event in self.events for item in event["evidence"]))


@dataclass(frozen=True, slots=True)
class View:
    """A document, sorted into what the report shows in full, in short, and as a counted line."""

    suspects: tuple[ReleaseDoc, ...]
    notable: tuple[ReleaseDoc, ...]
    stretches: tuple[Stretch, ...]
    unchecked: tuple[UncheckedGroup, ...]
    events: tuple[EventDoc, ...]
    events_left_out: int
    key_times: tuple[KeyTime, ...]
    anchors: dict[str, str]


def view_of(document: Document) -> View:
    """Return what to show of *document*."""
    releases = document["releases"]
    suspects = tuple(release for release in releases if flagged(release["verdict"]))
    notable = tuple(release for release in releases if release["signals"] and not flagged(release["verdict"]))
    events, left_out = _events(document, {release["version"] for release in (*suspects, *notable)})
    return View(
        suspects=suspects,
        notable=notable,
        stretches=tuple(_stretches(releases)),
        unchecked=tuple(_unchecked(document)),
        events=events,
        events_left_out=left_out,
        key_times=key_times(document),
        anchors=_anchors((*suspects, *notable)),
    )


def ranges(versions: Iterable[str], order: Sequence[str]) -> str:
    """Return *versions* as ranges of the document's release order: `8.3.10 to 8.3.40 (31 releases), 8.3.43`.

    Subjects that are no version of the document follow as they are.
    """
    wanted = set(versions)
    parts: list[str] = []
    run: list[str] = []
    for version in [*order, ""]:
        if version in wanted and version:
            run.append(version)
            continue
        if len(run) > 2:
            parts.append(f"{run[0]} to {run[-1]} ({plural(len(run), 'release')})")
        else:
            parts.extend(run)
        run = []
    known = set(order)
    return ", ".join([*parts, *(subject for subject in dict.fromkeys(versions) if subject not in known)])


def newly(comparison: ComparisonDoc) -> list[str]:
    """Return what a comparison says newly runs, is touched or is required: once, whichever file says so."""
    said = [what for pair in comparison["contents"] for what in pair["surface"]]
    said += [f"requires {name}" for pair in comparison["contents"] for name in pair["dependencies"]]
    return list(dict.fromkeys(said))


def as_news(what: str) -> str:
    """Return a surface as a line of its own that says once that it is new."""
    return what if " newly " in what or what.startswith("new ") else f"newly: {what}"


def key_times(document: Document) -> tuple[KeyTime, ...]:
    """Return the events of flagged releases and of advisories, with the origins of the two elapsed columns.

    The first origin is the earliest publication of a flagged release; the second, "known", is the earliest advisory
    or removal of one.
    """
    suspects = {r["version"]: r for r in document["releases"] if flagged(r["verdict"])}
    chosen = [e for e in document["events"] if e["version"] in suspects or (suspects and e["lane"] == "advisory")]
    published = _earliest(release["published"] for release in suspects.values())
    named = [a["published"] for a in document["advisories"] if not suspects.keys().isdisjoint(a["versions"])]
    reported = [e["at"] for e in chosen if e["lane"] == "advisory"]
    known = _earliest([*named, *reported, *(release["removed"] for release in suspects.values())])
    return tuple(KeyTime(tuple(events), published, known) for events in together(chosen))


def together(events: Iterable[EventDoc]) -> list[list[EventDoc]]:
    """Return *events* as lines: the same thing done to several files of a release within TOGETHER is one line."""
    lines: list[list[EventDoc]] = []
    open_lines: dict[tuple[str | None, str, str], list[EventDoc]] = {}
    for event in events:
        key = (event["version"], event["what"], event["kind"])
        line = open_lines.get(key)
        first, at = moment(line[0]["at"]) if line else None, moment(event["at"])
        if line is not None and event["version"] and first and at and at - first <= TOGETHER:
            line.append(event)
        else:
            open_lines[key] = [event]
            lines.append(open_lines[key])
    return lines


def _earliest(times: Iterable[str | None]) -> datetime | None:
    return min((at for at in map(moment, times) if at), default=None)


def _stretches(releases: Sequence[ReleaseDoc]) -> Iterable[Stretch]:
    run: list[ReleaseDoc] = []
    for release in releases:
        quiet = not release["signals"] and not flagged(release["verdict"])
        if run and (not quiet or release["verdict"] != run[0]["verdict"]):
            yield Stretch(tuple(run), quiet=True)
            run = []
        if quiet:
            run.append(release)
        else:
            yield Stretch((release,), quiet=False)
    if run:
        yield Stretch(tuple(run), quiet=True)


def _unchecked(document: Document) -> Iterable[UncheckedGroup]:
    groups: dict[tuple[str, str, str], dict[tuple[str, ...], UncheckedDoc]] = {}
    rows = [*document["not_checked"], *(row for release in document["releases"] for row in release["not_checked"])]
    for row in rows:
        group = groups.setdefault((row["what"], _NUMBER.sub("0", row["reason"]), row["needs"]), {})
        group.setdefault((row["subject"], row["reason"], *row["evidence"]), row)
    for (what, _, needs), members in groups.items():
        reasons: dict[str, dict[str, None]] = {}
        for row in members.values():
            reasons.setdefault(row["reason"], {})[row["subject"]] = None
        yield UncheckedGroup(
            what, needs, tuple(members.values()), {r: tuple(subjects) for r, subjects in reasons.items()}
        )


def _events(document: Document, shown: set[str]) -> tuple[tuple[EventDoc, ...], int]:
    events = document["events"]
    if len(events) <= MOST_EVENTS:
        return tuple(events), 0
    neighbours = {n["version"] for wave in document["waves"] for n in (wave["last_good"], wave["first_good"]) if n}
    listed = shown | neighbours
    kept = tuple(event for event in events if event["version"] is None or event["version"] in listed)
    return kept, len(events) - len(kept)


def _anchors(releases: Iterable[ReleaseDoc]) -> dict[str, str]:
    anchors: dict[str, str] = {}
    for number, release in enumerate(releases, 1):
        version = release["version"]
        plain = _PLAIN.fullmatch(version) and not _TAKEN.fullmatch(version)
        name = version if plain else f"n{number}"
        anchors.setdefault(version, f"release-{name}")
    return anchors
