"""The catalogue as code, tests and pages: one stem each, and the same words everywhere."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from forensics.model.finding import Severity
from forensics.signals import thresholds
from forensics.signals.registry import Signal, catalogue, signal

ROOT = Path(__file__).resolve().parents[2]
PAGES, MODULES, TESTS = ROOT / "docs/signals", ROOT / "forensics/signals", ROOT / "tests/signals"
SIGNALS = list(catalogue().values())
ROW = re.compile(
    r"^\| \[`([a-z-]+)`\]\(([a-z_]+)\.md\) \| (\w+) \| ([a-z ]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.M
)


TECHNIQUES = frozenset(
    {
        "T1195.001", "T1195.002", "T1199", "T1078", "T1078.004", "T1552", "T1552.001", "T1552.004", "T1552.005",
        "T1528", "T1550.001", "T1554", "T1553", "T1553.002", "T1098", "T1566", "T1059.004", "T1059.006", "T1059.007",
        "T1027", "T1105", "T1041", "T1567", "T1567.001", "T1496", "T1496.001", "T1546.018",
    }
)  # fmt: skip
"""Techniques of ATT&CK Enterprise that releases of packages have been seen with."""
_LETTERS = {"L": Severity.LOW, "M": Severity.MEDIUM, "H": Severity.HIGH, "D": Severity.DECISIVE}
AGREED = {
    "trust": {
        "provenance-lost": "ML", "provenance-partial": "LM", "door-changed": "H", "unattested-trusted-publish": "M",
        "identity-repository-changed": "HL", "identity-first-seen": "M", "workflow-changed": "L",
        "workflow-risk-increased": "M", "trigger-changed": "M", "ref-changed": "M", "runner-changed": "M",
        "environment-changed": "L",
    },
    "source": {
        "commit-unreachable": "DM", "no-source-release": "M", "artifact-differs-from-source": "HL",
        "wheel-differs-from-sdist": "H", "run-retried": "L", "run-not-successful": "DL", "signing-skew": "M",
        "log-only-release": "ML",
    },
    "time": {
        "multi-line-burst": "M", "rapid-repeat": "L", "dormancy-broken": "L", "off-hours": "L", "version-jump": "L",
        "fleet-burst": "M",
    },
    "content": {"exec-surface-added": "HM", "size-jump": "L"},
    "people": {"upload-tool-changed": "L", "publisher-account-changed": "ML"},
    "decisive": {"verification-failed": "D"},
    "hindsight": {"release-removed": "M", "attestation-vanished": "L", "advisory-match": "DL"},
}  # fmt: skip
"""The catalogue as it was agreed on: the family of each signal, and how much it can weigh."""


def _stem(entry: Signal) -> str:
    return entry.id.replace("-", "_")


def _severities(entry: Signal) -> str:
    return " or ".join(severity.value for severity in entry.severities)


def _status(entry: Signal) -> str:
    return "in this version" if entry.evaluate else "not collected yet"


def test_the_table_of_the_pages_equals_the_code() -> None:
    rows = {row[0]: row[1:] for row in ROW.findall((PAGES / "README.md").read_text())}
    assert rows == {
        entry.id: (
            _stem(entry),
            entry.family.value,
            _severities(entry),
            entry.title,
            ", ".join(entry.needs),
            _status(entry),
        )
        for entry in SIGNALS
    }


def test_pages_and_signals_are_the_same_set() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} - {"README"} == {_stem(entry) for entry in SIGNALS}


@pytest.mark.parametrize("entry", SIGNALS, ids=lambda entry: entry.id)
def test_each_page_says_what_the_code_says(entry: Signal) -> None:
    page = (PAGES / f"{_stem(entry)}.md").read_text()
    assert page.startswith(f"# {entry.id}\n")
    cells = dict(re.findall(r"^\| ([\w&' ]+) \| (.*) \|$", page, re.M))
    assert cells["family"] == entry.family.value
    assert cells["severity"] == _severities(entry)
    assert cells["needs"] == ", ".join(entry.needs)
    assert cells["status"] == _status(entry)
    assert set(cells["ATT&CK"].split(", ")) <= TECHNIQUES
    assert re.fullmatch(r"[A-I](, [A-I])*", cells["SLSA threat"])
    if entry.evaluate:
        assert cells["ATT&CK"] == ", ".join(entry.attack)
        assert cells["SLSA threat"] == entry.slsa
    for heading in (
        "Why it matters",
        "Incidents it would have caught",
        "Looks like it and is benign",
        "Not checked when",
        "Prior art",
    ):
        assert re.search(rf"^## {heading}\n\n\S", page, re.M), heading
    assert 25 <= page.count("\n") <= 60
    told = set(re.findall(r"`([^`]+)`", page.split("## Incidents it would have caught\n")[1].split("\n## ")[0]))
    assert told == {scenario["id"] for scenario in _scenarios() if _demands(scenario, entry.id)}


def _scenarios() -> list[dict[str, Any]]:
    return [tomllib.loads(path.read_text()) for path in sorted((ROOT / "fixtures/scenarios").glob("*.toml"))]


def _demands(scenario: dict[str, Any], id_: str) -> bool:
    rows = scenario.get("expect", [])
    return scenario["kind"] == "incident" and any(id_ in row.get("signals", []) for row in rows)


def test_the_catalogue_is_the_agreed_one() -> None:
    agreed = {
        id_: (family, frozenset(_LETTERS[letter] for letter in severities))
        for family, rows in AGREED.items()
        for id_, severities in rows.items()
    }
    assert {entry.id: (entry.family.value, frozenset(entry.severities)) for entry in SIGNALS} == agreed


@pytest.mark.parametrize("entry", [s for s in SIGNALS if s.evaluate], ids=lambda entry: entry.id)
def test_implemented_signals_have_module_and_test_of_the_same_stem(entry: Signal) -> None:
    module = MODULES / f"{_stem(entry)}.py"
    assert module.is_file()
    assert (TESTS / f"test_{_stem(entry)}.py").is_file()
    assert entry.evaluate is not None
    assert entry.evaluate.__module__ == f"forensics.signals.{_stem(entry)}"
    assert entry.evaluate.__name__ == _stem(entry)
    assert 1 <= len(entry.benign_if) <= 3
    assert all(len(reason) > 20 for reason in entry.benign_if)
    assert entry.attack
    assert entry.slsa
    assert entry.needs


@pytest.mark.parametrize("entry", [s for s in SIGNALS if not s.evaluate], ids=lambda entry: entry.id)
def test_signals_without_a_source_say_what_is_missing(entry: Signal) -> None:
    assert entry.missing
    assert not (MODULES / f"{_stem(entry)}.py").exists()


def test_an_id_is_registered_once() -> None:
    first = SIGNALS[0]
    register = signal(first.id, title="", family=first.family, severities=(), needs=(), benign_if=())
    with pytest.raises(ValueError, match="registered twice"):
        register(lambda view: None)


def _names() -> set[str]:
    """Return the ids, projects and versions of all scenarios."""
    names: set[str] = set()
    for path in (ROOT / "fixtures/scenarios").glob("*.toml"):
        scenario = tomllib.loads(path.read_text())
        names |= {scenario["id"], scenario["project"]}
        names |= {release["version"] for release in scenario.get("release", []) if len(release["version"]) > 5}
    return {name for name in names if len(name) > 3}


def test_no_module_knows_a_project_or_scenario() -> None:
    names = _names()
    for module in MODULES.glob("*.py"):
        words = set(re.findall(r"[\w@/.-]+", module.read_text().lower()))
        assert not words & {name.lower() for name in names}, module.name


PLAIN = frozenset({0, 1, 2, -1, 12})
"""Numbers that are no thresholds: nothing, one, a pair, the last of a row, the digits of an id that sentences show."""
SHAPES = {
    "off_hours.py": {24, 7},  # hours and weekdays
    "rhythm.py": {24, 7},
    "corroboration.py": {200},  # characters of a ref that are matched, which bounds the expression and no judgement
    "profile.py": {4096},  # entries of a cache
    "door_changed.py": {3},  # ranks of doors
}


def _numbers(path: Path) -> set[float]:
    """Return the number literals of a module; those inside of formats and of documentation are none."""
    found = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return {value for value in found if isinstance(value, (int, float)) and not isinstance(value, bool)}


def test_each_threshold_has_a_reason() -> None:
    text = Path(thresholds.__file__).read_text()
    names = re.findall(r"^([A-Z_]+): Final", text, re.M)
    assert len(names) > 30
    for name in names:
        assert re.search(rf'^{name}: Final = .*\n"""\S.{{20,}}', text, re.M), name


def test_each_threshold_is_used() -> None:
    used = "".join(module.read_text() for module in MODULES.parent.rglob("*.py"))
    for name in re.findall(r"^([A-Z_]+): Final", Path(thresholds.__file__).read_text(), re.M):
        assert re.search(rf"\b\w+\.{name}\b|import [^\n]*\b{name}\b", used), name


@pytest.mark.parametrize("module", sorted(MODULES.glob("*.py")), ids=lambda path: path.stem)
def test_no_number_of_a_rule_stands_outside_the_table(module: Path) -> None:
    if module.name != "thresholds.py":
        assert _numbers(module) <= PLAIN | SHAPES.get(module.name, set())


@pytest.mark.parametrize(("percent", "value"), [(0, 1.0), (50, 3.0), (99, 4.96), (100, 5.0), (25, 2.0)])
def test_percentiles_are_linear_between_ranks(percent: float, value: float) -> None:
    assert thresholds.percentile([1.0, 2.0, 3.0, 4.0, 5.0], percent) == pytest.approx(value)


def test_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        thresholds.percentile([], 50)
