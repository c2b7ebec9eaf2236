"""The profiles kept as text: both are there, name no folder of a machine, and charge time to whoever spent it."""

from __future__ import annotations

import hashlib
import re

import pytest

from bench.profiling import FOLDER, PATHS, Profiled, counted, name_of, page, sampled

_ROW = re.compile(r" *\d+\.\d% +\d+\.\d% +[\d.]+  (\S+) \S+")


@pytest.mark.parametrize("name", PATHS)
def test_kept_profiles_are_tables_without_folders_of_a_machine(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    rows = [match[1] for line in text.splitlines() if (match := _ROW.fullmatch(line))]
    assert len(rows) > 40
    assert not [row for row in rows if row.startswith("/") or ".venv" in row or "site-packages" in row]
    assert any(row.startswith("forensics/") for row in rows)


def _spends() -> None:
    for _ in range(200):
        hashlib.sha256(b"x" * 2_000_000).digest()


def _calls() -> None:
    _spends()


def test_time_and_calls_are_those_of_the_function_that_spent_them() -> None:
    samples = sampled(_calls)
    assert samples.own[_spends.__code__] > 0.8 * samples.total
    assert samples.own[_calls.__code__] < 0.1 * samples.total
    assert samples.below[_calls.__code__] > 0.8 * samples.total
    path = Profiled("a test", "call", 1, lambda first, last: _calls, lambda count: iter([{}]))
    text = page(path, samples, counted(_calls))
    assert re.search(r"\d% +1\.0  \S+ _spends$", text, re.MULTILINE)


def test_names_are_those_of_the_checkout_and_of_packages() -> None:
    assert name_of(_spends.__code__) == "tests/test_profiles.py _spends"
    assert name_of(re.compile.__code__) == "re/__init__.py compile"
    assert name_of(pytest.raises.__code__).startswith("_pytest/")
