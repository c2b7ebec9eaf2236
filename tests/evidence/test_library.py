from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from forensics.evidence import library
from forensics.evidence.case import Case
from forensics.evidence.export import export_case
from forensics.evidence.library import find_case, home, list_cases, new_case_path, unfinished_case
from forensics.model.endpoints import resolve_endpoints
from forensics.model.errors import CaseNotFound, ReadOnlyCase
from forensics.model.project import parse_project

from .conftest import NOW

DEMO = parse_project("npm:@scope/demo")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORENSICS_HOME", str(tmp_path / "home"))
    (tmp_path / "builtin").mkdir()
    monkeypatch.setattr(library, "_builtin_folders", lambda: (tmp_path / "builtin",))
    return tmp_path


def put(path: Path, **more: object) -> Case:
    given = {"project": DEMO, "endpoints": resolve_endpoints(), "trust_root": b"{}", "now": NOW, **more}
    return Case.create(path, **given)  # type: ignore[arg-type]


def test_an_empty_shelf_is_empty(shelf: Path) -> None:
    assert home() == shelf / "home"
    assert list_cases() == []
    assert unfinished_case(DEMO, now=NOW) is None


def test_cases_are_listed_and_broken_ones_say_why(shelf: Path) -> None:
    put(home() / "mine")
    (home() / "broken").mkdir()
    (home() / "torn.zip").write_bytes(b"PK")
    put(home() / "odd").path.joinpath("data/case.json").write_bytes(b"[" * 100_000)
    shipped = put(shelf / "x", reconstruction="from a scenario")
    shipped.finish([], NOW)
    export_case(shipped, shelf / "builtin" / "shipped-2024-12.zip")
    cases = {one.name: one for one in list_cases()}
    assert list(cases) == ["broken", "mine", "odd", "torn", "shipped-2024-12"]
    assert (cases["mine"].project, cases["mine"].state, cases["mine"].problem) == (str(DEMO), "collecting", None)
    assert all(cases[name].problem for name in ("broken", "odd", "torn"))
    assert cases["shipped-2024-12"].reconstruction == "from a scenario"
    assert cases["shipped-2024-12"].builtin


def test_cases_are_found_by_path_and_by_name(shelf: Path) -> None:
    mine = put(home() / "mine")
    shipped = put(shelf / "x")
    shipped.finish([], NOW)
    export_case(shipped, shelf / "builtin" / "ultralytics-2024-12.zip")
    assert find_case("mine") == mine.path
    assert find_case(str(shelf / "x")) == shelf / "x"
    found = find_case("ultralytics-2024-12")
    with pytest.raises(ReadOnlyCase, match="built in"):
        Case.open(found).add_fact({}, source="s")
    with pytest.raises(CaseNotFound) as caught:
        find_case("ultralitics-2024-12")
    assert "ultralytics-2024-12" in caught.value.diagnostics()
    with pytest.raises(CaseNotFound):
        find_case("")


def test_new_cases_get_paths_of_their_own(shelf: Path) -> None:
    first = new_case_path(DEMO, NOW)
    assert first.parent == home()
    put(first)
    assert new_case_path(DEMO, NOW) != first
    assert new_case_path(parse_project("pypi:demo"), NOW).name != first.name


def test_the_newest_unfinished_case_is_resumed(shelf: Path, make_case: Callable[..., Case]) -> None:
    put(home() / "old", now=NOW - timedelta(hours=30))
    put(home() / "early", now=NOW - timedelta(hours=5))
    late = put(home() / "late", now=NOW - timedelta(hours=2))
    put(home() / "done", now=NOW - timedelta(hours=1)).finish([], NOW)
    put(home() / "other", project=parse_project("pypi:demo"), now=NOW)
    assert unfinished_case(DEMO, now=NOW) == late.path
    assert unfinished_case(DEMO, within=timedelta(hours=1), now=NOW) is None
