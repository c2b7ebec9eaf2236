"""The built-in cases: whole, labelled, vouched for, small, and still saying what their scenarios expect."""

from __future__ import annotations

import hashlib
import json
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.conftest import Forensics
from tests.lab.judging import RANKS
from tests.lab.scenario import load_scenario

ROOT = Path(__file__).resolve().parents[2]
CASES = sorted((ROOT / "fixtures" / "cases").glob("*.zip"))
NAMES = [path.stem for path in CASES]
LIMIT = 6 * 2**20
"""Bytes that all of them may have, since they are in every wheel."""


def test_there_are_cases_of_both_ecosystems_incidents_and_a_benign_one() -> None:
    scenarios = [load_scenario(name) for name in NAMES]
    assert {scenario.ecosystem for scenario in scenarios} == {"pypi", "npm"}
    assert {scenario.kind for scenario in scenarios} == {"incident", "benign"}
    assert sum(path.stat().st_size for path in CASES) < LIMIT


@pytest.mark.parametrize("path", CASES, ids=NAMES)
def test_its_root_is_vouched_for_and_its_label_says_what_it_is(path: Path) -> None:
    known = tomllib.loads((ROOT / "forensics" / "trust" / "known.toml").read_text(encoding="utf-8"))
    with zipfile.ZipFile(path) as archive:
        files = {name.partition("/data/")[2]: name for name in archive.namelist()}
        digest = hashlib.sha256(archive.read(files["trusted_root.json"])).hexdigest()
        meta = json.loads(archive.read(files["case.json"]))
    assert known[digest] == {**known[digest], "kind": "lab", "name": f"Lab root of {path.stem}"}
    assert path.stem in meta["reconstruction"]
    assert "No byte of it comes from the incident" in meta["reconstruction"]


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_its_scenario_expects(name: str, forensics: Forensics) -> None:
    scenario = load_scenario(name)
    done = forensics("timeline", "--case", name, "--json", "--exit-zero", "--quiet")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    malicious = {release.version for release in scenario.release if release.malicious}
    verdicts = {release["version"]: RANKS[release["verdict"]] for release in document["releases"]}
    for expect in scenario.expect:
        if expect.version in malicious:
            assert verdicts[expect.version] >= RANKS[expect.verdict]
        else:
            assert verdicts[expect.version] <= RANKS[expect.verdict]
    others = set(verdicts) - malicious - {expect.version for expect in scenario.expect}
    assert {version for version in others if verdicts[version] > RANKS["notable"]} == set()


def test_all_are_listed_as_reconstructions(forensics: Forensics) -> None:
    told = forensics("case", "list").stdout
    assert all(name in told for name in NAMES)
    assert told.count("reconstruction") >= len(NAMES)
