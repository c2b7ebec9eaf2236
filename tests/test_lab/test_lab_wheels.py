"""Where files of the repository come to lie in a wheel: layouts with `src`, single modules, several packages."""

from __future__ import annotations

import io
import tarfile
import zipfile

import pytest

from tests.lab import build_world
from tests.lab.scenario import parse_scenario
from tests.test_lab.minimal import MINIMAL


@pytest.mark.parametrize(
    ("changed", "installed", "absent"),
    [
        ("small/net.py", {"small/__init__.py", "small/core.py", "small/net.py"}, "net.py"),
        ("src/other/io/net.py", {"other/__init__.py", "other/io/__init__.py", "other/io/net.py"}, "src/other/core.py"),
        ("small.py", {"small.py", "small/__init__.py"}, "tests/test_core.py"),
        ("setup.py", {"small/__init__.py"}, "setup.py"),
        ("tests/net.py", {"small/__init__.py"}, "tests/net.py"),
    ],
)
def test_a_changed_file_is_where_it_is_installed(changed: str, installed: set[str], absent: str) -> None:
    content = f'[release.content]\nmatches_source = false\nchanged = ["{changed}"]\n'
    world = build_world(parse_scenario(MINIMAL + content, "small.toml"))
    packed = {stored.artifact.kind: stored.artifact.data for stored in world.files}
    with zipfile.ZipFile(io.BytesIO(packed["wheel"])) as wheel:
        names = set(wheel.namelist())
    assert installed <= names
    assert absent not in names
    with tarfile.open(fileobj=io.BytesIO(packed["sdist"])) as sdist:
        assert f"small-1.0.0/{changed}" in sdist.getnames()


def test_every_package_that_is_changed_is_in_the_wheel() -> None:
    content = '[release.content]\nchanged = ["scripts/make.py", "small/net.py", "small_cli/main.py"]\n'
    world = build_world(parse_scenario(MINIMAL + content, "small.toml"))
    with zipfile.ZipFile(io.BytesIO(world.files[1].artifact.data)) as wheel:
        assert {"small/net.py", "small_cli/__init__.py", "small_cli/main.py"} <= set(wheel.namelist())
