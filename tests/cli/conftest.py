from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.command import COMMAND, environment
from tests.lab import World, serve
from tests.sources.conftest import _tiny_server, tiny  # noqa: F401 -- fixtures of the small index


@dataclass
class Collected:
    """A case of the lab's world, collected live once; `imported` is the same with what the responder brought
    and what the log then said about it."""

    home: Path

    @property
    def plain(self) -> Path:
        return self.home / "plain"

    @property
    def imported(self) -> Path:
        return self.home / "imported"

    @property
    def root(self) -> Path:
        return self.home / "root.json"

    @property
    def live(self) -> dict[str, Any]:
        """What the live run of `plain` printed."""
        return dict(json.loads((self.home / "live.json").read_text("utf-8")))


@pytest.fixture(scope="session")
def collected(lab_world: World, tmp_path_factory: pytest.TempPathFactory) -> Collected:
    """Collected once in each process of a run: every process has a world of its own, with keys of its own."""
    home = tmp_path_factory.mktemp("collected")
    with serve(lab_world) as server:
        (home / "root.json").write_bytes((server.directory / "trusted_root.json").read_bytes())
        env = {**environment(home, server.env()), "FORENSICS_TRUST_ROOT": str(home / "root.json")}

        def run(*words: object, code: int) -> str:
            line = [str(COMMAND), *map(str, words)]
            done = subprocess.run(line, env=env, cwd=home, capture_output=True, encoding="utf-8", check=False)
            assert done.returncode == code, done.stderr
            return done.stdout

        live = run("timeline", "ultralytics", "--case", home / "plain", "--json", code=11)
        (home / "live.json").write_text(live, "utf-8")
        run("timeline", "ultralytics", "--case", home / "imported", "-q", code=11)
        run("case", "import", home / "imported", *server.write_known(), "--ask", code=0)
    return Collected(home)


@pytest.fixture
def vouched(collected: Collected) -> dict[str, str]:
    """An environment that vouches for the lab's root, and whose services are nowhere."""
    nowhere = "http://127.0.0.1:9"
    return {
        "FORENSICS_TRUST_ROOT": str(collected.root),
        "FORENSICS_PYPI_URL": nowhere,
        "FORENSICS_FILES_URL": nowhere,
        "FORENSICS_OSV_URL": nowhere,
        "FORENSICS_REKOR_URL": nowhere,
        "FORENSICS_DEPSDEV_URL": nowhere,
        "FORENSICS_GITHUB_API_URL": nowhere,
    }
