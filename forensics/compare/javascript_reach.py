"""What a script for Node could touch, searched as text: a hint, where Python's syntax tree is a reading."""

from __future__ import annotations

import re

from forensics.compare.python_reach import CodeFacts
from forensics.model.contents import CREDENTIALS, DYNAMIC, ENVIRONMENT, NETWORK, PROCESS

_RULES = (
    (PROCESS, re.compile(rb"""child_process|\bexecSync\b|\bspawnSync\b|Bun\.spawn|Deno\.run""")),
    (NETWORK, re.compile(rb"""["'](?:node:)?(?:https?|net|tls|dgram|dns|undici|axios)["']|\bfetch\(|XMLHttpRequest""")),
    (DYNAMIC, re.compile(rb"""\beval\(|new Function\(|\bvm\.runIn""")),
    (ENVIRONMENT, re.compile(rb"""process\.env""")),
    (CREDENTIALS, re.compile(rb"""\.npmrc|\.ssh/|\.aws/|id_rsa|wallet\.dat|169\.254\.169\.254""")),
)


def read_script(source: bytes) -> CodeFacts:
    """Return what the text of a script names."""
    return CodeFacts(tuple(sorted(reach for reach, rule in _RULES if rule.search(source))))
