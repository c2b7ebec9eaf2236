"""The dashboard in a browser: silent, accessible, sortable and filterable, with 360 and with 5,000 projects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.sweep.dashboard import adoption_doc, render_adoption

from .test_dashboard import NOW, release_row, world

BINARY = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(not Path(BINARY).exists(), reason=f"no Chromium at {BINARY}; set CHROMIUM to its path"),
]
STATES = ["attested", "not attested", "not observed", "partly attested"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=BINARY, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="module", params=[360, 5000])
def dashboard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    count: int = request.param
    months = [release_row(f"1.{m}", datetime(2026, m, 2, tzinfo=UTC), STATES[m % 3]) for m in range(1, 7)]
    names = {f"project-{n:04}": {"attested": STATES[n % 4], "repository": "acme/x"} for n in range(count)}
    rows, releases = world(names, {"project-0000": months})
    page = render_adoption(adoption_doc(rows, releases, {}, NOW))
    assert len(page.encode()) < 5 * 2**20
    path = tmp_path_factory.mktemp("adoption") / f"{count}.html"
    path.write_text(page, "utf-8")
    return path.as_uri(), count


def opened(browser: Any, url: str, **options: Any) -> Any:
    page = browser.new_context(**options).new_page()
    page.noise = []
    page.on("console", lambda message: page.noise.append(message.text))
    page.on("pageerror", lambda error: page.noise.append(str(error)))
    page.on("request", lambda request: page.noise.append(request.url) if request.url != url else None)
    page.goto(url)
    return page


def test_silent_and_usable(browser: Any, dashboard: tuple[str, int]) -> None:
    url, count = dashboard
    page = opened(browser, url)
    assert [noise for noise in page.noise if not noise.startswith("data:")] == []
    page.fill("#project-filter", "project-0007")
    assert page.inner_text("#project-count") == f"1 of {count} projects"
    page.fill("#project-filter", "")
    page.get_by_role("button", name="project").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.inner_text("#project-table tbody tr:first-child th").startswith(f"project-{count - 1:04}")
    page.context.close()


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 800}}],
    ids=["light", "dark", "phone"],
)
def test_axe_finds_nothing(browser: Any, dashboard: tuple[str, int], options: dict[str, Any]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    url, count = dashboard
    if count > 1000 and options:
        pytest.skip("the same styles; the long page is looked at once")
    page = opened(browser, url, **options)
    # Rows are alike, and axe compares every cell with every other: those after the first hundred are taken out.
    late = "#project-table tbody tr:nth-child(n+101)"
    page.evaluate("(late) => document.querySelectorAll(late).forEach((row) => row.remove())", late)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.context.close()
