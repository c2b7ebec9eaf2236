"""A log that misbehaves: wrong promises, foreign entries, another log's key, an index that forgets or cannot search.

Each function changes what a world's log answers for the time of a ``with`` block; the tree itself stays as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.lab import http_rekor
from tests.lab.rekor import Entry, RekorLog, b64

Change = Callable[[dict[str, Any]], None]


@contextmanager
def altered(log: RekorLog, entry: Entry, change: Change) -> Iterator[None]:
    """Answer for ``entry`` with its REST form changed in place by ``change``."""
    truth = log.rest_entry

    def rest_entry(asked: Entry, size: int) -> dict[str, Any]:
        answer = copy.deepcopy(truth(asked, size))
        if asked.uuid == entry.uuid:
            change(next(iter(answer.values())))
        return answer

    with _patched(log, "rest_entry", rest_entry):
        yield


def wrong_promise(data: dict[str, Any]) -> None:
    """A signed entry timestamp that nobody signed."""
    data["verification"]["signedEntryTimestamp"] = b64(b"\x30\x06\x02\x01\x01\x02\x01\x01")


def wrong_time(data: dict[str, Any]) -> None:
    """Logged a day earlier than the promise says."""
    data["integratedTime"] -= 86_400


def wrong_body(data: dict[str, Any]) -> None:
    """Another body under the same id."""
    data["body"] = b64(b'{"apiVersion":"0.0.1","kind":"dsse","spec":{}}')


def other_log(data: dict[str, Any]) -> None:
    """An entry that says it is of a log nobody knows."""
    data["logID"] = "ab" * 32


@contextmanager
def swapped(log: RekorLog, entry: Entry, other: Entry) -> Iterator[None]:
    """Answer with ``other`` where ``entry`` is asked for, under the id that was asked for."""
    truth = log.rest_entry

    def rest_entry(asked: Entry, size: int) -> dict[str, Any]:
        if asked.uuid != entry.uuid:
            return truth(asked, size)
        return {entry.entry_id: next(iter(truth(other, size).values()))}

    with _patched(log, "rest_entry", rest_entry):
        yield


@contextmanager
def forked(log: RekorLog, other: RekorLog, since: int) -> Iterator[None]:
    """Prove entries from the leaf ``since`` on by the tree of ``other``, which the log signed as well."""
    truth = log.rest_entry

    def rest_entry(asked: Entry, size: int) -> dict[str, Any]:
        if asked.index < since:
            return truth(asked, size)
        return other.rest_entry(other.entries[asked.index], len(other.entries))

    with _patched(log, "rest_entry", rest_entry):
        yield


@contextmanager
def forgetful(log: RekorLog, forgets: Callable[[str], bool]) -> Iterator[None]:
    """An index that finds nothing under the keys that ``forgets`` names."""
    truth = log.by_key

    def by_key(key: str, size: int) -> list[Entry]:
        return [] if forgets(key) else truth(key, size)

    with _patched(log, "by_key", by_key):
        yield


@contextmanager
def without_subjects(*, ignores: bool = False) -> Iterator[None]:
    """A log before 1.5.4: it refuses a search by subject, or ``ignores`` the field and finds what it likes."""
    truth = http_rekor._search_keys

    def search_keys(wanted: dict[str, Any]) -> list[str] | str:
        if "subject" not in wanted:
            return truth(wanted)
        return ["everything"] if ignores else "subject in body is a forbidden property"

    with _patched(http_rekor, "_search_keys", search_keys):
        yield


@contextmanager
def _patched(where: Any, name: str, value: Any) -> Iterator[None]:
    known = where.__dict__.get(name)
    setattr(where, name, value)
    try:
        yield
    finally:
        if known is None:
            delattr(where, name)
        else:
            setattr(where, name, known)
