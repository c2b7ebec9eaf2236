"""The same case says the same anywhere, live or not, and offline asks nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Collected
from tests.conftest import Forensics
from tests.lab import LabServer, World, serve

pytestmark = pytest.mark.slow

PLACES = [
    {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0"},
    {"TZ": "Pacific/Kiritimati", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": "12345"},
    {"TZ": ":bogus", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "latin-1"},
]


@pytest.mark.parametrize(
    ("words", "places"),
    [
        (("timeline", "--json"), PLACES),
        (("timeline",), PLACES[1:3]),
        (("report", "--format", "md"), PLACES[2:]),
        (("report",), PLACES[1:3]),
    ],
    ids=["json", "terminal", "markdown", "html"],
)
def test_the_same_bytes_in_every_place(
    words: tuple[str, ...],
    places: list[dict[str, str]],
    forensics: Forensics,
    collected: Collected,
    vouched: dict[str, str],
    tmp_path: Path,
) -> None:
    seen = set()
    for number, place in enumerate(places):
        cwd = tmp_path / f"place {number}"
        cwd.mkdir()
        line = [words[0], "--case", collected.imported, "--offline", "--no-cache", *words[1:]]
        done = forensics(*line, env={**vouched, **place}, cwd=cwd, home=tmp_path / f"home{number}")
        assert done.returncode == 11, done.stderr
        seen.add(done.stdout)
        assert not list(cwd.iterdir())
    assert len(seen) == 1


def test_the_same_bytes_with_and_without_the_cache(
    forensics: Forensics, collected: Collected, vouched: dict[str, str], tmp_path: Path
) -> None:
    line = ("timeline", "--case", collected.imported, "--offline", "--json")
    told = [forensics(*line, *more, env=vouched).stdout for more in ((), (), ("--no-cache",))]
    assert len(set(told)) == 1
    assert any((tmp_path / "cache").iterdir()), "the second answer came from the cache"


def test_offline_prints_what_the_live_run_printed_and_asks_nobody(
    forensics: Forensics, lab: LabServer, tmp_path: Path
) -> None:
    case = tmp_path / "case"
    live = forensics("timeline", "ultralytics", "--case", case, "--json", env=lab.env())
    assert live.returncode == 11, live.stderr
    assert lab.requests
    lab.reset_requests()
    later = forensics("timeline", "ultralytics", "--case", case, "--offline", "--json", "--no-cache", env=lab.env())
    assert later.stdout == live.stdout
    assert forensics("timeline", "--case", case, "--json", "--no-cache", env=lab.env()).stdout == live.stdout
    assert lab.requests == [], "a complete case is not asked about again, offline or not"


def test_offline_needs_no_server(lab_world: World, forensics: Forensics, tmp_path: Path) -> None:
    root = tmp_path / "root.json"
    with serve(lab_world) as server:
        root.write_bytes((server.directory / "trusted_root.json").read_bytes())
        env = {**server.env(), "FORENSICS_TRUST_ROOT": str(root)}
        live = forensics("timeline", "ultralytics", "--case", tmp_path / "case", env=env)
    later = forensics("timeline", "--case", tmp_path / "case", "--offline", "--no-cache", env=env)
    assert (later.returncode, later.stdout) == (live.returncode, live.stdout)


def test_a_refresh_asks_again_and_sees_what_is_new(forensics: Forensics, lab: LabServer, tmp_path: Path) -> None:
    import json

    case = tmp_path / "case"
    after = next(r for r in lab.world.scenario.release if r.version == "8.3.44").published
    lab.moment = after
    early = json.loads(forensics("timeline", "ultralytics", "--case", case, "--json", env=lab.env()).stdout)
    lab.moment = lab.world.scenario.as_of
    late = json.loads(forensics("timeline", "--case", case, "--refresh", "--json", env=lab.env()).stdout)
    assert "8.3.48" not in {r["version"] for r in early["releases"]}
    assert "8.3.48" in {r["version"] for r in late["releases"]}
    assert forensics("case", "verify", case, env=lab.env()).returncode == 0
