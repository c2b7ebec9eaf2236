"""OSV records that the responder brings: single ones, lists, or the zip of all records of an ecosystem."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from forensics.model.errors import HostileInput
from forensics.model.project import Project
from forensics.sources.interface import mapping, text
from forensics.sources.osv_record import advisory_of

if TYPE_CHECKING:
    from forensics.sources.supplied import Supplements

MAX_ENTRIES = 1_000_000
MAX_RECORD = 16 * 2**20
"""Bytes of one record, unpacked; the largest has the versions of a whole distribution in it."""
MAX_TOTAL = 8 * 2**30
"""Bytes of all records of a zip, unpacked."""
MAX_DEPTH = 100


def read_osv(data: bytes, source: str, evidence: tuple[str, ...], project: Project, found: Supplements) -> None:
    """Take the records that name *project*. Raises ValueError for what holds no record, HostileInput beyond a limit."""
    name = re.compile(rb"[-_.]+".join(map(re.escape, re.split(rb"[-_.]+", project.name.encode()))), re.IGNORECASE)
    records = 0
    for raw in _packed(data) if data.startswith(b"PK\x03\x04") else _listed(data):
        records += 1
        if isinstance(raw, bytes):
            if not name.search(raw):
                continue
            raw = _decoded(raw)
        record = mapping(raw)
        identifier = text(record.get("id"), 200)
        advisory = advisory_of(identifier, record, evidence, project) if identifier else None
        if advisory is not None:
            found.advisories.append(advisory)
    if not records:
        raise ValueError("it holds no OSV record")


def _packed(data: bytes) -> Iterator[bytes]:
    """Yield the members of a zip that are JSON, one at a time, nothing written anywhere."""
    total = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_ENTRIES:
                raise HostileInput(f"The archive has more than {MAX_ENTRIES:,} members.")
            for entry in entries:
                if not entry.filename.endswith(".json"):
                    continue
                with archive.open(entry) as member:
                    body = member.read(MAX_RECORD + 1)
                total += len(body)
                if len(body) > MAX_RECORD or total > MAX_TOTAL:
                    raise HostileInput("The archive unpacks to more than it may.")
                yield body
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(f"it is a damaged archive ({error})") from None


def _listed(data: bytes) -> Iterator[Any]:
    """Yield the records of a JSON record, a list, an answer to a query, or JSON lines."""
    from forensics.model.errors import BadAnswer

    try:
        value = _decoded(data)
    except BadAnswer:
        yield from (line for line in data.split(b"\n") if line.lstrip().startswith(b"{"))
        return
    rows = value.get("vulns", [value]) if isinstance(value, dict) else value
    yield from rows if isinstance(rows, list) else []


def _decoded(data: bytes) -> Any:
    from forensics.evidence.answer import decode_json

    return decode_json(data, MAX_DEPTH, "an OSV record")
