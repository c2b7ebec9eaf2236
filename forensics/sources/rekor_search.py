"""One question to the log outside of an investigation, through a case that keeps the answers or through nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from forensics.attestation.entry import LoggedEntry
from forensics.attestation.record import record_of
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.log import LogRecord
from forensics.sources.interface import Witness
from forensics.sources.rekor import Found, Rekor, by_email, by_hash, by_public_key, by_subject
from forensics.sources.rekor_gather import polite
from forensics.sources.rekor_shards import log_info

if TYPE_CHECKING:
    from forensics.attestation.trust import TrustRoot
    from forensics.evidence.case import Case
    from forensics.evidence.client import Client, Limits

T = TypeVar("T")
HIGHER_LIMIT = "a higher --limit"
"""What would tell about entries that our own limit left out."""
_QUERIES: dict[str, Callable[[str], dict[str, Any]]] = {
    "hash": by_hash,
    "email": by_email,
    "public_key": by_public_key,
    "subject": by_subject,
}


async def answer(
    client: Client, url: str, question: tuple[str, Any], root: TrustRoot, limit: int
) -> tuple[list[LogRecord], list[NotChecked]]:
    """Return the verified entries that answer *question*, oldest first, and what could not be fetched.

    *question* is `hash`, `email`, `public_key` (the PEM), `subject`, `index` or `uuid` and its value; at most *limit*
    entries are fetched.
    Raises UsageError for a value that cannot be asked.
    """
    kind, value = question
    rekor = Rekor(client, url, Witness("Rekor"))
    if kind in _QUERIES:
        query = _QUERIES[kind](value)
        if kind == "subject" and (problem := await _no_subjects(rekor)) is not None:
            return [], [problem]
        found = await _found(rekor, query, limit)
    else:
        single = await (rekor.at_index(value) if kind == "index" else rekor.by_id(value))
        found = _as_found(single)
    info = await log_info(rekor) if found.entries else NotChecked("nothing was found", "log")
    offsets = info.value.offsets if isinstance(info, Checked) else {}
    records = [record_of(entry, root, offsets) for entry in found.entries]
    return sorted(records, key=lambda r: r.index), list(found.missed)


async def _no_subjects(rekor: Rekor) -> NotChecked | None:
    supported = await rekor.searches_subjects()
    if isinstance(supported, NotChecked):
        return supported
    reason = "this log does not search by subject; search by digest instead, or in the public mirror of its index"
    return None if supported.value else NotChecked(reason, "rekor 1.5.4 or newer", supported.evidence)


async def _found(rekor: Rekor, query: dict[str, Any], limit: int) -> Found:
    ids = await rekor.search(query)
    if isinstance(ids, NotChecked):
        return Found((), (ids,))
    found = await rekor.entries(ids.value[:limit])
    left = len(ids.value) - limit
    if left <= 0:
        return found
    reason = f"{left} more entries were found and not fetched; --limit allows more"
    return Found(found.entries, (*found.missed, NotChecked(reason, HIGHER_LIMIT, ids.evidence)))


def _as_found(single: Outcome[LoggedEntry | None]) -> Found:
    if isinstance(single, NotChecked):
        return Found((), (single,))
    return Found((single.value,) if single.value is not None else ())


async def through_case(
    case: Case, limits: Limits, ask: Callable[[Client], Awaitable[T]], *, offline: bool = False
) -> T:
    """Return what *ask* makes of a client whose answers *case* holds, or keeps. A complete case is closed again.

    Raises ReadOnlyCase for a sealed, zipped or built-in case unless *offline*.
    """
    from forensics.evidence.client import Client
    from forensics.evidence.network import open_network
    from forensics.evidence.transport import RecordingTransport, ReplayingTransport

    if offline:
        with case.reading_archive() as archive:
            async with Client(ReplayingTransport(archive)) as client:
                return await ask(client)
    meta = case.meta
    if meta.complete:
        case.reopen_for_collection()
    url = meta.endpoints.get("rekor", "")
    with case.archive() as archive:
        async with Client(RecordingTransport(open_network(), archive), polite(limits, url)) as client:
            result = await ask(client)
    if meta.complete:
        case.finish(meta.problems, meta.closed_at)
    return result


async def through_nothing(url: str, limits: Limits, ask: Callable[[Client], Awaitable[T]]) -> T:
    """Return what *ask* makes of a client whose answers nobody keeps."""
    from forensics.evidence.client import Client
    from forensics.evidence.network import open_network

    async with Client(open_network(), polite(limits, url)) as client:
        return await ask(client)
