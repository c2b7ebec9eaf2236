"""What a terminal, a pipe and a stranger's version number make of the output; and what help does not load."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import COMMAND, environment
from tests.conftest import Forensics
from tests.sources.tiny import Tiny, entry, old_entry

BUILTIN = "ultralytics-2024-12"
HEAVY = (
    "polars",
    "sigstore",
    "cryptography",
    "httpx",
    "aiohttp",
    "networkx",
    "jinja2",
    "pydantic",
    "warcio",
    "packaging",
)
COMMANDS = ["timeline", "diff", "report", "verify", "case", "signals", "case list", "case add", "case import"]


@pytest.mark.parametrize("words", ["--help", "--version", *(f"{c} --help" for c in COMMANDS)])
def test_help_loads_nothing_heavy(words: str, tmp_path: Path) -> None:
    # typer itself reads the values of a command's options through pydantic; of the bare --help it reads none.
    heavy = tuple(name for name in HEAVY if words == "--help" or name != "pydantic")
    code = (
        "import sys\nfrom forensics.cli import make_app\n"
        f"try:\n    make_app()({words.split()!r})\nexcept SystemExit as e:\n    assert not e.code\n"
        f"loaded = sorted(m for m in {heavy!r} if m in sys.modules)\nprint('LOADED', loaded)\n"
    )
    line = [sys.executable, "-c", code]
    done = subprocess.run(
        line, env=environment(tmp_path), cwd=tmp_path, capture_output=True, encoding="utf-8", check=True
    )
    assert done.stdout.endswith("LOADED []\n"), done.stdout
    assert len(done.stdout.splitlines()) > 1


@pytest.mark.parametrize(
    "words",
    [
        ("timeline", "--case", BUILTIN, "--offline", "--all"),
        ("case", "show", BUILTIN),
        ("signals",),
        ("diff", "ultralytics", "8.3.40", "8.3.43", "--offline", "--all"),
        ("case", "list"),
    ],
    ids=" ".join,
)
def test_a_pipe_gets_no_escapes_and_no_progress(words: tuple[str, ...], forensics: Forensics) -> None:
    done = forensics(*words, env={"FORCE_COLOR": "", "TERM": "xterm-256color"})
    assert done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_a_narrow_terminal_loses_no_version_and_no_verdict(forensics: Forensics) -> None:
    done = forensics("timeline", "--case", BUILTIN, "--offline", env={"COLUMNS": "60"})
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 60
    for version in ("8.3.41", "8.3.42", "8.3.45", "8.3.46"):
        row = next(line for line in lines if re.match(rf"!!\s+{re.escape(version)}\b", line))
        assert "likely-compromised" in row
    for moment in ("2024-12-04 20:51", "2024-12-05 13:47", "2024-12-07 01:41", "2024-12-07 03:15"):
        assert moment in " ".join(done.stdout.split())


@pytest.mark.parametrize("columns", [60, 80, 99, 100, 120, 200])
def test_every_width_shows_when_a_suspect_was_published(columns: int, forensics: Forensics) -> None:
    done = forensics("timeline", "--case", BUILTIN, "--offline", env={"COLUMNS": str(columns)})
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    table = lines[: next(n for n, line in enumerate(lines) if line.lstrip().startswith("time (UTC)"))]
    assert any("published (UTC)" in line for line in table)
    for version, published in (("8.3.41", "2024-12-04 20:51:00"), ("8.3.46", "2024-12-07 02:27:00")):
        number = next(n for n, line in enumerate(table) if re.match(rf"!!\s+{re.escape(version)}\b", line))
        assert published in table[number if columns >= 100 else number + 1]
    if columns >= 80:
        assert any("artifact-differs-from-source H" in line for line in table), "no name of a signal is broken"


@pytest.mark.parametrize(
    "words", [("case", "show", BUILTIN), ("timeline", "--case", BUILTIN, "--offline")], ids=lambda w: w[0]
)
def test_times_are_printed_to_the_second_and_say_that_they_are_utc(
    words: tuple[str, ...], forensics: Forensics
) -> None:
    said = forensics(*words).stdout
    assert not re.search(r"\d\d:\d\d:\d\d[.T]", said)
    assert re.search(r"collected +2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d UTC", said)


def test_recovery_prints_times_as_the_timeline_does(forensics: Forensics) -> None:
    said = forensics("recover", "ultralytics", "8.3.41", "--case", BUILTIN, "--offline").stdout
    assert "published 2024-12-04 20:51:00 UTC; not listed by the index, removed 2024-12-05 09:15:00 UTC" in said
    assert "  signed       2024-12-04 20:50:44 UTC (signed by the log)" in said
    assert not re.search(r"\dT\d\d:\d\d", said)


TIMELINE = ("timeline", "--case", BUILTIN, "--offline", "--quiet")


def on_a_terminal(tmp_path: Path, *words: str, code: int = 11, **more: str) -> str:
    """Return what the command, `timeline` by default, writes to a pseudo-terminal of 100 columns."""
    import os
    import pty

    ours, theirs = pty.openpty()
    line = [COMMAND, *(words or TIMELINE)]
    env = {**environment(tmp_path), "TERM": "xterm-256color", "COLUMNS": "100", **more}
    running = subprocess.Popen(line, env=env, cwd=tmp_path, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        said += part
    os.close(ours)
    assert running.wait(60) == code
    return said.decode()


def test_a_terminal_gets_links_and_only_safe_ones(tmp_path: Path) -> None:
    said = on_a_terminal(tmp_path)
    targets = set(re.findall("\x1b]8;[^;]*;([^\x1b]+)\x1b", said))
    assert any(re.fullmatch(r"https://github\.com/ultralytics/ultralytics/commit/[0-9a-f]{40}", t) for t in targets)
    assert any("/actions/runs/" in target for target in targets)
    assert any("logIndex=" in target for target in targets)
    assert not any(target.endswith((".whl", ".tar.gz")) for target in targets)


def test_an_observation_cannot_speak_to_the_terminal(forensics: Forensics, tmp_path: Path) -> None:
    listed = f"\x1b]0;owned\x07{'a' * 64}  ultralytics-8.3.41.tar.gz\n"
    (tmp_path / "iocs.txt").write_text(listed)
    assert forensics("case", "import", BUILTIN, "--name", "mine").returncode == 0
    added = forensics("case", "import", "mine", "iocs.txt", "--kind", "indicators")
    observation = added.stdout.split()[-1]
    said = on_a_terminal(tmp_path, "case", "show", "mine", observation, code=0)
    assert "\x1b" not in said
    assert r"\u001b]0;owned\u0007aaaa" in said
    assert forensics("case", "show", "mine", observation).stdout == listed, "a pipe gets the bytes as they came"


def test_no_color_means_no_colour(tmp_path: Path) -> None:
    said = on_a_terminal(tmp_path, NO_COLOR="1")
    assert "8.3.41" in said
    assert not re.search("\x1b\\[[0-9;]*3[0-9]m", said)


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_the_times_table_fits_and_names_every_time(forensics: Forensics, columns: int) -> None:
    done = forensics("timeline", "--case", BUILTIN, "--offline", env={"COLUMNS": str(columns)})
    assert max(map(len, done.stdout.splitlines())) <= columns
    head = next(line for line in done.stdout.splitlines() if line.lstrip().startswith("time (UTC)"))
    assert ("from publish" in head) == (columns >= 70)
    assert ("whose word" in head) == (columns >= 120)
    row = next(line for line in done.stdout.splitlines() if line.startswith("2024-12-05 09:15:00"))
    assert "removed" in row
    assert ("+12 h 24 min" in row) == (columns >= 70)


def test_all_shows_every_release_and_otherwise_a_stretch_is_one_line(forensics: Forensics) -> None:
    words = ("timeline", "--case", BUILTIN, "--offline")
    short, full = forensics(*words).stdout, forensics(*words, "--all").stdout
    row = re.compile(r"^\s+8\.3\.13\s", re.MULTILINE)
    assert not row.search(short)
    assert row.search(full)
    assert "without findings" in short


def test_versions_and_times_narrow_what_is_shown_and_not_what_is_judged(forensics: Forensics) -> None:
    import json

    words = ("timeline", "--case", BUILTIN, "--offline", "--json")
    shown = json.loads(forensics(*words, "--versions", ">=8.3.43,<8.3.45").stdout)
    assert [r["version"] for r in shown["releases"]] == ["8.3.43", "8.3.44"]
    assert len(shown["waves"]) == 2
    assert shown["exit_code"] == 11
    late = json.loads(forensics(*words, "--since", "2024-12-07T12:00:00Z", "--until", "2024-12-08").stdout)
    assert [r["version"] for r in late["releases"]] == ["8.3.47"]


def test_a_hostile_version_cannot_speak_to_the_terminal(forensics: Forensics, tiny: Tiny) -> None:
    bad = "1.0\x1b]0;owned\x07\x9b31m\u202e\n\rfake line"
    tiny.page([entry("demo-1.0.0-py3-none-any.whl"), entry("x\x1b[2J.exe")], meta={"api-version": "1.1"})
    tiny.legacy({bad: [old_entry("x\x1b[2J.exe", "b" * 64)]})
    env = {
        f"FORENSICS_{key}_URL": f"{tiny.url}{path}"
        for key, path in {"PYPI": "", "FILES": "", "OSV": "/osv", "REKOR": "/r"}.items()
    }
    for words in (
        ("timeline", "demo", "--case", "c", "--all"),
        ("timeline", "demo", "--case", "c", "--json"),
        ("diff", "demo", bad.replace("\n", "\n"), "1.0.0", "--case", "c"),
        ("diff", "demo", bad, "1.0.0", "--case", "c", "--json"),
        ("diff", "demo", "1.0\x1b", "1.0.0", "--case", "c"),
        ("case", "show", "c"),
        ("report", "c", "--format", "md"),
    ):
        done = forensics(*words, env=env)
        said = done.stdout + done.stderr
        assert said
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said), words
        assert not any(line.startswith("fake line") for line in said.splitlines()), words
        assert "internal error" not in said
