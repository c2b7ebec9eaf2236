"""A log of a hundred thousand entries: what is planted is found, and what is tampered with is named."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forensics.attestation.trust import TrustRoot, vouch
from forensics.evidence.case import Case
from forensics.evidence.client import Limits
from forensics.model.endpoints import resolve_endpoints
from forensics.model.errors import MalformedEvidence, UsageError
from forensics.model.project import parse_project
from forensics.sources.rekor_tiles import TileShard, courteous, pick, shard_at, shards_of, verified_checkpoint
from forensics.sources.tiles_scan import Scanned, Wanted, scan_shard
from forensics.sources.tiles_session import asking
from forensics.transparency import matching
from forensics.transparency.matching import Matcher
from tests.lab.pki import Authority
from tests.lab.tiles_http import TilesServer, TilesSite, serve_tiles, write_root
from tests.lab.tiles_log import TilesLog, big_log, writer

SIZE = 100_000
SAN = "https://github.com/acme/wanted/.github/workflows/release.yml@refs/tags/v1.2.3"
ROGUE = "https://github.com/acme/wanted/.github/workflows/evil.yml@refs/heads/main"
PLANTED = (0, 255, 256, 65_535, 65_536, 77_777, 99_839, 99_999)
WANTED = Matcher([matching.subject(SAN)])


@pytest.fixture(scope="session")
def tiles_authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def hundred_thousand(tiles_authority: Authority) -> TilesLog:
    own = writer(tiles_authority, 1, san=SAN)
    rogue = writer(Authority(), 2, san=ROGUE)  # a certificate that somebody made for himself
    planted = {index: own.record(b"release %d" % index) for index in PLANTED}
    planted[77_777] = own.envelope(b'{"_type":"https://in-toto.io/Statement/v1"}')
    planted[50_000] = rogue.record(b"nothing of theirs")
    planted[60_000] = b'{"apiVersion":"0.0.2","kind":"hashedrekord","spec":"none"}'
    return big_log(tiles_authority, SIZE, planted)


@pytest.fixture
def server(hundred_thousand: TilesLog, tiles_authority: Authority, tmp_path: Path) -> Iterator[TilesServer]:
    with serve_tiles(TilesSite(hundred_thousand), tiles_authority, tmp_path) as running:
        yield running


def root_of(server: TilesServer) -> TrustRoot:
    raw = server.root.read_bytes()
    return vouch(raw, named=raw)


def run(
    server: TilesServer,
    matcher: Matcher = WANTED,
    wanted: Wanted = Wanted(),  # noqa: B008 -- frozen
    case: Case | None = None,
    *,
    offline: bool = False,
) -> Scanned:
    async def scan() -> Scanned:
        async with asking(
            case, courteous(Limits(max_wait_seconds=0), [server.url], 10_000), offline=offline
        ) as session:
            return await scan_shard(session, shard_at(root_of(server), server.url), root_of(server), matcher, wanted)

    return asyncio.run(scan())


def indices(scanned: Scanned) -> list[int]:
    return [hit.index for hit, _ in scanned.found]


def test_what_is_planted_is_found_and_nothing_else(server: TilesServer) -> None:
    scanned = run(server)
    assert indices(scanned) == list(PLANTED)
    assert all(record.verified and record.signer for _, record in scanned.found)
    assert scanned.coverage is not None
    assert scanned.coverage.entries == SIZE
    assert scanned.coverage.verified_root == server.site.log.tree.root()
    # Nothing that could hold the name is passed over: the entry that cannot be read is listed.
    assert scanned.coverage.text().startswith(
        f"indices 0–{SIZE - 1} of shard {server.site.log.origin}, no gaps, 1 entry"
    )
    assert [one.index for one in scanned.coverage.unparsable] == [60_000]
    assert not scanned.failed
    assert not scanned.incomplete
    full = [path for path in server.site.asked if ".p/" not in path]
    assert len(full) == len(set(full)), "what never changes is asked once"


def test_a_certificate_that_nobody_vouches_for_names_nobody(server: TilesServer) -> None:
    scanned = run(server, Matcher([matching.subject(ROGUE)]), Wanted(49_000, 51_000))
    ((hit, record),) = scanned.found
    assert hit.index == 50_000
    assert record.signer is None
    assert {check.name: check.result.value for check in record.checks}["certificate-chain"] == "fail"


def test_a_time_range_is_narrowed_by_certificates(server: TilesServer) -> None:
    since, until = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
    scanned = run(server, wanted=Wanted(since=since, until=until))
    assert scanned.coverage is not None
    begin, end = scanned.coverage.asked
    # Fifty writers in ten days, two thousand entries each: days 3 to 4 are entries 30,000 to 42,000.
    assert 29_000 < begin <= 30_000
    assert 40_000 <= end < 43_000
    assert "30 minutes wider" in scanned.basis


@pytest.mark.parametrize(
    ("path", "span", "gap"),
    [
        ("tile/entries/005", (0, 4096), (1280, 1281)),
        ("tile/entries/390", (99_000, SIZE), (99_840, 99_841)),
        ("tile/1/000", (64_000, 67_000), (64_000, 65_536)),
    ],
)
def test_an_altered_part_is_a_gap_and_nothing_in_it_is_believed(
    server: TilesServer, path: str, span: tuple[int, int], gap: tuple[int, int]
) -> None:
    server.site.changes[path] = lambda data: data[:500] + bytes([data[500] ^ 1]) + data[501:]
    scanned = run(server, wanted=Wanted(*span))
    assert scanned.failed
    assert [(one.begin, one.end) for one in scanned.broken] == [gap]
    hits = [index for index in PLANTED if span[0] <= index < span[1]]
    assert indices(scanned) == [index for index in hits if not gap[0] <= index < gap[1]]


@pytest.mark.parametrize("path", ["tile/0/390", "tile/1/001", "tile/2/000"])
def test_a_bad_tile_at_the_right_edge_fails_everything(server: TilesServer, path: str) -> None:
    server.site.changes[path] = lambda data: data[32:64] + data[:32] + data[64:] if len(data) > 32 else data[::-1]
    scanned = run(server)
    assert scanned.unsound
    assert not scanned.found
    assert "do not hash to the root" in scanned.problem


def test_a_swapped_and_a_truncated_bundle_are_gaps(server: TilesServer) -> None:
    log = server.site.log
    server.site.changes = {"tile/entries/001": lambda _: log.bundle(2), "tile/entries/007": lambda data: data[:-1]}
    scanned = run(server, wanted=Wanted(0, 4096))
    assert [(one.begin, one.end) for one in scanned.broken] == [(256, 512), (1792, 2048)]
    assert "not 256 entries" in scanned.broken[1].reason


def test_what_is_wrong_once_is_asked_again_and_said(server: TilesServer) -> None:
    served: list[int] = []

    def once(data: bytes) -> bytes:
        served.append(1)
        return data if len(served) > 1 else data[:-1] + b"?"

    server.site.changes["tile/entries/000"] = once
    scanned = run(server, wanted=Wanted(0, 1024))
    assert indices(scanned) == [0, 255, 256]
    assert not scanned.failed
    assert "255 came with other content first" in scanned.notes[0]


def test_a_forged_checkpoint_proves_nothing(server: TilesServer) -> None:
    log = server.site.log
    server.site.head = log.checkpoint(SIZE, b"\x05" * 32)
    assert "do not hash to the root" in run(server).problem
    stranger = TilesLog(log.origin)
    stranger.extend(log.entries[:10])
    server.site.head = stranger.checkpoint()
    assert "did not sign" in run(server).problem
    server.site.head = TilesLog("log.elsewhere.example").checkpoint(0)
    assert "no log of the trust root" in run(server).problem
    server.site.head = "<html>please log in</html>"
    assert run(server).unsound


def test_without_partial_tiles_the_full_ones_do(server: TilesServer) -> None:
    # The log grew meanwhile: what was partial is whole, and the partial ones are gone.
    server.site.head = server.site.log.checkpoint(99_900)
    server.site.size, server.site.partials = SIZE - SIZE % 256, False
    server.site.log = replace_size(server.site.log)
    server.site.size = len(server.site.log.entries)
    scanned = run(server, wanted=Wanted(99_000, 99_900))
    assert indices(scanned) == [99_839]
    assert not scanned.failed


def replace_size(log: TilesLog) -> TilesLog:
    """The same log, grown until its first three levels of tiles at the edge are whole."""
    grown = log.fork(len(log.entries))
    size = 2 * 65_536
    grown.extend(b"{}" for _ in range(size - len(log.entries)))
    return grown


def test_a_log_that_is_gone_was_not_asked(server: TilesServer) -> None:
    server.site.status = 503
    scanned = run(server)
    assert scanned.incomplete
    assert not scanned.failed
    assert scanned.coverage is None


def test_bundles_that_cannot_be_had_are_not_asked(server: TilesServer) -> None:
    server.site.changes["tile/entries/003"] = lambda _: b""
    scanned = run(server, wanted=Wanted(0, 1024))
    assert [(one.begin, one.end) for one in scanned.broken] == [(768, 1024)]
    server.site.changes.clear()
    server.site.size = 90_000  # the checkpoint promises more than is there
    server.site.head = server.site.log.checkpoint(SIZE)
    assert run(server, wanted=Wanted(0, 1024)).incomplete


def test_a_case_keeps_the_answers_and_replays_them(server: TilesServer, tmp_path: Path) -> None:
    server.site.zipped = True
    case = Case.create(
        tmp_path / "case",
        project=parse_project("demo"),
        endpoints=resolve_endpoints({}, {"FORENSICS_REKOR_TILES_URLS": server.url}),
        trust_root=server.root.read_bytes(),
    )
    first = run(server, wanted=Wanted(0, 10_000), case=case)
    asked = len(server.site.asked)
    again = run(server, wanted=Wanted(0, 10_000), case=case)
    assert server.site.asked[asked:] == ["checkpoint"], "tiles are asked once, checkpoints each time"
    server.site.status = 500
    replayed = run(server, wanted=Wanted(0, 10_000), case=case, offline=True)
    assert indices(first) == indices(again) == indices(replayed) == [0, 255, 256]
    known = {one.id for one in case.observations()}
    for scanned in (first, replayed):
        for _, record in scanned.found:
            assert len(record.evidence) == 2
            assert set(record.evidence) <= known


def test_indices_outside_the_log_are_refused(server: TilesServer) -> None:
    with pytest.raises(UsageError, match="100000 entries"):
        run(server, wanted=Wanted(0, SIZE + 1))


def test_shards_come_from_the_trust_root_or_the_override(tiles_authority: Authority, tmp_path: Path) -> None:
    logs = [TilesLog("log2026-1.lab.example"), TilesLog("log2026-2.lab.example")]
    raw = write_root(tiles_authority, logs, tmp_path / "root.json").read_bytes()
    root = vouch(raw, named=raw)
    shards = shards_of(root)
    assert [shard.name for shard in shards] == [log.origin for log in logs], "Rekor v1 is not among them"
    assert [shard.url for shard in shards_of(root, "http://a/x/, http://b")] == ["http://a/x", "http://b"]
    assert pick(shards, "log2026-2.lab.example", root) == (shards[1],)
    with pytest.raises(UsageError, match="no log of this name"):
        pick(shards, "log2027-1.lab.example", root)
    shard = shards[0]
    assert verified_checkpoint(logs[0].checkpoint(), shard).origin == logs[0].origin
    # The second log signed it, rightly, but it is served where the first one belongs.
    with pytest.raises(MalformedEvidence):
        verified_checkpoint(logs[1].checkpoint(), shard)
    mirror = TileShard("http://mirror", root.logs)
    assert verified_checkpoint(logs[1].checkpoint(), mirror).origin == logs[1].origin


def test_the_endpoint_takes_several_urls() -> None:
    urls = resolve_endpoints({}, {"FORENSICS_REKOR_TILES_URLS": "http://a/, https://b/c"})
    assert urls["rekor_tiles"] == "http://a,https://b/c"
    assert resolve_endpoints()["rekor_tiles"] == ""
    with pytest.raises(UsageError):
        resolve_endpoints({}, {"FORENSICS_REKOR_TILES_URLS": "http://a,ftp://b"})
