"""Pictures as objects: the same drawing for the page, the notebook and a file; nothing covers, nothing leaks."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import pytest

from forensics.report.charts_graph import COLUMNS, graph_chart
from forensics.report.charts_identity import MOST_SEGMENTS, identity_lanes
from forensics.report.pictures import Picture, pictures_of

from . import documents

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def doc() -> Any:
    return documents.compromised()


def every(doc: Any) -> list[Picture]:
    found = pictures_of(doc)
    return [p for p in (found.timeline, *found.waves, found.history, found.identities, found.graph) if p is not None]


def test_a_drawing_stands_alone_and_says_what_it_shows(doc: Any) -> None:
    pictures = every(doc)
    assert [p.name for p in pictures] == ["all", "wave-1", "wave-2", "history", "identity", "graph"]
    for picture in pictures:
        root = ET.fromstring(picture._repr_svg_())
        assert root.tag == f"{SVG}svg"
        assert root.find(f"{SVG}title").text == picture.title  # type: ignore[union-attr]
        assert root.find(f"{SVG}desc").text == picture.description  # type: ignore[union-attr]
        assert "--paper" in (root.find(f"{SVG}style").text or "")  # type: ignore[union-attr]
        assert "<style" not in str(picture.svg())
        assert picture.title in picture._repr_html_()


def test_a_file_is_what_a_notebook_shows(doc: Any, tmp_path: Any) -> None:
    picture = every(doc)[0]
    picture.save(str(tmp_path / "x.svg"))
    assert (tmp_path / "x.svg").read_text(encoding="utf-8") == picture._repr_svg_() + "\n"


def test_a_history_without_releases_has_no_pictures() -> None:
    assert every(documents.empty()) == []


def test_lanes_tell_changed_absent_and_unobserved_apart(doc: Any) -> None:
    """The first wave is signed as ever, the second is not attested; one file of another release was never seen."""
    unseen = next(r for r in doc["releases"] if r["version"] == "8.3.44")
    unseen["identity"] = None
    for file in unseen["files"]:
        file |= {"provenance": "not observed", "attestations": []}
    first = doc["publishers"][0]
    first["versions"] = [v for v in first["versions"] if v not in {"8.3.44", "8.3.48"}]
    moved = {**first["identity"], "source_repository_uri": "https://github.com/someone/else"}
    doc["publishers"].append({**first, "identity": moved, "versions": ["8.3.48"]})
    chart = identity_lanes(doc, doc)
    assert chart is not None
    lane = next(lane for lane in chart.lanes if lane.name == "repository")
    assert [(s.css, s.title.split(": ", 1)[1]) for s in lane.segments[1:]] == [
        ("unseen", "not observed"),
        ("none", "no attestation"),
        ("n0", "https://github.com/ultralytics/ultralytics"),
        ("n1", "https://github.com/someone/else"),
    ]
    assert lane.values[:2] == (("A", "https://github.com/ultralytics/ultralytics", len(first["versions"])),
                               ("B", "https://github.com/someone/else", 1))  # fmt: skip
    assert all(a.x + a.width <= b.x + 0.2 for a, b in pairwise(lane.segments))
    assert [tip.label for tip in chart.tips] == ["8.3.41", "8.3.42", "8.3.45", "8.3.46"]


def test_accounts_are_a_lane_where_the_index_states_them() -> None:
    doc = documents.benign()
    chart = identity_lanes(doc, doc)
    assert chart is not None
    assert "account" not in [lane.name for lane in chart.lanes]
    whole: Any = doc["releases"]
    for number, release in enumerate(whole):
        who = {
            "account": "mallory" if number == 34 else "alice",
            "trusted_publisher": None if number == 34 else "github",
        }
        release["publication"] = None if number == 0 else who
    chart = identity_lanes(doc, doc)
    assert chart is not None
    lane = chart.lanes[0]
    assert lane.name == "account"
    assert [s.title.split(": ", 1)[1] for s in lane.segments] == [
        "not observed", "alice by trusted publisher github", "mallory",
    ]  # fmt: skip


def test_a_claim_that_never_rests_is_said_in_words() -> None:
    doc = documents.benign()
    doc["releases"] = doc["releases"] * 6
    for number, release in enumerate(doc["releases"]):
        doc["releases"][number] = {**release, "version": f"1.{number}"}
    even = [f"1.{n}" for n in range(0, len(doc["releases"]), 2)]
    odd = [f"1.{n}" for n in range(1, len(doc["releases"]), 2)]
    base = {"first_version": "1.0", "last_version": "1.9", "changed": []}
    doc["publishers"] = [
        {"identity": {"workflow": "a.yml"}, "versions": even, **base},
        {"identity": {"workflow": "b.yml"}, "versions": odd, **base},
    ]
    chart = identity_lanes(doc, doc)
    assert chart is not None
    lane = next(lane for lane in chart.lanes if lane.name == "workflow")
    assert len(doc["releases"]) > MOST_SEGMENTS
    assert [segment.label for segment in lane.segments] == ["changes 209 times: too often to draw"]


def test_the_graph_keeps_columns_rows_and_suspects_apart(doc: Any) -> None:
    chart = graph_chart(doc["graph"])
    assert chart is not None
    places = [(spot.x, spot.y) for spot in chart.spots]
    assert len(set(places)) == len(places)
    for x in {x for x, _ in places}:
        rows = sorted(y for at, y in places if at == x)
        assert all(below - above >= 20 for above, below in pairwise(rows))
    strong = {spot.label for spot in chart.spots if spot.strong}
    assert {"8.3.41", "8.3.42", "8.3.45", "8.3.46"} <= strong
    assert "ultralytics/ultralytics" not in strong  # the signer of everybody
    assert len(chart.heads) <= len(COLUMNS)


def test_the_same_graph_is_drawn_the_same_whatever_order_its_ties_come_in(doc: Any) -> None:
    again = {**doc["graph"], "picture_edges": list(reversed(doc["graph"]["picture_edges"]))}
    one, two = graph_chart(doc["graph"]), graph_chart(again)
    assert one is not None
    assert two is not None
    assert one.spots == two.spots
    assert set(one.lines) == set(two.lines)
