"""The lines that a reader copies into a shell, run over lockfiles that the real tools wrote."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from forensics.report.affected import blocks

LOCKS = Path(__file__).parents[1] / "sources/locks"
pytestmark = pytest.mark.skipif(shutil.which("grep") is None, reason="grep is not installed")


def search(ecosystem: str, name: str, version: str, tree: Path) -> set[str]:
    """Run the block over *tree* and return the folders it names."""
    release = {"version": version, "verdict": "likely-compromised", "files": []}
    document: Any = {"project": {"ecosystem": ecosystem, "name": name}, "releases": [release]}
    (block,) = [b for b in blocks(document) if b.id == "lockfiles"]
    ran = subprocess.run(["sh", "-c", block.text], cwd=tree, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return {line.removeprefix("./").partition("/")[0] for line in ran.stdout.splitlines() if line.startswith("./")}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Each lockfile under the name that its tool gives it, in a folder of its own."""
    for path in sorted(LOCKS.iterdir()):
        label, dash, real = path.name.partition("-")
        folder = tmp_path / (label if dash else path.stem.lower() + path.suffix.lower())
        folder.mkdir()
        shutil.copy(path, folder / (real if dash else path.name))
    return tmp_path


def test_every_lockfile_of_npm_is_found(tree: Path) -> None:
    everyone = {p.name.partition("-")[0] for p in LOCKS.iterdir() if p.name.startswith(("npm", "pnpm", "yarn"))}
    assert search("npm", "debug", "4.4.3", tree) == everyone
    assert search("npm", "ms", "2.1.2", tree) == everyone, "behind an alias, too"
    assert search("npm", "@types/ms", "0.7.34", tree) == everyone
    assert search("npm", "debug", "4.4.30", tree) == search("npm", "debug", "4.4", tree) == set()
    assert search("npm", "bug", "4.4.3", tree) == set()


def test_every_lockfile_of_python_is_found(tree: Path) -> None:
    everyone = {"uv.lock", "requirements.txt", "pylock.toml", "pipfile.lock"}
    assert search("pypi", "idna", "3.7", tree) == everyone
    assert search("pypi", "iniconfig", "2.3.1", tree) == everyone
    assert search("pypi", "idna", "2.3.1", tree) == set(), (
        "the version of the package after it is not taken for its own"
    )
    assert search("pypi", "idna", "3.70", tree) == search("pypi", "dna", "3.7", tree) == set()
