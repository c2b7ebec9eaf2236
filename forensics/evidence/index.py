"""One pass over an archive: which exchanges it holds and where they lie. Payloads stay on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forensics.evidence.warc import Member, ReadAt, TornTail, read_members
from forensics.evidence.wire import Failure, ReceivedResponse, SentRequest, parse_head, parse_status
from forensics.model.errors import DamagedCase
from forensics.model.observation import Observation, observation_id
from forensics.model.times import parse_time

_TRUNCATED = {"length", "time", "disconnect"}
_MAX_TAIL_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Exchange:
    """Where one exchange lies: its observation, the key of its question, and the member that holds what came.

    `final` says whether the answer stands; `failed` is set when no answer came at all. `size` is that of the
    record's block in bytes.
    """

    observation: Observation
    key: str
    final: bool
    failed: Failure | None
    truncated: str | None
    offset: int
    end: int
    size: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a pass found: the exchanges, the end of the last whole one, and what is wrong behind it, if anything.

    `broken_at` is where the record begins that could not be read.
    """

    exchanges: tuple[Exchange, ...]
    good: int
    broken: str | None = None
    broken_at: int = 0


def scan(read_at: ReadAt, size: int) -> Scan:
    """Read an archive of *size* bytes once. Raises HostileInput beyond a limit; damage is in the result."""
    found: list[Exchange] = []
    pending: Member | None = None
    good = position = 0
    try:
        for member in read_members(read_at, size):
            if member.kind == "request":
                pending = member
            elif pending is not None and member.kind in {"response", "metadata"}:
                found.append(_indexed(pending, member))
                pending = None
            elif member.kind == "response":
                raise DamagedCase("The archive holds an answer without its question.")
            position = member.end
            good = position if pending is None else good
    except TornTail:
        return Scan(tuple(found), good, f"it ends inside the record at byte {position:,}", position)
    except DamagedCase as error:
        return Scan(tuple(found), good, error.what, position)
    if pending is not None:
        return Scan(tuple(found), good, "its last question has no answer", position)
    return Scan(tuple(found), good)


def is_tail(read_at: ReadAt, size: int, broken_at: int) -> bool:
    """Return whether nothing readable follows the broken record, so that a killed writer explains it."""
    if size - broken_at > _MAX_TAIL_BYTES:
        return False
    tail = read_at(broken_at, size - broken_at)
    at = tail.find(b"\x1f\x8b\x08", 1)
    while at >= 0:
        try:
            next(read_members(read_at, size, broken_at + at))
        except (TornTail, DamagedCase):
            at = tail.find(b"\x1f\x8b\x08", at + 1)
        else:
            return False
    return True


def describe(
    request: SentRequest, outcome: ReceivedResponse | Failure, at: datetime, digest: str | None, size: int
) -> Observation:
    """Return the observation of an exchange that began at *at* and whose payload has *digest* and *size* bytes."""
    status, problem, media_type = None, None, ""
    if isinstance(outcome, Failure):
        problem = f"{outcome.kind}: {outcome.message}" if outcome.message else outcome.kind
    else:
        status = outcome.status
        media_type = next((value for name, value in outcome.headers if name.lower() == "content-type"), "")
        problem = f"truncated: {outcome.truncated}" if outcome.truncated else None
    return Observation(
        id=observation_id(request.method, request.url, at, status, digest),
        method=request.method,
        url=request.url,
        at=at,
        status=status,
        sha256=digest,
        size=size,
        media_type=media_type.partition(";")[0].strip().lower(),
        problem=problem,
        request_sha256=request.body_sha256,
    )


def _indexed(asked: Member, got: Member) -> Exchange:
    """Return the exchange that two records describe; raises DamagedCase when they do not belong together."""
    if got.fields.get("warc-concurrent-to") != asked.fields.get("warc-record-id"):
        raise DamagedCase(f"The record at byte {got.offset:,} of the archive does not answer the one before it.")
    request = _request(asked)
    at = _time(got)
    if got.kind == "metadata":
        failed = _failure(got)
        return Exchange(describe(request, failed, at, None, 0), request.key, False, failed, None, *_place(got))
    first, headers, body_at = parse_head(got.start)
    status, reason = parse_status(first)
    truncated = got.fields.get("warc-truncated")
    if truncated is not None and truncated not in _TRUNCATED:
        truncated = "disconnect"
    response = ReceivedResponse(status, reason, headers, b"", truncated)
    digest = _digest(got)
    observation = describe(request, response, at, digest, got.size - body_at)
    return Exchange(observation, request.key, response.final, None, truncated, *_place(got))


def _place(member: Member) -> tuple[int, int, int]:
    return member.offset, member.end, member.size


def _request(member: Member) -> SentRequest:
    first, headers, body_at = parse_head(member.start)
    body_size = member.size - body_at
    digest = _digest(member) if body_size else None
    return SentRequest(first.partition(" ")[0], member.fields.get("warc-target-uri", ""), headers, digest)


def _digest(member: Member) -> str:
    algorithm, _, value = member.fields.get("warc-payload-digest", "").partition(":")
    if algorithm != "sha256" or len(value) != 64:
        raise DamagedCase(f"The record at byte {member.offset:,} of the archive has no SHA-256 payload digest.")
    return value


def _time(member: Member) -> datetime:
    try:
        return parse_time(member.fields.get("warc-date", ""))
    except ValueError:
        raise DamagedCase(f"The record at byte {member.offset:,} of the archive has no date.") from None


def _failure(member: Member) -> Failure:
    line = member.start.decode("utf-8", "replace").split("\r\n")[0]
    name, _, text = line.partition(": ")
    if name != "problem":
        raise DamagedCase(f"The record at byte {member.offset:,} of the archive names no problem.")
    kind, _, message = text.partition(": ")
    return Failure(kind, message)
