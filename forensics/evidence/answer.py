"""An answer as a source reads it, and JSON from a stranger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from forensics.model.errors import BadAnswer, HostileInput

_KEEP = b'"[]{}'
_DROP = bytes(set(range(256)) - set(_KEEP))
_STRINGS = re.compile(rb'"[^"]*"')
_STEP = [{ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}.get(byte, 0) for byte in range(256)]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source answered: status, headers by lower-case name, decoded body, final URL, id of the observation."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    observation: str
    json_depth: int = 200

    def json(self) -> Any:
        """Return the body as JSON (RFC 8259, UTF-8).

        Raises BadAnswer when it is malformed, HostileInput when it is nested deeper than `json_depth`.
        """
        return decode_json(self.body, self.json_depth, self.url, (self.observation,) if self.observation else ())


def decode_json(data: bytes, depth: int, name: str, evidence: tuple[str, ...] = ()) -> Any:
    """Return *data* as JSON; *name* says in errors where it comes from.

    Raises BadAnswer when it is malformed, HostileInput when it is nested more than *depth* levels deep.
    """
    import msgspec

    too_deep = HostileInput(f"{name} answered with JSON nested more than {depth} levels deep.")
    if json_nesting(data) > depth:
        raise too_deep
    try:
        return msgspec.json.decode(data)
    except RecursionError:
        raise too_deep from None
    except UnicodeDecodeError:
        problem = "it is not UTF-8"
    except (msgspec.MsgspecError, ValueError) as error:
        problem = str(error)
    raise BadAnswer(
        f"{name} answered with something that is not JSON: {problem}.",
        meaning="The answer is kept, but nothing can be concluded from it.",
        evidence=evidence,
    )


def json_nesting(data: bytes) -> int:
    """Return how deep the brackets of a JSON text are nested, without parsing it, in time linear in its size."""
    if data.count(b"[") + data.count(b"{") < 2:
        return data.count(b"[") + data.count(b"{")
    # Escapes go first, so that a quote that remains is one that opens or closes a string.
    brackets = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _DROP)
    brackets = _STRINGS.sub(b"", brackets)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)
