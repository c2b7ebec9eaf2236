"""The archive of a case: every exchange with a source, in one WARC file that only ever grows."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from forensics._version import __version__
from forensics.evidence.durable import GroupCommit, lock
from forensics.evidence.index import Exchange, describe, is_tail, scan
from forensics.evidence.warc import ReadAt, exchange_records, info_record, pread, read_block
from forensics.evidence.wire import Failure, ReceivedResponse, SentRequest, parse_head, parse_status, site_of
from forensics.model.errors import DamagedCase, EvidenceError
from forensics.model.observation import Observation


class Archive:
    """An open archive: `Archive.append_to`, `Archive.reading` or `Archive.of_bytes`. It is a context manager."""

    def __init__(self, read_at: ReadAt, size: int, descriptor: int | None, *, torn_ok: bool = False) -> None:
        self._read_at = read_at
        self._size = size
        self._descriptor = descriptor
        self._torn_ok = torn_ok
        self._commit: GroupCommit | None = None
        self._exchanges: list[Exchange] | None = None
        self._by_key: dict[str, list[Exchange]] = {}
        self._times: set[datetime] = set()
        self.cut_bytes = 0
        """How many bytes of an unfinished exchange were cut off when the archive was opened for appending."""

    @classmethod
    def append_to(cls, path: Path, now: datetime) -> Archive:
        """Open the archive at *path* for appending; a new one is dated *now* (UTC).

        An exchange that a killed collection left unfinished is cut off. Raises DamagedCase when it is not at the end,
        and UsageError while another process appends.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            lock(descriptor, path)
            archive = cls(pread(descriptor), os.fstat(descriptor).st_size, descriptor, torn_ok=True)
            archive._cut_torn_tail()
            archive._commit = GroupCommit(descriptor)
            if not archive._size:
                archive._write(info_record(f"release-forensics/{__version__}", now))
        except BaseException:
            os.close(descriptor)
            raise
        return archive

    @classmethod
    def reading(cls, descriptor: int, base: int, size: int, *, torn_ok: bool = False) -> Archive:
        """Open *size* bytes at *base* of an open file for reading; the archive closes *descriptor*.

        With *torn_ok* (a case still collecting) an unfinished exchange at the end is ignored instead of being damage.
        """
        return cls(pread(descriptor, base), size, descriptor, torn_ok=torn_ok)

    @classmethod
    def of_bytes(cls, data: bytes) -> Archive:
        """Open an archive held in memory for reading (one that a zip has compressed, or an empty one)."""
        return cls(lambda offset, count: data[offset : offset + count], len(data), None)

    @property
    def size(self) -> int:
        """The length of the archive in bytes."""
        return self._size

    def append(self, request: SentRequest, outcome: ReceivedResponse | Failure, at: datetime) -> Observation:
        """Record one exchange that began at the UTC time *at*, and return its observation.

        It survives the death of this process at once, and of the machine within 200 ms or 32 exchanges.
        Raises EvidenceError when the disk refuses.
        """
        exchanges = self._index()
        while at in self._times:  # ids hash the time, so no two exchanges may share a microsecond
            at += timedelta(microseconds=1)
        first, second, block_size = exchange_records(request, outcome, at)
        offset = self._size + len(first)
        self._write(first + second)
        digest, failed, truncated, size = None, None, None, 0
        if isinstance(outcome, Failure):
            failed = outcome
        else:
            digest, truncated = hashlib.sha256(outcome.body).hexdigest(), outcome.truncated
            size = len(outcome.body)
        observation = describe(request, outcome, at, digest, size)
        final = failed is None and not isinstance(outcome, Failure) and outcome.final
        self._remember(
            exchanges, Exchange(observation, request.key, final, failed, truncated, offset, self._size, block_size)
        )
        return observation

    def observations(self) -> list[Observation]:
        """Return the observation of every exchange, in the order in which they were recorded."""
        return [exchange.observation for exchange in self._index()]

    def answers(self) -> Iterator[tuple[Observation, ReceivedResponse]]:
        """Yield every answer in the order of recording, its content coding not undone.

        Raises DamagedCase for one whose bytes are not those of its digest.
        """
        for exchange in self._index():
            if exchange.failed is None:
                yield exchange.observation, self.response(exchange)

    def answers_from(self, method: str, url: str) -> Iterator[tuple[Observation, ReceivedResponse]]:
        """Yield every final answer to *method* at *url*, whatever the question's body; raises as `answers` does."""
        for exchange in self._index():
            seen = exchange.observation
            if exchange.final and seen.url == url and seen.method == method:
                yield seen, self.response(exchange)

    def unanswered(self, method: str, url: str) -> list[tuple[Observation, ...]]:
        """Return, for each question with *method* at *url* that never got a final answer, every attempt."""
        found: list[tuple[Observation, ...]] = []
        self._index()
        for attempts in self._by_key.values():
            first = attempts[0].observation
            if first.method == method and first.url == url and not any(one.final for one in attempts):
                found.append(tuple(one.observation for one in attempts))
        return found

    def find(self, key: str) -> Exchange | None:
        """Return the exchange that answers the question *key*: the last final one, else the last failure."""
        found = self.asked(key)
        return next((one for one in reversed(found) if one.final), found[-1] if found else None)

    def asked(self, key: str) -> list[Exchange]:
        """Return every exchange that asked the question *key*, oldest first."""
        self._index()
        return list(self._by_key.get(key, ()))

    def unheard(self, site: str) -> list[Exchange]:
        """Return the failed attempts to ask *site* (host and port) since it last gave an answer that stands."""
        found: list[Exchange] = []
        for exchange in reversed(self._index()):
            seen = exchange.observation
            if seen.method in {"GET", "POST"} and site_of(seen.url) == site:
                if exchange.final:
                    break
                if exchange.truncated != "length":  # a body over our limit says nothing against the host
                    found.append(exchange)
        return found[::-1]

    def response(self, exchange: Exchange) -> ReceivedResponse:
        """Return the answer of *exchange*; raises DamagedCase when its bytes are not those of its digest."""
        block = read_block(self._read_at, exchange.offset, exchange.end, exchange.size)
        first, headers, body_at = parse_head(block)
        status, reason = parse_status(first)
        body = block[body_at:]
        if hashlib.sha256(body).hexdigest() != exchange.observation.sha256:
            raise DamagedCase(f"The recorded answer of {exchange.observation.url} does not have its recorded digest.")
        return ReceivedResponse(status, reason, headers, body, exchange.truncated)

    def body(self, observation: str) -> bytes:
        """Return the payload, as received, of the observation with this id; raises DamagedCase when there is none."""
        for exchange in self._index():
            if exchange.observation.id == observation and exchange.failed is None:
                return self.response(exchange).body
        raise DamagedCase(f"The archive holds no answer with the id {observation}.")

    def check(self) -> list[str]:
        """Read every answer back; return one sentence for each that does not have its digest."""
        problems = []
        for exchange in self._index():
            if exchange.failed is None:
                try:
                    self.response(exchange)
                except DamagedCase as error:
                    problems.append(error.what)
        return problems

    def sync(self) -> None:
        """Return once everything appended so far is on the disk."""
        if self._commit:
            self._commit.sync()

    def close(self) -> None:
        """Sync and close; calling it again does nothing."""
        commit, self._commit = self._commit, None
        descriptor, self._descriptor = self._descriptor, None
        try:
            if commit:
                commit.close()
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        if self._commit is None or self._descriptor is None:
            raise EvidenceError("This archive is not open for appending.")
        try:
            written = os.write(self._descriptor, data)  # one write: a kill leaves all of an exchange or a torn tail
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
            self._commit.wrote()
        except OSError as error:
            os.ftruncate(self._descriptor, self._size)
            raise EvidenceError(
                f"The case could not be written: {error.strerror}.",
                meaning="Everything recorded before is intact; this answer was not kept and must not be used.",
                advice="Make room and run the same command again; it resumes.",
            ) from error
        self._size += len(data)

    def _index(self) -> list[Exchange]:
        if self._exchanges is None:
            found = scan(self._read_at, self._size)
            if found.broken and not (self._torn_ok and is_tail(self._read_at, self._size, found.broken_at)):
                raise DamagedCase(f"The archive of exchanges is damaged: {found.broken}.")
            self._exchanges = []
            for exchange in found.exchanges:
                self._remember(self._exchanges, exchange)
        return self._exchanges

    def _cut_torn_tail(self) -> None:
        found = scan(self._read_at, self._size)
        if found.broken:
            if not is_tail(self._read_at, self._size, found.broken_at):
                raise DamagedCase(f"The archive of exchanges is damaged: {found.broken}.")
            assert self._descriptor is not None
            self.cut_bytes = self._size - found.good
            os.ftruncate(self._descriptor, found.good)
            os.fsync(self._descriptor)
            self._size = found.good
        self._exchanges = []
        for exchange in found.exchanges:
            self._remember(self._exchanges, exchange)

    def _remember(self, exchanges: list[Exchange], exchange: Exchange) -> None:
        self._by_key.setdefault(exchange.key, []).append(exchange)
        self._times.add(exchange.observation.at)
        exchanges.append(exchange)
