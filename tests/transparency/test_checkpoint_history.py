from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.model.errors import MalformedEvidence
from forensics.transparency.checkpoint import parse_checkpoint
from forensics.transparency.history import (
    ConsistencyProof,
    NeededProof,
    SeenCheckpoint,
    Wrong,
    judge,
    merged,
    needed_proofs,
)
from tests.transparency.made import MadeLog, leaf, mth
from tests.transparency.test_merkle import naive_subproof

RAW = [b"entry %d" % number for number in range(64)]
FORK = RAW[:20] + [b"other %d" % number for number in range(44)]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def seen(size: int, entries: list[bytes] = RAW, evidence: str = "", head: int | None = None) -> SeenCheckpoint:
    head_at = None if head is None else NOW + timedelta(hours=head)
    root = mth([leaf(entry) for entry in entries[:size]])
    return SeenCheckpoint("log", size, root, (evidence or f"o{size}",), head_at)


def proof(old: int, new: int, entries: list[bytes] = RAW) -> ConsistencyProof:
    return ConsistencyProof(old, new, tuple(naive_subproof(old, entries[:new], True)), ("proof",))


@settings(deadline=None)
@given(st.sets(st.integers(1, 64), min_size=1))
def test_the_proofs_that_are_needed_are_enough(sizes: set[int]) -> None:
    checkpoints = [seen(size) for size in sizes]
    needed = needed_proofs(checkpoints)
    assert len(needed) == len(sizes) - 1
    verdict = judge(checkpoints, [proof(each.old_size, each.new_size) for each in needed])
    assert verdict.consistent
    assert not verdict.needed
    assert all(verdict.proved(one, other) for one in checkpoints for other in checkpoints)
    for missing in range(len(needed)):
        some = [proof(each.old_size, each.new_size) for at, each in enumerate(needed) if at != missing]
        verdict = judge(checkpoints, some)
        assert not verdict.consistent
        assert not verdict.contradictions
        given_too = [proof(each.old_size, each.new_size) for each in verdict.needed]
        assert judge(checkpoints, some + given_too).consistent


def test_two_roots_of_one_size_are_a_split_view_whatever_is_proved() -> None:
    verdict = judge([seen(10), seen(40), seen(40, FORK, "fork")], [proof(10, 40), proof(10, 40, FORK)])
    wrong = [each for each in verdict.contradictions if each.kind is Wrong.SPLIT_VIEW]
    assert len(wrong) == 1
    assert set(wrong[0].evidence) == {"o40", "fork"}
    assert not verdict.proved(seen(40), seen(40, FORK))


def test_both_arms_of_a_fork_extend_its_stem_and_not_each_other() -> None:
    arms = [seen(10), seen(30), seen(40, FORK)]
    verdict = judge(arms, [proof(10, 30), proof(10, 40, FORK)])
    assert not verdict.proved(arms[1], arms[2])
    assert not verdict.consistent
    assert verdict.needed == (NeededProof(30, 40),)
    verdict = judge(arms, [proof(10, 30), proof(10, 40, FORK), proof(30, 40), proof(30, 40, FORK)])
    assert {each.kind for each in verdict.contradictions} == {Wrong.FAILED_PROOF}


def test_a_damaged_proof_beside_a_good_one_is_not_held_against_the_log() -> None:
    damaged = ConsistencyProof(10, 30, (bytes(32),) * 5)
    assert judge([seen(10), seen(30)], [proof(10, 30), damaged]).consistent
    verdict = judge([seen(10), seen(30)], [damaged])
    assert [each.kind for each in verdict.contradictions] == [Wrong.FAILED_PROOF]
    assert judge([seen(10), seen(30)], [ConsistencyProof(10, 30, (bytes(32),) * 99)]).contradictions
    assert not judge([seen(10), seen(30)], [ConsistencyProof(30, 10, ())]).contradictions


def test_a_log_that_presents_a_smaller_tree_later_has_rolled_back() -> None:
    checkpoints = [seen(30, head=0), seen(20, head=1), seen(40, head=2), seen(5)]
    wrong = judge(checkpoints).contradictions
    assert [(each.kind, each.old.size, each.new.size) for each in wrong] == [(Wrong.ROLLBACK, 20, 30)]


def test_sightings_are_merged_and_logs_are_not() -> None:
    assert merged([seen(3, evidence="b", head=1), seen(3, evidence="a")])[0].evidence == ("a", "b")
    with pytest.raises(MalformedEvidence):
        judge([seen(3), SeenCheckpoint("another", 3, bytes(32))])
    assert judge([]).consistent
    empty = seen(0)
    assert judge([empty, seen(4)]).consistent
    assert not judge([SeenCheckpoint("log", 0, bytes(32)), seen(4)]).consistent


def test_a_parsed_checkpoint_is_taken_over() -> None:
    found = SeenCheckpoint.of(parse_checkpoint(MadeLog(RAW).note()), ("o1",))
    assert (found.size, found.root) == (64, seen(64).root)
