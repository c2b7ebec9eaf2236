"""YAML of lockfiles: mappings, sequences and scalars as text, with lines, and nothing that a document could abuse.

The nodes are built from events, not by the library's own composer: that one recurses in C, and a document of brackets
ends the process. Anchors and aliases, which no lockfile needs and from which bombs are made, are refused. Tags mean
nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from forensics.model.errors import HostileInput, MalformedEvidence

MAX_DEPTH = 60
MAX_NODES = 5_000_000


class Mapping(dict[str, Any]):
    """A mapping with the line (from 1) of each key in `lines`. Keys and scalars are text as written."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


def read_yaml(text: str) -> Any:
    """Return the first document of *text*: Mapping, list, text, or None for an empty one.

    Raises HostileInput for anchors, aliases, and what is deeper than MAX_DEPTH or has more than MAX_NODES parts,
    MalformedEvidence for what is not YAML. Of a key that stands twice the last value counts.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder(cast("Iterable[Any]", yaml.parse(text, Loader=loader))).document()
    except (yaml.YAMLError, ValueError) as error:
        raise MalformedEvidence(f"It is not YAML: {' '.join(str(error).split())[:200]}.") from None


class _Builder:
    """Turns events into values with a stack of its own."""

    def __init__(self, events: Iterable[Any]) -> None:
        self.events = events
        self.stack: list[tuple[Any, list[tuple[str, int] | None]]] = []
        self.root: Any = None

    def document(self) -> Any:
        import yaml

        for count, event in enumerate(self.events):
            if count > MAX_NODES:
                raise HostileInput(f"It has more than {MAX_NODES:,} parts.")
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise HostileInput("It uses YAML anchors or aliases, which no lockfile needs.")
            line = event.start_mark.line + 1
            if isinstance(event, yaml.ScalarEvent):
                self._put(event.value, line)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._open(Mapping() if isinstance(event, yaml.MappingStartEvent) else [], line)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self.stack.pop()
            elif isinstance(event, yaml.DocumentEndEvent):
                break
        return self.root

    def _open(self, value: Any, line: int) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise HostileInput(f"It is nested more than {MAX_DEPTH} deep.")
        self._put(value, line)
        self.stack.append((value, [None]))

    def _put(self, value: Any, line: int) -> None:
        if not self.stack:
            self.root = value
            return
        parent, pending = self.stack[-1]
        if isinstance(parent, list):
            parent.append(value)
        elif pending[0] is None:
            # A key that is no scalar gets a name that no reader asks for.
            pending[0] = (value, line) if isinstance(value, str) else ("\0", line)
        else:
            key, at = pending[0]
            parent[key], parent.lines[key] = value, at
            pending[0] = None
