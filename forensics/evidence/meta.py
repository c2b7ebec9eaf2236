"""`case.json`: what was asked, when, of whom, with which tool; read as a stranger's file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from forensics.model.errors import DamagedCase, ForeignCase
from forensics.model.times import parse_time, to_iso

SCHEMA = "forensics/case/1"
COLLECTING = "collecting"
COMPLETE = "complete"
MAX_BYTES = 4 * 2**20
"""Largest `case.json`, in bytes."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class CaseMeta:
    """What a case says about itself. Times are UTC; `trust_root_sha256` is in hex.

    `reconstruction` labels a case that was made from a scenario and not collected from the public services.
    `sealed_at` is set once the case is closed for good, `sealed_with` names the files that vouch for its manifest.
    `cut_bytes` were of answers that a killed collection left unfinished: cut off when it was resumed, and asked again.
    """

    id: str
    project: str
    created_at: datetime
    closed_at: datetime | None = None
    state: str = COLLECTING
    problems: tuple[str, ...] = ()
    tool: str = ""
    libraries: dict[str, str] = field(default_factory=dict)
    endpoints: dict[str, str] = field(default_factory=dict)
    trust_root_sha256: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    reconstruction: str | None = None
    redacted: bool = False
    sealed_at: datetime | None = None
    sealed_with: tuple[str, ...] = ()
    cut_bytes: int = 0
    schema: str = SCHEMA

    @property
    def complete(self) -> bool:
        """Whether the collection was finished and the bag written."""
        return self.state == COMPLETE


def dump_meta(meta: CaseMeta) -> bytes:
    """Return `case.json`: keys sorted, indented, UTF-8, one trailing newline, so that equal metas are equal bytes."""
    import json

    plain = {name: getattr(meta, name) for name in CaseMeta.__dataclass_fields__}
    for name in ("created_at", "closed_at", "sealed_at"):
        plain[name] = to_iso(plain[name]) if plain[name] else None
    plain["problems"], plain["sealed_with"] = list(meta.problems), list(meta.sealed_with)
    if not meta.cut_bytes:  # most cases were never killed, and need no word about it
        del plain["cut_bytes"]
    return (json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def load_meta(data: bytes) -> CaseMeta:
    """Return what *data*, a `case.json`, says.

    Raises ForeignCase when it is not one or of an unknown schema, DamagedCase when a field has the wrong type.
    """
    import msgspec

    try:
        plain = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise DamagedCase("data/case.json is not JSON.") from None
    if not isinstance(plain, dict) or not isinstance(plain.get("schema"), str):
        raise ForeignCase("data/case.json does not describe a case.")
    if plain["schema"] != SCHEMA:
        raise ForeignCase(
            f"The case has the schema {plain['schema'][:60]!r}; this version reads {SCHEMA!r}.",
            advice="Open it with the version of the toolkit that wrote it, or a newer one.",
        )
    return _Fields(plain).meta()


class _Fields:
    """The fields of a `case.json`, each taken with its type."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self._plain = plain

    def meta(self) -> CaseMeta:
        state = self._text("state")
        if state not in {COLLECTING, COMPLETE}:
            raise _wrong("state")
        created = self._time("created_at")
        if created is None:
            raise _wrong("created_at")
        digest, identity = self._text("trust_root_sha256"), self._text("id")
        if not _DIGEST.fullmatch(digest):
            raise _wrong("trust_root_sha256")
        if not _ID.fullmatch(identity):  # it names directories and files
            raise _wrong("id")
        return CaseMeta(
            id=identity,
            project=self._text("project"),
            created_at=created,
            closed_at=self._time("closed_at"),
            state=state,
            problems=self._strings("problems"),
            tool=self._text("tool"),
            libraries=self._texts("libraries"),
            endpoints=self._texts("endpoints"),
            trust_root_sha256=digest,
            options=self._object("options"),
            reconstruction=None if self._plain.get("reconstruction") is None else self._text("reconstruction"),
            redacted=self._flag("redacted"),
            sealed_at=self._time("sealed_at"),
            sealed_with=self._strings("sealed_with"),
            cut_bytes=self._count("cut_bytes"),
        )

    def _text(self, name: str) -> str:
        value = self._plain.get(name)
        if not isinstance(value, str) or len(value) > 100_000:
            raise _wrong(name)
        return value

    def _time(self, name: str) -> datetime | None:
        if self._plain.get(name) is None:
            return None
        try:
            return parse_time(self._text(name))
        except (ValueError, OverflowError):
            raise _wrong(name) from None

    def _flag(self, name: str) -> bool:
        value = self._plain.get(name, False)
        if not isinstance(value, bool):
            raise _wrong(name)
        return value

    def _count(self, name: str) -> int:
        value = self._plain.get(name, 0)
        if type(value) is not int or not 0 <= value < 2**63:
            raise _wrong(name)
        return value

    def _strings(self, name: str) -> tuple[str, ...]:
        value = self._plain.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise _wrong(name)
        return tuple(value)

    def _object(self, name: str) -> dict[str, Any]:
        value = self._plain.get(name, {})
        if not isinstance(value, dict):
            raise _wrong(name)
        return value

    def _texts(self, name: str) -> dict[str, str]:
        value = self._object(name)
        if not all(isinstance(one, str) for one in value.values()):
            raise _wrong(name)
        return value


def _wrong(name: str) -> DamagedCase:
    return DamagedCase(f"data/case.json: the field {name!r} is missing or not what it should be.")


def closed(meta: CaseMeta, problems: tuple[str, ...], now: datetime) -> CaseMeta:
    """Return *meta* of a finished collection."""
    return replace(meta, state=COMPLETE, problems=problems, closed_at=now)


def cut(meta: CaseMeta, count: int) -> CaseMeta:
    """Return *meta* of a case whose archive lost *count* bytes of an unfinished exchange when it was opened again."""
    return replace(meta, cut_bytes=meta.cut_bytes + count)


def reopened(meta: CaseMeta) -> CaseMeta:
    """Return *meta* of a case that is collected into again."""
    return replace(meta, state=COLLECTING, closed_at=None)
