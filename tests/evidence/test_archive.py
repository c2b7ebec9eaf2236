"""The WARC file: standard, durable, cut back after a kill, and never trusted when read."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator

from forensics.evidence import index, warc, wire
from forensics.evidence.archive import Archive
from forensics.evidence.case import Case
from forensics.evidence.client import Client
from forensics.evidence.wire import Failure, ReceivedResponse, SentRequest
from forensics.model.errors import DamagedCase, EvidenceError, HostileInput, SourceError, UsageError
from forensics.model.observation import observation_id

from .conftest import NOW, outcome_of, record
from .server import World


def request(number: int = 0, body: bytes = b"") -> SentRequest:
    return SentRequest("GET", f"https://x.test/{number}", (("Host", "x.test"),), wire.body_digest(body), body)


def response(body: bytes = b"body", status: int = 200) -> ReceivedResponse:
    return ReceivedResponse(status, "OK", (("Content-Type", "text/plain; charset=utf-8"),), body)


def written(path: Path, count: int = 3) -> bytes:
    with Archive.append_to(path, NOW) as archive:
        for number in range(count):
            archive.append(request(number), response(b"x" * number * 100), NOW)
    return path.read_bytes()


def opened(data: bytes) -> Archive:
    return Archive.of_bytes(data)


def test_warcio_reads_every_record_and_agrees_with_every_digest(world: World, case: Case) -> None:
    async def talk(client: Client) -> None:
        for path in ("/doc/1", "/zipped", "/moved", "/status/404", "/large"):
            try:
                await client.get(world.url + path)
            except SourceError:
                continue
        await client.post(world.url + "/echo", json={"a": 1})
        with pytest.raises(SourceError):
            await client.get("http://127.0.0.1:1/")

    record(case, talk)
    kinds, ids = [], []
    with (case.path / "data/http.warc.gz").open("rb") as file:
        for one in ArchiveIterator(file, check_digests="raise"):
            content = one.content_stream().read() if one.rec_type == "metadata" else one.raw_stream.read()
            kinds.append(one.rec_type)
            fields = one.rec_headers
            assert fields.protocol == "WARC/1.1"
            if one.rec_type == "request":
                method = one.http_headers.protocol
                continue
            if one.rec_type == "warcinfo":
                continue
            at = datetime.fromisoformat(fields.get_header("WARC-Date"))
            status = int(one.http_headers.get_statuscode()) if one.rec_type == "response" else None
            digest = hashlib.sha256(content).hexdigest() if status else None
            ids.append(observation_id(method, fields.get_header("WARC-Target-URI"), at, status, digest))
    assert kinds == ["warcinfo"] + ["request", "response"] * 7 + ["request", "metadata"] * 4
    assert ids == [one.id for one in case.observations()]


def test_a_gzip_member_is_a_record(tmp_path: Path) -> None:
    data = written(tmp_path / "a.warc.gz")
    members = list(warc.read_members(lambda offset, count: data[offset : offset + count], len(data)))
    assert [one.kind for one in members] == ["warcinfo", *["request", "response"] * 3]
    for one in members:
        assert gzip.decompress(data[one.offset : one.end]).startswith(b"WARC/1.1\r\n")


def test_no_two_observations_share_an_id(tmp_path: Path) -> None:
    with Archive.append_to(tmp_path / "a", NOW) as archive:
        ids = {archive.append(request(), response(), NOW).id for _ in range(50)}
        assert len(ids) == 50
        assert [one.id for one in archive.observations()] == [
            one.observation.id for one in archive.asked(request().key)
        ]


def test_what_was_appended_is_what_is_read(tmp_path: Path) -> None:
    with Archive.append_to(tmp_path / "a", NOW) as archive:
        archive.append(request(), Failure("ConnectError", "no route"), NOW)
        archive.append(request(), response(b"\0\xff" * 70_000, 404), NOW)
        archive.append(request(), response(b"broken", 503), NOW)
        archive.append(request(), ReceivedResponse(200, "", (), b"half", "disconnect"), NOW)
        live = archive.observations(), archive.find(request().key), [archive.asked(request().key)]
    with opened((tmp_path / "a").read_bytes()) as again:
        assert (again.observations(), again.find(request().key), [again.asked(request().key)]) == live
        found = again.find(request().key)
        assert found is not None
        assert again.response(found) == response(b"\0\xff" * 70_000, 404)
        assert again.check() == []


def test_secrets_never_reach_the_file(world: World, case: Case) -> None:
    secrets = ["SECRETTOKEN", "SECRETPASS", "SECRETUSER", "SECRETKEY", "SECRETCOOKIE", "SECRETPROXY"]

    async def talk(client: Client) -> None:
        headers = {
            "Authorization": "Bearer SECRETTOKEN",
            "Cookie": "a=SECRETCOOKIE",
            "Proxy-Authorization": "Basic SECRETPROXY",
            "X-Api-Key": "SECRETKEY",
        }
        url = world.url.replace("://", "://SECRETUSER:SECRETPASS@")
        for path in ("/doc/1#SECRETKEY", "/moved", "/off-site", "/nothing", "/large"):
            said = repr(await outcome_of(url + path, headers=headers)(client))
            assert "SECRET" not in said
            assert "127.0.0.1" in said
        with pytest.raises(SourceError) as caught:
            await client.get("http://SECRETUSER:SECRETPASS@127.0.0.1:1/", headers=headers)
        assert "SECRET" not in caught.value.diagnostics()

    record(case, talk)
    assert world.headers[0]["authorization"] == "Bearer SECRETTOKEN"

    async def user_and_password(client: Client) -> None:
        await client.get(world.url.replace("://", "://SECRETUSER:SECRETPASS@") + "/doc/2")

    record(case, user_and_password)
    assert world.headers[-1]["authorization"] == "Basic " + base64.b64encode(b"SECRETUSER:SECRETPASS").decode()
    case.finish([])
    everything = b"".join(path.read_bytes() for path in sorted(case.path.rglob("*")) if path.is_file())
    everything += gzip.decompress((case.path / "data/http.warc.gz").read_bytes())
    assert world.url.encode() in everything
    for secret in secrets:
        for form in (secret.encode(), hashlib.sha256(secret.encode()).hexdigest().encode()):
            assert form not in everything


@given(st.integers(0, 10**6), st.sampled_from([0, 1, 5000]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_torn_tail_is_cut_back_to_the_last_whole_exchange(tmp_path: Path, cut: int, zeros: int) -> None:
    path = tmp_path / "a.warc.gz"
    path.unlink(missing_ok=True)
    whole = written(path)
    ends = [one.end for one in index.scan(lambda offset, count: whole[offset : offset + count], len(whole)).exchanges]
    cut %= len(whole) + 1
    path.write_bytes(whole[:cut] + b"\0" * zeros)
    with Archive.append_to(path, NOW) as archive:
        kept = len(archive.observations())
        assert kept == sum(end <= cut for end in ends)
        archive.append(request(9), response(), NOW)
    with opened(path.read_bytes()) as again:
        assert len(again.observations()) == kept + 1
        assert again.check() == []


def test_a_complete_case_with_a_torn_tail_is_damaged(tmp_path: Path) -> None:
    data = written(tmp_path / "a")
    with pytest.raises(DamagedCase, match="ends inside"):
        opened(data[:-1]).observations()


def test_damage_in_the_middle_is_never_cut_away(tmp_path: Path) -> None:
    path = tmp_path / "a"
    data = written(path)
    first = index.scan(lambda offset, count: data[offset : offset + count], len(data)).exchanges[0]
    path.write_bytes(data[: first.offset + 40] + b"\xff\xff\xff" + data[first.offset + 43 :])
    with pytest.raises(DamagedCase):
        Archive.append_to(path, NOW)
    assert path.stat().st_size == len(data)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with Archive.append_to(tmp_path / "a", NOW), pytest.raises(UsageError, match="Another process"):
        Archive.append_to(tmp_path / "a", NOW)
    Archive.append_to(tmp_path / "a", NOW).close()


def test_an_archive_for_reading_takes_nothing(tmp_path: Path) -> None:
    with opened(written(tmp_path / "a")) as archive, pytest.raises(EvidenceError):
        archive.append(request(), response(), NOW)


def test_a_full_disk_leaves_no_half_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    data = written(path)
    with Archive.append_to(path, NOW) as archive:
        real = os.write

        def full(descriptor: int, text: bytes) -> int:
            if len(text) > 100:
                return real(descriptor, text[:100])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", lambda descriptor, text: full(descriptor, text[:150]))
        with pytest.raises(EvidenceError, match="No space left"):
            archive.append(request(7), response(), NOW)
        monkeypatch.setattr(os, "write", real)
    assert path.read_bytes() == data


# Hostile archives


def record_of(head: str, block: bytes, *, length: int | None = None) -> bytes:
    size = len(block) if length is None else length
    return gzip.compress(f"WARC/1.1\r\n{head}\r\nContent-Length: {size}\r\n\r\n".encode() + block + b"\r\n\r\n")


def exchange_of(target: str, block: bytes, **more: int) -> bytes:
    both = f"WARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Target-URI: {target}"
    digest = "sha256:" + "0" * 64
    asked = f"WARC-Type: request\r\n{both}\r\nWARC-Record-ID: <a>"
    got = f"WARC-Type: response\r\n{both}\r\nWARC-Concurrent-To: <a>\r\nWARC-Payload-Digest: {digest}"
    return record_of(asked, b"GET / HTTP/1.1\r\n\r\n") + record_of(got, block, **more)


OK = b"HTTP/1.1 200 OK\r\n\r\nbody"


@pytest.mark.parametrize(
    "data",
    [
        b"not gzip",
        gzip.compress(b"not a record\r\n\r\n"),
        exchange_of("x", OK, length=5),
        exchange_of("x", OK, length=10**12),
        exchange_of("x", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
        exchange_of("x", b"HTTP/1.1 2000 OK\r\n\r\n"),
        exchange_of("x", b"no head at all"),
        exchange_of("x", OK).replace(b"\x1f\x8b\x08", b"\x1f\x8b\x09"),
        record_of("WARC-Type: response", OK),
        exchange_of("x", OK)[:-3],
    ],
    ids=lambda data: f"{len(data)} bytes",  # the bytes name a time, and every worker must see the same tests
)
def test_what_is_no_archive_is_damaged(data: bytes) -> None:
    with pytest.raises(DamagedCase):
        opened(data).observations()


def test_an_answer_without_its_digest_is_damaged() -> None:
    archive = opened(exchange_of("http://x.test/", OK))
    (observed,) = archive.observations()
    with pytest.raises(DamagedCase, match="digest"):
        archive.body(observed.id)
    assert len(archive.check()) == 1


def test_bombs_and_floods_are_hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc, "MAX_BLOCK_BYTES", 5_000_000)
    with pytest.raises(HostileInput, match="larger"):
        opened(record_of("WARC-Type: response", b"\0" * 50_000_000)).observations()
    monkeypatch.setattr(warc, "MAX_RECORDS", 10)
    with pytest.raises(HostileInput, match="more than 10"):
        opened(record_of("WARC-Type: warcinfo", b"") * 11).observations()


@given(st.binary(max_size=300), st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_any_bytes_give_a_typed_error_or_observations(junk: bytes, at: int) -> None:
    good = exchange_of("http://x.test/", OK)
    at %= len(good)
    with contextlib.suppress(EvidenceError):
        opened(good[:at] + junk + good[at + len(junk) :]).observations()


def test_an_archive_is_durable_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with Archive.append_to(tmp_path / "a", datetime.now(UTC)) as archive:
        for number in range(200):
            archive.append(request(number), response(), NOW)
        assert len(synced) <= 10
        count = len(synced)
        archive.append(request(), response(), NOW)
        time.sleep(0.3)
        assert len(synced) > count  # the thread has synced the last one by itself
        count = len(synced)
    assert len(synced) == count + 1  # and closing syncs once more


def test_scrubbing_leaves_the_rest_of_a_text_alone() -> None:
    assert wire.clean_url("https://u:p@x.test/a@b?c=d@e#f") == "https://x.test/a@b?c=d@e"
    assert wire.scrub("via http://u:p@proxy:3128, mail a@b.test") == "via http://proxy:3128, mail a@b.test"
    assert re.fullmatch(r"a  b", wire.scrub("a\r\nb"))


def test_warc_bytes_are_plain_gzip(tmp_path: Path) -> None:
    text = gzip.GzipFile(fileobj=io.BytesIO(written(tmp_path / "a"))).read()
    assert text.count(b"WARC/1.1\r\n") == 7
