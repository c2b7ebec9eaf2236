"""Zip archives (wheels, eggs, some sdists), read by our own parser: where two readings are possible, that is the find.

Source: APPNOTE.TXT 6.3.10; PEP 427.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.compare.archive_entry import CHUNK, Entry, Notes, Unreadable
from forensics.model.errors import HostileInput, MalformedEvidence

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _STREAMED, _UTF8 = 0x1, 0x8, 0x800
_LINK, _FILE, _DIRECTORY = 0o120000, 0o100000, 0o040000


@dataclass(frozen=True, slots=True)
class _Record:
    """One entry of the central directory."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    mode: int
    offset: int


def read_zip(data: bytes, notes: Notes) -> Iterator[Entry]:
    """Yield the members that the central directory lists, in its order; note where the archive says two things.

    Raises MalformedEvidence for what is no zip archive, HostileInput beyond a limit.
    """
    start, end, shift = _directory(data, notes)
    taken: list[tuple[int, int]] = []
    records = []
    for record in _records(data, start, end, notes):
        notes.count_member()
        records.append(record)
    for record in records:
        begin, stop, problem = _local(data, record, shift, notes)
        if not problem:
            taken.append((record.offset + shift, stop))
        kind = _kind(record)
        yield Entry(record.name, kind, record.size, _bytes(data, record, begin, notes), problem)
    _overlaps(taken, start, notes)


def _directory(data: bytes, notes: Notes) -> tuple[int, int, int]:
    """Return where the central directory begins and ends, and by how much all offsets are shifted."""
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - 65557))
    if at < 0 or len(data) - at < _END.size:
        raise MalformedEvidence("It is not a zip archive: it has no end record.")
    _, disk, first_disk, here, total, size, offset, comment = _END.unpack_from(data, at)
    if disk or first_disk or here != total:
        notes.add("parts of the archive are said to lie on other disks")
    if at + _END.size + comment != len(data):
        notes.add("bytes after the end of the archive")
    if comment:
        notes.add("the archive carries a comment")
    if data.count(b"PK\x05\x06", max(0, at - 65557), at):
        notes.add("more than one end record")
    locator = at - _LOCATOR64.size
    if locator >= 0 and data[locator : locator + 4] == b"PK\x06\x07":
        size, offset, total, at = _end64(data, locator, (size, offset, total))
    if size > notes.limits.directory:
        raise HostileInput(f"The directory of the archive is larger than {notes.limits.directory:,} bytes.")
    start = at - size
    if start < 0 or start < offset:
        raise MalformedEvidence("The end record of the zip archive points outside of it.")
    if start != offset:
        notes.add("bytes before the beginning of the archive")
    if total > size // _CENTRAL.size:
        notes.add("the end record counts more members than the directory can hold")
    return start, at, start - offset


def _end64(data: bytes, locator: int, plain: tuple[int, int, int]) -> tuple[int, int, int, int]:
    at = _LOCATOR64.unpack_from(data, locator)[2]
    if at + _END64.size > locator or data[at : at + 4] != b"PK\x06\x06":
        raise MalformedEvidence("The zip64 end record is not where the archive says.")
    fields = _END64.unpack_from(data, at)
    total, size, offset = fields[7], fields[8], fields[9]
    size, offset, total = (
        wide if narrow in {0xFFFF, 0xFFFFFFFF} else narrow
        for wide, narrow in zip((size, offset, total), plain, strict=True)
    )
    return size, offset, total, at


def _records(data: bytes, start: int, end: int, notes: Notes) -> Iterator[_Record]:
    at = start
    while at < end:
        if at + _CENTRAL.size > end or data[at : at + 4] != b"PK\x01\x02":
            notes.add("the directory of the archive holds something that is no entry")
            return
        fields = _CENTRAL.unpack_from(data, at)
        flags, method, crc, packed, size = fields[3], fields[4], fields[7], fields[8], fields[9]
        name_size, extra_size, comment_size, attributes, offset = fields[10], fields[11], fields[12], *fields[15:17]
        at += _CENTRAL.size
        raw, extra = data[at : at + name_size], data[at + name_size : at + name_size + extra_size]
        at += name_size + extra_size + comment_size
        if at > end:
            notes.add("the directory of the archive is cut short")
            return
        name = _name(raw, flags, notes)
        size, packed, offset = _wide(extra, size, packed, offset)
        if b"\x75\x70" in extra[:2]:
            notes.add("a second name in an extra field", name)
        yield _Record(name, flags, method, crc, packed, size, attributes >> 16, offset)


def _name(raw: bytes, flags: int, notes: Notes) -> str:
    try:
        return raw.decode("utf-8" if flags & _UTF8 or raw.isascii() else "cp437")
    except UnicodeDecodeError:
        name = raw.decode("utf-8", "backslashreplace")
        notes.add("name that is not in the encoding it claims", name)
        return name


def _wide(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Take the zip64 field where a plain one is full."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            count = min(length, len(extra) - at - 4) // 8
            values = iter(struct.unpack_from(f"<{count}Q", extra, at + 4))
            size = next(values, size) if size == 0xFFFFFFFF else size
            packed = next(values, packed) if packed == 0xFFFFFFFF else packed
            offset = next(values, offset) if offset == 0xFFFFFFFF else offset
        at += 4 + length
    return size, packed, offset


def _kind(record: _Record) -> str:
    kind = record.mode & 0o170000
    if record.name.endswith("/") or kind == _DIRECTORY:
        return "directory"
    if kind == _LINK:
        return "link"
    return "file" if kind in {0, _FILE} else "device"


def _local(data: bytes, record: _Record, shift: int, notes: Notes) -> tuple[int, int, str]:
    """Return where the bytes of *record* begin and end, or why they cannot be read."""
    at = record.offset + shift
    if at + _LOCAL.size > len(data) or data[at : at + 4] != b"PK\x03\x04":
        notes.add("no local header where the directory says", record.name)
        return 0, 0, "it is not where the directory says"
    fields = _LOCAL.unpack_from(data, at)
    flags, method, crc, packed, size, name_size, extra_size = *fields[2:4], *fields[6:11]
    begin = at + _LOCAL.size + name_size + extra_size
    raw = data[at + _LOCAL.size : at + _LOCAL.size + name_size]
    streamed = flags & _STREAMED
    local = _wide(data[begin - extra_size : begin], size, packed, 0)[:2]
    differs = _name(raw, flags, notes) != record.name or method != record.method
    if differs or (not streamed and (crc != record.crc or local != (record.size, record.packed))):
        notes.add("local header and directory disagree", record.name)
    if (flags | record.flags) & _ENCRYPTED:
        notes.add("encrypted member", record.name)
        return begin, begin, "it is encrypted"
    if record.method not in {_STORED, _DEFLATED}:
        notes.add("compressed by a method that installers do not read", record.name)
        return begin, begin, "it is compressed by a method that installers do not read"
    if begin + record.packed > len(data):
        notes.add("member beyond the end of the archive", record.name)
        return begin, begin, "it is cut short"
    return begin, begin + record.packed, ""


def _bytes(data: bytes, record: _Record, begin: int, notes: Notes) -> Iterator[bytes]:
    """Yield the unpacked bytes, counted; raises Unreadable when they are not what the directory says."""
    packed = memoryview(data)[begin : begin + record.packed]
    crc = size = 0
    for chunk in _inflated(packed) if record.method == _DEFLATED else _stored(packed):
        notes.count_bytes(len(chunk))
        size += len(chunk)
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if size != record.size:
        raise Unreadable("its size is not the stated one")
    if crc != record.crc:
        raise Unreadable("its checksum is wrong")


def _stored(packed: memoryview) -> Iterator[bytes]:
    for at in range(0, len(packed), CHUNK):
        yield bytes(packed[at : at + CHUNK])


def _inflated(packed: memoryview) -> Iterator[bytes]:
    machine = zlib.decompressobj(-15)
    at = 0
    try:
        while not machine.eof:
            pending = machine.unconsumed_tail
            if not pending:
                pending = bytes(packed[at : at + CHUNK])
                at += CHUNK
            if not pending:
                raise Unreadable("its compressed bytes are cut short")
            if chunk := machine.decompress(pending, CHUNK):
                yield chunk
    except zlib.error as error:
        raise Unreadable(f"it cannot be unpacked ({error})") from None
    if machine.unused_data or at < len(packed):
        raise Unreadable("its compressed bytes go on after their end")


def _overlaps(taken: list[tuple[int, int]], directory: int, notes: Notes) -> None:
    """Note members that share bytes, and gaps that no member explains."""
    last = 0
    for begin, stop in sorted(taken):
        if begin < last:
            notes.add("members that share the same bytes")
            return
        last = stop
    if last > directory:
        notes.add("members that reach into the directory")
