"""Damaged input of every kind: refused by name, or read; never anything else.

`FORENSICS_FUZZ=10000` tries each kind so often; by default it is fifteen times each.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.model.errors import ForensicsError
from forensics.transparency.checkpoint import parse_checkpoint
from forensics.transparency.cosignature import Witness, cosignatures, parse_witness
from forensics.transparency.entries import decode_body, parse_entry
from forensics.transparency.expressions import Expression
from forensics.transparency.extract import names_of
from forensics.transparency.history import ConsistencyProof, SeenCheckpoint, judge
from forensics.transparency.matching import Matcher, subject
from forensics.transparency.merkle import root_from_inclusion, verify_consistency, verify_inclusion
from forensics.transparency.monitor import parse_configuration
from forensics.transparency.monitor_files import last_checkpoint, parse_line, read_metadata
from forensics.transparency.ranges import Span
from forensics.transparency.scan import Scanner, scan_bodies, scan_bundles
from forensics.transparency.tiles import parse_path, split_bundle, split_tile
from forensics.transparency.tree import TileTree
from tests.transparency.made import WORKFLOW, MadeLog, canonical, certificate, pem, v1_value, v2_entry

EXAMPLES = int(os.environ.get("FORENSICS_FUZZ", "15"))
LOG = MadeLog([v2_entry(certificate(), bytes([at % 256]) * 32) for at in range(300)])
NOTE = LOG.note()
CHECKPOINT = parse_checkpoint(NOTE)
BUNDLE = asyncio.run(LOG.entries(1, 44))
TILE = asyncio.run(LOG.tile(0, 1, 44))
MATCHER = Matcher([subject(WORKFLOW)])
DSSE, RECORD, INTOTO, RPM = (
    canonical(v1_value(kind, pem(certificate()))) for kind in ("dsse", "hashedrekord", "intoto", "rpm")
)
PROOF = asyncio.run(TileTree(LOG, 300, CHECKPOINT.root).inclusion(3))
LINE = '{"MatchedIdentity":null,"CertSubject":"a","Index":7,"UUID":"","OIDExtension":[1,2],"ExtensionValue":""}'

Damage = Callable[[bytes, st.DataObject], bytes]


def place(raw: bytes, data: st.DataObject) -> int:
    return data.draw(st.integers(0, max(0, len(raw) - 1)))


def flip(raw: bytes, data: st.DataObject) -> bytes:
    at = place(raw, data)
    return raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]


def cut(raw: bytes, data: st.DataObject) -> bytes:
    return raw[: place(raw, data)]


def insert(raw: bytes, data: st.DataObject) -> bytes:
    at = place(raw, data)
    return raw[:at] + data.draw(st.binary(min_size=1, max_size=40)) + raw[at:]


def repeat(raw: bytes, data: st.DataObject) -> bytes:
    at = place(raw, data)
    end = data.draw(st.integers(at, min(len(raw), at + 200)))
    return raw[:end] + raw[at:end] * data.draw(st.integers(1, 50)) + raw[end:]


def swap(raw: bytes, data: st.DataObject) -> bytes:
    one, other = sorted((place(raw, data), place(raw, data)))
    return raw[other:] + raw[one:other] + raw[:one]


def lengthen(raw: bytes, data: st.DataObject) -> bytes:
    at = place(raw, data)
    return raw[:at] + b"\xff\xff\xff\xff" + raw[at + 4 :]


def nest(raw: bytes, data: st.DataObject) -> bytes:
    at = place(raw, data)
    return raw[:at] + data.draw(st.sampled_from([b"[", b'{"a":', b"("])) * data.draw(st.integers(1, 20_000)) + raw[at:]


def unpair(raw: bytes, data: st.DataObject) -> bytes:
    at = place(raw, data)
    return raw[:at] + data.draw(st.sampled_from([b"\\ud800", b"\xed\xa0\x80", b"\xff", b"\x00", b"\\"])) + raw[at:]


def read_note(raw: bytes) -> object:
    checkpoint = parse_checkpoint(raw.decode("utf-8", "replace"))
    seen = SeenCheckpoint.of(checkpoint)
    return cosignatures(checkpoint, [Witness("log.made.example", bytes(32))]), judge([seen])


def read_proof(raw: bytes) -> object:
    hashes = [raw[at : at + 32] for at in range(0, len(raw), 32)]
    for old, size in ((3, 300), (len(raw) % 300, 300), (2**62, 2**63)):
        verify_inclusion(PROOF[0], old, size, hashes, CHECKPOINT.root)
        verify_consistency(old, size, PROOF[0], CHECKPOINT.root, hashes)
    old, new = SeenCheckpoint("log", 5, PROOF[0]), SeenCheckpoint("log", 300, CHECKPOINT.root)
    assert not judge([old, new], [ConsistencyProof(5, 300, tuple(hashes))]).consistent
    return root_from_inclusion(LOG.leaves[3], 3, 300, hashes)


def read_entry(raw: bytes) -> object:
    return MATCHER.match(parse_entry(raw))


def read_scan(raw: bytes) -> object:
    """Searches a log one bundle of which is damaged: nothing may be raised, and nothing found but what was logged."""
    log = MadeLog(LOG.bodies)
    log.changed[None, 1] = raw
    result = asyncio.run(scan_bundles(log, MATCHER, Span(256, 300), checkpoint=CHECKPOINT))
    gaps = {index for gap in result.coverage.gaps for index in range(gap.begin, gap.end)}
    assert all(hit.body == LOG.bodies[hit.index] and hit.index not in gaps for hit in result.hits)
    assert result.coverage.entries + len(gaps) == 44
    return result


def read_tree(raw: bytes) -> object:
    log = MadeLog(LOG.bodies)
    log.changed[0, 1] = raw
    return asyncio.run(scan_bundles(log, MATCHER, Span(256, 300), checkpoint=CHECKPOINT))


def read_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda raw: read(raw.decode("utf-8", "replace"))


def read_v1(raw: bytes) -> object:
    return scan_bodies([(0, raw)], MATCHER, Span(0, 1), shard="s")


TEXT_READERS = (Expression, parse_path, parse_configuration, read_metadata, parse_witness)
KINDS: dict[str, tuple[bytes, Damage, Callable[[bytes], object]]] = {
    # checkpoint
    "a note with a byte changed": (NOTE.encode(), flip, read_note),
    "a note cut short": (NOTE.encode(), cut, read_note),
    "a note with bytes put in": (NOTE.encode(), insert, read_note),
    "a note with a part repeated": (NOTE.encode(), repeat, read_note),
    "a note in another order": (NOTE.encode(), swap, read_note),
    # proof
    "a proof with a byte changed": (b"".join(PROOF), flip, read_proof),
    "a proof cut short": (b"".join(PROOF), cut, read_proof),
    "a proof with hashes repeated": (b"".join(PROOF), repeat, read_proof),
    # tile
    "a tile with a byte changed": (TILE, flip, read_tree),
    "a tile cut short": (TILE, cut, lambda raw: (split_tile(raw, 44), read_tree(raw))),
    "a tile with bytes put in": (TILE, insert, lambda raw: (split_tile(raw, 44), read_tree(raw))),
    # bundle
    "a bundle with a byte changed": (BUNDLE, flip, read_scan),
    "a bundle cut short": (BUNDLE, cut, read_scan),
    "a bundle with a length too large": (BUNDLE, lengthen, lambda raw: (split_bundle(raw, 44), read_scan(raw))),
    "a bundle with a part repeated": (BUNDLE, repeat, lambda raw: Scanner(MATCHER).bundle(raw, 0, 44)),
    "a bundle in another order": (BUNDLE, swap, read_scan),
    # entry body
    "a v2 entry with a byte changed": (LOG.bodies[0], flip, read_entry),
    "a v2 entry cut short": (LOG.bodies[0], cut, read_entry),
    "a v2 entry nested too deep": (LOG.bodies[0], nest, read_entry),
    "a v2 entry with broken characters": (LOG.bodies[0], unpair, read_entry),
    "a dsse entry with a byte changed": (DSSE, flip, read_entry),
    "a dsse entry with a part repeated": (DSSE, repeat, read_entry),
    "a hashedrekord entry with bytes put in": (RECORD, insert, read_entry),
    "an intoto entry with broken characters": (INTOTO, unpair, read_entry),
    "an rpm entry with a byte changed": (RPM, flip, read_entry),
    "a v1 answer with a byte changed": (base64.b64encode(DSSE), flip, lambda raw: (read_v1(raw), decode_body(raw))),
    "a v1 answer nested too deep": (DSSE, nest, lambda raw: read_v1(base64.b64encode(raw))),
    # certificate
    "a certificate with a length too large": (certificate(), lengthen, names_of),
    "a certificate with bytes put in": (certificate(), insert, names_of),
    # what people and other tools hand over
    "a line of output damaged": (LINE.encode(), insert, read_text(parse_line)),
    "a file of checkpoints damaged": (NOTE.replace("\n", "\\n").encode(), flip, read_text(last_checkpoint)),
    "an expression, a path or a configuration of anything": (
        b"https://.*[a-z]{1,3}(a|b)?", insert,
        lambda raw: [_quiet(read, raw) for read in TEXT_READERS],
    ),
}  # fmt: skip


def _quiet(read: Callable[[str], object], raw: bytes) -> None:
    with contextlib.suppress(ForensicsError):
        read(raw.decode("utf-8", "replace"))


def test_there_are_thirty_two_kinds() -> None:
    assert len(KINDS) == 32


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_refused_by_name_or_read(kind: str) -> None:
    whole, damage, read = KINDS[kind]

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        with contextlib.suppress(ForensicsError):
            read(damage(whole, data))

    read(whole)
    check()
