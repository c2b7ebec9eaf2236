from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from forensics.model.errors import MalformedEvidence, UsageError
from forensics.transparency.checkpoint import Checkpoint, parse_checkpoint
from forensics.transparency.coverage import Coverage, Gap, Unread, joined, joined_gaps, united, without
from forensics.transparency.entries import parse_entry
from forensics.transparency.matching import Matcher, expression, subject
from forensics.transparency.ranges import Span
from forensics.transparency.scan import NOT_IN_TREE, scan_bodies, scan_bundles
from forensics.transparency.timerange import by_certificate, by_integrated_time, certificate_time
from tests.transparency.made import (
    LOG_NAME,
    START,
    WORKFLOW,
    MadeLog,
    canonical,
    certificate,
    mth,
    pem,
    spki,
    v1_value,
    v2_entry,
    v2_value,
)

OTHER = certificate("https://github.com/acme/other/.github/workflows/x.yml@refs/heads/main", ())
WANTED = {0, 255, 256, 300, 599}
BAD = {7, 257}


def bodies() -> list[bytes]:
    entries = [v2_entry(certificate() if at in WANTED else OTHER, at.to_bytes(32, "big")) for at in range(600)]
    for at in BAD:
        entries[at] = b"not an entry"
    return entries


BODIES = bodies()
MATCHER = Matcher([subject(WORKFLOW)])


def made(size: int = 600) -> tuple[MadeLog, Checkpoint]:
    log = MadeLog(BODIES, size)
    return log, parse_checkpoint(log.note())


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("span", [Span(0, 600), Span(100, 301), Span(256, 512), Span(599, 600), Span(5, 5), Span(0, 0)])
def test_a_scan_finds_what_is_in_its_span_and_proves_it(span: Span, fast: bool) -> None:
    log, checkpoint = made()
    seen: list[int] = []
    matcher = MATCHER if fast else Matcher([expression("acme/demo")])
    result = asyncio.run(scan_bundles(log, matcher, span, checkpoint=checkpoint, fast=fast, progress=seen.append))
    wanted = [at for at in sorted(WANTED) if span.begin <= at < span.end]
    assert [(hit.index, hit.body) for hit in result.hits] == [(at, BODIES[at]) for at in wanted]
    assert [each.index for each in result.coverage.unparsable] == [
        at for at in sorted(BAD) if span.begin <= at < span.end
    ]
    assert result.coverage.ranges == joined([span])
    assert (result.coverage.entries, result.coverage.gaps) == (span.end - span.begin, ())
    assert (result.coverage.verified_size, result.coverage.verified_root) == (600, mth(log.leaves))
    assert sum(seen) == span.end - span.begin


def test_without_hashing_no_tile_is_asked_for_and_the_coverage_says_so() -> None:
    log, checkpoint = made()
    result = asyncio.run(scan_bundles(log, MATCHER, Span(0, 600), checkpoint=checkpoint, hashing=False))
    assert len(result.hits) == len(WANTED)
    assert {level for level, _, _ in log.asked} == {None}
    assert result.coverage.verified_root is None
    assert "hashes not checked" in result.coverage.text()


def test_bundles_that_are_gone_cut_short_or_forged_are_gaps_and_no_hits() -> None:
    log, checkpoint = made()
    log.gone = {(None, 2, 88), (None, 2, 256)}
    whole = asyncio.run(log.entries(1, 256))
    forged = BODIES[:]
    forged[256] = v2_entry(certificate(), b"\xff" * 32)
    log.changed[None, 1] = asyncio.run(MadeLog(forged).entries(1, 256))
    result = asyncio.run(scan_bundles(log, MATCHER, Span(0, 600), checkpoint=checkpoint))
    assert [hit.index for hit in result.hits] == [0, 255, 300]
    assert [(gap.begin, gap.end) for gap in result.coverage.gaps] == [(256, 257), (512, 600)]
    assert result.coverage.ranges == (Span(0, 256), Span(257, 512))
    assert not result.coverage.complete
    text = result.coverage.text()
    assert text.startswith(f"indices 0–599 of shard {LOG_NAME}, 2 gaps: 256 (does not hash to the tree), 512–599 (")
    assert "2 entries unparsable: 7, 257, hashed to the checkpoint of size 600, root" in text
    log.changed[None, 1] = whole[:-1]
    result = asyncio.run(scan_bundles(log, MATCHER, Span(0, 600), checkpoint=checkpoint))
    assert [gap.begin for gap in result.coverage.gaps] == [256, 512]
    assert result.coverage.ranges == (Span(0, 256),)


def test_without_the_tile_that_tells_altered_entries_apart_the_whole_bundle_is_a_gap() -> None:
    log, checkpoint = made()
    forged = BODIES[:]
    forged[256] = v2_entry(certificate(), b"\xff" * 32)
    log.changed[None, 1] = asyncio.run(MadeLog(forged).entries(1, 256))
    log.changed[0, 1] = asyncio.run(log.tile(0, 0, 256))
    result = asyncio.run(scan_bundles(log, MATCHER, Span(0, 600), checkpoint=checkpoint))
    assert [hit.index for hit in result.hits] == [at for at in sorted(WANTED) if not 256 <= at < 512]
    assert [(gap.begin, gap.end, gap.reason) for gap in result.coverage.gaps] == [(256, 512, NOT_IN_TREE)]


def test_a_log_whose_tiles_do_not_lead_to_its_checkpoint_is_not_searched() -> None:
    log, checkpoint = made()
    other = parse_checkpoint(MadeLog(BODIES[::-1]).note())
    assert other.size == checkpoint.size
    with pytest.raises(MalformedEvidence):
        asyncio.run(scan_bundles(log, MATCHER, Span(0, 600), checkpoint=other))
    with pytest.raises(UsageError):
        asyncio.run(scan_bundles(log, MATCHER, Span(0, 601), checkpoint=checkpoint))


def test_a_smaller_checkpoint_searches_the_log_as_it_was() -> None:
    log, checkpoint = made(300)
    log.size = 600
    result = asyncio.run(scan_bundles(log, MATCHER, Span(0, 300), checkpoint=checkpoint))
    assert [hit.index for hit in result.hits] == [0, 255, 256]
    log.gone = {(None, 1, 44), (0, 1, 44)}  # the log has grown, and deleted its partial tiles
    assert asyncio.run(scan_bundles(log, MATCHER, Span(256, 300), checkpoint=checkpoint)).coverage.gaps == ()


def test_v1_entries_are_searched_in_any_order_and_what_does_not_come_is_a_gap() -> None:
    def answers() -> Iterator[tuple[int, bytes]]:
        for at in (9, 3, 4, 5, 5, 40, 8):
            kind = ("dsse", "hashedrekord", "intoto")[at % 3]
            body = canonical(v1_value(kind, pem(certificate() if at in (4, 9, 40) else OTHER)))
            yield at, base64.b64encode(body) if at != 8 else b"!!"

    result = scan_bodies(answers(), MATCHER, Span(2, 11), shard="v1")
    assert [hit.index for hit in result.hits] == [4, 9]
    assert result.coverage.ranges == (Span(3, 6), Span(8, 10))
    assert [(gap.begin, gap.end) for gap in result.coverage.gaps] == [(2, 3), (6, 8), (10, 11)]
    assert [each.index for each in result.coverage.unparsable] == [8]


def test_coverage_in_words() -> None:
    nothing = Coverage("s", Span(4, 4), ())
    assert nothing.text() == "no indices of shard s, no gaps, no entries unparsable, hashes not checked"
    gaps = joined_gaps([Gap(4, 6, "x"), Gap(0, 4, "x"), Gap(6, 7, "y")])
    many = tuple(Unread(at, "r") for at in range(130))
    full = Coverage("s", Span(0, 900), (Span(7, 900),), gaps, many, many[:1], 900, bytes(32))
    assert full.text().startswith("indices 0–899 of shard s, 2 gaps: 0–5 (x), 6 (y), 130 entries unparsable: 0, 1, ")
    assert (
        "99 and 30 more, 1 entry not readable in full: 0, hashed to the checkpoint of size 900, root 00" in full.text()
    )
    assert Coverage("s", Span(0, 2), (Span(0, 2),)).complete
    assert "each entry hashed to a signed checkpoint" in Coverage("s", Span(0, 2), (), each_proved=True).text()
    first = Coverage("s", Span(0, 9), (Span(2, 4),), (Gap(0, 2, "x"),), many[:1])
    both = united(first, [Coverage("s", Span(4, 9), (Span(4, 8),), (Gap(8, 9, "x"),), many[5:6])])
    assert (both.ranges, both.gaps) == ((Span(2, 8),), (Gap(0, 2, "x"), Gap(8, 9, "x")))
    assert [one.index for one in both.unparsable] == [0, 5]
    assert without([Span(0, 10), Span(12, 20)], [Span(15, 16), Span(3, 13)]) == (Span(0, 3), Span(13, 15), Span(16, 20))
    assert without([Span(0, 4)], [Span(0, 4)]) == ()


def test_integrated_times_are_found_by_halving() -> None:
    times = [START + timedelta(minutes=at // 3) for at in range(3000)]
    asked = []

    async def time_of(index: int) -> datetime | None:
        asked.append(index)
        return times[index]

    since, until = START + timedelta(minutes=100), START + timedelta(minutes=101)
    found = asyncio.run(by_integrated_time(time_of, since, until, Span(0, 3000)))
    assert found.span == Span(300, 306)
    assert found.asked == len(set(asked)) < 30
    late = asyncio.run(
        by_integrated_time(time_of, START + timedelta(days=9), START + timedelta(days=10), Span(0, 3000))
    )
    assert late.span == Span(3000, 3000)
    for wrong in ((until, since), (since.replace(tzinfo=None), until)):
        with pytest.raises(UsageError):
            asyncio.run(by_integrated_time(time_of, *wrong, Span(0, 3000)))


def test_certificates_stand_in_for_times_roughly_and_keys_are_passed_over() -> None:
    def body(at: int) -> bytes:
        minutes = at // 4 * 10 + (-10 if at % 7 == 0 else 0)  # now and then out of order
        if at % 5 == 0:
            return canonical(v2_value({"publicKey": {"rawBytes": base64.b64encode(spki()).decode()}}))
        return v2_entry(certificate(minutes=max(0, minutes)))

    entries = {at: body(at) for at in range(400)}

    async def time_of(index: int) -> datetime | None:
        return certificate_time(parse_entry(entries[index]))

    since, until = START + timedelta(minutes=300), START + timedelta(minutes=400)
    found = asyncio.run(by_certificate(time_of, since, until, Span(0, 400)))
    assert "30 minutes wider at both ends" in found.basis
    inside = {at for at in entries if (time := asyncio.run(time_of(at))) is not None and since <= time <= until}
    assert inside <= set(range(found.span.begin, found.span.end))
    assert found.span.end - found.span.begin < 100

    async def never(_: int) -> datetime | None:
        return None

    nothing = asyncio.run(by_certificate(never, since, until, Span(0, 400)))
    assert nothing.span.begin == 0
    assert certificate_time(parse_entry(v2_entry(b"\x30\x00"))) is None
    assert datetime.now(UTC) > START
