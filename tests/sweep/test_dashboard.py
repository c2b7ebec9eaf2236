"""The dashboard: honest numbers, a page that loads nothing, readable with 360 and with 5,000 projects."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from forensics.model.project import Ecosystem, Project
from forensics.sweep.dashboard import adoption_doc, render_adoption
from forensics.sweep.tables import JUDGED, SCHEMAS, frame_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>\u202e{{7*7}}"


def project_row(name: str, **more: Any) -> tuple[Any, ...]:
    columns: dict[str, Any] = dict.fromkeys(SCHEMAS["projects"])
    columns |= {
        "outcome": JUDGED, "verdict": "ordinary", "flagged": [], "releases": 2, "latest": "1.1",
        "latest_published": NOW - timedelta(days=3), "attested": "attested", "trusted_publisher": "yes",
        "slsa": "none", "slsa_reason": "x", "sources_missed": [], "case": f"cases/pypi/{name}",
    }  # fmt: skip
    return tuple({**columns, **more}.values())


def release_row(version: str, at: datetime, attested: str) -> tuple[Any, ...]:
    columns: dict[str, Any] = dict.fromkeys(SCHEMAS["releases"])
    columns |= {"version": version, "published": at, "signals": [], "predicates": [], "attested": attested}
    return tuple(columns.values())


def named(table: str, name: str, rows: list[tuple[Any, ...]], ecosystem: str = "pypi") -> pl.DataFrame:
    frame = frame_of(table, rows)
    return frame.select(pl.lit(ecosystem).alias("ecosystem"), pl.lit(name).alias("project"), pl.all())


def world(projects: dict[str, dict[str, Any]], releases: dict[str, list[tuple[Any, ...]]] | None = None) -> Any:
    rows = pl.concat([named("projects", name, [project_row(name, **more)]) for name, more in projects.items()])
    made = releases or {name: [] for name in projects}
    return rows, pl.concat([named("releases", name, found) for name, found in made.items()])


def test_rows_have_the_shape_that_readers_of_such_lists_know() -> None:
    rows, releases = world({"a": {}, "b": {"attested": "not attested"}, "c": {"attested": "not observed"}})
    document = adoption_doc(rows, releases, {Project(Ecosystem.PYPI, "b"): 9}, NOW)
    assert json.loads(json.dumps(document)) == document
    assert [(r["name"], r["wheel"], r["css_class"]) for r in document["data"]] == [
        ("b", False, "warning"), ("a", True, "success"), ("c", None, "unknown"),
    ]  # fmt: skip
    assert {"name", "downloads", "wheel", "value", "css_class", "icon", "title"} <= set(document["data"][0])
    assert document["last_update"] == "Monday, 01 June 2026, 00:00:00 UTC"


def test_a_release_older_than_attestations_cannot_be_blamed() -> None:
    old = datetime(2024, 1, 1, tzinfo=UTC)
    rows, releases = world({"a": {"attested": "not attested", "latest_published": old}})
    (row,) = adoption_doc(rows, releases, {}, NOW)["data"]
    assert (row["css_class"], row["wheel"]) == ("default", False)


def test_months_count_only_what_was_seen_and_skip_none() -> None:
    def at(month: int) -> datetime:
        return datetime(2026, month, 2, tzinfo=UTC)

    found = [release_row("1", at(1), "not attested"), release_row("2", at(2), "attested"),
             release_row("3", at(4), "not attested"), release_row("4", at(4), "not observed")]  # fmt: skip
    rows, releases = world({"a": {}}, {"a": found})
    months = adoption_doc(rows, releases, {}, NOW)["months"]
    assert [tuple(m.values()) for m in months] == [("2026-02", 1, 0, 0), ("2026-03", 0, 0, 0), ("2026-04", 0, 1, 1)]


def test_nothing_observed_is_said_and_no_share_is_given() -> None:
    rows, releases = world({"a": {"attested": "not observed", "attested_reason": "a mirror"}})
    page = render_adoption(adoption_doc(rows, releases, {}, NOW))
    assert "Nothing is known about the attestations of 1 project" in page
    assert "No attested release was observed." in page


def test_outside_text_is_escaped_and_made_visible() -> None:
    rows, releases = world({"a": {"repository": HOSTILE, "workflow": HOSTILE, "latest": HOSTILE}})
    page = render_adoption(adoption_doc(rows, releases, {}, NOW))
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert "{{7*7}}" in page


def test_the_same_tables_give_the_same_page() -> None:
    rows, releases = world({"a": {}, "b": {}})
    pages = {render_adoption(adoption_doc(r, releases, {}, NOW)) for r in (rows, rows.reverse())}
    assert len(pages) == 1
