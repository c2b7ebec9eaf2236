"""The client over a real server: what is recorded is what is replayed, whatever the server does."""

from __future__ import annotations

import asyncio
import gzip
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from forensics.evidence.case import Case
from forensics.evidence.client import USER_AGENT, Answer, Client
from forensics.evidence.network import open_network
from forensics.evidence.redirects import same_site
from forensics.evidence.retry import Given, retry_after
from forensics.evidence.transport import RecordingTransport, Unresolved
from forensics.evidence.wire import ReceivedResponse
from forensics.model.errors import (
    BadAnswer,
    BudgetSpent,
    HostileInput,
    NotRecorded,
    Refused,
    SourceError,
    Unreachable,
)

from .conftest import FAST, outcome_of, record, replay
from .server import World, raw_server

GOOD = [
    "/doc/1",
    "/doc/1?q=%20%2B&h=%3D",
    "/doc/%31",
    "/zipped",
    "/moved",
    "/status/403",
    "/status/404",
    "/no%2Fsuch/%40x",
]
BAD = ["/off-site", "/loop", "/large", "/bomb", "/broken-zip"]


@pytest.mark.parametrize("path", GOOD + BAD)
def test_a_replay_gives_what_the_live_run_gave(world: World, case: Case, path: str) -> None:
    live = record(case, outcome_of(world.url + path))
    assert isinstance(live, Answer) == (path in GOOD)
    before = world.asked.total()
    assert replay(case, outcome_of(world.url + path)) == live
    assert world.asked.total() == before


def test_the_url_on_the_wire_is_the_url_in_the_record(world: World, case: Case) -> None:
    path = "/no%2Fsuch/%40x?q=a%20b%2Bc&d=%3D"
    record(case, outcome_of(world.url + path))
    assert world.raw_paths == [path]
    assert case.observations()[0].url == world.url + path


def test_an_answer_carries_the_id_of_its_observation(world: World, case: Case) -> None:
    answer = record(case, outcome_of(world.url + "/moved"))
    assert answer.url == world.url + "/doc/7"
    assert [one.status for one in case.observations()] == [301, 200]
    assert answer.observation == case.observations()[1].id
    assert answer.json()["number"] == 7


def test_what_is_recorded_is_not_asked_again_and_failures_are(world: World, case: Case) -> None:
    async def talk(client: Client) -> None:
        await asyncio.gather(*(client.get(f"{world.url}/doc/{number}") for number in range(10)))
        with pytest.raises(Unreachable):
            await client.get(f"{world.url}/flaky/500/3")

    record(case, talk, replace(FAST, attempts=2, max_wait_seconds=5))
    asked = world.asked.copy()
    answer = record(case, outcome_of(f"{world.url}/flaky/500/3"), replace(FAST, max_wait_seconds=5))
    assert answer.json() == {"ok": True}
    record(case, lambda client: asyncio.gather(*(client.get(f"{world.url}/doc/{number}") for number in range(10))))
    assert world.asked - asked == {"/flaky/500/3": 2}
    assert replay(case, outcome_of(f"{world.url}/flaky/500/3")) == answer


def test_a_refresh_asks_again_and_the_last_answer_counts(world: World, case: Case) -> None:
    first = record(case, outcome_of(world.url + "/doc/1"))

    async def again() -> Answer:
        with case.archive() as archive:
            transport = RecordingTransport(open_network(), archive, fresh_after=datetime.now(UTC))
            async with Client(transport, FAST) as client:
                return await client.get(world.url + "/doc/1")

    second = asyncio.run(again())
    assert world.asked["/doc/1"] == 2
    assert replay(case, outcome_of(world.url + "/doc/1")) == second != first


def test_retry_after_in_seconds_is_waited_for(world: World, case: Case) -> None:
    said: list[str] = []
    start = time.monotonic()
    answer = record(
        case, outcome_of(f"{world.url}/flaky/429/1?after=1"), replace(FAST, max_wait_seconds=2), progress=said.append
    )
    assert answer.json() == {"ok": True}
    assert time.monotonic() - start >= 1
    assert "429" in said[0]


def test_a_wait_longer_than_the_limit_is_refused_at_once(world: World, case: Case) -> None:
    start = time.monotonic()
    kind, what, evidence = record(case, outcome_of(f"{world.url}/flaky/429/9?after=3600"))
    assert (kind, len(evidence)) == (Refused, 1)
    assert "429" in what
    assert time.monotonic() - start < 1
    assert world.asked.total() == 1


def test_replaying_a_failure_never_sleeps(world: World, case: Case) -> None:
    live = record(case, outcome_of(f"{world.url}/status/503"), replace(FAST, max_wait_seconds=5))
    assert live[0] is Unreachable
    assert len(live[2]) == FAST.attempts
    start = time.monotonic()
    assert replay(case, outcome_of(f"{world.url}/status/503")) == live
    assert time.monotonic() - start < 0.3


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        (format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 3000, 3601),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
    ids=["seconds", "zero", "a date to come", "a date long past"],
)
def test_retry_after_is_read_in_both_forms(value: str, low: float, high: float) -> None:
    seconds = retry_after(Given(ReceivedResponse(429, "", (("Retry-After", value),), b"")))
    assert seconds is not None
    assert low <= seconds <= high


@pytest.mark.parametrize("value", ["soon", "-5", "9" * 400 + "x", "1e9", "²", "Wed, 21 Oct 2015 07:28:00 +" + "9" * 20])
def test_a_retry_after_that_is_neither_is_ignored(value: str) -> None:
    assert retry_after(Given(ReceivedResponse(429, "", (("Retry-After", value),), b""))) is None


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_no_answer_in_time_is_unreachable(world: World, case: Case, path: str) -> None:
    live = record(case, outcome_of(world.url + path), replace(FAST, attempts=1))
    assert live[0] is Unreachable
    observed = case.observations()
    assert [one.id for one in observed] == list(live[2])
    assert observed[0].problem == "truncated: time" if path == "/drip" else "ReadTimeout" in (observed[0].problem or "")
    assert replay(case, outcome_of(world.url + path)) == live


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x16\x03\x01 this is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
)
def test_a_broken_answer_is_recorded_and_unreachable(case: Case, answer: bytes) -> None:
    with raw_server(answer) as url:
        live = record(case, outcome_of(url + "/x"), replace(FAST, attempts=2))
    assert live[0] is Unreachable
    assert len(live[2]) == 2
    assert all(one.problem for one in case.observations())
    assert replay(case, outcome_of(url + "/x")) == live


def test_a_refused_connection_is_recorded_and_replayed(case: Case) -> None:
    live = record(case, outcome_of("http://127.0.0.1:1/x"), replace(FAST, attempts=1))
    assert live[0] is Unreachable
    assert case.observations()[0].status is None
    assert "ConnectError" in (case.observations()[0].problem or "")
    assert replay(case, outcome_of("http://127.0.0.1:1/x")) == live


def test_a_host_without_an_address_is_asked_once(case: Case) -> None:
    """A live run with several dead names must not spend its patience on each."""

    async def both(client: Client) -> list[str]:
        said = []
        for path in ("/one", "/two"):
            with pytest.raises(SourceError) as caught:
                await client.get(f"http://no-such-host.invalid{path}")
            said.append(caught.value.what)
            assert caught.value.evidence
        return said

    first, second = record(case, both, replace(FAST, attempts=6, max_wait_seconds=1))
    assert "Unresolved" in first
    assert "is not asked any more after one failure" in second
    with case.reading_archive() as archive:
        assert {o.problem.partition(":")[0] for o in archive.observations() if o.problem} == {"Unresolved"}
    assert replay(case, outcome_of("http://no-such-host.invalid/one"))[1] == first


@pytest.mark.parametrize(("passing", "again"), [(True, True), (False, False)])
def test_only_silent_name_servers_are_asked_again(passing: bool, again: bool) -> None:
    error = Unresolved("Name or service not known")
    error.passing = passing
    assert Given(error=error).transient is again
    assert Given(error=error).nowhere


def test_a_body_over_the_limit_is_cut_and_kept(world: World, case: Case) -> None:
    kind, _, evidence = record(case, outcome_of(world.url + "/large"))
    assert kind is Refused
    (observed,) = case.observations()
    assert (observed.id,) == evidence
    assert (observed.size, observed.problem) == (FAST.body_bytes, "truncated: length")
    assert world.asked.total() == 1


def test_garbage_and_wrong_encodings_name_the_url(world: World, case: Case) -> None:
    for path in ("/garbage", "/latin"):
        answer = record(case, outcome_of(world.url + path))
        with pytest.raises(BadAnswer, match=path) as caught:
            answer.json()
        assert caught.value.evidence == (answer.observation,)


def test_deep_json_is_hostile(world: World, case: Case) -> None:
    with pytest.raises(HostileInput, match="/deep"):
        record(case, outcome_of(world.url + "/deep")).json()


def test_the_circuit_opens_and_names_the_first_failure(world: World, case: Case) -> None:
    async def talk(client: Client) -> tuple[list[SourceError], object]:
        errors: list[SourceError] = []
        for number in range(6):
            with pytest.raises(SourceError) as caught:
                await client.get(f"{world.url}/status/500?n={number}")
            errors.append(caught.value)
        return errors, client.left_over()

    errors, left = record(case, talk, replace(FAST, attempts=1, breaker_failures=3))
    assert [type(one) for one in errors] == [Unreachable] * 3 + [BudgetSpent] * 3
    assert errors[-1].evidence == errors[0].evidence != ()
    assert "?n=0" in errors[-1].what
    (report,) = left.values()
    assert (report.asked, report.circuit_open, report.left_count) == (3, True, 3)
    assert report.left[0].endswith("?n=3")
    assert world.asked.total() == 3


def test_a_replay_says_that_a_host_was_not_asked_any_more(world: World, case: Case) -> None:
    async def talk(client: Client) -> list[SourceError]:
        errors: list[SourceError] = []
        for path in ("/doc/1", *(f"/status/500?n={number}" for number in range(4))):
            try:
                await client.get(world.url + path)
            except SourceError as error:
                errors.append(error)
        return errors

    limits = replace(FAST, attempts=2, breaker_failures=2)
    live, again = record(case, talk, limits)[-1], replay(case, talk, limits)[-1]
    assert type(live) is BudgetSpent
    assert type(again) is NotRecorded
    host = world.url.partition("//")[2]
    assert f"{host} was not asked any more after 2 failures in a row, the first: " in again.what
    assert "?n=0" in again.what
    assert "status 500" in again.what
    assert again.evidence == live.evidence != ()
    assert replay(case, outcome_of(f"{world.url}/never"), limits)[1] == again.what, "one reason is one line"


def test_a_host_that_answered_last_was_not_given_up(world: World, case: Case) -> None:
    limits = replace(FAST, attempts=1, breaker_failures=9)
    for path in ("/status/500?a", "/status/500?b", "/large?1", "/large?2", "/doc/1", "/status/500?c", "/large?3"):
        record(case, outcome_of(world.url + path), limits)
    assert "any more" not in replay(case, outcome_of(f"{world.url}/never"), limits)[1]


def test_an_answer_closes_the_count_and_large_bodies_do_not_count(world: World, case: Case) -> None:
    async def talk(client: Client) -> None:
        for path in ("/status/500?a", "/doc/1", "/status/500?b", "/large?1", "/large?2", "/large?3", "/doc/2"):
            try:
                await client.get(world.url + path)
            except (Unreachable, Refused):
                continue

    record(case, talk, replace(FAST, attempts=1, breaker_failures=2))
    assert world.asked["/doc/2"] == 1


def test_the_budget_ends_and_the_next_run_goes_on(world: World, case: Case) -> None:
    async def talk(client: Client) -> int:
        done = 0
        for number in range(8):
            try:
                await client.get(f"{world.url}/doc/{number}")
                done += 1
            except BudgetSpent:
                continue
        return done

    assert [record(case, talk, replace(FAST, requests_per_host=5)) for _ in range(2)] == [5, 8]
    assert set(world.asked.values()) == {1}


def test_concurrency_per_host_is_bounded(world: World, case: Case) -> None:
    urls = [f"{world.url}/doc/{number}?delay=0.02" for number in range(20)]
    record(case, lambda client: asyncio.gather(*map(client.get, urls)), replace(FAST, concurrency=4))
    assert world.most_in_flight == 4


def test_the_rate_is_bounded(world: World, case: Case) -> None:
    urls = [f"{world.url}/doc/{number}" for number in range(20)]
    start = time.monotonic()
    record(case, lambda client: asyncio.gather(*map(client.get, urls)), replace(FAST, per_second=20))
    assert time.monotonic() - start >= 0.7  # 20 at 20 a second, a quarter of a second's worth at once


def test_posts_are_found_by_their_body(world: World, case: Case) -> None:
    async def talk(client: Client) -> list[Answer]:
        return [await client.post(world.url + "/echo", json=body) for body in ({"b": 1, "a": 2}, {"b": 2})]

    live = record(case, talk)
    assert [one.json()["body"] for one in live] == [{"b": 1, "a": 2}, {"b": 2}]

    async def reordered(client: Client) -> Answer:
        return await client.post(world.url + "/echo", json={"a": 2, "b": 1})

    assert replay(case, reordered) == live[0]
    assert case.observations()[0].request_sha256 is not None


def test_what_was_never_asked_is_not_recorded(world: World, case: Case) -> None:
    record(case, outcome_of(world.url + "/doc/1", accept="application/json"))
    kind, what, _ = replay(case, outcome_of(world.url + "/doc/1", accept="text/html"))
    assert kind is NotRecorded
    assert "/doc/1" in what


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/y", "//x", "http://", "http://x:99999999/", "http://[", "\0"]
)
def test_what_is_no_web_address_is_refused(case: Case, url: str) -> None:
    assert record(case, outcome_of(url))[0] is Refused
    assert case.observations() == []


def test_we_say_who_we_are_and_keep_no_cookies(world: World, case: Case) -> None:
    record(case, lambda client: asyncio.gather(*(client.get(f"{world.url}/doc/{n}") for n in range(3))))
    record(case, outcome_of(f"{world.url}/doc/9"))
    assert world.agents == {USER_AGENT}
    assert not any("cookie" in headers for headers in world.headers)


@pytest.mark.parametrize(
    ("asked", "target", "same"),
    [
        ("https://pypi.org/a", "https://pypi.org/b", True),
        ("http://pypi.org/a", "https://pypi.org/a", True),
        ("http://h:8080/a", "http://h:8080/b", True),
        ("https://pypi.org/a", "http://pypi.org/a", False),
        ("https://pypi.org/a", "https://pypi.org.evil.test/a", False),
        ("https://pypi.org/a", "https://pypi.org@evil.test/a", False),
        ("https://pypi.org/a", "https://user@pypi.org/a", False),
        ("https://pypi.org/a", "https://pypi.org:8443/a", False),
        ("http://127.0.0.1:80/a", "file:///etc/passwd", False),
    ],
)
def test_the_site_of_a_redirect(asked: str, target: str, same: bool) -> None:
    assert same_site(httpx.URL(asked), httpx.URL(target)) is same


def test_the_proxy_of_the_environment_is_used_and_its_password_kept_out(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nproxied") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.replace("://", "://SECRETUSER:SECRETPASS@"))
        monkeypatch.setenv("NO_PROXY", "inside.test")
        monkeypatch.delenv("http_proxy", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert record(case, outcome_of("http://outside.test/a")).body == b"proxied"
        assert record(case, outcome_of("http://inside.test/a"), replace(FAST, attempts=1))[0] is Unreachable
    assert b"SECRET" not in gzip.decompress((case.path / "data/http.warc.gz").read_bytes())


def test_a_client_works_on_any_transport(world: World) -> None:
    async def run() -> Answer:
        async with Client(open_network(), FAST) as client:
            return await client.get(world.url + "/zipped")

    answer = asyncio.run(run())
    assert (answer.json(), answer.observation) == ({"zipped": True}, "")
