"""Scenarios collected through all witnesses over HTTP, then analysed again from the case with nobody to ask.

`FORENSICS_MATRIX=1` does so for ten scenarios; by default it is one of each ecosystem.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Forensics
from tests.lab import build_world, load_scenario, serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PYPI = ("ultralytics-2024-12", "num2words-2025-07", "litellm-2026-03", "elementary-data-2026-04", "svglib-2.0.0")
NPM = ("axios-2026-03", "nx-2025-08", "xrpl-2025-04", "vite-6.4.1", "tanstack-2026-05")
WORLDS = (*PYPI, *NPM) if os.environ.get("FORENSICS_MATRIX") == "1" else (PYPI[2], NPM[0])
SCENARIOS = Path(__file__).parents[2] / "fixtures" / "scenarios"


@pytest.mark.parametrize("name", WORLDS)
def test_the_case_alone_says_the_same_and_names_what_each_row_rests_on(
    name: str, forensics: Forensics, tmp_path: Path
) -> None:
    scenario = load_scenario(SCENARIOS / f"{name}.toml")
    with serve(build_world(scenario)) as server:
        case, env = tmp_path / "case", server.env()
        assert "FORENSICS_GITHUB_API_URL" in env
        project = f"{scenario.ecosystem}:{scenario.project}"
        live = forensics("timeline", project, "--case", case, "--json", env=env)
        assert live.returncode in {0, 10, 11}, live.stderr
        server.reset_requests()
        again = forensics("timeline", "--case", case, "--offline", "--json", env=env)
        assert server.requests == []
    assert again.stdout == live.stdout
    document = json.loads(live.stdout)
    held = {observation["id"] for observation in document["observations"]}
    assert [row for _, row in _rows(document, "") if not set(row["evidence"]) <= held] == []
    # Where nobody was asked nobody answered: such a row says why. The counts of questions rest on no single answer.
    bare = [row for path, row in _rows(document, "") if not row["evidence"] and path != "sources"]
    assert [row for row in bare if not row.get("reason")] == []


def _rows(value: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict):
        if "evidence" in value:
            yield path, value
        for key, inner in value.items():
            yield from _rows(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _rows(inner, path)
