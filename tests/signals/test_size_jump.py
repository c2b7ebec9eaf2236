"""Sizes against those of the cohort."""

from __future__ import annotations

import pytest

from forensics.model.finding import Family, Severity
from tests.signals.boxes import PACKAGE, UNREAD, boxed, past
from tests.signals.histories import day, judged
from tests.signals.packuments import judged_npm, published, row

ID = "size-jump"


def test_a_large_file() -> None:
    hit = judged([*past(), boxed(6, {**PACKAGE, "thing/blob.bin": b"x" * 50_000})]).hit("1.0.6", ID)
    assert (hit.family, hit.severity) == (Family.CONTENT, Severity.LOW)
    assert "bytes" in hit.observed
    assert "6 earlier releases" in hit.expected
    assert "o-bytes" in hit.evidence


def test_a_largest_file_although_the_sum_is_the_same() -> None:
    spread = {f"thing/part{n}.txt": b"x" * 10_000 for n in range(10)}
    whole = {**PACKAGE, "thing/part0.txt": b"x" * 100_000}
    hit = judged([*past(wheel={**PACKAGE, **spread}), boxed(6, whole)]).hit("1.0.6", ID)
    assert "holds" in hit.observed
    assert "thing/part0.txt of 100,000 bytes" in hit.observed


def test_silent_for_growth_within_the_spread() -> None:
    assert judged([*past(), boxed(6, {**PACKAGE, "thing/words.txt": b"a\n" * 520})]).silent("1.0.6", ID)
    assert judged([*past(), boxed(6, {"thing/__init__.py": b""})]).silent("1.0.6", ID)


def test_not_checked() -> None:
    few = judged([*past(4), boxed(4, {**PACKAGE, "thing/blob.bin": b"x" * 50_000})]).unchecked("1.0.4", ID)
    assert few is not None
    assert few.reason.startswith("fewer than 5 earlier releases")
    assert judged([*past(), boxed(6, UNREAD, UNREAD)]).unchecked("1.0.6", ID) == UNREAD


@pytest.mark.parametrize(("size", "fires"), [(1_060, False), (1_061, True)])
def test_the_size_that_the_index_states_counts_without_the_bytes(size: int, fires: bool) -> None:
    told = judged_npm([*row(5, unpacked_size=1_000), published("1.0.5", day(40), unpacked_size=size)])
    finding = told.finding("1.0.5", ID)
    assert (finding is not None) == fires
    if finding:
        assert finding.observed == "the index states that it unpacks to 1,061 bytes"
        assert finding.expected == "at most 1,060 bytes, as 5 earlier releases suggest"
