"""``python -m tests.lab evaluate DIR``: run every scenario through the installed command and compare conclusions.

Each scenario becomes a world with a clock. It is collected over HTTP one hour after the publication of every expected
release, or one minute before its removal if that came sooner (what was knowable at publication), and at ``as_of`` with
what the responder brings along. Expected verdicts of malicious releases are lower bounds, of all others upper bounds;
``silent`` is exact; versions without an expectation must not be above ``notable``.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.lab.errors import LabError
from tests.lab.record import ANALYSED, forensics_command
from tests.lab.scenario import Expect, Scenario, load_scenario
from tests.lab.server import LabServer, serve

RANKS = {"undetermined": 0, "ordinary": 1, "notable": 2, "suspicious": 3, "likely-compromised": 4}
PUBLISHED_FOR = timedelta(hours=1)
BEFORE_REMOVAL = timedelta(minutes=1)


@dataclass
class Outcome:
    """What one scenario came to."""

    scenario: Scenario
    misses: list[str] = field(default_factory=list)
    malicious: int = 0
    found: int = 0
    found_at_publish: int = 0
    benign: int = 0
    false_alarms: list[str] = field(default_factory=list)
    signals: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every expectation held."""
        return not self.misses

    def count(self, signal: str, what: str) -> None:
        """Count one event of a signal: fired or missed when required, fired or silent when it had to be silent."""
        row = self.signals.setdefault(signal, {"required": 0, "fired": 0, "silent_required": 0, "fired_silent": 0})
        row[what] += 1


def evaluate(directory: Path, json_file: Path | None) -> int:
    """Evaluate every scenario in ``directory``; returns 0 only when all pass. Raises LabError for an empty one."""
    paths = sorted(directory.glob("*.toml"))
    if not paths:
        raise LabError(f"{directory} holds no scenario")
    outcomes = []
    for path in paths:
        outcome = run(load_scenario(path), path)
        outcomes.append(outcome)
        print(f"{'pass' if outcome.passed else 'FAIL'}  {outcome.scenario.kind:8}  {outcome.scenario.id}", flush=True)
        for miss in outcome.misses:
            print(f"        {miss}")
    summary = summarise(outcomes)
    _print(summary)
    if json_file is not None:
        json_file.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def run(scenario: Scenario, path: Path) -> Outcome:
    """Collect one scenario at all its moments and compare."""
    outcome = Outcome(scenario)
    try:
        with tempfile.TemporaryDirectory(prefix="lab-evaluate-") as scratch:
            folder = Path(scratch)
            with serve(scenario, directory=folder / "lab") as server:
                early = {e.version: _at_publish(server, e, folder) for e in scenario.expect}
                late = _as_of(server, folder)
    except LabError as error:
        outcome.misses.append(str(error).partition("\n")[0])
        return outcome
    compare(outcome, early, late)
    return outcome


def _at_publish(server: LabServer, expect: Expect, folder: Path) -> dict[str, Any]:
    row = server.world.release(expect.version).row
    moment = row.published + PUBLISHED_FOR
    if row.removed is not None:
        moment = min(moment, row.removed - BEFORE_REMOVAL)
    return _collect(server, moment, folder / f"at-{expect.version}")


def _as_of(server: LabServer, folder: Path) -> dict[str, Any]:
    case = folder / "as-of"
    _collect(server, server.world.scenario.as_of, case)
    for path in server.write_known():
        _run(server, ["case", "import", str(case), str(path), "--ask"], (0,))
    return _document(server, case)


def _collect(server: LabServer, moment: datetime, case: Path) -> dict[str, Any]:
    server.moment = moment
    scenario = server.world.scenario
    _run(server, ["timeline", f"{scenario.ecosystem}:{scenario.project}", "--case", str(case), "--quiet"], ANALYSED)
    return _document(server, case)


def _document(server: LabServer, case: Path) -> dict[str, Any]:
    text = _run(server, ["timeline", "--case", str(case), "--offline", "--json"], ANALYSED)
    document: dict[str, Any] = json.loads(text)
    return document


def _run(server: LabServer, arguments: list[str], accepted: tuple[int, ...]) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FORENSICS_", "GITHUB_"))}
    done = subprocess.run(
        [forensics_command(), *arguments], env={**kept, **server.env()}, capture_output=True, text=True, check=False
    )
    if done.returncode not in accepted:
        raise LabError(f"forensics {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.stdout


def compare(outcome: Outcome, early: dict[str, dict[str, Any]], late: dict[str, Any]) -> None:
    """Compare the documents of all moments with the expectations, and every other version with ``notable``."""
    malicious = {r.version for r in outcome.scenario.release if r.malicious}
    then = {r["version"]: r for r in late["releases"]}
    for expect in outcome.scenario.expect:
        first = next((r for r in early[expect.version]["releases"] if r["version"] == expect.version), None)
        _expected(outcome, expect, first, then.get(expect.version), bad=expect.version in malicious)
    expected = {e.version for e in outcome.scenario.expect}
    seen = [("as of", late), *((f"at {version}", document) for version, document in early.items())]
    for version in sorted({r["version"] for _, document in seen for r in document["releases"]} - expected - malicious):
        outcome.benign += 1
        for moment, document in seen:
            verdict = next((r["verdict"] for r in document["releases"] if r["version"] == version), "undetermined")
            if RANKS[verdict] > RANKS["notable"]:
                outcome.false_alarms.append(f"{version} {moment}")
                outcome.misses.append(f"{version}: {verdict} {moment}, expected at most notable")
                break


def _expected(
    outcome: Outcome, expect: Expect, first: dict[str, Any] | None, last: dict[str, Any] | None, *, bad: bool
) -> None:
    name = expect.version
    verdict = last["verdict"] if last else "undetermined"
    at_publish = first["at_publish"] if first else "undetermined"
    held = _bound(verdict, expect.verdict, lower=bad)
    held_then = expect.at_publish is None or _bound(at_publish, expect.at_publish, lower=bad)
    if not held:
        outcome.misses.append(f"{name}: {verdict}, expected {'at least' if bad else 'at most'} {expect.verdict}")
    if not held_then:
        side = "at least" if bad else "at most"
        outcome.misses.append(f"{name}: {at_publish} at publication, expected {side} {expect.at_publish}")
    if bad:
        outcome.malicious += 1
        outcome.found += held
        outcome.found_at_publish += held_then
    else:
        outcome.benign += 1
        if RANKS[verdict] > RANKS["notable"]:
            outcome.false_alarms.append(name)
    fired = {s["id"] for release in (first, last) if release for s in release["signals"]}
    unchecked = {u["what"]: u["reason"] for release in (first, last) if release for u in release["not_checked"]}
    for signal in expect.signals:
        outcome.count(signal, "required")
        if signal in fired:
            outcome.count(signal, "fired")
        else:
            why = f" (not checked: {unchecked[signal]})" if signal in unchecked else ""
            outcome.misses.append(f"{name}: {signal} did not fire{why}")
    for signal in expect.silent:
        outcome.count(signal, "silent_required")
        if signal in fired:
            outcome.count(signal, "fired_silent")
            outcome.misses.append(f"{name}: {signal} fired and had to be silent")


def _bound(verdict: str, expected: str, *, lower: bool) -> bool:
    return RANKS[verdict] >= RANKS[expected] if lower else RANKS[verdict] <= RANKS[expected]


def summarise(outcomes: list[Outcome]) -> dict[str, Any]:
    """Return the evaluation as plain JSON types (schema forensics/evaluation/1)."""
    malicious = sum(o.malicious for o in outcomes)
    per_signal: dict[str, dict[str, int]] = {}
    for outcome in outcomes:
        for signal, row in outcome.signals.items():
            total = per_signal.setdefault(signal, dict.fromkeys(row, 0))
            for what, count in row.items():
                total[what] += count
    return {
        "schema": "forensics/evaluation/1",
        "scenarios": [
            {"id": o.scenario.id, "kind": o.scenario.kind, "passed": o.passed, "misses": o.misses} for o in outcomes
        ],
        "recall": sum(o.found for o in outcomes) / malicious if malicious else None,
        "recall_at_publish": sum(o.found_at_publish for o in outcomes) / malicious if malicious else None,
        "false_alarms": sum(len(o.false_alarms) for o in outcomes),
        "benign_releases": sum(o.benign for o in outcomes),
        "per_signal": dict(sorted(per_signal.items())),
    }


def _print(summary: dict[str, Any]) -> None:
    print(f"\n{'signal':32} {'fired / required':>18} {'wrongly fired / had to be silent':>34}")
    for signal, row in summary["per_signal"].items():
        required = f"{row['fired']} / {row['required']}"
        silent = f"{row['fired_silent']} / {row['silent_required']}"
        print(f"{signal:32} {required:>18} {silent:>34}")
    passed = sum(s["passed"] for s in summary["scenarios"])
    print(f"\n{passed} of {len(summary['scenarios'])} scenarios pass")
    for name in ("recall", "recall_at_publish"):
        value = summary[name]
        print(f"{name.replace('_', ' ')}: {'no malicious release' if value is None else format(value, '.0%')}")
    print(f"false alarms: {summary['false_alarms']} of {summary['benign_releases']} benign releases")
