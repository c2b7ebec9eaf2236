"""The page in a browser: silent, accessible, usable by keyboard, complete on paper."""

from __future__ import annotations

import io
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics.report import render_html

from . import documents
from .pages import read

BINARY = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
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


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("reports")
    made = {}
    for name, build in (
        ("compromised", documents.compromised),
        ("benign", documents.benign),
        ("empty", documents.empty),
        ("compact", documents.compact),
    ):
        path = folder / f"{name}.html"
        path.write_text(render_html(build()), encoding="utf-8")
        made[name] = path.as_uri()
    return made


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    contexts = []

    def opened(url: str, **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.noise = []
        page.on("console", lambda message: page.noise.append(message.text))
        page.on("pageerror", lambda error: page.noise.append(str(error)))
        page.on(
            "request",
            lambda request: page.noise.append(request.url) if request.url.split("#")[0] != url.split("#")[0] else None,
        )
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", ["compromised", "benign", "empty"])
def test_the_page_is_silent(open_page: Any, urls: dict[str, str], name: str) -> None:
    page = open_page(urls[name])
    page.wait_for_load_state("networkidle")
    assert [noise for noise in page.noise if not noise.startswith("data:")] == []


@pytest.mark.parametrize("name", ["compact", "empty"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1440), ("light", 360)])
def test_axe_finds_nothing(open_page: Any, urls: dict[str, str], name: str, scheme: str, width: int) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(urls[name], color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    page.evaluate("document.querySelectorAll('details').forEach((d, i) => { if (i % 3 === 0) d.open = true })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", ["compromised", "benign", "empty"])
def test_a_phone_scrolls_in_one_direction(open_page: Any, urls: dict[str, str], name: str) -> None:
    page = open_page(urls[name], viewport={"width": 360, "height": 740})
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_filter_narrows_and_counts(open_page: Any, urls: dict[str, str]) -> None:
    page = open_page(urls["compromised"])
    total = page.locator("#event-table tbody tr").count()
    page.get_by_label("Filter events").fill("lane:index release:8.3.41")
    assert page.locator("#event-table tbody tr:visible").count() == 2
    assert page.locator("#event-count").text_content() == f"2 of {total}"
    page.get_by_label("Filter events").fill("")
    assert page.locator("#event-table tbody tr:visible").count() == total


def test_headers_sort_by_keyboard_and_say_so(open_page: Any, urls: dict[str, str]) -> None:
    page = open_page(urls["compromised"])
    head = page.locator("#event-table thead th").first
    first = page.locator("#event-table tbody tr").first
    before = first.get_attribute("id")
    for expected in ("ascending", "descending", None):
        head.locator("button").focus()
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == expected
    assert first.get_attribute("id") == before
    page.locator("#event-table thead th button").nth(2).press("Space")
    versions = page.locator("#event-table tbody td:nth-child(3)").all_text_contents()
    numbers = [int(text.split(".")[2]) for text in versions if text.strip()]
    assert numbers == sorted(numbers)


def test_a_deep_link_opens_what_it_points_to(open_page: Any, urls: dict[str, str]) -> None:
    page = open_page(urls["compromised"] + "#release-8.3.45")
    assert page.locator("#release-8\\.3\\.45").is_visible()
    assert page.evaluate("scrollY") > 500
    reference = page.locator(".finding .ev a").first
    target = reference.get_attribute("href")
    reference.click()
    assert page.evaluate("location.hash") == target
    assert page.locator(target).is_visible()


def test_the_keyboard_reaches_the_content_first(open_page: Any, urls: dict[str, str]) -> None:
    page = open_page(urls["compromised"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_block_can_be_copied(open_page: Any, urls: dict[str, str]) -> None:
    page = open_page(urls["compromised"], permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: Affected versions").click()
    page.get_by_role("button", name="Copy: Affected versions").get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").splitlines()[0] == "ultralytics==8.3.41"


def test_without_javascript_everything_is_there(open_page: Any, urls: dict[str, str]) -> None:
    page = open_page(urls["compromised"], java_script_enabled=False)
    assert page.locator("#event-table tbody tr").count() == len(documents.compromised()["events"])
    assert not page.locator(".filter").is_visible()
    assert page.locator(".copy-button").count() == 0


@pytest.mark.parametrize("name", ["compromised", "benign", "empty"])
def test_nothing_is_cut_off_at_the_edge_of_the_paper(open_page: Any, urls: dict[str, str], name: str) -> None:
    """A4 less its margins is 688 pixels wide; what is wider would not be printed."""
    page = open_page(urls[name], viewport={"width": 688, "height": 980})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    wide = "Array.from(document.querySelectorAll('main *')).filter(e => e.getBoundingClientRect().right > 690)"
    assert page.evaluate(f"{wide}.map(e => e.tagName + ' ' + e.className + ' ' + e.textContent.slice(0, 40))") == []


def test_every_reference_leads_to_what_is_on_the_page(open_page: Any, urls: dict[str, str]) -> None:
    page = open_page(urls["compact"])
    for reference in page.locator(".summary .ev a").all():
        reference.click()
        target = page.evaluate("location.hash")
        assert page.locator(target).is_visible()
    back = page.locator("#observations .uses a").first
    target = back.get_attribute("href")
    back.click()
    assert page.evaluate("location.hash") == target
    assert page.locator(target.replace(".", "\\.")).is_visible()


def test_long_tables_scroll_in_place_and_by_keyboard(open_page: Any, urls: dict[str, str]) -> None:
    page = open_page(urls["compromised"], viewport={"width": 1280, "height": 900})
    box = page.locator("#events .scroll")
    assert box.bounding_box()["height"] < 900
    box.focus()
    page.keyboard.press("End")
    left = "e => e.scrollHeight - e.clientHeight - e.scrollTop"
    for _ in range(50):  # the browser scrolls smoothly
        if box.evaluate(left) < 2:
            break
        page.wait_for_timeout(100)
    assert box.evaluate(left) < 2
    page.goto(urls["compromised"] + "#event-90")
    head, row = page.locator("#events thead th").first, page.locator("#event-90")
    assert row.bounding_box()["y"] >= head.bounding_box()["y"] + head.bounding_box()["height"] - 1


@pytest.mark.parametrize("script", [True, False])
def test_paper_keeps_everything(open_page: Any, urls: dict[str, str], script: bool) -> None:
    from pypdf import PdfReader

    doc = documents.compromised()
    page = open_page(urls["compromised"], java_script_enabled=script)
    if script:
        page.get_by_label("Filter events").fill("nothing at all")
    pages = PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True))).pages
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", "".join(part.extract_text() for part in pages)))
    for tag in ("h2", "h3"):
        for heading in re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", render_html(doc), re.DOTALL):
            assert re.sub(r"\s+", "", read(heading).text) in text
    for observation in read(render_html(doc)).with_attribute("data-observation"):
        assert observation in text
    assert text.count("attestationlogged") >= sum(e["what"] == "attestation logged" for e in doc["events"])
    assert "inclusionproof" in text  # inside what is folded on screen
    assert "source_repository_owner_identifier" in text
    assert "https://pypi.org/integrity/ultralytics/8.3.10/" in text
