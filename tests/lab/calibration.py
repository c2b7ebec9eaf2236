"""The page ``docs/calibration.md``, made by ``evaluate --calibration FILE``: what was found, and what rules cost."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.evaluation import Summary, totals
from tests.lab.judging import Outcome
from tests.lab.record import forensics_command

HEAD = """# Calibration

This page is made by a command and not edited: `make calibration`, which runs
`python -m tests.lab evaluate fixtures/scenarios --calibration docs/calibration.md`. Every scenario is built into a
world with a clock, collected over HTTP by the installed `forensics` command at two moments (an hour after publication,
or a minute before removal; and at the end, with what a responder brings along), and what it concludes is compared with
what the scenario expects.
"""
LIMITS = """## What these numbers are worth

- The scenarios are reconstructions of public incidents and of benign look-alikes. Real histories are less regular than
  generated ones: rates of false alarms here are a lower bound.
- Recall is over the malicious releases of these incidents. It says that what is known by now is found, and nothing
  about what nobody has done yet.
- A malicious release counts as found with hindsight when its verdict is at least the expected one, and as found at
  publication when the verdict with only what was knowable then is at least the expected one (`suspicious` where the
  scenario names none).
- A benign release counts as a false alarm when its verdict is above `notable` at any moment.
- No threshold was chosen to make a scenario pass; each stands with its reason in `forensics/signals/thresholds.py`.
"""


@dataclass(frozen=True)
class Rule:
    """A signal as the installed command lists it."""

    id: str
    family: str
    severities: tuple[str, ...]


def installed_rules() -> list[Rule]:
    """The catalogue of the installed command."""
    done = subprocess.run([forensics_command(), "signals", "--json"], capture_output=True, text=True, check=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)["signals"]
    return [Rule(row["id"], row["family"], tuple(row["severities"])) for row in rows]


def write_page(path: Path, outcomes: list[Outcome], summary: Summary, rules: list[Rule]) -> None:
    """Write the page; the same outcomes give the same bytes."""
    parts = [
        HEAD,
        "## In total\n\n" + "".join(f"- {line}\n" for line in totals(summary)),
        _scenarios(outcomes),
        _signals(summary, rules),
        _price(summary, rules),
        _misses(outcomes),
        LIMITS,
    ]
    path.write_text("\n".join(parts), encoding="utf-8")


def _scenarios(outcomes: list[Outcome]) -> str:
    rows = []
    for one in sorted(outcomes, key=lambda o: (o.scenario.kind != "incident", o.scenario.id)):
        scenario = one.scenario
        found = (f"{one.found} of {one.malicious}", f"{one.found_at_publish} of {one.malicious}")
        shown = found if one.malicious else ("", "")
        alarms = f"{len(one.false_alarms)} of {one.benign}"
        title = scenario.title.replace("|", "/")
        rows.append((scenario.id, scenario.ecosystem, title, *shown, alarms, "yes" if one.passed else "**no**"))
    head = ("scenario", "index", "what happened", "found", "found at publication", "false alarms", "as expected")
    return "## Scenarios\n\nIncidents first, then what looks like one and was none.\n\n" + _table(head, rows)


def _signals(summary: Summary, rules: list[Rule]) -> str:
    rows = []
    for rule in rules:
        row = summary["per_signal"].get(rule.id)
        if row and (row["required"] or row["silent_required"]):
            fired = f"{row['fired']} of {row['required']}" if row["required"] else ""
            silent = f"{row['fired_silent']} of {row['silent_required']}" if row["silent_required"] else ""
            rows.append((f"`{rule.id}`", fired, silent))
    head = ("signal", "fired where it had to", "fired where it had to be silent")
    return "## Signals\n\nAs the scenarios demand it, release by release.\n\n" + _table(head, rows)


def _price(summary: Summary, rules: list[Rule]) -> str:
    benign = summary["benign_releases"]
    rows = []
    for rule in rules:
        row = summary["per_signal"].get(rule.id, {"fired_benign": 0, "false_alarms": 0})
        share = f"{1000 * row['fired_benign'] / benign:.1f}" if benign else ""
        severity = " or ".join(rule.severities)
        rows.append((f"`{rule.id}`", rule.family, severity, str(row["fired_benign"]), share, str(row["false_alarms"])))
    head = ("signal", "family", "severity", "fired on benign releases", "per thousand", "of these in false alarms")
    words = (
        f"How often each rule speaks about one of the {benign:,} benign releases of all scenarios, and how often its "
        "word was part of a verdict above `notable`. Low signals may speak: alone they never flag a release."
    )
    return f"## The price of each rule\n\n{words}\n\n" + _table(head, rows)


def _misses(outcomes: list[Outcome]) -> str:
    missed = [f"- `{one.scenario.id}`: {miss}\n" for one in outcomes for miss in one.misses]
    return "## Misses\n\n" + ("".join(missed) if missed else "None: every expectation of every scenario held.\n")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines) + "\n"
