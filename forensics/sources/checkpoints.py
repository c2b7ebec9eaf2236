"""Every checkpoint that a case holds: in attestations, bundles, log entries, answers of logs, and imported files.

A checkpoint is found by its form (C2SP tlog-checkpoint), wherever it stands, and counts only if a log of the case's
trust root signed it. Proofs of consistency that were recorded (Rekor v1, log/proof) are found as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

from forensics.attestation.trust import TrustRoot
from forensics.evidence.answer import decode_json
from forensics.model.errors import BadAnswer, EvidenceError, SourceError
from forensics.sources.interface import hex_digest, items, mapping
from forensics.sources.rekor_tiles import SignedCheckpoint, TileShard, verified_checkpoint
from forensics.transparency.checkpoint import Checkpoint
from forensics.transparency.history import ConsistencyProof, SeenCheckpoint
from forensics.transparency.monitor_files import read_checkpoints

if TYPE_CHECKING:
    from forensics.evidence.case import Case

MAX_BODY = 64 << 20
MAX_FOUND = 200_000
MAX_DEPTH = 100
_DASHES = (b"\xe2\x80\x94 ", b"\\u2014 ")
_HEADS = ("/api/v1/log", "/api/v2/checkpoint")


class LogId(NamedTuple):
    """One log: the origin in its checkpoints (of one shard), and SHA-256 of its key. Names alone can be taken twice."""

    origin: str
    key: bytes


@dataclass(slots=True)
class Sightings:
    """What was seen of one log: checkpoints, each with the note as it was (by size and root), and recorded proofs.

    *urls* are the endpoints that cases name for it: Rekor v1's, or the override of Rekor v2. *cosigned* are those under
    which another than the log signed: several notes of one checkpoint may have different lines.
    """

    log: LogId
    roots: list[TrustRoot] = field(default_factory=list)
    seen: list[SeenCheckpoint] = field(default_factory=list)
    notes: dict[tuple[int, bytes], str] = field(default_factory=dict)
    proofs: list[ConsistencyProof] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    cosigned: dict[Checkpoint, None] = field(default_factory=dict)

    @property
    def tree_id(self) -> str:
        """The shard in a Rekor v1 origin; empty for Rekor v2."""
        return self.log.origin.partition(" - ")[2]

    def add(self, signed: SignedCheckpoint, head_at: datetime | None = None) -> None:
        """Take note of a verified checkpoint; *head_at* if the log presented it as its newest then."""
        self.keep(SeenCheckpoint.of(signed.checkpoint, signed.evidence, head_at), signed.checkpoint, signed.raw)

    def keep(self, seen: SeenCheckpoint, checkpoint: Checkpoint, raw: str) -> None:
        """Take note of *checkpoint*, which the log signed and the note *raw* holds, as *seen*."""
        self.seen.append(seen)
        self.notes.setdefault((seen.size, seen.root), raw)
        if any(line.name != checkpoint.log_name for line in checkpoint.note.signatures):
            self.cosigned[checkpoint] = None


@dataclass(slots=True)
class Seen:
    """Everything that was seen, by log, and what was not counted: why, and in which observations."""

    logs: dict[LogId, Sightings] = field(default_factory=dict)
    uncounted: dict[str, list[str]] = field(default_factory=dict)

    def of(self, signed: SignedCheckpoint, root: TrustRoot) -> Sightings:
        """Return the sightings of the log that signed *signed* under *root*."""
        log = LogId(signed.origin, signed.key.sha256)
        found = self.logs.setdefault(log, Sightings(log))
        if root.sha256 not in {one.sha256 for one in found.roots}:
            found.roots.append(root)
        return found


@dataclass(frozen=True, slots=True)
class _Text:
    """A note somewhere in an answer, and when the log presented it as its newest, if it did."""

    raw: str
    evidence: tuple[str, ...]
    head_at: datetime | None


def read_case(case: Case, root: TrustRoot, into: Seen) -> None:
    """Add to *into* what *case* holds; *root* is its trust root, for which somebody vouched.

    Raises DamagedCase for an archive whose bytes are not those of their digests.
    """
    texts: list[_Text] = []
    proofs: list[tuple[str, ConsistencyProof]] = []
    with case.reading_archive() as archive:
        for observation, received in archive.answers():
            if received.status != 200:
                continue
            path = observation.url.partition("?")[0]  # of a case from a stranger, and then perhaps no URL at all
            is_proof = path.endswith("/api/v1/log/proof")
            body = _decoded(received.body, received.header("content-encoding"), observation.url)
            if is_proof:
                proofs += _proof(observation.url, body, observation.id)
                continue
            head_at = observation.at if path.endswith(_HEADS) else None
            texts += (_Text(raw, (observation.id,), head_at) for raw in notes_in(body))
    for added in case.imports():
        if added.kind != "fact":
            texts += (_Text(raw, (added.observation.id,), None) for raw in notes_in(added.read()))
    _sort(texts, proofs, root, into, case.meta.endpoints)


def read_file(name: str, data: bytes, root: TrustRoot, into: Seen) -> int:
    """Add to *into* the checkpoints of the file *data*; return how many it holds, counted or not."""
    texts = [_Text(raw, (), None) for raw in notes_in(data)]
    _sort(texts, [], root, into, {}, name)
    return len(texts)


def notes_in(data: bytes) -> list[str]:
    """Return every signed note in *data*: a note itself, JSON, lines of JSON, or rekor-monitor's file of checkpoints.

    What cannot be read holds none.
    """
    if len(data) > MAX_BODY or not any(dash in data for dash in _DASHES):
        return []
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return []
    found: list[str] = []
    if text.lstrip()[:1] in ("{", "["):
        documents = _documents(data)
        for document in documents:
            found += (one for one in _strings(document) if "\n\n— " in one)
    elif "\n\n— " in text:
        found.append(text)
    else:
        found += (one for one in read_checkpoints(text) if "\n\n— " in one)
    return found[:MAX_FOUND]


def _documents(data: bytes) -> Iterator[Any]:
    try:
        yield decode_json(data, MAX_DEPTH, "a file")
        return
    except (BadAnswer, EvidenceError):
        pass
    for line in data.splitlines():
        try:
            yield decode_json(line, MAX_DEPTH, "a line")
        except (BadAnswer, EvidenceError):
            continue


def _strings(document: Any) -> Iterator[str]:
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _sort(
    texts: Iterable[_Text],
    proofs: Iterable[tuple[str, ConsistencyProof]],
    root: TrustRoot,
    into: Seen,
    endpoints: dict[str, str],
    name: str = "",
) -> None:
    """Verify each different note once, and put it, and the proofs, to its log."""
    anywhere = TileShard(name or "this case", root.logs)
    verified: dict[str, SignedCheckpoint | str] = {}
    by_tree: dict[str, Sightings] = {}
    for text in texts:
        if text.raw not in verified:
            verified[text.raw] = _verified(text.raw, anywhere)
        signed = verified[text.raw]
        if isinstance(signed, str):
            into.uncounted.setdefault(signed, []).extend(text.evidence)
            continue
        sightings = into.of(signed, root)
        sightings.add(SignedCheckpoint(signed.checkpoint, signed.key, signed.raw, text.evidence), text.head_at)
        by_tree[sightings.tree_id] = sightings
        url = endpoints.get("rekor" if sightings.tree_id else "rekor_tiles", "")
        if url and url not in sightings.urls:
            sightings.urls.append(url)
    for tree_id, proof in proofs:
        if tree_id in by_tree:
            by_tree[tree_id].proofs.append(proof)


def _verified(raw: str, anywhere: TileShard) -> SignedCheckpoint | str:
    try:
        return verified_checkpoint(raw, anywhere)
    except EvidenceError as error:
        return error.what


def _proof(url: str, body: bytes, observation: str) -> Iterator[tuple[str, ConsistencyProof]]:
    query = parse_qs(url.partition("?")[2])
    try:
        sizes = [int(query[name][0]) for name in ("firstSize", "lastSize")]
        steps = [hex_digest(step) for step in items(mapping(json.loads(body)).get("hashes"), 10_000)]
        hashes = tuple(bytes.fromhex(step or "") for step in steps)
    except (KeyError, ValueError, RecursionError):
        return
    yield query.get("treeID", [""])[0], ConsistencyProof(sizes[0], sizes[1], hashes, (observation,))


def _decoded(body: bytes, encoding: str | None, url: str) -> bytes:
    from forensics.evidence.wire import decode_content

    try:
        return decode_content(body, encoding, MAX_BODY, url) if encoding else body
    except (EvidenceError, SourceError):
        return b""
