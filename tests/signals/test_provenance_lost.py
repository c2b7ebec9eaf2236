"""No file attested, where the line used to attest."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from forensics.model.checked import Checked
from forensics.model.finding import Severity, Verdict
from forensics.model.release import Door, Release
from forensics.signals.baseline import Past, Series, build_baseline
from forensics.signals.profile import profile_of
from forensics.signals.provenance_lost import provenance_lost
from forensics.signals.registry import Hit
from tests.signals.histories import UNSEEN, USUAL, artifact, attestation, day, identity, judged, release, series
from tests.signals.views import view_of

ID = "provenance-lost"


def test_fires_when_nothing_is_attested_after_attested_releases() -> None:
    told = judged([*series(4), release("1.0.4", day(30))])
    hit = told.hit("1.0.4", ID)
    assert hit.severity is Severity.MEDIUM
    assert hit.observed == "none of its 2 files is attested"
    assert "1.0.3" in hit.expected
    assert "o-provenance-thing-1.0.4.tar.gz" in hit.evidence
    assert "o-attestation-thing-1.0.3.tar.gz" in hit.evidence
    assert told["1.0.4"].at_publish is Verdict.SUSPICIOUS


def test_one_attested_release_before_is_not_yet_a_habit() -> None:
    assert judged([*series(1), release("1.0.1", day(9))]).silent("1.0.1", ID)


def test_a_project_that_never_attested_lost_nothing() -> None:
    assert judged(series(8, None)).silent("1.0.7", ID)


def test_unknown_provenance_is_not_checked_with_the_reason() -> None:
    unchecked = judged([*series(4), release("1.0.4", day(30), UNSEEN)]).unchecked("1.0.4", ID)
    assert unchecked == UNSEEN


def test_an_unknown_past_is_not_an_unattested_past() -> None:
    unchecked = judged([*series(4, UNSEEN), release("1.0.4", day(30))]).unchecked("1.0.4", ID)
    assert unchecked is not None
    assert "the provenance of earlier releases" in unchecked.reason
    assert "403" in unchecked.reason


def test_a_new_line_borrows_the_projects_baseline_and_is_capped_at_low() -> None:
    hit = judged([*series(6), release("2.0.0", day(60))]).hit("2.0.0", ID)
    assert hit.severity is Severity.LOW
    assert "no earlier release to compare with" in hit.note


def test_a_continuation_that_was_not_flagged_weighs_low() -> None:
    past = [_past(release(f"1.0.{n}", day(n), USUAL if n < 2 else None)) for n in range(3)]
    line = Series()
    for one in past:
        line.add(one)
    view = replace(view_of(release("1.0.3", day(9))), baseline=build_baseline(line, Series(), day(9)))
    hit = provenance_lost(view)
    assert isinstance(hit, Hit)
    assert hit.severity is Severity.LOW
    assert hit.note == "A continuation: 1.0.2 lost it already."


def test_a_flagged_predecessor_is_no_excuse() -> None:
    told = judged([*series(3), release("1.0.3", day(30)), release("1.0.4", day(40))])
    assert told.hit("1.0.3", ID).severity is told.hit("1.0.4", ID).severity is Severity.MEDIUM


def _past(before: Release) -> Past:
    return Past(profile_of(before), "1", Door.UNKNOWN, False, frozenset(), False, False, None, None)


def test_a_file_attested_hours_later_does_not_speak_at_publication() -> None:
    late = day(30) + timedelta(hours=5)
    files = [
        artifact("a.tar.gz", day(30), []),
        artifact("a.whl", late, [attestation(identity(), late, "late")]),
    ]
    told = judged([*series(4), release("1.0.4", day(30), files=files)])
    assert told["1.0.4"].at_publish is Verdict.SUSPICIOUS
    assert told.finding("1.0.4", ID) is None  # by now one file is attested


def test_a_release_that_was_removed_at_once_is_seen_as_it_came() -> None:
    gone = release("1.0.5", day(40), removed=day(40) + timedelta(seconds=30))
    kept = [replace(a, provenance=Checked((), ("o-integrity",))) for a in gone.artifacts]
    told = judged([*series(5), replace(gone, artifacts=tuple(kept))])
    assert told.hit("1.0.5", ID).knowable_at_publish
    assert told["1.0.5"].at_publish.flagged


def test_another_line_that_never_attested_has_lost_nothing() -> None:
    lines = [*series(3, minor="2.0"), *series(3, None, minor="1.0", start=2)]
    hit = judged([*lines, release("3.0.0", day(40))]).hit("3.0.0", ID)
    assert hit.severity is Severity.LOW
    assert "continuation" not in hit.note
