from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.evidence.answer import decode_json, json_nesting
from forensics.model.errors import BadAnswer, HostileInput

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


def depth_of(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 0


@given(VALUES, st.booleans())
def test_nesting_is_counted_without_parsing(value: object, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert json_nesting(data) == depth_of(value)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"NaN", b'{"a":1}x', b'"\xff"', b'"\\ud800"', b"\xef\xbb\xbf{}", b"1e999", b"9" * 100_000, b"'a'"],
)
def test_what_is_not_json_is_a_bad_answer(data: bytes) -> None:
    with pytest.raises(BadAnswer, match=r"https://x\.test/a"):
        decode_json(data, 200, "https://x.test/a")


@pytest.mark.parametrize(
    "data",
    [b"[" * 10_000 + b"]" * 10_000, b"[" * 10_000, b'{"a":' * 10_000, b'["\\"]",' + b"[" * 300 + b"]" * 301],
)
def test_nesting_beyond_the_limit_is_hostile(data: bytes) -> None:
    with pytest.raises(HostileInput, match="nested"):
        decode_json(data, 200, "x")


def test_brackets_in_strings_do_not_count() -> None:
    assert decode_json(json.dumps(["[{" * 500, '\\"[' * 300]).encode(), 2, "x")[0] == "[{" * 500
