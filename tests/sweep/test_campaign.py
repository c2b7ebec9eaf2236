"""What ties flagged releases of different projects together, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from forensics.model.project import Ecosystem, Project
from forensics.sweep.campaign import find_campaigns
from forensics.sweep.shared import SharedFact
from forensics.sweep.tables import frame_of

DAY = datetime(2026, 5, 11, 19, 0, tzinfo=UTC)


def table(*rows: tuple[str, str, bool, str, str, float]) -> pl.DataFrame:
    """Rows of (project, version, flagged, kind, value, hours after DAY)."""
    frames = [
        frame_of("shared", [(version, DAY + timedelta(hours=hours), flagged, kind, value, value)]).select(
            pl.lit("pypi").alias("ecosystem"), pl.lit(project).alias("project"), pl.all()
        )
        for project, version, flagged, kind, value, hours in rows
    ]
    return pl.concat(frames)


def members(
    shared: pl.DataFrame, seeds: list[tuple[Project, SharedFact]] | None = None
) -> list[tuple[set[str], set[str]]]:
    found = find_campaigns(shared, seeds or [])
    return [({n.project.name for n in c.flagged}, {n.project.name for n in c.related}) for c in found]


def test_one_run_ties_flagged_releases_and_brings_in_what_else_it_made() -> None:
    shared = table(
        ("a", "1.0", True, "run", "run-1", 0),
        ("b", "2.0", True, "run", "run-1", 0.1),
        ("c", "3.0", False, "run", "run-1", 0.2),
        ("d", "1.0", False, "run", "run-2", 0),
        ("e", "1.0", False, "run", "run-2", 0),
    )
    assert members(shared) == [({"a", "b"}, {"c"})]


def test_threads_of_different_kinds_join_into_one_campaign() -> None:
    shared = table(
        ("a", "1.0", True, "run", "run-1", 0),
        ("b", "2.0", True, "run", "run-1", 0),
        ("b", "2.0", True, "payload", "f00d", 0),
        ("c", "3.0", True, "payload", "f00d", 500),
    )
    (campaign,) = find_campaigns(shared)
    assert {n.project.name for n in campaign.flagged} == {"a", "b", "c"}
    assert [t.kind for t in campaign.threads] == ["run", "payload"]
    assert (campaign.first, campaign.last) == (DAY, DAY + timedelta(hours=500))


def test_an_account_ties_only_what_is_close_in_time() -> None:
    shared = table(
        ("a", "1.0", True, "account", "pypi:alice", 0),
        ("b", "1.0", True, "account", "pypi:alice", 60),
        ("c", "1.0", False, "account", "pypi:alice", 61),
        ("d", "1.0", False, "account", "pypi:alice", 24 * 90),
        ("e", "1.0", True, "account", "pypi:alice", 24 * 200),
        ("f", "1.0", True, "account", "pypi:alice", 24 * 200 + 1),
    )
    assert members(shared) == [({"a", "b"}, {"c"}), ({"e", "f"}, set())]


def test_an_identity_never_brings_in_an_unflagged_release() -> None:
    shared = table(
        ("a", "1.0", True, "identity", "issuer 7 9 release.yml", 0),
        ("b", "1.0", True, "identity", "issuer 7 9 release.yml", 1),
        ("c", "1.0", False, "identity", "issuer 7 9 release.yml", 1),
    )
    assert members(shared) == [({"a", "b"}, set())]


def test_a_campaign_reaches_more_than_one_project() -> None:
    shared = table(
        ("a", "1.0", True, "run", "run-1", 0),
        ("a", "1.1", True, "run", "run-1", 0),
        ("b", "1", False, "run", "run-2", 0),
    )
    assert members(shared) == []


def test_seeds_of_a_case_choose_the_campaign_and_need_not_be_in_the_sweep() -> None:
    shared = table(
        ("a", "1.0", True, "commit", "c0ffee", 0),
        ("b", "1.0", False, "commit", "c0ffee", 0),
        ("x", "1.0", True, "run", "run-9", 0),
        ("y", "1.0", True, "run", "run-9", 0),
    )
    origin = Project(Ecosystem.PYPI, "origin")
    seeds = [(origin, SharedFact("9.9", DAY, True, "commit", "c0ffee", "commit c0ffee"))]
    assert members(shared, seeds) == [({"a", "origin"}, {"b"})]
    unrelated = [(origin, SharedFact("9.9", DAY, True, "commit", "0ther", "commit 0ther"))]
    assert members(shared, unrelated) == []


def test_the_order_of_rows_changes_nothing() -> None:
    shared = table(
        ("a", "1.0", True, "run", "run-1", 0),
        ("b", "2.0", True, "run", "run-1", 0.1),
        ("b", "2.0", True, "account", "pypi:eve", 0.1),
        ("c", "3.0", True, "account", "pypi:eve", 0.2),
    )
    assert find_campaigns(shared) == find_campaigns(shared.reverse())
