"""PyPI's journal: the only public record of removals and quarantines, read from what a case holds of it.

The journal is global and knows no filter: each answer is a page of up to 50,000 changes to all projects. The pages are
kept whole; of what they say, only the rows of the project are read. Which pages are asked for is decided in
`journal_collect`; here every page of the case counts, whoever asked for it and why.
Source: PyPI's XML-RPC documentation, *Mirroring Support*.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.journal import NO_JOURNAL, Journal, JournalRow, Span
from forensics.model.project import Project
from forensics.sources.interface import Witness, text
from forensics.sources.xmlrpc import OtherAnswer, call, rows, scalar

if TYPE_CHECKING:
    from forensics.evidence.archive import Archive
    from forensics.evidence.wire import ReceivedResponse, SentRequest
    from forensics.model.observation import Observation

NEEDS = "journal"
SINCE, LAST = "changelog_since_serial", "changelog_last_serial"
ACCEPT = "text/xml"
BODY_LIMIT = 64 * 2**20
"""Bytes of one page, unpacked; fifty thousand rows are about fifteen million."""
MAX_SERIAL = 2**53
_EPOCH_END = 4_102_444_800
"""2100-01-01 in Unix seconds: a later time is none."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer to `changelog_since_serial`: the stretch it covers (None: empty) and the rows of one project."""

    span: Span | None
    rows: tuple[JournalRow, ...]


Head = tuple[datetime, int]
"""When the end of the journal was asked for, and the serial it had then."""


@dataclass(slots=True)
class JournalPages:
    """The journal as far as an archive holds it. *url* is where it is asked."""

    archive: Archive
    url: str

    def read(self, project: Project, witness: Witness) -> Outcome[Journal]:
        """Return the rows of *project* in every page of the archive, or why nothing is known.

        Pages that cannot be read are named as the witness's problem; the others count.
        """
        head: Head | None = None
        spans: list[Span] = []
        found: dict[int, JournalRow] = {}
        ids: list[str] = []
        for seen, received in self.archive.answers_from("POST", self.url):
            outcome = self._take(seen, received, project)
            if outcome is None:
                continue  # it was no question to the journal
            witness.asked += 1
            if isinstance(outcome, NotChecked):
                witness.miss(outcome.reason, NEEDS, outcome.evidence)
                continue
            witness.answered += 1
            if isinstance(outcome, int):
                head = (seen.at, outcome)
                continue
            if outcome.span is None:
                continue
            ids.append(seen.id)
            spans.append(reaching(outcome.span, head))
            for row in outcome.rows:
                found.setdefault(row.serial, row)
        for attempts in self._lost(project):
            witness.asked += 1
            last = attempts[-1]
            why = last.problem or f"status {last.status}"
            witness.miss(f"{self.url} could not be asked: {why}.", NEEDS, tuple(one.id for one in attempts))
        if not ids:
            return NotChecked(witness.problem, NEEDS, tuple(witness.evidence)) if witness.problem else NO_JOURNAL
        ordered = tuple(found[serial] for serial in sorted(found))
        spans = [self._continued(span, spans) for span in spans]
        return Checked(Journal(ordered, merged(spans), head[1] if head else None, tuple(ids)), tuple(ids))

    def recorded(self, since: int, project: Project, head: Head) -> Page | None:
        """Return the page after *since*, if the archive holds it and the journal has not grown beyond it since."""
        exchange = self.archive.find(question(self.url, call(SINCE, since)).key)
        if exchange is None or not exchange.final:
            return None
        try:
            body = answer_body(self.archive.response(exchange), self.url, exchange.observation.id)
            page = read_page(body, self.url, project, exchange.observation.id)
        except (BadAnswer, HostileInput):
            return None
        if page.span is None:
            return page if since >= head[1] else None
        then = self._head_before(exchange.observation.at)
        grown = then is None or then[1] <= page.span.last < head[1]
        return None if grown else page

    def _lost(self, project: Project) -> list[tuple[Observation, ...]]:
        """Questions to the journal without an answer; those about roles have the same address and are not counted."""
        roles = {call("package_roles", project.name)}
        skip = {question(self.url, body).key for body in roles}
        ids = {one.observation.id for key in skip for one in self.archive.asked(key)}
        every = self.archive.unanswered("POST", self.url)
        return [attempts for attempts in every if attempts[0].id not in ids]

    def _head_before(self, at: datetime) -> Head | None:
        found: Head | None = None
        exchange = self.archive.asked(question(self.url, call(LAST)).key)
        for one in exchange:
            if one.final and one.observation.at <= at:
                serial = head_of(self.archive.response(one).body, self.url)
                found = (one.observation.at, serial) if serial is not None else found
        return found

    def _take(self, seen: Observation, received: ReceivedResponse, project: Project) -> Page | NotChecked | int | None:
        try:
            body = answer_body(received, self.url, seen.id)
            if (serial := head_of(body, self.url)) is not None:
                return serial
            return read_page(body, self.url, project, seen.id)
        except OtherAnswer:
            return None
        except (BadAnswer, HostileInput) as error:
            return NotChecked(error.what, NEEDS, (seen.id,))

    def _continued(self, span: Span, spans: Iterable[Span]) -> Span:
        """Return *span* from where the stretch before it ends, if it is the answer to what comes after that."""
        for before in spans:
            if before.last < span.first:
                exchange = self.archive.find(question(self.url, call(SINCE, before.last)).key)
                if exchange is not None and exchange.observation.id in span.evidence:
                    return replace(span, first=before.last, start=min(span.start, before.end))
        return span


def question(url: str, body: bytes) -> SentRequest:
    """Return the question that a call to the journal at *url* is, as the archive knows it."""
    from forensics.evidence.wire import SentRequest, body_digest

    return SentRequest("POST", url, (("accept", ACCEPT),), body_digest(body), body)


def answer_body(received: ReceivedResponse, url: str, observation: str) -> bytes:
    """Return the unpacked body of an answer with status 200; raises BadAnswer for another, HostileInput if large."""
    from forensics.evidence.wire import decode_content

    if received.status != 200:
        raise BadAnswer(f"{url} answered HTTP {received.status}.", evidence=(observation,))
    encodings = received.header("content-encoding")
    return decode_content(received.body, encodings, BODY_LIMIT, url) if encodings else received.body


def head_of(body: bytes, name: str) -> int | None:
    """Return the serial of an answer to `changelog_last_serial`, None for an answer of another kind."""
    if len(body) > 4096:  # a number takes a few hundred bytes
        return None
    try:
        return scalar(body, name)
    except (BadAnswer, HostileInput):
        return None


def read_page(body: bytes, name: str, project: Project, observation: str) -> Page:
    """Return a page of the journal; raises BadAnswer for what is none, HostileInput beyond a limit.

    OtherAnswer for the list of another method. Serials must rise: a page in which they do not would let rows appear
    between others that were read.
    """
    mine: list[JournalRow] = []
    first: tuple[int, datetime] | None = None
    last: tuple[int, datetime] | None = None
    for raw in rows(body, name, (observation,)):
        row = _row(raw, observation)
        if row is None and last is None and len(raw) < 4:
            raise OtherAnswer(f"{name} answered with a list of something else.", evidence=(observation,))
        if row is None or (last is not None and row.serial <= last[0]):
            raise BadAnswer(f"{name} answered with a row that is none of a journal.", evidence=(observation,))
        last = (row.serial, row.at)
        first = first or last
        if _normal(raw[0]) == project.name:
            mine.append(row)
    if first is None or last is None:
        return Page(None, ())
    return Page(Span(first[0], last[0], first[1], max(first[1], last[1]), (observation,)), tuple(mine))


def reaching(span: Span, head: tuple[datetime, int] | None) -> Span:
    """Return *span* up to the moment when the end of the journal was asked for, where it holds the last row of all."""
    if head is None or span.last < head[1] or span.end > head[0]:
        return span
    return replace(span, end=head[0])


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans joined where they overlap in serials, in order."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.first, s.last)):
        before = joined[-1] if joined else None
        if before is None or span.first > before.last:
            joined.append(span)
            continue
        joined[-1] = Span(
            before.first,
            max(before.last, span.last),
            min(before.start, span.start),
            max(before.end, span.end),
            tuple(dict.fromkeys((*before.evidence, *span.evidence))),
        )
    return tuple(joined)


def _row(raw: list[Any], observation: str) -> JournalRow | None:
    """Read `[name, version, unix time, action, serial]`; None for anything else."""
    if len(raw) != 5 or not isinstance(raw[0], str):
        return None
    _, version, at, action, serial = raw
    if not isinstance(at, int) or not isinstance(serial, int) or not isinstance(action, str):
        return None
    if not (0 < serial < MAX_SERIAL and 0 <= at < _EPOCH_END):
        return None
    return JournalRow(text(version, 200) or None, datetime.fromtimestamp(at, UTC), action[:500], serial, (observation,))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
