"""Rekor v2: tiles, bundles of entries and checkpoints over HTTP. There is no search and no proof in this API.

Sources: sigstore/rekor-tiles CLIENTS.md and api/proto (paths), C2SP tlog-tiles and tlog-checkpoint, Sigstore's Rekor v2
client specification (origins, key ids). The shards and their keys come from the trust root; a server is believed
nothing that is not hashed up to a checkpoint which one of these keys signed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from forensics.attestation.trust import TransparencyLog, TrustRoot
from forensics.model.errors import BadAnswer, MalformedEvidence, SourceError, UsageError
from forensics.sources.interface import on_this_machine
from forensics.transparency.checkpoint import Checkpoint, parse_checkpoint
from forensics.transparency.keys import PublicKey, is_ed25519
from forensics.transparency.note import signers
from forensics.transparency.tiles import MAX_BUNDLE_BYTES, TILE_WIDTH, TileName

if TYPE_CHECKING:
    from forensics.evidence.client import Answer, Client, Limits

API = "api/v2"
PER_SECOND = 50.0
CONCURRENCY = 8
"""Tiles are files behind a content network and made for being read in bulk; this is still what a guest would do."""


@dataclass(frozen=True, slots=True)
class TileShard:
    """One log: where it is asked, and the logs of the trust root that it may be, each with its name and key.

    Where the trust root itself names the URL it is that one log. Elsewhere, as on a mirror, the checkpoint says which
    one it claims to be, and its key must have signed that.
    """

    url: str
    logs: tuple[TransparencyLog, ...]

    @property
    def name(self) -> str:
        """How to call it before anything was asked: its origin, if there is only one choice, else the URL."""
        return self.logs[0].origin if len(self.logs) == 1 else self.url


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint whose signature was verified with *key*; *raw* is the note as it was served, *at* when."""

    checkpoint: Checkpoint
    key: PublicKey
    raw: str
    evidence: tuple[str, ...] = ()
    at: datetime | None = None

    @property
    def origin(self) -> str:
        """The name of the log."""
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        """How many entries the log had."""
        return self.checkpoint.size


def shards_of(root: TrustRoot, override: str = "") -> tuple[TileShard, ...]:
    """Return the shards of Rekor v2: those of *root* (its logs with Ed25519 keys), or at the URLs of *override*.

    *override* is as in FORENSICS_REKOR_TILES_URLS: URLs parted by commas.
    """
    own = tuple(log for log in root.logs if log.base_url and is_ed25519(log.key))
    urls = [one.strip().rstrip("/") for one in override.split(",") if one.strip()]
    if not urls:
        return tuple(TileShard(log.base_url, (log,)) for log in own)
    return tuple(shard_at(root, url) for url in dict.fromkeys(urls))


def shard_at(root: TrustRoot, url: str) -> TileShard:
    """Return the shard at *url*: the log of *root* that is served there, else any of them may be."""
    url = url.rstrip("/")
    named = tuple(log for log in root.logs if log.base_url == url)
    return TileShard(url, named or root.logs)


def verified_checkpoint(
    raw: str, shard: TileShard, evidence: tuple[str, ...] = (), at: datetime | None = None
) -> SignedCheckpoint:
    """Return the checkpoint *raw* after verifying that a log of *shard* signed it under its own origin.

    Raises MalformedEvidence for a note that cannot be read, of an unknown origin, or without a valid signature,
    HostileInput for an oversized one.
    Source: C2SP tlog-checkpoint and signed-note; Sigstore's Rekor v2 client specification, section 4.4.
    """
    checkpoint = parse_checkpoint(raw)
    known = [log for log in shard.logs if checkpoint.origin == log.origin or _v1_origin(checkpoint, log)]
    if not known:
        raise MalformedEvidence(
            f"a checkpoint of {checkpoint.origin[:100]!r}, which is no log of the trust root served at {shard.url}",
            meaning="Nothing of this log was believed.",
            advice="Name the trust root that has its key with --trust-root.",
        )
    named = {line.hint for line in checkpoint.note.signatures if line.name == checkpoint.log_name}
    for key in signers(checkpoint.note, [log.key for log in known]):
        if named & {key.key_id[:4], key.sha256[:4]}:
            return SignedCheckpoint(checkpoint, key, raw, evidence, at)
    raise MalformedEvidence(
        f"a checkpoint of {checkpoint.origin[:100]!r} and size {checkpoint.size} that the log's key did not sign",
        meaning="Nothing of this log was believed.",
        advice="Keep the answer: whoever served it is not the log, or the log has another key.",
    )


def _v1_origin(checkpoint: Checkpoint, log: TransparencyLog) -> bool:
    return " - " in checkpoint.origin and checkpoint.log_name == log.origin


@dataclass(slots=True)
class HttpTiles:
    """The tiles of one shard, as a `TileReader`. What never changes is asked through *kept*, which may remember it.

    *seen* is the observation of the last checkpoint, *bundles* those of entries, by bundle; *missed* the words of each
    failure to get an answer.
    """

    url: str
    fresh: Client
    kept: Client
    seen: str = ""
    bundles: dict[int, str] = field(default_factory=dict)
    missed: set[str] = field(default_factory=set)

    async def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the tile of hashes at *level*, *index*; raises SourceError, BadAnswer for anything but 200."""
        return (await self._tile(TileName(level, index, width))).body

    async def entries(self, index: int, width: int) -> bytes:
        """Return the bundle of entries *index*; raises as `tile` does."""
        answer = await self._tile(TileName(None, index, width))
        self.bundles[index] = answer.observation
        return answer.body

    async def checkpoint(self) -> bytes:
        """Return the newest checkpoint; never one that was recorded before. Raises as `tile` does."""
        answer = await self._get(self.fresh, "checkpoint")
        self.seen = answer.observation
        return answer.body

    async def head(self, shard: TileShard) -> SignedCheckpoint:
        """Return the newest checkpoint, verified. Raises SourceError, and as `verified_checkpoint` does."""
        raw = await self.checkpoint()
        return verified_checkpoint(_text(raw), shard, (self.seen,) if self.seen else ())

    def evidence_of(self, index: int) -> tuple[str, ...]:
        """Return the observations of the bundle that holds the entry *index*, and of the checkpoint."""
        return tuple(one for one in (self.seen, self.bundles.get(index // TILE_WIDTH, "")) if one)

    async def _tile(self, name: TileName) -> Answer:
        answer = await self._get(self.kept, name.path, name.width == TILE_WIDTH)
        if len(answer.body) > MAX_BUNDLE_BYTES:
            raise self._miss(f"{answer.url} answered with {len(answer.body)} bytes, more than any tile has", answer)
        return answer

    async def _get(self, client: Client, path: str, again: bool = False) -> Answer:
        url = f"{self.url}/{API}/{path}"
        try:
            answer = await client.get(url)
            if answer.status != 200 and again and client is not self.fresh:
                answer = await self.fresh.get(url)  # what was not there once may be there now
        except SourceError as error:
            self.missed.add(error.what)
            raise
        if answer.status != 200:
            raise self._miss(f"{url} answered HTTP {answer.status}", answer)
        return answer

    def _miss(self, what: str, answer: Answer) -> BadAnswer:
        self.missed.add(what)
        return BadAnswer(what, evidence=(answer.observation,) if answer.observation else ())


def courteous(limits: Limits, urls: Iterable[str], requests: int) -> Limits:
    """Return *limits* for reading *requests* tiles of the logs at *urls*; a log on this machine needs no sparing."""
    from dataclasses import replace

    limits = replace(limits, body_bytes=min(limits.body_bytes, MAX_BUNDLE_BYTES + 1))
    limits = replace(limits, requests_per_host=max(limits.requests_per_host, requests + requests // 8 + 1000))
    if all(on_this_machine(url) for url in urls):
        return replace(limits, per_second=100_000.0)
    per_second, concurrency = min(limits.per_second, PER_SECOND), min(limits.concurrency, CONCURRENCY)
    return replace(limits, per_second=per_second, concurrency=concurrency)


def pick(shards: Iterable[TileShard], wanted: str | None, root: TrustRoot) -> tuple[TileShard, ...]:
    """Return the shards that *wanted* means: a URL, the origin of one of *shards*, or all of them (None).

    Raises UsageError for an origin that none has, and where there are no shards at all.
    """
    known = tuple(shards)
    if wanted is None:
        if not known:
            raise UsageError("The trust root names no log of Rekor v2.", advice="Name one by its URL with --log.")
        return known
    if "://" in wanted:
        from forensics.model.endpoints import checked_url

        return (shard_at(root, checked_url(wanted, "--log")),)
    found = tuple(shard for shard in known if any(log.origin == wanted for log in shard.logs))
    if not found:
        names = ", ".join(sorted(shard.name for shard in known)) or "none"
        raise UsageError(f"--log {wanted}: no log of this name is known; there are: {names}, and v1.")
    return found


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise MalformedEvidence("a checkpoint that is not UTF-8") from error
