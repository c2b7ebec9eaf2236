"""A stranger's test: each place that docs/report.md names is found in the built-in case's report, and says it there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Forensics

ROOT = Path(__file__).parents[2]
BINARY = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
ROWS = [
    (number, question, anchor, re.findall(r"`([^`]+)`", answers))
    for number, question, anchor, answers in re.findall(
        r"(?m)^\| (\d+) \| ([^|]+) \| `(#[^`]+)` \| ([^|]+) \|$", (ROOT / "docs/report.md").read_text(encoding="utf-8")
    )
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(BINARY).exists(), reason=f"no Chromium at {BINARY}; set CHROMIUM to its path"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BINARY, args=["--no-sandbox"])
        yield running
        running.close()


def test_every_question_is_answered_where_the_page_says(browser: Any, forensics: Forensics, tmp_path: Path) -> None:
    assert [number for number, *_ in ROWS] == [str(n) for n in range(1, 14)]
    done = forensics("report", "ultralytics-2024-12", "-o", "r.html", "--exit-zero", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    for number, question, anchor, answers in ROWS:
        page.goto("about:blank")
        page.goto((tmp_path / "r.html").as_uri() + anchor)
        place = page.locator("#" + re.sub(r"([.])", r"\\\1", anchor[1:]))
        assert place.is_visible(), f"{number}. {question}"
        top = place.bounding_box()["y"]
        assert -5 <= top < 900, f"{number}. {question}: {anchor} is not on the screen"
        # An anchor on a heading means what follows it, up to the end of its block.
        text = place.evaluate("e => (/^H\\d$/.test(e.tagName) ? e.parentElement : e).innerText")
        said = " ".join(text.split())
        for answer in answers:
            assert answer in said, f"{number}. {question}: {anchor} does not say {answer!r}"
    page.close()
