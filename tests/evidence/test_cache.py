"""The cache beside the cases: what it keeps, what it lets go, and when it looks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forensics.evidence import cache


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FORENSICS_CACHE", str(tmp_path))
    return tmp_path


def test_what_was_put_is_found_and_a_damaged_entry_is_none(home: Path) -> None:
    key = cache.key_of("a", "b")
    cache.put(key, b"body")
    assert cache.get(key) == b"body"
    (home / key).write_bytes((home / key).read_bytes() + b"x")
    assert cache.get(key) is None


def test_parts_of_a_key_do_not_run_into_each_other() -> None:
    assert cache.key_of("ab", "c") != cache.key_of("a", "bc")


def test_the_oldest_entries_go_when_there_is_too_much(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MAX_BYTES", 3000)
    monkeypatch.setattr(cache, "UNMEASURED", 1000)
    for number in range(12):
        cache.put(f"{number:02}", b"x" * 500)
        os.utime(home / f"{number:02}", (number, number))
    left = sorted(path.name for path in home.iterdir())
    assert left[-1] == "11"
    assert "00" not in left
    assert sum(path.stat().st_size for path in home.iterdir()) <= 3000 + 1000 + 500


def test_what_is_there_is_not_counted_for_every_entry(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []
    monkeypatch.setattr(cache, "_trim", looked.append)
    for number in range(50):
        cache.put(f"{number:02}", b"x" * 500)
    assert looked == [home]  # at the first, for what earlier processes left
