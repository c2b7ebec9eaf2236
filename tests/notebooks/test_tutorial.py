"""The tutorial holds: what it does with built-in cases works, and every option it names is there."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from forensics.cli import make_app
from forensics.evidence.library import builtin_cases
from tests.conftest import Forensics

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs/getting-started.md").read_text("utf-8")
BUILT_IN = {path.stem for path in builtin_cases()}
COMMANDS = [
    tuple(shlex.split(line, comments=True))
    for line in re.sub(r"\\\n\s*", "", PAGE).splitlines()
    if line.startswith("    forensics ")
]
DONE = [words for words in COMMANDS if BUILT_IN & set(words) and not {"o-…", "sha256:DIGEST"} & set(words)]


@cache
def _help(*words: str) -> str:
    return CliRunner().invoke(make_app(), [*words, "--help"], env={"COLUMNS": "200"}).output


@pytest.mark.parametrize("words", sorted(set(COMMANDS)), ids=lambda words: " ".join(words[1:4]))
def test_every_command_and_option_of_the_tutorial_is_there(words: tuple[str, ...]) -> None:
    if words[1] == "--version":
        return
    two = words[1] in {"case", "log"}
    text = _help(*words[1 : 3 if two else 2])
    assert text.startswith("Usage"), text
    asked = {word for word in words[2:] if word.startswith("-")}
    assert {option for option in asked if not re.search(rf"(?<![\w-]){option}(?![\w-])", text)} == set()


def test_the_tutorial_uses_more_than_one_case() -> None:
    assert {word for words in DONE for word in words} >= {"ultralytics-2024-12", "axios-2026-03"}
    assert {f"`{name}`" for name in BUILT_IN if f"`{name}`" not in PAGE} == set(), "each built-in case is introduced"


@pytest.mark.parametrize("words", DONE, ids=lambda words: " ".join(words[1:4]))
def test_commands_on_built_in_cases_print_what_the_tutorial_shows(forensics: Forensics, words: tuple[str, ...]) -> None:
    done = forensics(*words[1:])
    assert done.returncode in {0, 10, 11}, done.stderr
    after = PAGE.split(shlex.join(words) + "\n", 1)[1] if shlex.join(words) in PAGE else ""
    printed = " ".join(done.stdout.split())
    block = re.match(r"\n((?:    .*\n|\n)+)", after)
    shown = [line.strip() for line in (block.group(1) if block else "").splitlines()]
    for line in shown:
        if line and not line.startswith("forensics "):
            for part in line.split("…"):
                assert " ".join(part.split()) in printed, line


def test_log_is_searched_for_what_the_timeline_prints(forensics: Forensics) -> None:
    printed = forensics("timeline", "--case", "ultralytics-2024-12", "--versions", "==8.3.41").stdout
    digest = re.search(r"ultralytics-8\.3\.41\.tar\.gz +sha256 ([0-9a-f]{64})", printed)
    assert digest
    words = next(words for words in COMMANDS if "sha256:DIGEST" in words)
    done = forensics(*(word.replace("DIGEST", digest.group(1)) for word in words[1:]))
    assert done.returncode == 0, done.stderr
    assert "ultralytics" in done.stdout
