"""Pivots: what shares a signer, a run, a commit, a workflow file or a payload with a release; chained as frames."""

from __future__ import annotations

import polars as pl
import pytest

from forensics.graph import Pivots, graph_of, pivots_of
from forensics.model.errors import UsageError
from forensics.model.log import LogOnly, LogRecord
from tests.signals.histories import day, identity

from .test_ties import PAYLOAD, history, holding, signed, sourced, story


@pytest.fixture(scope="module")
def pivots() -> Pivots:
    made = story()
    return pivots_of(made, graph_of(made, {"1.2", "1.3"}))


def versions(frame: pl.DataFrame) -> list[str]:
    return sorted(set(frame["version"].drop_nulls()))


def test_each_pivot_finds_what_shares_its_value(pivots: Pivots) -> None:
    assert versions(pivots.same_identity("1.0")) == ["1.0", "1.1", "1.2", "1.3"]
    assert versions(pivots.same_run("1.2")) == ["1.2", "1.3"]
    assert versions(pivots.same_commit("1.0")) == ["1.0"]
    holders = pivots.same_payload("1.2").filter(pl.col("payload") == PAYLOAD.sha256)
    assert versions(holders) == ["1.2", "1.3"]
    assert pivots.same_run("1.4").is_empty()  # nothing signed it: shared with nobody
    assert pivots.same_run("9.9").is_empty()


def test_pivots_chain(pivots: Pivots) -> None:
    chained = pivots.same_identity(pivots.same_run(pivots.same_payload("1.3")))
    assert versions(chained) == ["1.0", "1.1", "1.2", "1.3"]
    assert set(map(tuple, chained["found_from"].to_list())) == {("1.2", "1.3")}


def test_a_frame_of_another_shape_starts_by_its_own_column(pivots: Pivots) -> None:
    run = pivots.rows.filter(pl.col("version") == "1.0")["run"][0]
    assert versions(pivots.same_run(pl.DataFrame({"run": [run]}))) == ["1.0"]
    assert versions(pivots.same_run(pl.DataFrame({"version": ["1.2"]}))) == ["1.2", "1.3"]
    assert versions(pivots.same_run(["1.0", "1.1"])) == ["1.0", "1.1"]
    with pytest.raises(UsageError, match="'version' or 'run'"):
        pivots.same_run(pl.DataFrame({"colour": ["red"]}))


def test_the_workflow_file_ties_by_its_bytes() -> None:
    blob = "9" * 40
    made = history(
        sourced(signed("1.0", 0, run=1, index=1), blob), sourced(signed("1.1", 1, run=2, index=5), blob),
        sourced(signed("1.2", 2, run=3, index=9), "8" * 40), signed("1.3", 3, run=4, index=13),
    )  # fmt: skip
    pivots = pivots_of(made, graph_of(made))
    assert versions(pivots.same_workflow_digest("1.0")) == ["1.0", "1.1"]
    assert pivots.same_workflow_digest("1.3").is_empty()


def test_what_only_the_log_knows_is_found_by_its_run() -> None:
    from dataclasses import replace

    who = identity(run=3)
    record = LogRecord("u", None, 99, "dsse", "c0ffee", day(2), who, None, (), "log", 10, (), ("o-only",))
    made = replace(history(signed("1.0", 0, run=3, index=1)), log_only=(LogOnly(record, None, None, "", ("o-only",)),))
    graph = graph_of(made)
    assert any(n.label == "entry 99" for n in graph.around(["1.0"]).nodes)
    found = pivots_of(made, graph).same_run("1.0")
    assert found.filter(pl.col("version").is_null())["log_index"].to_list() == [99]


def test_a_file_inside_a_suspect_names_its_place() -> None:
    made = history(holding(signed("1.0", 0, run=1, index=1), PAYLOAD))
    names = pivots_of(made, graph_of(made, {"1.0"})).same_payload("1.0")["filename"].to_list()
    assert "thing-1.0.tar.gz!thing/dropper.py" in names
