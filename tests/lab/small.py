"""Two small projects, one of each index, for tests that ask every source: four releases, the third removed."""

from __future__ import annotations

from tests.lab.scenario import Scenario, parse_scenario

_TEXT = """
schema = 1
id = "{id}"
title = "Four releases, one removed"
kind = "incident"
ecosystem = "{ecosystem}"
project = "{project}"
as_of = 2026-03-01T00:00:00Z
[repository]
url = "https://github.com/example-author/{id}"
id = 4711
owner_id = 42
[identity]
issuer = "https://token.actions.githubusercontent.com"
workflow = ".github/workflows/release.yml"
ref = "refs/heads/main"
trigger = "push"
[[sibling]]
project = "{sibling}"
versions = {{ "1.0.0" = 2026-02-03T11:00:00Z }}
"""


def small_scenario(ecosystem: str = "pypi") -> Scenario:
    """Versions 1.0.0 to 1.0.3, a day apart; 1.0.2 was advised against and removed."""
    name = f"small-{ecosystem}"
    text = _TEXT.format(id=name, ecosystem=ecosystem, project=name, sibling=f"{name}-other")
    files = '["sdist", "wheel"]' if ecosystem == "pypi" else '["tarball"]'
    for number in range(4):
        text += f"""
[[release]]
version = "1.0.{number}"
published = 2026-02-{number + 20:02d}T10:00:00Z
door = "trusted-attested"
files = {files}
account = "{"" if ecosystem == "pypi" else "GitHub Actions"}"
"""
        if number == 2:
            text += (
                'removed = 2026-02-22T16:00:00Z\nmalicious = true\nadvisories = ["MAL-2026-1", "GHSA-aaaa-bbbb-cccc"]\n'
            )
    return parse_scenario(text, f"{name}.toml")
