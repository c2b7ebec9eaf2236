"""XML-RPC answers from a stranger: what is read, what is refused, and that neither takes long."""

from __future__ import annotations

import time
import xmlrpc.client

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.model.errors import BadAnswer, HostileInput
from forensics.sources import xmlrpc as x

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40)
CELL = st.one_of(TEXT, st.integers(-(2**31), 2**31 - 1), st.none())


def answer(value: object) -> bytes:
    return xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode()


@given(st.lists(st.lists(CELL, max_size=6), max_size=20))
def test_rows_are_what_another_encoder_wrote(value: list[list[object]]) -> None:
    assert list(x.rows(answer(value), "it")) == [
        [cell.replace("\r", "\n") if isinstance(cell, str) else cell for cell in row] for row in value
    ]


@given(st.integers(-(2**31), 2**31 - 1))
def test_a_number_is_read(number: int) -> None:
    assert x.scalar(answer(number), "it") == number


def test_a_call_is_what_another_decoder_reads() -> None:
    assert xmlrpc.client.loads(x.call("changelog_since_serial", 7)) == ((7,), "changelog_since_serial")
    assert xmlrpc.client.loads(x.call("user_packages", "a <b> & c")) == (("a <b> & c",), "user_packages")


def test_a_fault_says_its_words() -> None:
    fault = xmlrpc.client.Fault(-32500, "HTTPTooManyRequests: The action could not be performed")
    with pytest.raises(x.Fault, match="-32500; HTTPTooManyRequests"):
        list(x.rows(xmlrpc.client.dumps(fault, methodresponse=True).encode(), "it"))


BOMB = b"""<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<methodResponse><params><param><value><string>&b;</string></value></param></params></methodResponse>"""
OUTSIDE = b"""<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><methodResponse><fault><value>&x;</value></fault>
</methodResponse>"""


@pytest.mark.parametrize("body", [BOMB, OUTSIDE, b"<!DOCTYPE x><methodResponse/>"])
def test_document_types_and_entities_are_hostile(body: bytes) -> None:
    with pytest.raises(HostileInput):
        list(x.rows(body, "it"))


DEEP = b"<methodResponse>" + b"<value><array><data>" * 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff{not xml\x80",
        b"<html><body>Bad gateway</body></html>",
        b"<methodResponse><params>",
        answer([["a"]])[:-30],
        b'<?xml version="1.0" encoding="no-such"?><methodResponse/>',
        answer(["no", "rows"]),
    ],
)
def test_what_is_no_answer_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="it answered with"):
        list(x.rows(body, "it"))


def test_depth_and_rows_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = time.monotonic()
    with pytest.raises(HostileInput, match="nested more than"):
        list(x.rows(DEEP, "it"))
    monkeypatch.setattr(x, "MAX_ROWS", 3)
    with pytest.raises(HostileInput, match="more than 3 rows"):
        list(x.rows(answer([["a"]] * 4), "it"))
    assert time.monotonic() - begun < 10


def test_long_texts_and_numbers_are_cut() -> None:
    (row,) = x.rows(answer([["a" * 10_000]]), "it")
    assert len(row[0]) == x.MAX_TEXT
    (row,) = x.rows(answer([[1]]).replace(b"<int>1</int>", b"<int>" + b"9" * 5000 + b"</int>"), "it")
    assert row == [None]
    (row,) = x.rows(answer([[1]]).replace(b"<int>1</int>", b"<int>--1</int>"), "it")
    assert row == [None]
