"""Lead files of public incidents: they parse, name their sources, and enter real cases only."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from forensics.investigation import Investigation
from forensics.model.endpoints import resolve_endpoints
from forensics.model.project import parse_project
from forensics.sources.leads import leads_for
from forensics.sources.supplements import detect_kind, read_supplements
from tests.lab import World

NAMES = sorted(entry.name for entry in files("forensics.leads").iterdir() if entry.name.endswith(".toml"))


def lead(name: str) -> dict[str, Any]:
    return tomllib.loads(files("forensics.leads").joinpath(name).read_text("utf-8"))


def test_there_is_one_for_the_demonstration() -> None:
    assert "ultralytics-2024-12.toml" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_names_a_source_that_the_file_defines(name: str) -> None:
    data = lead(name)
    assert data["schema"] == "forensics/lead/1"
    assert data["id"] == name.removesuffix(".toml")
    assert str(parse_project(data["project"])) == data["project"]
    known = [source["id"] for source in data["source"]]
    assert len(known) == len(set(known))
    assert all(source["title"] for source in data["source"])
    entries = [entry for kind in ("release", "log", "advisory", "hashes") for entry in data.get(kind, [])]
    entries += [file for release in data.get("release", []) for file in release.get("file", [])]
    assert entries
    assert {entry["source"] for entry in entries} <= set(known)
    digests = [
        d
        for entry in entries
        for d in ([entry["sha256"]] if isinstance(entry.get("sha256"), str) else entry.get("sha256", []))
    ]
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_read_without_a_problem(name: str, tmp_path: Path) -> None:
    project = parse_project(lead(name)["project"])
    made = Investigation.start(project, tmp_path / "case", resolve_endpoints())
    (item,) = made.case.imports()
    assert (item.name, item.kind) == (name, "lead")
    assert detect_kind(name, item.read()) == "lead"
    found = read_supplements([item], project)
    assert found.problems == []
    assert {r["version"] for r in lead(name)["release"]} <= found.versions()
    assert [index for index, *_ in found.log_indices] == [entry["index"] for entry in lead(name).get("log", [])]


def test_leads_are_of_one_project_alone() -> None:
    assert leads_for(parse_project("pypi:nobody")) == []
    assert [name for name, *_ in leads_for(parse_project("Ultralytics"))] == ["ultralytics-2024-12.toml"]


def test_a_case_with_another_root_gets_no_lead(lab_world: World, tmp_path: Path) -> None:
    root = lab_world.write_trusted_root(tmp_path)
    data = (root or tmp_path / "trusted_root.json").read_bytes()
    made = Investigation.start(parse_project("ultralytics"), tmp_path / "case", resolve_endpoints(), trust_root=data)
    assert made.root.kind == "named"
    assert made.case.imports() == []
