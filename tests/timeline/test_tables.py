"""Tables have the columns they declare, and follow from the history alone."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model.observation import Observation
from forensics.sources.supplements import NamedFile
from forensics.timeline.events import events_of
from forensics.timeline.history import build_history
from forensics.timeline.tables import SCHEMAS, build_tables, from_parquet, to_parquet
from tests.timeline.histories import PROJECT, at, gathered, index_file, supplements

TYPES = {
    "str": pl.String,
    "int": pl.Int64,
    "bool": pl.Boolean,
    "datetime": pl.Datetime("us", "UTC"),
    "list[str]": pl.List(pl.String),
}
SEEN = Observation("o-1", "GET", "http://x/", datetime(2026, 1, 1, tzinfo=UTC), 200, "a" * 64, 3, "text/plain")
names = st.text(st.characters(codec="utf-8"), max_size=12)


@given(
    st.lists(st.tuples(names, st.integers(0, 9), st.none() | st.integers(0, 2**62)), max_size=5),
    st.lists(names, max_size=3),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_frame_has_exactly_what_it_declares(files: list[tuple[str, int, int | None]], named: list[str]) -> None:
    more = supplements()
    more.files += [NamedFile(name, "2.0", None, uploaded_at=at(3), evidence=("o-1",)) for name in named]
    history = build_history(
        PROJECT, gathered([index_file(n, f"1.0.{v}") for n, v, _ in files]), more, {}, datetime(2026, 2, 1, tzinfo=UTC)
    )
    tables = build_tables(history, events_of(history), [SEEN])
    assert set(tables) == set(SCHEMAS)
    for name, frame in tables.items():
        assert dict(frame.schema) == {column: TYPES[kind] for column, kind in SCHEMAS[name].items()}
        assert from_parquet(to_parquet(frame)).equals(frame)
    assert tables["releases"]["version"].to_list() == [r.version for r in history.releases]
    assert tables["artifacts"].height == sum(len(r.artifacts) for r in history.releases)
    unknown = tables["artifacts"].filter(pl.col("provenance") == "not observed")
    assert unknown["provenance_reason"].null_count() == 0
    assert tables["not_checked"].filter(pl.col("what") == "provenance").height == unknown.height


def test_empty_tables_have_their_columns_too() -> None:
    history = build_history(PROJECT, gathered([]), supplements(), {}, datetime(2026, 2, 1, tzinfo=UTC))
    for name, frame in build_tables(history, (), ()).items():
        assert frame.columns == list(SCHEMAS[name])
        assert frame.height == 0


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" * 100, b"\x00" * 64])
def test_what_is_no_parquet_is_refused(data: bytes) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 -- polars raises many kinds
        from_parquet(data)
