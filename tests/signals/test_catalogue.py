"""The catalogue as code, tests and pages: one stem each, and the same words everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from forensics.signals import thresholds
from forensics.signals.registry import Signal, catalogue, signal

ROOT = Path(__file__).resolve().parents[2]
PAGES, MODULES, TESTS = ROOT / "docs/signals", ROOT / "forensics/signals", ROOT / "tests/signals"
SIGNALS = list(catalogue().values())
ROW = re.compile(
    r"^\| \[`([a-z-]+)`\]\(([a-z_]+)\.md\) \| (\w+) \| ([a-z ]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.M
)


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
    assert re.fullmatch(r"T\d{4}(\.\d{3})?(, T\d{4}(\.\d{3})?)*", cells["ATT&CK"])
    assert re.fullmatch(r"[A-I](, [A-I])*", cells["SLSA threat"])
    if entry.evaluate:
        assert cells["ATT&CK"] == ", ".join(entry.attack)
        assert cells["SLSA threat"] == entry.slsa
    for heading in ("Why it matters", "Looks like it and is benign", "Not checked when", "Prior art"):
        assert re.search(rf"^## {heading}\n\n\S", page, re.M), heading
    assert 25 <= page.count("\n") <= 50


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


def test_numbers_of_rules_stand_in_the_table_of_thresholds_each_with_a_reason() -> None:
    text = Path(thresholds.__file__).read_text()
    for name in re.findall(r"^([A-Z_]+): Final", text, re.M):
        assert re.search(rf'^{name}: Final = .*\n"""\S', text, re.M), name
    for entry in SIGNALS:
        if entry.evaluate:
            code = re.sub(r'"""(?s:.*?)"""|"[^"]*"', "", (MODULES / f"{_stem(entry)}.py").read_text())
            numbers = set(re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w%])", code))
            assert numbers <= {"0", "1", "2", "3"}, (entry.id, numbers)


@pytest.mark.parametrize(("percent", "value"), [(0, 1.0), (50, 3.0), (99, 4.96), (100, 5.0), (25, 2.0)])
def test_percentiles_are_linear_between_ranks(percent: float, value: float) -> None:
    assert thresholds.percentile([1.0, 2.0, 3.0, 4.0, 5.0], percent) == pytest.approx(value)


def test_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        thresholds.percentile([], 50)
