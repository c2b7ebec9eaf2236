"""A small project that lost four releases of two files: two that its workflow signed, two that a token uploaded."""

from __future__ import annotations

from tests.lab.scenario import Scenario, parse_scenario

SIGNED = ("1.0.4", "1.0.5")
"""Removed, and signed by the project's workflow."""
BARE = ("1.0.8", "1.0.9")
"""Removed, and never signed."""

_HEAD = """
schema = 1
id = "wares"
title = "Four releases lost"
kind = "incident"
ecosystem = "pypi"
project = "wares"
as_of = 2026-03-01T00:00:00Z
[repository]
url = "https://github.com/example-author/wares"
id = 4711
owner_id = 42
[identity]
issuer = "https://token.actions.githubusercontent.com"
workflow = ".github/workflows/release.yml"
ref = "{ref}"
trigger = "push"
"""


def removed_scenario(ref: str = "refs/heads/main") -> Scenario:
    """Versions 1.0.0 to 1.0.11, a day apart; ``ref`` may hold ``{tag}``."""
    parts = [_HEAD.replace("{ref}", ref)]
    for number in range(12):
        version = f"1.0.{number}"
        door = "token" if version in BARE else "trusted-attested"
        lines = [
            "[[release]]",
            f'version = "{version}"',
            f"published = 2026-02-{number + 1:02d}T10:00:00Z",
            f'door = "{door}"',
            'files = ["sdist", "wheel"]',
        ]
        if version in (*SIGNED, *BARE):
            lines.append(f"removed = 2026-02-{number + 1:02d}T16:00:00Z")
        parts.append("\n".join(lines) + "\n")
    return parse_scenario("\n".join(parts), "wares.toml")
