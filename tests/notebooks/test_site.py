"""The documentation builds strictly without a network, names every command and function, and loads nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import typer.main

import forensics
from forensics.cli import make_app
from forensics.notebook import CaseView
from forensics.notebook.columns import ABOUT

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, env={**os.environ, **proxies}, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def _text(page: Path) -> str:
    return unescape(re.sub(r"<[^>]+>", "", page.read_text("utf-8")))


def test_every_page_of_the_folder_is_there(site: Path) -> None:
    pages = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    names = [path.with_name("index.html") if path.name == "README.md" else path.with_suffix(".html") for path in pages]
    assert [str(name) for name in names if not (site / name).is_file()] == []
    for name in ("overview", "contributing", "security", "changelog"):
        assert (site / f"{name}.html").is_file()


def test_every_command_has_its_page_with_its_help(site: Path) -> None:
    for name, command in typer.main.get_command(make_app()).commands.items():  # type: ignore[attr-defined]
        text = _text(site / "commands" / f"{name}.html")
        parts = [f"{name} {below}" for below in getattr(command, "commands", {})] or [name]
        for words in parts:
            assert f"Usage: forensics {words}" in text.replace("Usage: root", "Usage: forensics")
        assert "--help" in text


def test_the_api_and_the_frames_are_on_their_pages(site: Path) -> None:
    api, frames = _text(site / "api.html"), _text(site / "frames.html")
    assert [name for name in forensics.__all__ if not name.startswith("_") and f"forensics.{name}" not in api] == []
    assert [name for name in vars(CaseView) if not name.startswith("_") and f"CaseView.{name}" not in api] == []
    assert [name for name, about in ABOUT.items() if about not in frames] == []
    assert "ForensicsError" in api


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    loads = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*?(?:src|href)=\"?((?:https?:)?//[^\s\">]+)")
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    found = {url for page in pages for url in loads.findall(page.read_text("utf-8"))}
    assert found == set()
    styles = "\n".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"url\([\"']?https?:|@import", styles)


def test_links_to_files_of_the_repository_lead_to_their_page(site: Path) -> None:
    overview = (site / "overview.html").read_text("utf-8")
    assert re.search(r'href="?getting-started\.html', overview)
    assert re.search(r'href="?signals/', overview)
    assert re.search(r'src="?images/report\.png', overview)
    assert (site / "images/report.png").is_file()
