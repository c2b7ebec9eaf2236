"""Questions about other packages: asked once, after the rest, and the same answers from the case ever after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forensics.compare.questions import questions_of
from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Severity
from tests.sources.npm_kit import ALICE, Registry
from tests.sources.npm_kit import analysed as npm_analysed
from tests.sources.tiny import Tiny, analysed, entry

WHEEL = "demo-{}-py3-none-any.whl"


def _found(name: str, day: int) -> dict[str, Any]:
    return {"package": {"name": name, "version": "1.0.0", "date": f"2026-01-{day:02d}T12:00:00.000Z"}}


def _demo(tiny: Tiny, **last: Any) -> Registry:
    demo = Registry(tiny)
    for number in range(6):
        demo.release(f"1.0.{number}", 1 + 3 * number, ALICE, maintainers=[ALICE])
    demo.release("1.0.6", 20, ALICE, maintainers=[ALICE], **last)
    demo.put()
    return demo


def _other(tiny: Tiny, name: str, *days: int) -> None:
    other = Registry(tiny, name)
    for number, day in enumerate(days):
        other.release(f"1.0.{number}", day, ALICE)
    other.time["created"] = f"2026-01-{days[0]:02d}T11:00:00.000Z"
    other.put()


def test_a_young_dependency_and_a_fleet(tiny: Tiny, tmp_path: Path) -> None:
    _demo(tiny, dependencies={"fresh": "^1.0.0"})
    _other(tiny, "fresh", 19)
    names = [f"sibling-{n}" for n in range(4)]
    for name in names:
        _other(tiny, name, 2, 20)
    _other(tiny, "idle", 1)
    rows = [*(_found(name, 20) for name in names), _found("idle", 1), _found("demo", 20), {"package": 7}, None]
    tiny.put("/-/v1/search", {"objects": rows, "total": 300})
    analysis, _ = npm_analysed(tiny, tmp_path / "case")
    history = analysis.history
    assert questions_of(history).names == ("fresh",)
    assert questions_of(history).accounts == ("alice",)
    assert isinstance(history.dependency_ages["fresh"], Checked)
    assert isinstance(history.fleet, Checked)
    assert history.fleet.value.packages == 5, "those that changed since the oldest release, and not the project itself"
    findings = {f.signal: f for f in analysis.assessment("1.0.6").findings}
    assert findings["exec-surface-added"].severity is Severity.MEDIUM
    assert "the dependency fresh was 1 d old" in findings["exec-surface-added"].observed
    assert findings["fleet-burst"].observed.startswith("4 other packages of alice within the hour")
    assert "packages of the same accounts" in [s.source for s in history.sources]
    assert tiny.asked.count("/-/v1/search") == 1


def test_only_what_is_new_is_asked_about(tiny: Tiny, tmp_path: Path) -> None:
    demo = Registry(tiny)
    for number in range(4):
        demo.release(f"1.0.{number}", 1 + number, ALICE, dependencies={"old": "1"})
    demo.put()
    npm_analysed(tiny, tmp_path / "case")
    assert "/old" not in tiny.asked


def test_a_dependency_that_is_gone_and_a_search_that_fails(tiny: Tiny, tmp_path: Path) -> None:
    _demo(tiny, dependencies={"fresh": "^1.0.0", "@x/../y": "1"})
    tiny.put("/-/v1/search", {}, 503)
    analysis, _ = npm_analysed(tiny, tmp_path / "case")
    ages = analysis.history.dependency_ages
    assert isinstance(ages["fresh"], NotChecked)
    assert "does not know it" in ages["fresh"].reason
    assert all(isinstance(age, NotChecked) for age in ages.values())
    assert isinstance(analysis.history.fleet, NotChecked)
    unchecked = {u.signal: u.outcome for u in analysis.assessment("1.0.6").not_checked}
    assert "fleet-burst" in unchecked


def test_pypi_names_no_accounts(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page([entry(WHEEL.format("1.0.0")), entry(WHEEL.format("1.0.1"), 2)])
    analysis, document = analysed(tiny, tmp_path / "case")
    assert isinstance(analysis.history.fleet, NotChecked)
    assert "does not say which account" in analysis.history.fleet.reason
    assert not any("accounts" in source["source"] for source in document["sources"])
