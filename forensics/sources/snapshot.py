"""What an index said when an earlier case was collected: its answers, copied byte for byte into one small archive.

A snapshot is a WARC file like that of a case, with only the exchanges that tell of the index and of attestations, and
before them one that names the case. It is read by the same code that reads a live index.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.evidence.archive import Archive
from forensics.evidence.transport import ReplayingTransport, sent_request
from forensics.evidence.wire import ReceivedResponse, SentRequest
from forensics.model.checked import NotChecked, Outcome
from forensics.model.endpoints import Endpoints
from forensics.model.errors import MalformedEvidence
from forensics.model.project import Project
from forensics.model.times import parse_time, to_iso
from forensics.sources.ecosystems import package_index
from forensics.sources.index import Index, Provenance, newest_first
from forensics.sources.interface import Witness, mapping, text

if TYPE_CHECKING:
    import httpx

    from forensics.evidence.client import Client

METHOD = "SNAPSHOT"
"""The method of the exchange that names the case; no HTTP server knows it."""
SCHEMA = "forensics/snapshot/1"
_URL = "https://case.invalid/"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an index said of a project when the case *case* was collected, at the UTC time *at*."""

    case: str
    at: datetime
    index: Outcome[Index]
    provenance: Provenance


class _Copying(ReplayingTransport):
    """Answers from an archive and remembers which exchanges it took them from."""

    def __init__(self, archive: Archive) -> None:
        super().__init__(archive)
        self.archive = archive
        self.taken: dict[str, SentRequest] = {}

    def recall(self, request: httpx.Request) -> httpx.Response:
        """Return the recorded answer, as `ReplayingTransport.recall` does."""
        sent = sent_request(request)
        self.taken.setdefault(sent.key, sent)
        return super().recall(request)


async def make_snapshot(
    archive: Archive, project: Project, endpoints: Endpoints, *, case: str, digest: str, at: datetime
) -> bytes:
    """Return the snapshot of a case: *archive* holds its exchanges, *digest* names its exact content."""
    import msgspec

    from forensics.evidence.client import Client

    transport = _Copying(archive)
    async with Client(transport) as client:
        await _read(client, project, endpoints)
    about = {"schema": SCHEMA, "project": str(project), "case": case, "digest": digest, "collected_at": to_iso(at),
             "endpoints": dict(endpoints.urls)}  # fmt: skip
    body = msgspec.json.encode(about, order="deterministic")
    with tempfile.TemporaryDirectory(prefix="forensics-snapshot-") as scratch:
        path = Path(scratch) / "snapshot.warc.gz"
        with Archive.append_to(path, at) as made:
            made.append(SentRequest(METHOD, _URL + case, ()), ReceivedResponse(200, "OK", (), body), at)
            for key in sorted(transport.taken):
                found = archive.find(key)
                if found is not None and found.failed is None:
                    made.append(transport.taken[key], archive.response(found), found.observation.at)
        return path.read_bytes()


async def read_snapshot(data: bytes, project: Project) -> Snapshot:
    """Return what the snapshot *data* says about *project*.

    Raises MalformedEvidence when it is none or about another project, DamagedCase when its archive is damaged.
    """
    from forensics.evidence.client import Client

    archive = Archive.of_bytes(data)
    about = _about(archive)
    if about.get("schema") != SCHEMA or about.get("project") != str(project):
        named = (text(about.get("project"), 100) or "nothing")[:100]
        raise MalformedEvidence(f"It is no snapshot of {project}; it says that it is about {named}.")
    urls = {k: v for k, v in mapping(about.get("endpoints")).items() if isinstance(k, str) and isinstance(v, str)}
    try:
        at = parse_time(text(about.get("collected_at"), 40) or "")
    except ValueError:
        at = datetime.fromtimestamp(0, UTC)
    async with Client(ReplayingTransport(archive)) as client:
        index, provenance = await _read(client, project, Endpoints(urls))
    return Snapshot((text(about.get("case"), 200) or "unnamed")[:200], at, index, provenance)


async def _read(client: Client, project: Project, endpoints: Endpoints) -> tuple[Outcome[Index], Provenance]:
    """Ask *client* what a live collection asks about the index and its attestations."""
    named = package_index(project.ecosystem)
    if named.service not in endpoints.urls:
        return NotChecked("the earlier case did not ask this index", "an earlier case"), {}
    index = await named.read(client, endpoints, project, Witness("an earlier case"))
    if isinstance(index, NotChecked):
        return index, {}
    files = newest_first(index.value.files)
    return index, await named.read_provenance(client, endpoints, project, files, Witness("an earlier case"), None)


def _about(archive: Archive) -> Mapping[str, object]:
    import json

    for observation, answer in archive.answers():
        if observation.method == METHOD:
            try:
                return mapping(json.loads(answer.body))
            except (ValueError, RecursionError):
                break
    return {}
