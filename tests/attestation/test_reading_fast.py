"""The quick readers take nothing that the careful ones refuse, and read what both take alike."""

from __future__ import annotations

import binascii
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.attestation.raw import decode, parse_json
from forensics.model.errors import MalformedEvidence
from forensics.model.times import to_minute

_LIKE_BASE64 = st.text(st.sampled_from("ABQZaz059+/=-_ \n\0é"), max_size=24)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def _strict(text: str) -> bytes | None:
    try:
        return binascii.a2b_base64("".join(text.split()) if text.isascii() else text, strict_mode=True)
    except ValueError:
        return None


@given(_LIKE_BASE64 | st.binary(max_size=40).map(lambda value: binascii.b2a_base64(value).decode()))
def test_base64_is_what_the_strict_decoder_takes(text: str) -> None:
    wanted = _strict(text)
    if wanted is None:
        with pytest.raises(MalformedEvidence):
            decode(text, "part")
    else:
        assert decode(text, "part") == wanted


@given(_JSON, st.booleans())
def test_json_is_read_as_by_the_standard_library(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    data = text.encode("utf-8", "surrogatepass")
    assert repr(parse_json(data)) == repr(json.loads(data))  # by `repr`: NaN is not equal to itself, 1 is to True


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1, "a": 2}',
        b"\xef\xbb\xbf[1]",
        '{"a": 1}'.encode("utf-16"),
        b"[1e999]",
        b'"\\ud800"',
        b"[-0, -0.0, 1E5]",
    ],
)
def test_odd_json_is_read_as_by_the_standard_library(data: bytes) -> None:
    assert repr(parse_json(data)) == repr(json.loads(data))


@pytest.mark.parametrize("data", [b"", b"{", b"[1,]", b"\xff", b"1" * 9000, b"{} {}", b"'a'"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(data)


def test_times_are_printed_in_utc_to_the_second() -> None:
    assert to_minute(datetime(2024, 12, 4, 20, 51, 12, 999999, UTC)) == "2024-12-04 20:51:12"
    east = timezone(timedelta(hours=5, minutes=30))
    assert to_minute(datetime(2024, 12, 5, 2, 21, 12, tzinfo=east)) == "2024-12-04 20:51:12"
