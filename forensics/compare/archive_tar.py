"""Tar archives (sdists, npm tarballs) as a stream, read by our own parser: tarfile trusts sizes, links and headers.

Source: POSIX.1-2001 ustar and pax; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from forensics.compare.archive_entry import CHUNK, Entry, Notes
from forensics.model.errors import HostileInput, MalformedEvidence

_BLOCK = 512
_KINDS = {b"0": "file", b"\0": "file", b"7": "file", b"1": "link", b"2": "link", b"5": "directory"}
_DEVICES = {b"3", b"4", b"6"}


def read_tar(data: bytes, notes: Notes, *, bzip: bool = False) -> Iterator[Entry]:
    """Yield the members of a compressed tar archive in order. Each must be read before the next is taken.

    Raises MalformedEvidence for what is no such archive, HostileInput beyond a limit.
    """
    stream = _Stream(_bunzipped(data, notes) if bzip else _gunzipped(data, notes))
    pending = _Pending()
    while (header := _header(stream, notes)) is not None:
        kind, size = header[156:157], _number(header[124:136])
        if size < 0:
            raise MalformedEvidence("A member of the tar archive states a negative size.")
        if kind in {b"L", b"K", b"x", b"g"}:
            if size > notes.limits.metadata:
                raise HostileInput(f"A header of the tar archive is larger than {notes.limits.metadata:,} bytes.")
            pending.take(kind, stream.padded(size), notes)
            continue
        yield from _entry(stream, header, kind, size, pending, notes)
        pending = _Pending(everywhere=pending.everywhere)


def _entry(stream: _Stream, header: bytes, kind: bytes, size: int, pending: _Pending, notes: Notes) -> Iterator[Entry]:
    notes.count_member()
    name = pending.name or _plain_name(header)
    size = pending.size if pending.size is not None else size
    meaning = _KINDS.get(kind, "device" if kind in _DEVICES else "")
    if not meaning:
        notes.add(f"member of an unknown kind {kind!r}", name)
        meaning = "file"
    if kind == b"S" or pending.sparse:
        notes.add("sparse member", name)
    if kind in _DEVICES or kind in {b"1", b"2", b"5"}:
        size = 0  # as installers read it: these have no bytes, whatever the header states
    if meaning == "file" and name.endswith("/"):
        meaning = "directory"
    rest = stream.member(size)
    yield Entry(name, meaning, size, rest, "it is sparse" if kind == b"S" or pending.sparse else "")
    for _ in rest:  # what the caller did not want
        pass
    stream.skip(-size % _BLOCK)


@dataclass(slots=True)
class _Pending:
    """What headers said about the next member."""

    everywhere: dict[str, str] = field(default_factory=dict)
    name: str | None = None
    size: int | None = None
    sparse: bool = False

    def take(self, kind: bytes, body: bytes, notes: Notes) -> None:
        """Take a GNU long name, or pax records."""
        if kind == b"L":
            self.name = body.rstrip(b"\0").decode("utf-8", "backslashreplace")
        elif kind in {b"x", b"g"}:
            records = _pax(body, notes)
            if kind == b"g":
                if {"path", "size", "linkpath"} & set(records):
                    notes.add("a global header that renames or resizes members")
                records.pop("path", None)
            if "size" in records:
                self.size = _decimal(records["size"])
            self.name = records.get("path", self.name)
            self.sparse = self.sparse or any(key.startswith("GNU.sparse") for key in records)


def _pax(body: bytes, notes: Notes) -> dict[str, str]:
    records: dict[str, str] = {}
    at = 0
    while at < len(body) and body[at] != 0:
        space = body.find(b" ", at, at + 12)
        length = _decimal(body[at:space].decode("ascii", "replace")) if space > 0 else 0
        record = body[space + 1 : at + length]
        if length <= space - at or not record.endswith(b"\n") or b"=" not in record:
            raise MalformedEvidence("A pax header of the tar archive is malformed.")
        key, _, value = record[:-1].partition(b"=")
        name = key.decode("utf-8", "backslashreplace")
        if name in records:
            notes.add("a pax header that says the same thing twice")
        records[name] = value.decode("utf-8", "backslashreplace")
        at += length
    return records


def _decimal(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise MalformedEvidence("A number in a header of the tar archive is malformed.")
    return int(text)


def _number(field_: bytes) -> int:
    """Return an octal or, in GNU's form, a base-256 number."""
    if field_[:1] in {b"\x80", b"\xff"}:
        return int.from_bytes(field_[1:] if field_[:1] == b"\x80" else field_, "big", signed=field_[:1] == b"\xff")
    text = field_.partition(b"\0")[0].strip()
    try:
        return int(text or b"0", 8)
    except ValueError:
        raise MalformedEvidence("A number in a header of the tar archive is malformed.") from None


def _plain_name(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "backslashreplace")


def _header(stream: _Stream, notes: Notes) -> bytes | None:
    """Return the next header, None at the end of the archive."""
    header = stream.exactly(_BLOCK, at_most=True)
    if not header:
        notes.add("the archive has no end mark")
        return None
    if len(header) < _BLOCK:
        raise MalformedEvidence("The tar archive is cut short.")
    if not any(header):
        if any(chunk.count(0) != len(chunk) for chunk in stream.rest()):
            notes.add("bytes after the end of the archive")
        return None
    stated = _number(header[148:156])
    sums = sum(header[:148]) + 256 + sum(header[156:])
    if stated != sums:
        raise MalformedEvidence("A header of the tar archive has a wrong checksum.")
    return header


class _Stream:
    """Reads exact numbers of bytes from a stream of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def exactly(self, size: int, *, at_most: bool = False) -> bytes:
        parts, need = [], size
        while need:
            chunk = self._left or next(self._chunks, b"")
            if not chunk:
                if at_most:
                    break
                raise MalformedEvidence("The tar archive is cut short.")
            parts.append(chunk[:need])
            self._left = chunk[need:]
            need -= len(parts[-1])
        return b"".join(parts)

    def padded(self, size: int) -> bytes:
        body = self.exactly(size)
        self.skip(-size % _BLOCK)
        return body

    def member(self, size: int) -> Iterator[bytes]:
        while size:
            part = self.exactly(min(size, CHUNK))
            size -= len(part)
            yield part

    def skip(self, size: int) -> None:
        self.exactly(size)

    def rest(self) -> Iterator[bytes]:
        if self._left:
            yield self._left
        yield from self._chunks


def _gunzipped(data: bytes, notes: Notes) -> Iterator[bytes]:
    if data[:2] != b"\x1f\x8b":
        raise MalformedEvidence("It is not a gzip file.")
    return _unpacked(data, lambda: zlib.decompressobj(31), zlib.error, b"\x1f\x8b", notes)


def _bunzipped(data: bytes, notes: Notes) -> Iterator[bytes]:
    if data[:3] != b"BZh":
        raise MalformedEvidence("It is not a bzip2 file.")
    return _unpacked(data, bz2.BZ2Decompressor, OSError, b"BZh", notes)


def _unpacked(
    data: bytes, new: Callable[[], Any], error: type[Exception], magic: bytes, notes: Notes
) -> Iterator[bytes]:
    """Yield the unpacked bytes of one or more compressed streams in a row, counted."""
    at, streams = 0, 0
    view = memoryview(data)
    while at < len(data):
        if bytes(view[at : at + len(magic)]) != magic:
            notes.add("bytes after the end of the compressed file")
            return
        streams += 1
        if streams == 2:
            notes.add("several compressed files in a row")
        try:
            at = yield from _one(view, at, new(), notes)
        except (error, EOFError):
            raise MalformedEvidence("The compressed file is damaged.") from None


def _one(view: memoryview, at: int, machine: Any, notes: Notes) -> Generator[bytes, None, int]:
    """Yield the bytes of one stream that begins at *at*; the generator returns where it ends."""
    while not machine.eof:
        tail = getattr(machine, "unconsumed_tail", b"")
        hungry = machine.needs_input if hasattr(machine, "needs_input") else not tail
        fresh = bytes(view[at : at + CHUNK]) if hungry else b""
        if hungry and not fresh:
            raise MalformedEvidence("The compressed file is cut short.")
        at += len(fresh)
        chunk = machine.decompress(tail or fresh, CHUNK)
        if chunk:
            notes.count_bytes(len(chunk))
            yield chunk
    return at - len(machine.unused_data)
