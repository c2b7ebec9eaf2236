"""What the responder added to a case by hand: files with their source, and single facts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from forensics.model.errors import DamagedCase, UsageError
from forensics.model.observation import Observation, observation_id
from forensics.model.times import parse_time, to_iso

INDEX = "data/imports/index.jsonl"
FACTS = "data/imports/facts.jsonl"
FOLDER = "data/imports/"
MAX_INDEX_BYTES = 64 * 2**20
"""Largest index of imports or facts, in bytes."""
MAX_ENTRIES = 100_000
"""Most imports, and most facts, in a case."""
_RESERVED = {"index.jsonl", "facts.jsonl"}


@dataclass(frozen=True, slots=True)
class Import:
    """A file or a fact that a person added: its name, kind, where it is from, and when it was added (UTC)."""

    name: str
    kind: str
    source: str
    added_at: datetime
    observation: Observation
    reader: Callable[[], bytes]

    def read(self) -> bytes:
        """Return the bytes; raises DamagedCase when they are missing or not those that were added."""
        data = self.reader()
        if hashlib.sha256(data).hexdigest() != self.observation.sha256:
            raise DamagedCase(f"The import {self.name!r} is not what was added to the case.")
        return data


def safe_import_name(name: str) -> str:
    """Return *name* as the name of a file in `data/imports/`; raises UsageError when nothing of it is left."""
    base = re.split(r"[/\\]", name)[-1]
    clean = re.sub(r"[^A-Za-z0-9._+@=-]+", "-", base).lstrip(".-")[-150:].lstrip(".-")
    if not clean:
        raise UsageError(f"{name!r} cannot be the name of an import.")
    return f"import-{clean}" if clean.lower() in _RESERVED else clean


def index_line(name: str, kind: str, source: str, added_at: datetime, data: bytes) -> bytes:
    """Return the line of `index.jsonl` for a file."""
    digest = hashlib.sha256(data).hexdigest()
    return _line(
        {
            "name": name,
            "kind": kind,
            "source": source,
            "added_at": to_iso(added_at),
            "sha256": digest,
            "size": len(data),
        }
    )


def fact_line(number: int, fact: Mapping[str, Any], source: str, added_at: datetime) -> bytes:
    """Return the line of `facts.jsonl` for the *number*-th fact; raises UsageError when it is not JSON."""
    try:
        return _line({"n": number, "source": source, "added_at": to_iso(added_at), "fact": dict(fact)})
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"The fact cannot be written as JSON: {error}.") from None


def _line(value: Mapping[str, Any]) -> bytes:
    import json

    return (json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_index(data: bytes, reader: Callable[[str], bytes]) -> list[Import]:
    """Return the imported files that `index.jsonl` lists. Raises DamagedCase for a line that is not one of ours."""
    found = []
    for raw in _lines(data, INDEX):
        line = _decoded(raw, INDEX)
        name, kind, source = (_text(line, key, INDEX) for key in ("name", "kind", "source"))
        digest, size, at = _text(line, "sha256", INDEX), line.get("size"), _time(line, INDEX)
        if safe_import_name(name) != name or not isinstance(size, int) or not 0 <= size < 2**60:
            raise _damaged(INDEX)
        url = f"import:{name}"
        observation = Observation(
            observation_id("IMPORT", url, at, None, digest), "IMPORT", url, at, None, digest, size, ""
        )
        found.append(Import(name, kind, source, at, observation, partial(reader, name)))
    return found


def read_facts(data: bytes) -> list[Import]:
    """Return the facts of `facts.jsonl`, each line its own observation. Raises DamagedCase as `read_index` does."""
    found = []
    for number, raw in enumerate(_lines(data, FACTS), 1):
        line = _decoded(raw, FACTS)
        if line.get("n") != number or not isinstance(line.get("fact"), dict):
            raise _damaged(FACTS)
        at, url, digest = _time(line, FACTS), f"fact:{number}", hashlib.sha256(raw).hexdigest()
        observation = Observation(
            observation_id("FACT", url, at, None, digest), "FACT", url, at, None, digest, len(raw), "application/json"
        )
        found.append(Import(url, "fact", _text(line, "source", FACTS), at, observation, partial(bytes, raw)))
    return found


def _lines(data: bytes, name: str) -> list[bytes]:
    lines = data.split(b"\n")
    if lines[-1] or len(lines) > MAX_ENTRIES + 1:
        raise _damaged(name)
    return lines[:-1]


def _decoded(raw: bytes, name: str) -> dict[str, Any]:
    import msgspec

    try:
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _damaged(name) from None
    if not isinstance(value, dict):
        raise _damaged(name)
    return value


def _text(line: Mapping[str, Any], key: str, name: str) -> str:
    value = line.get(key)
    if not isinstance(value, str):
        raise _damaged(name)
    return value


def _time(line: Mapping[str, Any], name: str) -> datetime:
    try:
        return parse_time(_text(line, "added_at", name))
    except (ValueError, OverflowError):
        raise _damaged(name) from None


def _damaged(name: str) -> DamagedCase:
    return DamagedCase(f"{name} has a line that is not an entry of this case.")
