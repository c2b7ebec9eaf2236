"""The index's XML-RPC service: the journal of all projects, page by page, and who has which role.

A row has the shape ``[name, version, unix time, action, serial]``. With ``filler`` the journal holds a change of some
other project every so often, as the real one does, so that a page covers a stretch and not everything.
"""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.lab.pypi import IndexView
from tests.lab.store import JOURNAL_START, serial_at

PAGE = 50_000
UNSUPPORTED = -32500
MAINTAINER = "maintainer"


@dataclass(frozen=True)
class JournalSettings:
    """Rows to a page, and how much time lies between two changes of other projects (``None``: there are none)."""

    page: int = PAGE
    filler: timedelta | None = None


def answer(body: bytes, view: IndexView, settings: JournalSettings) -> str | None:
    """The XML of the answer to a call, or ``None`` when the body is no call."""
    try:
        arguments, method = xmlrpc.client.loads(body)
    except Exception:
        return None
    value = _value(method, arguments, view, settings)
    if isinstance(value, xmlrpc.client.Fault):
        return xmlrpc.client.dumps(value, methodresponse=True)
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True)


def _value(method: str | None, arguments: tuple[Any, ...], view: IndexView, settings: JournalSettings) -> Any:
    if method == "changelog_last_serial" and not arguments:
        return _last_serial(view, settings)
    if method == "changelog_since_serial" and len(arguments) == 1 and isinstance(arguments[0], int):
        return _page(arguments[0], view, settings)
    if method == "package_roles" and len(arguments) == 1:
        return [["Owner", MAINTAINER]] if str(arguments[0]).lower() == view.name else []
    if method == "user_packages" and len(arguments) == 1:
        theirs = [view.scenario.project, *(other.project for other in view.scenario.sibling)]
        return [["Owner", name] for name in theirs] if arguments[0] == MAINTAINER else []
    return xmlrpc.client.Fault(UNSUPPORTED, f"RuntimeError: {method} is not supported")


def _own(view: IndexView) -> list[list[Any]]:
    return [row.row() for row in view.journal if row.moment <= view.moment]


def _last_serial(view: IndexView, settings: JournalSettings) -> int:
    if settings.filler is None:
        return view.last_serial
    count = int((view.moment - JOURNAL_START) / settings.filler)
    return max(view.last_serial, serial_at(JOURNAL_START + count * settings.filler))


def _page(since: int, view: IndexView, settings: JournalSettings) -> list[list[Any]]:
    own = [row for row in _own(view) if row[4] > since]
    if settings.filler is None:
        return own[: settings.page]
    taken = {row[4] for row in _own(view)}
    found = list(own)
    for row in _fillers(since, view.moment, settings.filler):
        if row[4] not in taken:
            found.append(row)
        if len(found) - len(own) >= settings.page:
            break
    found.sort(key=lambda row: row[4])
    return found[: settings.page]


def _fillers(since: int, until: datetime, every: timedelta) -> Iterator[list[Any]]:
    """Changes of other projects with a serial above ``since``, in order."""
    low, high = 0, int((until - JOURNAL_START) / every)
    last = high
    while low < high:
        middle = (low + high) // 2
        if _filler(middle, every)[4] > since:
            high = middle
        else:
            low = middle + 1
    for number in range(low, last + 1):
        row = _filler(number, every)
        if row[4] > since:
            yield row


def _filler(number: int, every: timedelta) -> list[Any]:
    moment = JOURNAL_START + number * every
    return [f"other-{number % 997}", f"1.{number}", int(moment.timestamp()), "new release", serial_at(moment)]
