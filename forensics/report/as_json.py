"""The document as JSON: the keys in the order of `forensics.model.document`, lossless, nothing hidden."""

from __future__ import annotations

import json
import re
import types
import typing
from typing import Any

from forensics.model.document import Document
from forensics.model.text import HIDDEN


def render_json(document: Document) -> str:
    r"""Return *document* as JSON text: indent 2, a newline at the end.

    Characters that hide or reorder are written as `\uXXXX`, which JSON readers turn back: the data is unchanged and
    the text is what it looks like. Open maps (claims, endpoints, options) keep their own order; unknown keys come last.
    """
    text = json.dumps(_ordered(document, Document), ensure_ascii=False, indent=2)
    if text.isascii() and "\x7f" not in text:
        return text + "\n"
    return "\n".join(HIDDEN.sub(_escaped, line) for line in text.split("\n")) + "\n"


def _escaped(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _ordered(value: Any, kind: Any) -> Any:
    if isinstance(value, list):
        inner = _argument(kind, list)
        return [_ordered(item, inner) for item in value]
    if not isinstance(value, dict):
        return value
    shape = next((part for part in _parts(kind) if typing.is_typeddict(part)), None)
    if shape is None:
        return dict(value)
    hints = _hints(shape)
    known = {key: _ordered(value[key], hint) for key, hint in hints.items() if key in value}
    return known | {key: value[key] for key in sorted(value) if key not in hints}


_HINTS: dict[Any, dict[str, Any]] = {}


def _hints(shape: Any) -> dict[str, Any]:
    if shape not in _HINTS:
        _HINTS[shape] = typing.get_type_hints(shape)
    return _HINTS[shape]


def _parts(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)


def _argument(kind: Any, origin: type) -> Any:
    for part in _parts(kind):
        if typing.get_origin(part) is origin:
            return typing.get_args(part)[0]
    return None
