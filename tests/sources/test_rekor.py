"""Rekor v1 over loopback HTTP: what it holds, what it finds, what it does not say, and what it lies about."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TypeVar

import pytest

from forensics.attestation.record import record_of
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import UsageError
from forensics.sources.rekor import Found, by_email, by_hash, by_public_key, by_subject
from forensics.sources.rekor_shards import consistent, log_info
from forensics.transparency.checkpoint import parse_checkpoint
from tests.lab import LabServer, build_world, serve
from tests.lab.faults import Fault
from tests.lab.lying_rekor import altered, forgetful, other_log, swapped, without_subjects, wrong_body, wrong_promise
from tests.lab.lying_rekor import wrong_time as earlier
from tests.lab.rekor import OFFSET, OLD_TREE_ID, TREE_ID, Entry
from tests.lab.removed_rekor import removed_scenario

from .rekor_kit import asked, root_of

T = TypeVar("T")
RETRIEVE = "/rekor/api/v1/log/entries/retrieve"
SEARCH = "/rekor/api/v1/index/retrieve"
SAN = "https://github.com/example-author/wares/.github/workflows/release.yml@refs/heads/main"


@pytest.fixture(scope="module")
def _server() -> Iterator[LabServer]:
    with serve(build_world(removed_scenario())) as running:
        yield running


@pytest.fixture
def server(_server: LabServer) -> Iterator[LabServer]:
    _server.clear_faults()
    _server.reset_requests()
    yield _server
    _server.clear_faults()


def value(outcome: Outcome[T]) -> T:
    assert isinstance(outcome, Checked)
    return outcome.value


def entry_of(server: LabServer, version: str) -> Entry:
    name = server.world.files_of(version)[0].filename
    return next(item.statement.entry for item in server.world.signed if item.filename == name)


def found_for(server: LabServer, version: str) -> Found:
    sha256 = server.world.files_of(version)[0].sha256
    outcome = asked(server, lambda rekor: rekor.find(by_hash(sha256)))
    assert isinstance(outcome, Checked)
    return outcome.value


def test_shards_and_their_offsets_are_read_at_run_time(server: LabServer) -> None:
    outcome = asked(server, log_info)
    assert isinstance(outcome, Checked)
    info = outcome.value
    assert [shard.tree_id for shard in info.shards] == [str(OLD_TREE_ID), str(TREE_ID)]
    assert info.offsets == {str(OLD_TREE_ID): 0, str(TREE_ID): OFFSET}
    assert info.size == OFFSET + len(server.world.log.entries)
    assert [shard.active for shard in info.shards] == [False, True]
    assert all(shard.signed_by(root_of(server)) for shard in info.shards)


def test_a_removed_file_is_found_by_its_digest_and_verified(server: LabServer) -> None:
    found = found_for(server, "1.0.4")
    record = record_of(found.entries[0], root_of(server), {str(TREE_ID): OFFSET})
    assert record.verified
    assert not found.missed
    assert record.uuid == entry_of(server, "1.0.4").uuid
    assert record.tree_id == str(TREE_ID)
    assert record.integrated_at is not None
    assert record.signer is not None
    assert record.signer.subject_alternative_name == SAN
    results = {check.name: check.result.value for check in record.checks}
    assert set(results.values()) == {"pass"}
    assert {"uuid", "set", "inclusion", "checkpoint", "shard", "certificate-chain", "sct"} <= set(results)


def test_entries_by_index_and_by_both_kinds_of_id(server: LabServer) -> None:
    entry = entry_of(server, "1.0.5")
    for question in (entry.entry_id, entry.uuid, entry.entry_id.upper()):
        outcome = asked(server, lambda rekor, q=question: rekor.by_id(q))
        assert isinstance(outcome, Checked)
        assert outcome.value is not None
        assert outcome.value.uuid == entry.uuid
    by_index = asked(server, lambda rekor: rekor.at_index(entry.global_index))
    assert isinstance(by_index, Checked)
    assert by_index.value is not None
    assert by_index.value.raw.index == entry.global_index
    for nothing in (asked(server, lambda r: r.at_index(7)), asked(server, lambda r: r.by_id("0" * 64))):
        assert isinstance(nothing, Checked)
        assert nothing.value is None


def test_entries_are_fetched_in_tens_in_the_order_of_the_ids(server: LabServer) -> None:
    ids = [entry.entry_id for entry in server.world.log.entries[:23]]
    found = asked(server, lambda rekor: rekor.entries([*ids, ids[0]]))
    assert [entry.entry_id for entry in found.entries] == ids
    assert len([r for r in server.requests if r.path == RETRIEVE]) == 3


def test_every_kind_of_search(server: LabServer) -> None:
    filler = next(e for e in server.world.log.entries if b"hashedrekord" in e.body)
    pem = base64.b64decode(filler.body.split(b'"publicKey":{"content":"')[1].split(b'"')[0])
    for query in (by_subject(SAN), by_subject(SAN.upper()), by_public_key(pem.decode())):
        outcome = asked(server, lambda rekor, q=query: rekor.search(q))
        assert isinstance(outcome, Checked)
        assert len(outcome.value) > 5
    for query in (by_email("nobody@example.com"), by_hash("sha512:" + "0" * 128), by_hash("sha1:" + "0" * 40)):
        assert value(asked(server, lambda rekor, q=query: rekor.search(q))) == ()


@pytest.mark.parametrize("bad", ["", "sha256:xyz", "md5:" + "0" * 32, "sha1:" + "0" * 64, "0" * 63])
def test_a_digest_that_is_none_is_refused_before_asking(bad: str) -> None:
    with pytest.raises(UsageError):
        by_hash(bad)


def test_an_e_mail_search_takes_no_uri() -> None:
    with pytest.raises(UsageError):
        by_email(SAN)
    with pytest.raises(UsageError):
        by_subject("x" * 513)


def test_subject_search_is_probed(server: LabServer) -> None:
    assert value(asked(server, lambda rekor: rekor.searches_subjects())) is True
    with without_subjects():
        assert value(asked(server, lambda rekor: rekor.searches_subjects())) is False
    server.world.log._by_key["everything"] = server.world.log.entries[:1]
    with without_subjects(ignores=True):
        assert value(asked(server, lambda rekor: rekor.searches_subjects())) is False


def test_one_state_of_a_shard_extends_another(server: LabServer) -> None:
    log = server.world.log
    old, new = parse_checkpoint(log.checkpoint(5)), parse_checkpoint(log.checkpoint(len(log.entries)))
    assert value(asked(server, lambda rekor: consistent(rekor, old, new))) is True
    assert value(asked(server, lambda rekor: consistent(rekor, new, old))) is True
    forged = parse_checkpoint(log._note(old.origin, 7, old.root))
    assert value(asked(server, lambda rekor: consistent(rekor, forged, new))) is False
    other = parse_checkpoint(log.old_shard()["signedTreeHead"])
    assert isinstance(asked(server, lambda rekor: consistent(rekor, other, new)), NotChecked)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("/rekor", status=404),
        Fault("/rekor", status=429, retry_after="0"),
        Fault("/rekor", status=500),
        Fault("/rekor", "truncate"),
        Fault("/rekor", "garbage"),
    ],
    ids=["404", "429", "500", "truncated", "garbage"],
)
def test_a_log_that_does_not_answer_is_not_checked(server: LabServer, fault: Fault) -> None:
    server.inject(fault)
    sha256 = server.world.files_of("1.0.4")[0].sha256
    outcome = asked(server, lambda rekor: rekor.find(by_hash(sha256)))
    assert isinstance(outcome, NotChecked)
    assert outcome.needs == "log"
    assert isinstance(asked(server, log_info), NotChecked)


def test_an_entry_that_the_index_names_and_the_log_withholds_is_missed(server: LabServer) -> None:
    server.inject(Fault(RETRIEVE, status=500))
    found = found_for(server, "1.0.4")
    assert found.entries == ()
    assert len(found.missed) == 1
    assert "500" in found.missed[0].reason


def test_a_foreign_entry_returned_for_an_id_is_not_taken(server: LabServer) -> None:
    mine, other = entry_of(server, "1.0.4"), entry_of(server, "1.0.5")
    with swapped(server.world.log, mine, other):
        found = found_for(server, "1.0.4")
        single = asked(server, lambda rekor: rekor.by_id(mine.entry_id))
        by_index = asked(server, lambda rekor: rekor.at_index(mine.global_index))
    assert found.entries == ()
    assert "did not return it" in found.missed[0].reason
    assert isinstance(single, NotChecked)
    assert isinstance(by_index, NotChecked)


def test_a_changed_body_is_another_entry(server: LabServer) -> None:
    mine = entry_of(server, "1.0.4")
    with altered(server.world.log, mine, wrong_body):
        assert found_for(server, "1.0.4").entries == ()


@pytest.mark.parametrize("lie", [wrong_promise, earlier])
def test_a_promise_that_does_not_verify_dates_nothing(server: LabServer, lie: object) -> None:
    mine = entry_of(server, "1.0.4")
    with altered(server.world.log, mine, lie):  # type: ignore[arg-type]
        record = record_of(found_for(server, "1.0.4").entries[0], root_of(server))
    assert [check.name for check in record.failed()] == ["set"]
    assert record.integrated_at is None
    assert not record.verified
    assert record.signer is None


def test_entries_of_another_log_prove_nothing(server: LabServer) -> None:
    mine = entry_of(server, "1.0.4")
    with altered(server.world.log, mine, other_log):
        record = record_of(found_for(server, "1.0.4").entries[0], root_of(server))
    assert not record.verified
    assert not record.failed()  # an unknown key is not checked, never invalid
    assert record.integrated_at is None


def test_an_index_that_forgets_answers_with_nothing(server: LabServer) -> None:
    with forgetful(server.world.log, lambda key: True):
        assert found_for(server, "1.0.4") == Found(())
