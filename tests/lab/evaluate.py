"""``python -m tests.lab evaluate DIR``: run every scenario through the installed command and compare conclusions.

Each scenario becomes a world with a clock. It is collected over HTTP one hour after the publication of every expected
release, or one minute before its removal if that came sooner (what was knowable at publication), and at ``as_of`` with
what the responder brings along, earlier cases of ``snapshot`` rows among it. Expected verdicts of malicious releases
are lower bounds, of all others upper bounds; ``silent`` is exact; versions without an expectation must not be above
``notable``.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.lab.calibration import installed_rules, write_page
from tests.lab.errors import LabError
from tests.lab.evaluation import scenario_lines, summarise, text
from tests.lab.judging import Outcome, compare
from tests.lab.record import ANALYSED, forensics_command
from tests.lab.scenario import load_scenario
from tests.lab.server import LabServer, serve

PUBLISHED_FOR = timedelta(hours=1)
BEFORE_REMOVAL = timedelta(minutes=1)


def evaluate(
    directory: Path, json_file: Path | None, *, jobs: int | None = None, calibration: Path | None = None
) -> int:
    """Evaluate every scenario in ``directory``; returns 0 only when all pass. Raises LabError for an empty one.

    ``jobs`` scenarios run at the same time, each in a process of its own (default: one for each core); what is printed
    is in the order of the file names, whichever ends first. ``calibration`` is where the page about it goes.
    """
    paths = sorted(directory.glob("*.toml"))
    if not paths:
        raise LabError(f"{directory} holds no scenario")
    for path in paths:
        load_scenario(path)
    outcomes: list[Outcome] = []
    workers = min(jobs or os.cpu_count() or 1, len(paths))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for outcome in pool.map(run, paths):
            outcomes.append(outcome)
            print("\n".join(scenario_lines(outcome)), flush=True)
    summary = summarise(outcomes)
    print("\n".join(text(summary)), flush=True)
    if json_file is not None:
        json_file.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    if calibration is not None:
        write_page(calibration, outcomes, summary, installed_rules())
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def run(path: Path) -> Outcome:
    """Collect one scenario at all its moments and compare."""
    scenario = load_scenario(path)
    outcome = Outcome(scenario)
    try:
        with tempfile.TemporaryDirectory(prefix="lab-evaluate-") as scratch:
            folder = Path(scratch)
            with serve(scenario, directory=folder / "lab") as server:
                early = {e.version: _at_publish(server, e.version, folder) for e in scenario.expect}
                late = as_of(server, folder)
    except LabError as error:
        outcome.misses.append(str(error).partition("\n")[0])
        return outcome
    except Exception as error:  # a world that cannot be made is a miss of this scenario, not the end of the others
        outcome.misses.append(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
        return outcome
    compare(outcome, early, late)
    return outcome


def _moment(server: LabServer, version: str) -> datetime:
    """When a release was looked at first: an hour after publication, or a minute before its removal; never later than
    ``as_of``, after which nothing exists. Raises LabError for a version that the scenario never released.
    """
    scenario = server.world.scenario
    try:
        row = server.world.release(version).row
    except KeyError:
        raise LabError(f"{scenario.id}: {version} is expected, and was never released") from None
    ends = [] if row.removed is None else [row.removed - BEFORE_REMOVAL]
    return min(row.published + PUBLISHED_FOR, scenario.as_of, *ends)


def _early_case(folder: Path, version: str) -> Path:
    return folder / f"at-{version}"


def _at_publish(server: LabServer, version: str, folder: Path) -> dict[str, Any]:
    return _collect(server, _moment(server, version), _early_case(folder, version))


def as_of(server: LabServer, folder: Path) -> dict[str, Any]:
    """Collect at ``as_of``, then import what the responder brings along."""
    case = folder / "as-of"
    brought = [[str(path)] for path in _snapshots(server, folder)]
    document = _collect(server, server.world.scenario.as_of, case)
    brought += [[str(path), "--ask"] for path in server.write_known()]
    for arguments in brought:
        _run(server, ["case", "import", str(case), *arguments], (0,))
    return _document(server, ["--case", str(case), "--offline"]) if brought else document


def _snapshots(server: LabServer, folder: Path) -> list[Path]:
    """The earlier cases that stand beside the late one as evidence: those of the versions that a snapshot names."""
    scenario = server.world.scenario
    named = {version for known in scenario.known if known.kind == "snapshot" for version in known.versions}
    for version in sorted(named):
        if not _early_case(folder, version).exists():
            _at_publish(server, version, folder)
    return [_early_case(folder, version) for version in sorted(named, key=lambda v: _moment(server, v))]


def _collect(server: LabServer, moment: datetime, case: Path) -> dict[str, Any]:
    server.moment = moment
    scenario = server.world.scenario
    return _document(server, [f"{scenario.ecosystem}:{scenario.project}", "--case", str(case)])


def _document(server: LabServer, arguments: list[str]) -> dict[str, Any]:
    text = _run(server, ["timeline", *arguments, "--json", "--quiet"], ANALYSED)
    document: dict[str, Any] = json.loads(text)
    return document


def _run(server: LabServer, arguments: list[str], accepted: tuple[int, ...]) -> str:
    """What the command prints; it finds neither the user's cases nor anything computed before."""
    own = {name: str(server.directory / "user") for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FORENSICS_", "GITHUB_"))}
    done = subprocess.run(
        [forensics_command(), *arguments],
        env={**kept, **own, **server.env()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in accepted:
        raise LabError(f"forensics {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout
