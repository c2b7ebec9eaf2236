"""The fast path may pass over entries, never decide otherwise: both are run on every kind of entry and compared."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.transparency.matching import Literal, Matcher, Sought, claim, digest, subject
from forensics.transparency.needle import forms_of, needles_of
from forensics.transparency.ranges import Span
from forensics.transparency.scan import Found, Scanner, ScanResult, scan_bodies
from tests.transparency.made import canonical, certificate, pem, v1_value, v2_entry, v2_value

EXAMPLES = int(os.environ.get("FORENSICS_FUZZ", "200"))
TEXTS = ["https://github.com/acme/demo", "acme/demo", "700000001", "a~b?c>d~e?f", "ÿ/ü€", "x@example.com", "release"]
DIGESTS = ["ab" * 32, "fb" * 32, "ffff" + "0b" * 30, "00" * 32]
CERTIFICATES = [
    certificate(),
    certificate(
        "https://github.com/acme/demo/.github/workflows/x.yml@refs/heads/main", ((12, TEXTS[0]), (15, TEXTS[2]))
    ),
    certificate("https://github.com/acme/other", ()),
    certificate("x@example.com", ((8, "https://accounts.example"),), True),
    certificate("https://h/a~b?c>d~e?f", ((13, TEXTS[3]), (14, TEXTS[4]))),
    certificate("https://h/" + "acme/" * 40 + "demo", ((20, "release"),)),
]
soughts = st.lists(
    st.one_of(
        st.builds(lambda text, exact: subject(text, exact=exact), st.sampled_from(TEXTS), st.booleans()),
        st.builds(lambda text: claim("source_repository_uri", text), st.sampled_from(TEXTS)),
        st.builds(lambda text: claim("source-repository-identifier", text, "nothing"), st.sampled_from(TEXTS)),
        st.builds(lambda text: claim("source_repository_ref", text), st.sampled_from(TEXTS)),
        st.builds(lambda text: Sought("i", issuers=(Literal(text, exact=False),)), st.sampled_from(TEXTS)),
        st.builds(digest, st.sampled_from(DIGESTS)),
    ),
    min_size=1,
    max_size=3,
)


def urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def broken_lines(data: bytes) -> str:
    text = base64.b64encode(data).decode()
    return text[:41] + "\r\n" + text[41:]


encodings: st.SearchStrategy[Callable[[bytes], str]] = st.sampled_from(
    [lambda data: base64.b64encode(data).decode()] * 3 + [urlsafe, unpadded, broken_lines]
)


def reverse_keys(value: object) -> object:
    if isinstance(value, dict):
        return {key: reverse_keys(value[key]) for key in reversed(value)}
    return [reverse_keys(item) for item in value] if isinstance(value, list) else value


def escaped(text: str, every: int) -> str:
    """The JSON *text* with every so-manieth letter inside strings written as \\u00xx; keys too."""
    out, inside = [], False
    for at, character in enumerate(text):
        if character == '"':
            inside = not inside
        out.append(f"\\u{ord(character):04x}" if inside and character.isalnum() and at % every == 0 else character)
    return "".join(out)


@st.composite
def ways_of_writing(draw: st.DrawFn, value: object) -> bytes:
    """*value* as JSON in one of many ways that mean the same."""
    kind = draw(st.integers(0, 6))
    if kind < 2:
        return canonical(value)
    if kind == 2:
        return json.dumps(value, indent=draw(st.integers(0, 3))).encode()
    if kind == 3:
        return json.dumps(reverse_keys(value)).encode()
    if kind == 4:
        return escaped(canonical(value).decode(), draw(st.integers(1, 200))).encode()
    if kind == 5:
        return canonical(value).replace(b"/", b"\\/")
    return canonical(value) + b"\n"


@st.composite
def v2_entries(draw: st.DrawFn) -> bytes:
    encode = draw(encodings)
    value = v2_value(
        {"x509Certificate": {"rawBytes": encode(draw(st.sampled_from(CERTIFICATES)))}},
        bytes.fromhex(draw(st.sampled_from(DIGESTS))),
        draw(st.booleans()),
    )
    body = draw(ways_of_writing(value))
    return damaged(draw, body)


@st.composite
def v1_entries(draw: st.DrawFn) -> bytes:
    der = draw(st.sampled_from(CERTIFICATES))
    width, newline = draw(st.sampled_from([64, 64, 76, 20, 5000])), draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = pem(der, width=width, newline=newline)
    headed = text.replace(b"-----\n", b"-----\nA: b\n\n", 1)
    text = draw(st.sampled_from([text, text, b"\n " + text, text + text, headed]))
    kind = draw(st.sampled_from(["dsse", "hashedrekord", "intoto", "rpm"]))
    digest_text = draw(st.sampled_from([*DIGESTS, DIGESTS[0].upper(), DIGESTS[1].title()]))
    body = damaged(draw, draw(ways_of_writing(v1_value(kind, text, digest_text))))
    return draw(encodings)(body).encode()


def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    how = draw(st.integers(0, 9))
    if how == 0:
        at = draw(st.integers(0, len(body) - 1))
        return body[:at] + draw(st.binary(max_size=2)) + body[at + 1 :]
    return body[: draw(st.integers(0, len(body)))] if how == 1 else body


def framed(bodies: list[bytes]) -> bytes:
    return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)


def compare(fast: Found | ScanResult, slow: Found | ScanResult) -> None:
    assert [(hit.index, hit.matches) for hit in fast.hits] == [(hit.index, hit.matches) for hit in slow.hits]
    one, other = (each.coverage if isinstance(each, ScanResult) else each for each in (fast, slow))
    # A search for literals does not open what cannot match, so it cannot tell that a certificate in it is broken.
    assert set(one.unparsable) <= set(other.unparsable)
    assert set(one.unreadable) <= set(other.unreadable)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(v2_entries(), min_size=1, max_size=6), soughts)
def test_fast_and_slow_agree_on_every_v2_bundle(bodies: list[bytes], sought: list[Sought]) -> None:
    matcher = Matcher(sought)
    found = [Scanner(matcher, fast=fast).bundle(framed(bodies), 512, len(bodies)) for fast in (True, False)]
    compare(*found)
    assert found[0].leaves == found[1].leaves


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(v1_entries(), min_size=1, max_size=4), soughts)
def test_fast_and_slow_agree_on_every_v1_entry(bodies: list[bytes], sought: list[Sought]) -> None:
    matcher, span = Matcher(sought), Span(0, len(bodies))
    compare(*(scan_bodies(enumerate(bodies), matcher, span, shard="s", fast=fast) for fast in (True, False)))


@settings(deadline=None)
@given(st.binary(min_size=9, max_size=60), st.binary(max_size=5), st.binary(max_size=5))
def test_a_form_is_in_every_base64_of_bytes_that_hold_the_piece(piece: bytes, before: bytes, after: bytes) -> None:
    forms = forms_of(piece)
    if forms is not None:
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            assert any(form in encode(before + piece + after) for form in forms)


def test_an_entry_of_the_usual_shape_without_the_needle_is_not_opened() -> None:
    bodies = [v2_entry(CERTIFICATES[2], bytes([number])) for number in range(200)] + [v2_entry(CERTIFICATES[0])]
    found = Scanner(Matcher([subject("acme/demo", exact=False)])).bundle(framed(bodies), 0, 201)
    assert [hit.index for hit in found.hits] == [200]
    assert found.opened == 1


def test_a_needle_that_begins_in_a_length_or_ends_in_the_next_entry_is_none() -> None:
    form = (forms_of(b"acme/demo") or (b"",))[0]
    # The length of the second entry is two letters of the form, the rest of it follows.
    first = v2_entry(CERTIFICATES[2])
    second_size = int.from_bytes(form[:2], "big")
    second = (form[2:] + v2_entry(CERTIFICATES[0])).ljust(second_size, b" ")
    assert len(second) == second_size
    scanner = Scanner(Matcher([subject("acme/demo", exact=False)]))
    found = scanner.bundle(framed([first, second, v2_entry(CERTIFICATES[0])]), 0, 3)
    assert [hit.index for hit in found.hits] == [2]
    assert [each.index for each in found.unparsable] == [1]


@pytest.mark.parametrize(
    ("sought", "has"),
    [
        (subject("acme/demo", exact=False), True),
        (subject("abc"), False),
        (Sought("x", subject=Literal("acme/demo", ignore_case=True)), False),
        (Sought("x", subject=Literal("acme/demo", ignore_case=True), issuers=(Literal("https://issuer"),)), True),
        (Sought("x", fingerprint="ab" * 32), False),
        (digest("ab" * 32), True),
    ],
)
def test_only_what_has_a_literal_that_must_be_there_is_searched_fast(sought: Sought, has: bool) -> None:
    assert (needles_of(Matcher([sought])) is not None) is has
    assert needles_of(Matcher([sought, Sought("x", fingerprint="cd" * 32)])) is None
