"""The outcomes of all scenarios in one: as JSON (schema forensics/evaluation/1), as text, as a page."""

from __future__ import annotations

from typing import Any

from tests.lab.judging import COUNTS, Outcome

Summary = dict[str, Any]


def summarise(outcomes: list[Outcome]) -> Summary:
    """Return the evaluation as plain JSON types; shares are from 0 to 1, ``None`` where there was nothing to find."""
    malicious = sum(outcome.malicious for outcome in outcomes)
    return {
        "schema": "forensics/evaluation/1",
        "scenarios": [
            {
                "id": outcome.scenario.id,
                "kind": outcome.scenario.kind,
                "passed": outcome.passed,
                "misses": outcome.misses,
            }
            for outcome in outcomes
        ],
        "recall": sum(outcome.found for outcome in outcomes) / malicious if malicious else None,
        "recall_at_publish": sum(outcome.found_at_publish for outcome in outcomes) / malicious if malicious else None,
        "false_alarms": sum(len(outcome.false_alarms) for outcome in outcomes),
        "benign_releases": sum(outcome.benign for outcome in outcomes),
        "per_signal": _per_signal(outcomes),
    }


def _per_signal(outcomes: list[Outcome]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for outcome in outcomes:
        for signal, row in outcome.signals.items():
            sums = total.setdefault(signal, dict.fromkeys(COUNTS, 0))
            for what, count in row.items():
                sums[what] += count
    return dict(sorted(total.items()))


def scenario_lines(outcome: Outcome) -> list[str]:
    """What is told about one scenario as soon as it is done: one line, then one for each miss."""
    scenario = outcome.scenario
    found = f"found {outcome.found}/{outcome.malicious}, {outcome.found_at_publish} at publication"
    calm = f"false alarms {len(outcome.false_alarms)}/{outcome.benign}"
    told = f"{found}; {calm}" if outcome.malicious else calm
    first = f"{'pass' if outcome.passed else 'FAIL'}  {scenario.kind:8}  {scenario.id:32}  {told}"
    return [first, *(f"        {miss}" for miss in outcome.misses)]


def text(summary: Summary) -> list[str]:
    """The table of the signals, and the totals."""
    head = ("fired / required", "wrongly fired / silent", "on benign", "in false alarms")
    lines = ["", f"{'signal':32}" + "".join(f"{name:>24}" for name in head)]
    for signal, row in summary["per_signal"].items():
        cells = (
            f"{row['fired']} / {row['required']}",
            f"{row['fired_silent']} / {row['silent_required']}",
            str(row["fired_benign"]),
            str(row["false_alarms"]),
        )
        lines.append(f"{signal:32}" + "".join(f"{cell:>24}" for cell in cells))
    return [*lines, "", *totals(summary)]


def totals(summary: Summary) -> list[str]:
    """One line for each total."""
    passed = sum(scenario["passed"] for scenario in summary["scenarios"])
    return [
        f"{passed} of {len(summary['scenarios'])} scenarios pass",
        f"recall with hindsight: {_share(summary['recall'])}",
        f"recall at publication: {_share(summary['recall_at_publish'])}",
        f"false alarms: {summary['false_alarms']} of {summary['benign_releases']} benign releases",
    ]


def _share(value: float | None) -> str:
    return "no malicious release" if value is None else f"{value:.1%}"
