"""Signed in another repository: ids before names."""

from __future__ import annotations

from typing import Any

import pytest

from forensics.model.finding import Confidence, Severity, Verdict
from forensics.model.identity import Identity
from tests.signals.histories import UNSEEN, USUAL, Judged, day, identity, judged, release, series

ID = "identity-repository-changed"


def _then(who: Any, past: Identity = USUAL, version: str = "1.0.5") -> Judged:
    return judged([*series(5, past), release(version, day(40), who)])


def test_another_repository_id_weighs_high() -> None:
    told = _then(
        identity(source_repository_identifier="666", source_repository_owner_identifier="9", name="evil/thing")
    )
    hit = told.hit("1.0.5", ID)
    assert hit.severity is Severity.HIGH
    assert hit.observed == "signed in repository evil/thing (id 666, owner id 9)"
    assert hit.expected == "repository id 100, as on 1.0.4"
    assert {"o-attestation-thing-1.0.5.tar.gz", "o-attestation-thing-1.0.4.tar.gz"} <= set(hit.evidence)
    assert told["1.0.5"].at_publish.flagged


def test_the_same_name_under_a_new_id_is_recreation() -> None:
    hit = _then(identity(source_repository_identifier="666")).hit("1.0.5", ID)
    assert hit.severity is Severity.HIGH
    assert "created again" in hit.note


def test_a_transfer_weighs_low() -> None:
    told = _then(identity(source_repository_owner_identifier="8", name="other/thing"))
    hit = told.hit("1.0.5", ID)
    assert hit.severity is Severity.LOW
    assert "transfer" in hit.note
    assert hit.fact == "owners"
    assert told["1.0.5"].verdict is Verdict.NOTABLE


def test_a_rename_weighs_low() -> None:
    hit = _then(identity(name="team/renamed")).hit("1.0.5", ID)
    assert hit.severity is Severity.LOW
    assert "rename" in hit.note


def test_upper_and_lower_case_of_a_name_are_one() -> None:
    assert _then(identity(name="Team/Thing")).silent("1.0.5", ID)


def test_a_signer_without_a_repository_weighs_high() -> None:
    person = Identity(subject_alternative_name="someone@mail.example", issuer="https://accounts.example")
    hit = _then(person).hit("1.0.5", ID)
    assert hit.severity is Severity.HIGH
    assert hit.observed == "signed by someone@mail.example, which names no repository"


def test_the_worst_of_two_signers_counts() -> None:
    told = _then([identity(name="team/renamed"), identity(source_repository_identifier="666", name="evil/thing")])
    assert told.hit("1.0.5", ID).severity is Severity.HIGH


def test_by_name_where_the_past_has_no_ids() -> None:
    old = identity(source_repository_identifier=None, source_repository_owner_identifier=None)
    assert _then(USUAL, old).silent("1.0.5", ID)
    hit = _then(identity(name="evil/thing"), old).hit("1.0.5", ID)
    assert hit.severity is Severity.HIGH
    assert hit.confidence is Confidence.MEDIUM


@pytest.mark.parametrize("who", [USUAL, None])
def test_silent_for_the_usual_and_for_unattested(who: Identity | None) -> None:
    assert _then(who).silent("1.0.5", ID)


def test_nothing_to_compare_with_is_silent() -> None:
    assert judged([*series(5, None), release("1.0.5", day(40), USUAL)]).silent("1.0.5", ID)


def test_not_checked_when_own_or_all_earlier_provenance_is_unknown() -> None:
    assert _then(UNSEEN).unchecked("1.0.5", ID) == UNSEEN
    unchecked = judged([*series(5, UNSEEN), release("1.0.5", day(40), USUAL)]).unchecked("1.0.5", ID)
    assert unchecked is not None
    assert "the provenance of earlier releases" in unchecked.reason


def test_capped_where_the_line_is_new() -> None:
    hit = _then(identity(source_repository_identifier="666"), version="2.0.0").hit("2.0.0", ID)
    assert hit.severity is Severity.LOW


def test_a_moved_project_falls_silent_after_three_releases_over_a_fortnight() -> None:
    moved = identity(source_repository_identifier="101", name="team/new")
    told = judged([*series(5), *series(6, moved, first=5, start=40)])
    fired = [told.finding(f"1.0.{n}", ID) is not None for n in range(5, 11)]
    assert fired == [True, True, True, False, False, False]
    assert told["1.0.10"].verdict is Verdict.ORDINARY
