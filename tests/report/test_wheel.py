"""From a wheel in an empty environment: templates, styles, pages of signals and built-in cases have to be inside."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from forensics.report import FORMATS
from tests.command import environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("dist")
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(where)]
    subprocess.run(line, cwd=ROOT, check=True, capture_output=True)
    (made,) = where.glob("*.whl")
    return made


def test_every_template_is_in_the_wheel(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    templates = {str(path.relative_to(ROOT)) for path in (ROOT / "forensics").rglob("templates/*")}
    assert len(templates) > 10
    assert templates <= inside


def test_an_installed_wheel_writes_every_form(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    line = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "install", "--quiet", "--no-deps",
            "--no-index", "--disable-pip-version-check", str(wheel)]  # fmt: skip
    subprocess.run(line, check=True, capture_output=True)
    (site,) = home.glob("lib/python*/site-packages")
    # The libraries are those of this environment; a path file adds the folder and not what is installed in place there.
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    env = environment(tmp_path)
    asked = subprocess.run([home / "bin" / "python", "-c", "import forensics; print(forensics.__file__)"],
                           env=env, cwd=tmp_path, capture_output=True, text=True, check=True)  # fmt: skip
    assert asked.stdout.startswith(str(home))
    for form in FORMATS:
        line = [str(home / "bin" / "forensics"), "report", "ultralytics-2024-12", "-o", f"r.{form}", "--exit-zero"]
        done = subprocess.run(line, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "8.3.41" in (tmp_path / f"r.{form}").read_text(encoding="utf-8")
