"""A private Sigstore and package index, made from a scenario and served over loopback HTTP.

The lab encodes everything on its own and shares no code with the package under test, so that one
misunderstanding cannot cancel out. ``build_world`` turns a scenario into a world; ``serve`` puts the
world behind a real HTTP server; ``python -m tests.lab serve SCENARIO`` does both from a shell.
"""

from __future__ import annotations

from tests.lab.errors import LabError, ScenarioError
from tests.lab.faults import Fault
from tests.lab.scenario import Scenario, load_scenario
from tests.lab.server import LabServer, serve
from tests.lab.world import Snapshot, World, build_world

__all__ = [
    "Fault",
    "LabError",
    "LabServer",
    "Scenario",
    "ScenarioError",
    "Snapshot",
    "World",
    "build_world",
    "load_scenario",
    "serve",
]
