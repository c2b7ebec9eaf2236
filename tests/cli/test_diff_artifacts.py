"""`forensics diff --artifacts`: what differs inside, as unified lines, whatever the author of a file wrote into it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.compare.making import wheel
from tests.conftest import Forensics
from tests.sources.npm_kit import ALICE, Registry, tarball
from tests.sources.npm_kit import investigation as npm_investigation
from tests.sources.tiny import Tiny, entry, investigation

HOSTILE = b"x = 1\n# \x1b[31mred \xe2\x80\xaegpj [bold]no markup[/bold] <script>alert(1)</script>\nimport socket\n"
NAME = "demo-{}-py3-none-any.whl"


def _serve(tiny: Tiny, *releases: tuple[str, dict[str, bytes]]) -> None:
    rows = []
    for day, (version, files) in enumerate(releases, 1):
        data = wheel(files, version)
        sha256 = hashlib.sha256(data).hexdigest()
        row = entry(NAME.format(version), day, sha256=sha256, provenance=None)
        rows.append(row)
        tiny.put(row["url"].removeprefix("https://files.example"), data)
    tiny.page(rows)


def _diff(forensics: Forensics, case: Path, *more: str, project: str = "demo") -> Any:
    return forensics("diff", project, "1.0.0", "1.0.1", "--case", case, "--offline", "--artifacts", *more)


def test_the_difference_is_unified_readable_and_harmless(tiny: Tiny, tmp_path: Path, forensics: Forensics) -> None:
    old = {"thing/__init__.py": b"x = 1\n", "thing/gone.py": b"y = 1\n", "thing/same.py": b"z = 1\n"}
    new = {"thing/__init__.py": HOSTILE, "thing/new\x1b[2J.py": b"w = 1\n", "thing/same.py": b"z = 1\n"}
    _serve(tiny, ("1.0.0", old), ("1.0.1", new))
    investigation(tiny, tmp_path / "case")
    done = _diff(forensics, tmp_path / "case")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert any(line.startswith("thing/__init__.py newly touches the network at import") for line in lines)
    assert any(line.startswith("removed") and "thing/gone.py" in line for line in lines)
    assert any(line.startswith("@@ -1") for line in lines)
    assert "+import socket" in lines
    (comment,) = [line for line in lines if line.startswith("+# ")]
    assert "[bold]no markup[/bold] <script>alert(1)</script>" in comment, "as it is, and nothing of it is obeyed"
    assert "red" in comment
    listed = [line for line in lines if line.startswith(("added", "removed", "changed"))]
    assert not any("thing/same.py" in line for line in listed)


def test_as_json_it_has_every_file_with_its_lines(tiny: Tiny, tmp_path: Path, forensics: Forensics) -> None:
    _serve(
        tiny, ("1.0.0", {"thing/a.py": b"a\nb\nc\n"}), ("1.0.1", {"thing/a.py": b"a\nB\nc\n", "thing/b.bin": b"\0\1"})
    )
    investigation(tiny, tmp_path / "case")
    document = json.loads(_diff(forensics, tmp_path / "case", "--json").stdout)
    (pair,) = document["contents"]
    text = {one["path"]: one for one in pair["text"]}
    assert text["thing/a.py"]["lines"] == ["@@ -1,4 +1,4 @@", " a", "-b", "+B", " c", " "]
    assert text["thing/b.bin"]["reason"] == "not text"
    assert pair["added"][0]["path"] == "thing/b.bin"


def test_npm(tiny: Tiny, tmp_path: Path, forensics: Forensics) -> None:
    demo = Registry(tiny)
    demo.release("1.0.0", 1, ALICE, data=tarball("demo", "1.0.0", {"index.js": "module.exports = 1\n"}))
    armed = tarball(
        "demo",
        "1.0.1",
        {"index.js": "require('child_process')\n"},
        scripts={"postinstall": "node index.js"},
        bin="./x.js",
    )
    demo.release("1.0.1", 2, ALICE, data=armed)
    demo.put()
    npm_investigation(tiny, tmp_path / "case")
    done = _diff(forensics, tmp_path / "case", project="npm:demo")
    assert done.returncode == 0, done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "new at install: postinstall: node index.js" in lines
    assert "index.js newly touches processes at install" in lines
    assert "newly declared: bin: demo = ./x.js" in lines
    assert "+require('child_process')" in lines
