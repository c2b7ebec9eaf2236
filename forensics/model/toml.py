"""TOML from a stranger, read without what Python's own reader takes too long for."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from forensics.model.errors import HostileInput, MalformedEvidence

MAX_PARTS = 100
"""Parts of one dotted key. No tool writes ten; `tomllib` takes their number squared."""
_DOTTED = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{MAX_PARTS}}}""",
)


def parse_toml(text: str) -> dict[str, Any]:
    """Return the table that *text* is (TOML 1.0).

    Raises MalformedEvidence for what is not TOML or is nested too deeply, HostileInput for a key of MAX_PARTS parts.
    """
    if _DOTTED.search(text):
        raise HostileInput(f"It is TOML with a key of {MAX_PARTS} parts or more.")
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        raise MalformedEvidence(f"It is not TOML: {str(error)[:200]}.") from None
    except RecursionError:
        raise MalformedEvidence("It is not TOML of any tool: it is nested too deeply.") from None
