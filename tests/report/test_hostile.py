"""Outside text stays text: no element, attribute, link or command comes out of it, and nothing of it hides."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model.text import HIDDEN, visible
from forensics.report import FORMATS, render_html, render_json, render_markdown
from forensics.report.affected import blocks
from forensics.report.pictures import Picture, Pictures, pictures_of

from . import documents
from .pages import read

PAYLOADS = {
    "script": "<script>alert(1)</script>",
    "closing": '"></style></script><svg onload=alert(1)><!--',
    "handler": 'x" onmouseover="alert(1)" autofocus onfocus=\'alert(2)\'',
    "javascript": "javascript:alert(1)//https://github.com/",
    "data url": "data:text/html,<script>alert(1)</script>",
    "foreign link": "https://evil.example/payload?x=1",
    "user in link": "https://github.com@evil.example/a",
    "backslash link": "https://github.com\\@evil.example/",
    "bidi": "safe\u202egnp.exe\u2066\u2069",
    "zero width": "pa\u200bypal\ufeff\u00ad\U000e0041",
    "controls": "a\x00b\x1b[31mc\x9bd\re\nf\tg",
    "surrogate": "a\ud800b",
    "template": "{{7*7}}{% raw %}${7*7}#{7*7}",
    "svg and css": "</text><foreignObject>*{color:red}</style>url(https://evil.example/x)",
    "markdown": "|a|b|\n|--|--|\n[x](https://evil.example) ![y](https://evil.example/z) `code` **b** <b>h</b> @someone",
    "shell": "1.0'; rm -rf ~; echo '$(id)`id`",
    "stacked": "Z" + "\u0300\u0301\u0302\u0303\u0304\u0305" * 20,
    "long": "A" * 100_000,
}


def poisoned(payload: str, before: str = "") -> Any:
    """Return the compromised document, shortened, with *payload* added to every string of it, keys of maps included.

    *before* is put in front of every string.
    """
    doc: Any = documents.compromised()
    doc["releases"] = doc["releases"][-8:]
    doc["events"] = doc["events"][-16:]
    doc["observations"] = doc["observations"][:20]
    closed = {
        "ecosystem",
        "verdict",
        "at_publish",
        "collected_at",
        "change",
        "severity",
        "lane",
        "result",
        "provenance",
        "status",
    }

    def walk(value: Any, key: str = "", *, open_map: bool = False) -> Any:
        if isinstance(value, str):
            return value if key in closed else f"{before}{value}{payload}"
        if isinstance(value, list):
            return [walk(item, key) for item in value]
        if isinstance(value, dict):
            opened = key in {"identity", "endpoints", "publisher", "options"}
            return {(f"{k}{payload}" if opened else k): walk(v, k) for k, v in value.items()}
        return value

    return walk(doc)


@pytest.fixture(scope="module")
def allowed() -> set[tuple[str, str]]:
    """Which attributes the templates themselves put on which elements: those of harmless text."""
    return read(render_html(poisoned("~"))).shape() | read(render_html(documents.compromised())).shape()


@pytest.mark.parametrize("name", PAYLOADS)
def test_html_stays_html(name: str, allowed: set[tuple[str, str]]) -> None:
    html = render_html(poisoned(PAYLOADS[name]))
    page = read(html)
    assert page.shape() - allowed <= {("a", "href"), ("a", "rel"), ("a", "class")}
    assert len(page.raw["script"]) == 1
    assert len(page.raw["style"]) == 1
    assert not any(attribute.startswith("on") or attribute == "style" for _, attribute in page.shape())
    for href in page.with_attribute("href"):
        assert href.startswith(("#", "data:,", "https://")), href[:80]
        assert "evil" not in href or href.startswith("#")
    assert not HIDDEN.search(html.replace("\n", ""))
    assert name != "template" or "8.3.41{{7*7}}{% raw %}${7*7}" in page.text


@pytest.mark.parametrize("name", PAYLOADS)
def test_markdown_stays_text(name: str) -> None:
    text = render_markdown(poisoned(PAYLOADS[name]))
    assert not HIDDEN.search(text.replace("\n", ""))
    fenced = re.sub(r"(?ms)^```.*?^```$", "", text)
    prose = re.sub(r"`[^`\n]*`", "", re.sub(r"\\[\\`*_{}\[\]|~$#!:]", "", fenced))
    assert not re.search(r"<[a-zA-Z/!]|\]\(|\*\*b\*\*|@[a-z]|`", prose)
    assert "https://evil" not in text
    tables = [block for block in fenced.split("\n\n") if block.startswith("| ")]
    for block in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block[:300]


@pytest.mark.parametrize("name", [name for name in PAYLOADS if name != "long"])
def test_json_keeps_every_character_and_hides_none(name: str) -> None:
    doc = poisoned(PAYLOADS[name])
    text = render_json(doc)
    assert json.loads(text) == doc
    assert not HIDDEN.search(text.replace("\n", ""))
    text.encode()


@pytest.mark.parametrize("name", PAYLOADS)
@pytest.mark.parametrize("form", ["csv", "iocs.csv"])
def test_spreadsheets_hold_text(form: str, name: str) -> None:
    for prefix in ("", "="):
        text = FORMATS[form](poisoned(PAYLOADS[name], before=prefix))
        assert not HIDDEN.search(text.replace("\n", ""))
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert len({len(row) for row in rows}) == 1
        assert len(rows) == len(text.splitlines())  # no cell breaks a line
        assert not any(re.match(r"\s*[=+\-@|%]", value) for row in rows[1:] for value in row)


@pytest.mark.parametrize("name", PAYLOADS)
def test_timelines_hold_text(name: str) -> None:
    doc = poisoned(PAYLOADS[name])
    for event in doc["events"]:
        event["at"] = "2024-12-04T20:51:00Z"  # a time is parsed before it becomes an event
    text = FORMATS["jsonl"](doc)
    assert text.isascii()
    lines = text.splitlines()
    assert len(lines) == len(doc["events"])
    for line in lines:
        for value in json.loads(line).values():
            for part in value if isinstance(value, list) else [value]:
                assert not HIDDEN.search(str(part))
                assert "https://evil" not in str(part)


@pytest.mark.parametrize("name", PAYLOADS)
def test_no_quote_breaks_out_of_a_pattern_or_a_record(name: str) -> None:
    import stix2

    doc = poisoned(PAYLOADS[name])
    text = FORMATS["stix.json"](doc)
    assert text.isascii()
    for one in stix2.parse(text).objects:
        if one.type == "indicator":
            assert re.fullmatch(r"\[[a-z:\-]+(\.'SHA-256')? = '[A-Za-z0-9._+!~@-]+'\]", one.pattern)
    record = json.loads(FORMATS["osv.json"](doc))
    assert not HIDDEN.search(json.dumps(record, ensure_ascii=False))
    for reference in record.get("references", []):
        assert reference["url"].startswith("https://github.com/")


@pytest.mark.parametrize("name", PAYLOADS)
def test_graphml_holds_text(name: str) -> None:
    import xml.etree.ElementTree as ET

    doc = poisoned(PAYLOADS[name])
    text = FORMATS["graphml"](doc)
    assert "<!" not in text
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text.encode()).iter()}
    assert tags == {"graphml", "graph", "key", "node", "edge", "data"}
    assert not HIDDEN.search(text.replace("\n", ""))


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_picture_holds_text(name: str) -> None:
    import xml.etree.ElementTree as ET

    doc = poisoned(PAYLOADS[name])
    pictures = pictures_of(doc)
    harmless = {e.tag for p in _all(pictures_of(poisoned("~"))) for e in ET.fromstring(p._repr_svg_()).iter()}
    for picture in _all(pictures):
        root = ET.fromstring(picture._repr_svg_())
        assert {element.tag for element in root.iter()} <= harmless
        assert not any(key.startswith("on") or "href" in key for element in root.iter() for key in element.attrib)
        assert not HIDDEN.search(picture._repr_html_().replace("\n", ""))


def _all(pictures: Pictures) -> list[Picture]:
    found = (pictures.timeline, *pictures.waves, pictures.history, pictures.identities, pictures.graph)
    return [picture for picture in found if picture is not None]


@pytest.mark.parametrize("name", [name for name in PAYLOADS if name != "long"])
@pytest.mark.parametrize("columns", ["60", "200"])
def test_a_terminal_gets_no_command(name: str, columns: str, monkeypatch: Any, capsys: Any) -> None:
    from forensics.cli.terminal import print_timeline

    monkeypatch.setenv("COLUMNS", columns)
    doc = poisoned(PAYLOADS[name])
    print_timeline(doc, everything=True, shown=doc["releases"], where="a case")
    out = capsys.readouterr().out
    assert not HIDDEN.search(out.replace("\n", ""))


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(payload=st.text(min_size=1, max_size=40))
def test_any_text_stays_text(payload: str, allowed: set[tuple[str, str]]) -> None:
    doc = poisoned(payload)
    page = read(render_html(doc))
    assert page.shape() - allowed <= {("a", "href"), ("a", "rel"), ("a", "class")}
    assert visible(doc["headline"]).split()[0] in page.text
    render_markdown(doc).encode()


def test_a_poisoned_document_is_shown_not_dropped() -> None:
    page = read(render_html(poisoned(PAYLOADS["script"])))
    assert "8.3.41<script>alert(1)</script>" in page.text
    page = read(render_html(poisoned(PAYLOADS["bidi"])))
    assert r"8.3.41safe\u202egnp.exe\u2066\u2069" in page.text
    page = read(render_html(poisoned(PAYLOADS["foreign link"])))
    assert "hxxps://evil[.]example/payload" in page.text


def test_a_cut_text_says_how_much_is_missing_and_stays_distinct() -> None:
    doc = documents.compromised()
    doc["sentences"] = [{"text": "A" * 100_000 + end, "evidence": []} for end in "xy"]
    text = read(render_html(doc)).text
    assert text.count("99001 more characters") == 2
    assert len(set(re.findall(r"whole text sha256 ([0-9a-f]{12})", text))) == 2


def test_artifacts_are_never_links() -> None:
    page = read(render_html(documents.compromised()))
    hrefs = page.with_attribute("href")
    assert not any(href.endswith((".whl", ".tar.gz")) for href in hrefs)
    assert "files.pythonhosted.org" in page.text


def test_links_leave_only_for_hosts_that_the_document_names() -> None:
    hosts = {
        href.split("/")[2] for href in read(render_html(documents.compromised())).with_attribute("href") if "//" in href
    }
    assert hosts <= {"github.com", "pypi.org", "api.osv.dev", "files.pythonhosted.org", "rekor.sigstore.dev"}


def test_commands_take_only_harmless_names() -> None:
    doc = documents.compromised()
    bad = next(r for r in doc["releases"] if r["version"] == "8.3.41")
    bad["version"] = PAYLOADS["shell"]
    bad["files"][0]["filename"] = "a\nb; rm -rf /"
    for block in blocks(doc):
        assert "rm -rf" not in block.text
    command = next(block.text for block in blocks(doc) if block.id == "lockfiles")
    assert shlex.split(command.replace("\\\n", " "))[0] == "grep"
    assert "not safe in a shell" in read(render_html(doc)).text
