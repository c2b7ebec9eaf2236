"""Attestations that GitHub holds of a file: the list, the packed bundles, and what a hostile store can do."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cramjam
import pytest

from forensics.evidence.archive import Archive
from forensics.investigation import Investigation
from forensics.model.attestation import VerificationStatus
from forensics.model.checked import Checked, NotChecked
from forensics.model.endpoints import resolve_endpoints
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.held import FileRef, github_repository
from forensics.model.project import parse_project
from forensics.sources.files import FileOptions, FilePolicy
from forensics.sources.github_attestations import (
    MAX_BUNDLE,
    HeldBundle,
    may_follow,
    read_held,
    recorded_files,
    unpack,
)
from tests.lab import LabServer, build_world, serve
from tests.lab.faults import Fault
from tests.lab.github_attestations import snappy
from tests.lab.small import small_scenario
from tests.sources.test_github import FAST, SECRET, asked, replayed
from tests.sources.tiny import Tiny

REF = FileRef("o/r", "a" * 64)
LIST = f"/repos/o/r/attestations/sha256:{REF.sha256}"


@pytest.fixture(scope="module")
def server() -> Iterator[LabServer]:
    with serve(build_world(small_scenario())) as running:
        yield running


def reference(server: LabServer) -> FileRef:
    """The last attested file of the world."""
    stored = next(one for one in reversed(server.world.files) if one.provenance is not None)
    return FileRef(stored.release.claims.slug, stored.sha256)


def one_of(tiny: Tiny, path: Path, row: object) -> object:
    """What is read of one row of the list."""
    tiny.put("/repos/o/r/attestations/*", {"attestations": [row]})
    answer = asked(path, tiny.url, lambda hub: read_held(hub, [REF]))[REF]
    assert isinstance(answer, Checked)
    return answer.value[0]


def test_a_bundle_live_and_from_the_case(server: LabServer, tmp_path: Path) -> None:
    server.clear_faults()
    server.reset_requests()
    ref, base = reference(server), f"{server.base}/github"
    live = asked(tmp_path / "a", base, lambda hub: read_held(hub, [ref]), token=SECRET)
    assert replayed(tmp_path / "a", base, lambda hub: read_held(hub, [ref])) == live
    answer = live[ref]
    assert isinstance(answer, Checked)
    bundle = answer.value[0]
    assert isinstance(bundle, Checked)
    assert len(bundle.value.evidence) == 2, "the list, and what it leads to"
    payload = json.loads(bundle.value.data)["dsseEnvelope"]["payload"]
    assert ref.sha256 in base64.b64decode(payload).decode()
    sent = {r.path: dict(r.headers).get("authorization") for r in server.requests}
    assert [value for path, value in sent.items() if "/attestations/" in path] == [f"Bearer {SECRET}"]
    assert [value for path, value in sent.items() if "/attestation-store/" in path] == [None]
    assert SECRET.encode() not in gzip.decompress((tmp_path / "a").read_bytes())
    with Archive.append_to(tmp_path / "a", datetime.now(UTC)) as archive:
        assert recorded_files(archive, base) == (ref,)


def test_none_is_the_word_of_the_host(server: LabServer, tmp_path: Path) -> None:
    server.clear_faults()
    ref = FileRef(reference(server).repository, "0" * 64)
    answer = asked(tmp_path / "a", f"{server.base}/github", lambda hub: read_held(hub, [ref]))[ref]
    assert isinstance(answer, Checked)
    assert answer.value == ()
    assert answer.evidence


@pytest.mark.parametrize("where", ["/github/repos", "/github/attestation-store"])
def test_an_outage_is_not_checked(server: LabServer, tmp_path: Path, where: str) -> None:
    server.clear_faults()
    ref = reference(server)
    server.inject(Fault(where, "status", status=503))
    answer = asked(tmp_path / "a", f"{server.base}/github", lambda hub: read_held(hub, [ref]))[ref]
    server.clear_faults()
    if "store" in where:
        assert isinstance(answer, Checked)
        assert isinstance(answer.value[0], NotChecked)
    else:
        assert isinstance(answer, NotChecked)


def test_a_bundle_in_the_row_is_taken_where_there_is_no_address(tiny: Tiny, tmp_path: Path) -> None:
    found = one_of(tiny, tmp_path / "a", {"bundle": {"mediaType": "x"}, "bundle_url": ""})
    assert isinstance(found, Checked)
    assert isinstance(found.value, HeldBundle)
    assert json.loads(found.value.data) == {"mediaType": "x"}
    assert len(tiny.asked) == 1


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"\xff\xff\xff\xff\x0f\x00", 200, "the limit is"),
        (b"\x00\x01garbage", 200, "not a whole block"),
        (snappy(b'{"a": 1}')[:-3], 200, "not a whole block"),
        (snappy(b"{'a': 1}"), 200, "not JSON"),
        (snappy(b"[" * 5000), 200, "nested"),
        (b"", 200, "not a whole block"),
        (b"expired", 403, "HTTP 403"),
    ],
    ids=["bomb", "garbage", "truncated", "no json", "deep", "empty", "expired"],
)
def test_what_the_store_answers_is_read_with_care(
    tiny: Tiny, tmp_path: Path, body: bytes, status: int, words: str
) -> None:
    tiny.put("/store/*", body, status)
    found = one_of(tiny, tmp_path / "a", {"bundle": None, "bundle_url": f"{tiny.url}/store/x.json.sn?sig=1"})
    assert isinstance(found, NotChecked)
    assert words in found.reason
    assert len(found.evidence) == 2


@pytest.mark.parametrize("row", [{}, {"bundle": None}, "text", {"bundle": [], "bundle_url": None}])
def test_a_row_that_leads_nowhere_is_not_checked(tiny: Tiny, tmp_path: Path, row: object) -> None:
    assert isinstance(one_of(tiny, tmp_path / "a", row), NotChecked)


def test_an_answer_of_another_shape_is_none(tiny: Tiny, tmp_path: Path) -> None:
    tiny.put("/repos/*", {"attestations": {}})
    answer = asked(tmp_path / "a", tiny.url, lambda hub: read_held(hub, [REF]))[REF]
    assert isinstance(answer, NotChecked)


def test_a_bomb_is_refused_by_its_stated_size() -> None:
    bomb = bytes(cramjam.snappy.compress_raw(b" " * (MAX_BUNDLE + 1)))
    assert len(bomb) < MAX_BUNDLE / 10
    with pytest.raises(HostileInput):
        unpack(bomb)
    with pytest.raises(HostileInput):
        unpack(b"\x00" * (2 * MAX_BUNDLE))
    lying = b"\x02" + bomb[4:]  # states two bytes, and brings more
    with pytest.raises(BadAnswer):
        unpack(lying)


def test_packed_with_copies_or_literals_alone_it_is_the_same() -> None:
    text = json.dumps({"a": ["repeat"] * 20_000}).encode()
    assert unpack(snappy(text)) == unpack(bytes(cramjam.snappy.compress_raw(text))) == text


@pytest.mark.parametrize(
    ("address", "base", "followed"),
    [
        ("https://store.example/attestations/x.json.sn?sig=1", "https://api.github.com", True),
        ("http://store.example/x", "https://api.github.com", False),
        ("http://127.0.0.1:1/x", "http://127.0.0.1:2", True),
        ("http://127.0.0.1:1/x", "https://api.github.com", False),
        ("http://store.example/x", "http://127.0.0.1:2", False),
        ("https://user@store.example/x", "https://api.github.com", False),
        ("https://store.example/x#y", "https://api.github.com", False),
        ("file:///etc/passwd", "https://api.github.com", False),
        ("https://store.example/\n", "https://api.github.com", False),
        ("https://[::1/x", "https://api.github.com", False),
        ("https:///x", "https://api.github.com", False),
        (7, "https://api.github.com", False),
    ],
)
def test_which_addresses_are_followed(address: object, base: str, followed: bool) -> None:
    assert may_follow(address, base) is followed


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("https://github.com/o/r.x", "o/r.x"),
        ("https://github.com/o/..", None),
        ("https://github.com/o/r/tree", None),
        ("https://github.example/o/r", None),
        (None, None),
    ],
)
def test_which_address_is_a_repository(uri: str | None, name: str | None) -> None:
    assert github_repository(uri) == name


def withheld(tmp_path: Path, server: LabServer) -> Investigation:
    """A case of the served world, collected without files."""
    env = server.env()
    endpoints = resolve_endpoints(environment={**env, "FORENSICS_JOURNAL_URL": f"{server.urls.index}/pypi"})
    root = Path(env["FORENSICS_TRUST_ROOT"]).read_bytes()
    project = parse_project(f"pypi:{server.world.scenario.project}")
    investigation = Investigation.start(project, tmp_path / "case", endpoints, trust_root=root)
    investigation.collect(limits=FAST, files=FileOptions(FilePolicy.NONE))
    return investigation


def test_what_the_index_withholds_and_github_holds_differs(tmp_path: Path) -> None:
    world = build_world(small_scenario())
    newest = next(one for one in reversed(world.files) if one.provenance is not None).release.version
    world.files[:] = [replace(one, provenance=None) if one.release.version == newest else one for one in world.files]
    with serve(world) as server:
        investigation = withheld(tmp_path, server)
    analysis = investigation.analyse()
    history = analysis.history
    release = next(one for one in history.releases if one.version == newest)
    differ = [one for one in history.contradictions if one.version == newest and "GitHub holds" in one.second]
    assert {one.about for one in differ} == {f"attestation of {a.filename}" for a in release.artifacts}
    assert all(one.first == "none, says the index" and len(one.evidence) >= 3 for one in differ)
    assert release.attestations == (), "it never turns into provenance of the index"
    events = [e for e in analysis.events if e.what == "attestation held by GitHub" and e.version == newest]
    assert {e.subject for e in events} == {a.filename for a in release.artifacts}
    assert all("signature valid" in e.detail for e in events)
    again = Investigation.reopen(tmp_path / "case", trust_root=investigation.root.raw).analyse()
    assert (again.history.contradictions, again.events) == (history.contradictions, analysis.events)


def test_without_a_log_entry_it_is_not_checked(server: LabServer) -> None:
    from forensics.attestation.trust import vouch
    from forensics.investigation.verification import verify_held
    from forensics.timeline.held import held_contradictions, held_events, held_not_checked
    from tests.signals.histories import USUAL, day, release

    ref = reference(server)
    name = next(one.filename for one in server.world.files if one.sha256 == ref.sha256)
    bundle = server.world.bundles()[name]
    bundle["verificationMaterial"]["tlogEntries"] = []
    data = Checked(HeldBundle(ref, json.dumps(bundle).encode(), ("o-list", "o-bundle")), ("o-list", "o-bundle"))
    root_file = Path(server.env()["FORENSICS_TRUST_ROOT"]).read_bytes()
    root = vouch(root_file, named=root_file)
    held = verify_held(root, "pypi:demo", {ref: Checked((data,), ())}, {}, 1)
    assert [one.attestation.verification.status for one in held] == [VerificationStatus.NOT_CHECKED]
    made = release("1.0.0", day(1), USUAL)
    file = replace(made.artifacts[0], sha256=ref.sha256, provenance=Checked((), ("o-index",)))
    releases = [replace(made, artifacts=(file,))]
    assert list(held_contradictions(releases, held)) == []
    assert [source for source, _ in held_not_checked(releases, held)] == ["GitHub's attestations"]
    assert all("signature not checked" in event.detail for event in held_events(releases, held))


def test_of_another_file_or_another_repository_it_contradicts_nothing(server: LabServer) -> None:
    from forensics.attestation.trust import vouch
    from forensics.investigation.verification import verify_held
    from forensics.timeline.held import held_contradictions
    from tests.signals.histories import USUAL, day, release

    ref = reference(server)
    name = next(one.filename for one in server.world.files if one.sha256 == ref.sha256)
    data = json.dumps(server.world.bundles()[name]).encode()
    root_file = Path(server.env()["FORENSICS_TRUST_ROOT"]).read_bytes()
    root = vouch(root_file, named=root_file)

    def differing(asked_for: FileRef) -> int:
        answer = Checked((Checked(HeldBundle(asked_for, data, ("o-1",)), ("o-1",)),), ("o-1",))
        held = verify_held(root, "pypi:demo", {asked_for: answer}, {}, 1)
        made = release("1.0.0", day(1), USUAL)
        file = replace(made.artifacts[0], sha256=asked_for.sha256, provenance=Checked((), ("o-index",)))
        return len(list(held_contradictions([replace(made, artifacts=(file,))], held)))

    assert differing(ref) == 1
    assert differing(replace(ref, sha256="b" * 64)) == 0
    assert differing(replace(ref, repository="evil/fork")) == 0
