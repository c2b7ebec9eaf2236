"""The file itself: deterministic, self-contained, within its policy and its size."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from forensics.report import FORMATS, render_html, render_markdown

from . import documents
from .pages import read

ROOT = Path(__file__).parents[2]
PROGRAM = """
import hashlib, sys
sys.path.insert(0, {root!r})
from tests.report import documents
from forensics.report import FORMATS
for name, renderer in FORMATS.items():
    print(name, hashlib.sha256(renderer(documents.compromised()).encode()).hexdigest())
"""


def test_the_same_document_gives_the_same_bytes_anywhere() -> None:
    outputs = set()
    for zone, locale, seed in (
        ("UTC", "C", "0"),
        ("Asia/Kathmandu", "tr_TR.UTF-8", "1"),
        ("America/St_Johns", "de_DE", "2"),
    ):
        environment = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(root=str(ROOT))],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    (output,) = outputs
    here = {
        name: hashlib.sha256(renderer(documents.compromised()).encode()).hexdigest()
        for name, renderer in FORMATS.items()
    }
    assert dict(line.split() for line in output.splitlines()) == here


def test_rendering_leaves_the_document_alone() -> None:
    doc = documents.compromised()
    for renderer in FORMATS.values():
        renderer(doc)
    assert doc == documents.compromised()


def test_the_policy_allows_exactly_what_is_inside() -> None:
    page = read(render_html(documents.compromised()))
    (policy,) = [
        a["content"] or "" for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    ]
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.raw[tag][0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith("img-src data:; base-uri 'none'; form-action 'none'")
    assert "unsafe" not in policy


def test_nothing_is_loaded_and_nothing_is_inline() -> None:
    page = read(render_html(documents.compromised()))
    assert not {"src", "srcset", "style", "action", "background", "poster"} & {name for _, name in page.shape()}
    assert not {"img", "iframe", "object", "embed", "form", "base", "audio", "video"} & {tag for tag, _ in page.tags}
    assert [a["href"] for t, a in page.tags if t == "link"] == ["data:,"]
    assert "url(" not in page.raw["style"][0]
    assert "@import" not in page.raw["style"][0]
    assert "fetch(" not in page.raw["script"][0]


@pytest.fixture(scope="module")
def large() -> Any:
    return documents.large()


def test_ten_thousand_releases_fit(large: Any) -> None:
    started = time.perf_counter()
    html = render_html(large)
    assert len(html.encode()) <= 5_000_000
    assert time.perf_counter() - started < 60  # a guard against something quadratic, not a benchmark
    page = read(html)
    assert len(page.with_attribute("data-release")) == 10_000
    assert len(page.with_attribute("data-finding")) == sum(len(r["signals"]) for r in large["releases"])
    assert "events of releases without findings are not listed here" in page.text
    assert re.search(r"9,?9\d\d releases? without findings|99 releases without findings", page.text)


def test_ten_thousand_releases_fit_into_markdown(large: Any) -> None:
    text = render_markdown(large)
    assert len(text) < 500_000
    assert text.count("- Observed: ") == 15
