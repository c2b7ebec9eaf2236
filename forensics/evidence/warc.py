"""WARC 1.1 records (ISO 28500:2017): writing them whole, reading them with limits.

Written by hand because an exchange must reach the file in one write, and read by hand because a case is hostile
input; the tests have warcio read what is written here.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from forensics.evidence.wire import (
    MAX_HEAD_BYTES,
    Failure,
    ReceivedResponse,
    SentRequest,
    request_block,
    response_block,
    scrub,
)
from forensics.model.errors import DamagedCase, HostileInput
from forensics.model.times import to_iso

MAX_RECORDS = 4_000_000
"""Most records that an archive may hold."""
MAX_WARC_HEAD_BYTES = 64 * 2**10
"""Largest head of a WARC record, in bytes."""
MAX_BLOCK_BYTES = 2 * 2**30
"""Largest block of a WARC record, in bytes, unpacked."""
_CHUNK = 64 * 2**10
_LEVEL = 6

ReadAt = Callable[[int, int], bytes]
"""Reads up to so many bytes (second argument) at an offset (first argument)."""


@dataclass(frozen=True, slots=True)
class Member:
    """One gzip member holding one record: where it lies in the file, its head, and the beginning of its block.

    `size` is the length of the block in bytes; `start` holds its first bytes, enough for an HTTP head.
    """

    offset: int
    end: int
    kind: str
    fields: dict[str, str]
    start: bytes
    size: int


class TornTail(Exception):
    """The file ends inside a record, at `offset`: what a killed collection leaves."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


def new_record_id() -> str:
    """Return a fresh WARC-Record-ID."""
    return f"<urn:uuid:{uuid4()}>"


def digest_field(data: bytes) -> str:
    """Return a WARC labelled digest, in hex as the SHA-256 is printed everywhere else."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def exchange_records(
    request: SentRequest, outcome: ReceivedResponse | Failure, at: datetime
) -> tuple[bytes, bytes, int]:
    """Return the two gzip members of one exchange: the request, then the response or the metadata of the failure.

    The third value is the size in bytes of the second record's block.
    """
    asked, got = new_record_id(), new_record_id()
    common = [("WARC-Date", to_iso(at)), ("WARC-Target-URI", request.url)]
    first = _record(
        "request",
        [*common, ("WARC-Record-ID", asked), ("WARC-Concurrent-To", got)],
        "application/http; msgtype=request",
        request_block(request),
        request.body,
    )
    link = [*common, ("WARC-Record-ID", got), ("WARC-Concurrent-To", asked)]
    if isinstance(outcome, Failure):
        text = f"problem: {outcome.kind}: {scrub(outcome.message)}\r\n".encode()
        return first, _record("metadata", link, "application/warc-fields", text, None), len(text)
    if outcome.truncated:
        link.append(("WARC-Truncated", outcome.truncated))
    kind = "application/http; msgtype=response"
    block = response_block(outcome)
    return first, _record("response", link, kind, block, outcome.body), len(block)


def info_record(software: str, at: datetime) -> bytes:
    """Return the gzip member of the warcinfo record that opens a file."""
    text = f"software: {software}\r\nformat: WARC File Format 1.1\r\n".encode()
    fields = [("WARC-Date", to_iso(at)), ("WARC-Record-ID", new_record_id())]
    return _record("warcinfo", fields, "application/warc-fields", text, None)


def _record(kind: str, fields: list[tuple[str, str]], media_type: str, block: bytes, payload: bytes | None) -> bytes:
    lines = ["WARC/1.1", f"WARC-Type: {kind}", *(f"{name}: {value}" for name, value in fields)]
    lines.append(f"WARC-Block-Digest: {digest_field(block)}")
    if payload is not None:
        lines.append(f"WARC-Payload-Digest: {digest_field(payload)}")
    lines += [f"Content-Type: {media_type}", f"Content-Length: {len(block)}", "", ""]
    return gzip.compress("\r\n".join(lines).encode() + block + b"\r\n\r\n", _LEVEL, mtime=0)


def read_members(read_at: ReadAt, size: int, offset: int = 0) -> Iterator[Member]:
    """Yield every record of a WARC file of *size* bytes from *offset* on, holding one chunk at a time.

    Raises TornTail where the file ends inside a record, DamagedCase for bytes that are no record, and HostileInput
    beyond a limit.
    """
    count = 0
    while offset < size:
        count += 1
        if count > MAX_RECORDS:
            raise HostileInput(f"The archive holds more than {MAX_RECORDS:,} records.")
        member = _member(read_at, size, offset)
        yield member
        offset = member.end


def _member(read_at: ReadAt, size: int, offset: int) -> Member:
    keep = MAX_WARC_HEAD_BYTES + MAX_HEAD_BYTES
    start, total, end = b"", 0, 0
    for piece, end in _pieces(read_at, size, offset):  # noqa: B007 -- the last `end` is the end of the member
        total += len(piece)
        if total > MAX_BLOCK_BYTES:
            raise HostileInput(
                f"The record at byte {offset:,} of the archive is larger than {MAX_BLOCK_BYTES:,} bytes."
            )
        if len(start) < keep:
            start += piece[: keep - len(start)]
    fields, block = _head(start, offset)
    length = _declared(fields, offset)
    if total != block + length + 4:
        raise DamagedCase(f"The record at byte {offset:,} of the archive declares {length:,} bytes and is not as long.")
    return Member(offset, end, fields.get("warc-type", ""), fields, start[block : block + length], length)


def _pieces(read_at: ReadAt, size: int, offset: int) -> Iterator[tuple[bytes, int]]:
    """Yield the unpacked pieces of the gzip member at *offset*, each with the position behind what was read."""
    machine = zlib.decompressobj(31)
    position, feed = offset, b""
    step = 4096  # most records are small; reading little keeps `unused_data` from copying megabytes
    while not machine.eof:
        if not feed:
            feed = read_at(position, min(step, size - position))
            if not feed:
                raise TornTail(offset)
            position, step = position + len(feed), _CHUNK
        try:
            piece = machine.decompress(feed, 2**20)
        except zlib.error as error:
            raise DamagedCase(f"The archive is damaged in the record at byte {offset:,}: {error}.") from None
        feed = machine.unconsumed_tail
        yield piece, position - len(machine.unused_data)


def _head(start: bytes, offset: int) -> tuple[dict[str, str], int]:
    end = start.find(b"\r\n\r\n", 0, MAX_WARC_HEAD_BYTES)
    if end < 0 or not start.startswith(b"WARC/1."):
        raise DamagedCase(f"What lies at byte {offset:,} of the archive is no WARC record.")
    fields: dict[str, str] = {}
    for line in start[:end].decode("utf-8", "replace").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    return fields, end + 4


def _declared(fields: dict[str, str], offset: int) -> int:
    text = fields.get("content-length", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise DamagedCase(f"The record at byte {offset:,} of the archive has no length.")
    return int(text)


def read_block(read_at: ReadAt, member_offset: int, member_end: int, size: int) -> bytes:
    """Return the block, *size* bytes, of the record in the given gzip member; raises DamagedCase when it changed."""
    data = read_at(member_offset, member_end - member_offset)
    machine = zlib.decompressobj(31)
    try:
        text = machine.decompress(data, size + MAX_WARC_HEAD_BYTES + 4)
    except zlib.error as error:
        raise DamagedCase(f"The archive is damaged in the record at byte {member_offset:,}: {error}.") from None
    at = text.find(b"\r\n\r\n") + 4
    if not machine.eof or len(text) != at + size + 4:
        raise DamagedCase(f"The record at byte {member_offset:,} of the archive changed since it was read.")
    return text[at : at + size]


def pread(descriptor: int, base: int = 0) -> ReadAt:
    """Return a reader of an open file whose archive begins at byte *base* (inside a zip, for instance)."""

    def read_at(offset: int, count: int) -> bytes:
        data = os.pread(descriptor, count, base + offset)
        while len(data) < count:
            more = os.pread(descriptor, count - len(data), base + offset + len(data))
            if not more:
                break
            data += more
        return data

    return read_at
