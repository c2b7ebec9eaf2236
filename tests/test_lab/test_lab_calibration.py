"""The page of calibration: every scenario, every rule, every miss; the same outcomes give the same bytes."""

from __future__ import annotations

from pathlib import Path

from tests.lab.calibration import Rule, installed_rules, write_page
from tests.lab.evaluation import summarise
from tests.lab.judging import Outcome
from tests.lab.scenario import load_scenario

SCENARIOS = Path(__file__).resolve().parents[2] / "fixtures/scenarios"
RULES = [Rule("provenance-lost", "trust", ("medium", "low")), Rule("off-hours", "time", ("low",))]


def _outcomes() -> list[Outcome]:
    good = Outcome(load_scenario(SCENARIOS / "svglib-2.0.0.toml"), benign=400)
    for _ in range(6):
        good.count("off-hours", "fired_benign")
    good.count("provenance-lost", "silent_required", "fired_silent", "fired_benign", "false_alarms")
    good.false_alarms.append("2.0.0")
    bad = Outcome(
        load_scenario(SCENARIOS / "ultralytics-2024-12.toml"), malicious=4, found=3, found_at_publish=2, benign=100
    )
    bad.misses.append("8.3.45: notable, expected at least suspicious (nothing fired)")
    bad.count("provenance-lost", "required", "fired")
    bad.count("provenance-lost", "required")
    return [good, bad]


def _page(folder: Path) -> str:
    outcomes = _outcomes()
    write_page(folder / "page.md", outcomes, summarise(outcomes), RULES)
    return (folder / "page.md").read_text()


def test_every_number_is_on_the_page(tmp_path: Path) -> None:
    page = _page(tmp_path)
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert "- recall with hindsight: 75.0%" in page
    assert "- false alarms: 1 of 500 benign releases" in page
    incident, benign = (n for n, row in enumerate(rows) if row.startswith(("| ultralytics", "| svglib")))
    assert incident < benign, "incidents first"
    assert "| 3 of 4 | 2 of 4 | 0 of 100 | **no** |" in rows[incident]
    assert rows[benign].endswith("|  |  | 1 of 400 | yes |")
    assert "| `provenance-lost` | 1 of 2 | 1 of 1 |" in rows
    assert "| `off-hours` | time | low | 6 | 12.0 | 0 |" in rows
    assert "| `provenance-lost` | trust | medium or low | 1 | 2.0 | 1 |" in rows
    assert "- `ultralytics-2024-12`: 8.3.45: notable, expected at least suspicious (nothing fired)" in page


def test_the_same_outcomes_give_the_same_bytes(tmp_path: Path) -> None:
    assert _page(tmp_path) == _page(tmp_path)


def test_the_rules_are_those_of_the_installed_command() -> None:
    from forensics.signals.registry import catalogue

    assert {rule.id for rule in installed_rules()} == set(catalogue())
