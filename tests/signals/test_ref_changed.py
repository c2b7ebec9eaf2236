"""The ref claim of the certificate, against the baseline's."""

from __future__ import annotations

from dataclasses import replace

from forensics.model.finding import Severity
from tests.signals.histories import UNSEEN, USUAL, Judged, artifact, attestation, day, identity, judged, release, series

ID = "ref-changed"
OTHER = identity(source_repository_ref="refs/pull/9/head")


def _then(who: object, version: str = "1.0.5") -> Judged:
    return judged([*series(5), release(version, day(40), who)])  # type: ignore[arg-type]


def test_fires_for_a_value_that_no_release_of_the_baseline_has() -> None:
    hit = _then(OTHER).hit("1.0.5", ID)
    assert hit.severity is Severity.MEDIUM
    assert hit.observed == "built from refs/pull/9/head (pull request)"
    assert hit.expected.endswith(", as up to 1.0.4")
    assert {"o-attestation-thing-1.0.5.tar.gz", "o-attestation-thing-1.0.4.tar.gz"} <= set(hit.evidence)
    assert hit.fact == "refs"
    assert hit.knowable_at_publish


def test_silent_for_the_usual_value_for_unattested_and_with_nothing_to_compare() -> None:
    assert _then(USUAL).silent("1.0.5", ID)
    assert _then(None).silent("1.0.5", ID)
    assert judged([*series(5, None), release("1.0.5", day(40), OTHER)]).silent("1.0.5", ID)


def test_silent_where_the_project_uses_both() -> None:
    assert judged([*series(3), release("1.0.3", day(30), OTHER)]).finding("1.0.3", ID) is not None
    both = [release(f"1.0.{n}", day(n * 7), OTHER if n % 2 else [USUAL, OTHER]) for n in range(5)]
    assert judged([*both, release("1.0.5", day(40), OTHER)]).silent("1.0.5", ID)


def test_not_checked_when_own_or_all_earlier_provenance_is_unknown() -> None:
    assert _then(UNSEEN).unchecked("1.0.5", ID) == UNSEEN
    unchecked = judged([*series(5, UNSEEN), release("1.0.5", day(40), OTHER)]).unchecked("1.0.5", ID)
    assert unchecked is not None
    assert "403" in unchecked.reason


def test_capped_at_low_where_the_line_is_new() -> None:
    assert _then(OTHER, "2.0.0").hit("2.0.0", ID).severity is Severity.LOW


def test_joins_the_baseline_after_three_releases_over_a_fortnight() -> None:
    told = judged([*series(5), *series(5, OTHER, first=5, start=40)])
    assert [told.finding(f"1.0.{n}", ID) is not None for n in range(5, 10)] == [True, True, True, False, False]


def test_tags_of_other_names_are_of_one_class() -> None:
    assert _then(identity(source_repository_ref="refs/tags/v1.0.5")).silent("1.0.5", ID)


def test_the_main_branch_is_told_from_others() -> None:
    main, other = (identity(source_repository_ref=f"refs/heads/{name}") for name in ("main", "fix"))
    told = judged([*series(5, main), release("1.0.5", day(40), other)])
    assert told.hit("1.0.5", ID).observed == "built from refs/heads/fix (other branch)"
    assert told.hit("1.0.5", ID).expected == "main branch, as up to 1.0.4"


def test_what_the_registry_signs_with_its_own_key_has_no_certificate_to_read() -> None:
    """npm's publish attestation names no builder: the provenance beside it does, and unread provenance still counts."""
    built, accepted = (
        attestation(USUAL, day(40), "thing"),
        replace(attestation(None, day(40), "thing"), registry_key="k"),
    )
    unread = attestation(None, day(40), "thing")
    names = {"both": [built, accepted], "unread": [built, accepted, unread], "accepted": [accepted]}
    told = {
        name: judged([*series(5), release("1.0.5", day(40), files=[artifact("thing.tgz", day(40), some)])])
        for name, some in names.items()
    }
    assert told["both"].silent("1.0.5", ID)
    why = {name: told[name].unchecked("1.0.5", ID) for name in ("unread", "accepted")}
    assert why["unread"] is not None
    assert why["unread"].reason == "the certificates of 1 of its attestations could not be read"
    assert why["accepted"] is not None
    assert "only the registry's own key" in why["accepted"].reason
