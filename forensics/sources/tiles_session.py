"""Clients for reading logs outside of an investigation: through a case that keeps the answers, or through nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.evidence.case import Case
    from forensics.evidence.client import Client, Limits


@dataclass(frozen=True, slots=True)
class Asking:
    """Ways to ask: *fresh* whatever was recorded before this run, *kept* for what never changes.

    *renew* returns a client that asks again whatever was recorded until now. Without a network (*offline*) all of them
    answer from what is recorded.
    """

    fresh: Client
    kept: Client
    renew: Callable[[], Client]
    offline: bool = False


@asynccontextmanager
async def asking(case: Case | None, limits: Limits, *, offline: bool = False) -> AsyncIterator[Asking]:
    """Open the clients, and close what they record into. A complete case is complete again afterwards.

    Raises ReadOnlyCase for a sealed, zipped or built-in case unless *offline*.
    """
    from forensics.evidence.client import Client
    from forensics.evidence.network import open_network
    from forensics.evidence.transport import RecordingTransport, ReplayingTransport

    if case is None:
        async with Client(open_network(), limits) as client:
            yield Asking(client, client, lambda: client)
        return
    if offline:
        with case.reading_archive() as archive:
            async with Client(ReplayingTransport(archive), limits) as client:
                yield Asking(client, client, lambda: client, offline=True)
        return
    meta = case.meta
    if meta.complete or not case.writable:
        case.reopen_for_collection()
    try:
        with case.archive() as archive:
            network = open_network()

            def renew() -> Client:
                return Client(RecordingTransport(network, archive, fresh_after=datetime.now(UTC)), limits)

            async with Client(RecordingTransport(network, archive), limits) as kept:
                yield Asking(renew(), kept, renew)
    finally:
        if meta.complete:
            case.finish(meta.problems, meta.closed_at)
