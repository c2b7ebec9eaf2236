"""Nothing of the document is lost on the way to a reader."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from forensics.model.errors import UsageError
from forensics.report import FORMATS, format_of, render_html, render_json, render_markdown
from forensics.report.words import flagged

from . import documents
from .pages import read

SECTIONS = [
    "verdict", "exposure", "timeline", "affected", "suspects", "publishers", "source", "graph", "affected-check",
    "not-checked", "leads", "events", "observations", "method",
]  # fmt: skip
DOCUMENTS = {"compromised": documents.compromised, "benign": documents.benign, "empty": documents.empty}


@pytest.fixture(params=DOCUMENTS, scope="module")
def doc(request: pytest.FixtureRequest) -> Any:
    return DOCUMENTS[request.param]()


def test_html_has_every_section_in_order(doc: Any) -> None:
    page = read(render_html(doc))
    ids = page.with_attribute("id")
    assert [name for name in ids if name in SECTIONS] == SECTIONS
    assert len(ids) == len(set(ids))


def test_html_links_inside_the_page_have_targets(doc: Any) -> None:
    page = read(render_html(doc))
    targets = set(page.with_attribute("id"))
    inside = {href[1:] for href in page.with_attribute("href") if href.startswith("#")}
    assert inside <= targets


def test_html_shows_every_finding_release_event_and_source(doc: Any) -> None:
    page = read(render_html(doc))
    findings = [f"{r['version']} {s['id']}" for r in doc["releases"] for s in r["signals"]]
    assert Counter(page.with_attribute("data-finding")) == Counter(findings)
    assert Counter(page.with_attribute("data-release")) == Counter(r["version"] for r in doc["releases"])
    assert page.with_attribute("data-affected") == [r["version"] for r in doc["releases"] if flagged(r["verdict"])]
    assert len(page.with_attribute("data-event")) == len(doc["events"])
    assert page.with_attribute("data-source") == [s["source"] for s in doc["sources"]]
    assert page.with_attribute("data-not-collected") == [s["section"] for s in doc["not_collected"]]
    assert page.with_attribute("data-advisory") == [a["id"] for a in doc["advisories"]]
    for release in doc["releases"]:
        for signal in release["signals"]:
            for text in (signal["title"], signal["observed"], signal["expected"], *signal["benign_if"]):
                assert text in page.text


def test_further_witnesses_are_in_every_form(doc: Any) -> None:
    page, text = read(render_html(doc)), render_markdown(doc)
    suspects = [r for r in doc["releases"] if flagged(r["verdict"])]
    assert page.with_attribute("data-run") == [str(run["run"]) for r in suspects for run in r["runs"]]
    assert page.with_attribute("data-opinion") == [r["version"] for r in suspects if r["second_opinion"]]
    assert page.with_attribute("data-account") == [a["account"] for a in doc["accounts"]]
    for release in suspects:
        for run in release["runs"]:
            assert f"CI run {run['run']}, attempt {run['attempt']}" in text
            assert all(step["name"] in page.text for job in run["jobs"] for step in job["steps"])
        opinion = release["second_opinion"]
        words = "1 attestation, 1 of which hold by its own check" if opinion else "deps.dev was not asked"
        assert words in text
        for finding in (opinion or {}).get("findings") or []:
            assert f"{finding['type']} ({finding['risk']})" in page.text
    for account in doc["accounts"]:
        assert f"`{account['account']}`" in text
        for name in account["other_projects"] or []:
            assert name in text
            assert name in page.text


def test_html_shows_every_row_that_was_not_checked(doc: Any) -> None:
    page = read(render_html(doc))
    rows = unchecked(doc)
    assert sum(map(int, page.with_attribute("data-unchecked"))) == len(rows)
    assert all(reason in page.text for _, _, reason, _ in rows)


def test_html_shows_every_observation_that_is_referred_to() -> None:
    doc = documents.compromised()
    page = read(render_html(doc))
    shown = page.with_attribute("data-observation")
    assert set(doc["releases"][-1]["evidence"]) <= set(shown)
    left = len(doc["observations"]) - len(shown)
    assert f"{left} other observation" in page.text


def test_markdown_shows_every_finding_release_and_unchecked_row(doc: Any) -> None:
    text = render_markdown(doc)
    for release in doc["releases"]:
        for signal in release["signals"]:
            assert f"`{signal['id']}`" in text
            assert signal["title"] in text
        if flagged(release["verdict"]):
            assert f"### `{release['version']}`: likely compromised" in text
    for _, what, reason, _ in unchecked(doc):
        assert any(line.startswith(f"| `{what}` | ") and reason in line for line in text.splitlines())
    findings = sum(len(r["signals"]) for r in doc["releases"] if flagged(r["verdict"]))
    assert text.count("- Observed: ") == findings


def test_markdown_names_every_release_and_counts_every_event(doc: Any) -> None:
    text = render_markdown(doc)
    history = text.partition("\n## All ")[2].partition("\n## ")[0]
    assert Counter(re.findall(r"`(8\.3\.\d+)`", history)) == Counter(r["version"] for r in doc["releases"])
    events = text.partition("\n## All events\n")[2].partition("\n## ")[0]
    items = [item for line in events.splitlines() if line.startswith("- ") for item in line.split(" · ")]
    counts = [int(found[1]) if (found := re.search(r" ×(\d+)$", item)) else 1 for item in items]
    assert sum(counts) == len(doc["events"])


def test_every_comparison_is_in_html_and_markdown() -> None:
    doc = documents.compromised()
    page, text = read(render_html(doc)), render_markdown(doc)
    compared = [r for r in doc["releases"] if r["comparison"]]
    assert page.with_attribute("data-compared") == [r["version"] for r in compared]
    pairs = sum(len(r["comparison"]["contents"]) for r in compared if r["comparison"])
    assert len(page.with_attribute("data-pair")) == pairs == 4
    assert len(page.with_attribute("data-tie")) == len(doc["graph"]["picture_edges"])
    assert page.text.count("Cut here: 7 more lines") == len(compared)
    for wanted in ("newly touches the network at import", "two members of one name", "the wheel was not fetched",
                   "larger than 262,144 bytes", "pull_request_target", "urllib.request"):  # fmt: skip
        assert wanted in page.text
    assert text.count("**Newly:** ultralytics/utils/downloads.py newly touches the network at import") == len(compared)
    assert text.count("Not compared: artifact contents: the wheel was not fetched") == len(compared)
    assert text.count("Cut here: 7 more lines.") == len(compared)
    assert "+  pull_request_target:" in text


def test_references_lead_both_ways() -> None:
    """Each reference leads to an observation, and each observation to every place that refers to it."""
    html = render_html(documents.compromised())
    page = read(html)
    shown = set(page.with_attribute("data-observation"))
    assert set(re.findall(r'href="#(o-[0-9a-f]+)"', html)) <= shown
    table = html.partition('<section id="observations"')[2].partition("</section>")[0]
    for row in table.split("<tr ")[1:]:
        targets = re.findall(r'<a href="#([^"]+)">', row.partition('<td class="uses">')[2])
        assert targets
        assert set(targets) <= set(page.with_attribute("id"))


def test_reasons_that_differ_in_a_number_are_one_line_with_every_row_in_it() -> None:
    doc = documents.compromised()
    for count, release in enumerate(doc["releases"][:12]):
        row = {
            "subject": release["version"],
            "what": "off-hours",
            "reason": f"only {count} earlier",
            "needs": "index",
            "evidence": [],
        }
        release["not_checked"].append(row)  # type: ignore[arg-type]
    page = read(render_html(doc))
    assert sum(map(int, page.with_attribute("data-unchecked"))) == len(unchecked(doc))
    assert page.text.count("off-hours") == 1
    assert all(f"only {count} earlier: 8.3.{10 + count}" in page.text for count in range(12))
    assert "| only 0 earlier … only 11 earlier | index | 8.3.10 to 8.3.21 (12 releases) |" in render_markdown(doc)


def test_headings_of_markdown_are_there_for_every_document(doc: Any) -> None:
    text = render_markdown(doc)
    for heading in (
        "Affected versions",
        "Exposure",
        "Findings",
        "Are you affected?",
        "Leads",
        "Could not check",
        "Method and limits",
    ):
        assert f"\n## {heading}\n" in text


def test_json_is_the_document_in_the_order_of_the_contract(doc: Any) -> None:
    text = render_json(doc)
    assert json.loads(text) == doc
    shuffled = json.loads(json.dumps(doc, sort_keys=True))
    again = json.loads(render_json(shuffled))
    assert list(again) == list(documents.Document.__annotations__)
    assert list(again["case"]) == list(documents.CaseDoc.__annotations__)
    if again["releases"]:
        assert list(again["releases"][0]) == list(documents.ReleaseDoc.__annotations__)
    assert text.endswith("}\n")


def test_a_reconstruction_says_so() -> None:
    doc = documents.compromised()
    assert doc["case"]["label"]
    assert doc["case"]["label"] in read(render_html(doc)).text
    assert doc["case"]["label"] in render_markdown(doc)
    assert "Reconstruction" not in read(render_html(documents.benign())).text


def test_an_unchecked_index_is_not_a_no() -> None:
    doc = documents.compromised()
    doc["installable_checked"] = False
    assert "Still installable? not checked" in read(render_html(doc)).text
    assert "still be installed?** Not checked" in render_markdown(doc)


def test_what_the_index_was_not_asked_about_is_not_called_removed() -> None:
    doc = json.loads(json.dumps(documents.compromised()))
    for release in doc["releases"]:
        release["listed"] = None
        for file in release["files"]:
            file["listed"] = False
    gone = next(r for r in doc["releases"] if r["version"] == "8.3.41")
    gone["removed"] = None
    row = next(line for line in render_markdown(doc).splitlines() if line.startswith("| `8.3.41`"))
    page = read(render_html(doc)).text
    line = next(x for x in json.loads(FORMATS["osv.json"](doc))["details"].splitlines() if x.startswith("- 8.3.41"))
    for text in (row, page, line):
        assert "not listed" not in text
        assert "removed at" not in text
        assert "not known whether it is listed" in text
    gone["listed"] = False
    assert "not listed; time not known" in render_markdown(doc)
    assert "not listed; time not known" in read(render_html(doc)).text
    assert "not listed; time not known" in json.loads(FORMATS["osv.json"](doc))["details"]


def test_an_open_window_is_open() -> None:
    doc = documents.compromised()
    doc["waves"][0]["exposure"] |= {"end": None, "seconds": None, "end_reason": "nothing says when it was removed"}  # type: ignore[typeddict-item]
    page = read(render_html(doc)).text
    assert "2024-12-04 20:51:00 to no end known" in page
    assert "nothing says when it was removed" in page


def test_a_valid_signature_is_never_called_clean() -> None:
    text = read(render_html(documents.compromised())).text
    assert "signature valid" in text
    assert "verified" not in text.lower()


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("a.html", "html"),
        ("x/b.MD", "md"),
        ("json", "json"),
        ("r.htm", "html"),
        ("events.csv", "csv"),
        ("x.iocs.csv", "iocs.csv"),
        ("iocs", "iocs.csv"),
        ("a.b.stix.json", "stix.json"),
        ("x.osv.json", "osv.json"),
        ("x.jsonl", "jsonl"),
        ("timesketch", "jsonl"),
        ("g.graphml", "graphml"),
        ("my.report.json", "json"),
        ("stix", "stix.json"),
    ],
)
def test_the_suffix_chooses_the_format(name: str, known: str) -> None:
    assert format_of(name) == known
    assert known in FORMATS


def test_an_unknown_suffix_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        format_of("report.pdf")
    assert "html, md, json, csv, jsonl, iocs.csv, stix.json, osv.json, graphml" in caught.value.diagnostics()


def unchecked(doc: Any) -> set[tuple[str, str, str, str]]:
    rows = [*doc["not_checked"], *(row for release in doc["releases"] for row in release["not_checked"])]
    return {(row["subject"], row["what"], row["reason"], row["needs"]) for row in rows}
