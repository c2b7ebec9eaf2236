"""How deeply JSON is nested, found without recursion and before a parser recurses into it."""

from __future__ import annotations

import re
from typing import Any

MAX_DEPTH = 200
# A string that nobody closes goes to the end: were it no token, each quote in it would be tried as the next beginning.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]+|[\]}]+', re.DOTALL)


def within_depth(data: Any, limit: int = MAX_DEPTH) -> bool:
    """Return whether parsed JSON is nested at most *limit* levels deep."""
    level = [data]
    for _ in range(limit + 1):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                deeper.extend(item for item in value.values() if isinstance(item, (dict, list)))
            elif isinstance(value, list):
                deeper.extend(item for item in value if isinstance(item, (dict, list)))
        if not deeper:
            return True
        level = deeper
    return False


def text_within_depth(raw: bytes, limit: int = MAX_DEPTH) -> bool:
    """Return whether JSON text opens at most *limit* brackets inside each other; for text that is not JSON, either."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return True  # too few brackets to nest deeper, wherever they stand
    depth = 0
    for match in _TOKEN.finditer(raw):
        first = raw[match.start()]
        if first == 0x22:  # a string
            continue
        size = match.end() - match.start()
        depth += size if first in b"[{" else -size
        if depth > limit:
            return False
    return True
