"""The workflow claim of the certificate, against the baseline's."""

from __future__ import annotations

from dataclasses import replace

from forensics.model.checked import Checked
from forensics.model.finding import Severity
from tests.signals.histories import UNSEEN, USUAL, Judged, attestation, day, identity, judged, release, series
from tests.signals.sources import NO_GIT, all_sourced, sourced

ID = "workflow-changed"
OTHER = identity(workflow=".github/workflows/other.yml")


def _then(who: object, version: str = "1.0.5") -> Judged:
    return judged([*series(5), release(version, day(40), who)])  # type: ignore[arg-type]


def test_fires_for_a_value_that_no_release_of_the_baseline_has() -> None:
    hit = _then(OTHER).hit("1.0.5", ID)
    assert hit.severity is Severity.LOW
    assert hit.observed == "built by the workflow .github/workflows/other.yml"
    assert hit.expected.endswith(", as up to 1.0.4")
    assert {"o-attestation-thing-1.0.5.tar.gz", "o-attestation-thing-1.0.4.tar.gz"} <= set(hit.evidence)
    assert hit.fact == "workflows"
    assert hit.knowable_at_publish


def test_silent_for_the_usual_value_for_unattested_and_with_nothing_to_compare() -> None:
    assert judged(all_sourced(series(6))).silent("1.0.5", ID)
    assert _then(None).silent("1.0.5", ID)
    assert judged([*series(5, None), release("1.0.5", day(40), OTHER)]).silent("1.0.5", ID)


def test_silent_where_the_project_uses_both() -> None:
    assert judged([*series(3), release("1.0.3", day(30), OTHER)]).finding("1.0.3", ID) is not None
    both = [release(f"1.0.{n}", day(n * 7), OTHER if n % 2 else [USUAL, OTHER]) for n in range(5)]
    assert judged(all_sourced([*both, release("1.0.5", day(40), OTHER)])).silent("1.0.5", ID)


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


def test_a_reusable_workflow_that_signs_is_another_workflow() -> None:
    called = identity(
        build_signer_uri="https://github.com/team/thing/.github/workflows/_publish.yml@refs/tags/v1",
        subject_alternative_name="https://github.com/team/thing/.github/workflows/_publish.yml@refs/tags/v1",
    )
    hit = _then(called).hit("1.0.5", ID)
    assert hit.observed == "built by the workflow .github/workflows/_publish.yml"


def test_the_same_path_in_another_repository_is_another_workflow() -> None:
    called = identity(build_signer_uri="https://github.com/evil/ci/.github/workflows/release.yml@refs/heads/main")
    hit = _then(called).hit("1.0.5", ID)
    assert hit.observed == "built by the workflow evil/ci/.github/workflows/release.yml"


def test_fires_for_another_content_of_the_same_file() -> None:
    edited = sourced(release("1.0.5", day(40), USUAL), workflow_blob=Checked("e" * 40, ("o-trees",)))
    hit = judged([*all_sourced(series(5)), edited]).hit("1.0.5", ID)
    assert hit.severity is Severity.LOW
    assert hit.observed == "the content of its workflow file changed (git blob eeeeeeeeeeee)"
    assert hit.expected == "the file that built 1.0.4 (git blob bbbbbbbbbbbb)"
    assert "o-trees" in hit.evidence


def test_the_next_release_with_that_content_is_silent() -> None:
    edited = [
        sourced(release(f"1.0.{n}", day(40 + n), USUAL), workflow_blob=Checked("e" * 40, ("o-trees",))) for n in (5, 6)
    ]
    assert judged([*all_sourced(series(5)), *edited]).silent("1.0.6", ID)


def test_content_is_not_checked_where_the_repository_is_not() -> None:
    bare = replace(release("1.0.5", day(40), USUAL), source=NO_GIT)
    assert judged([*all_sourced(series(5)), bare]).unchecked("1.0.5", ID) == NO_GIT


def test_an_unread_certificate_hides_no_edited_file() -> None:
    last = release("1.0.5", day(40))
    files = [replace(a, provenance=Checked((attestation(USUAL, day(40), "a"),))) for a in last.artifacts[:1]]
    files += [replace(a, provenance=Checked((attestation(None, day(40), "b"),))) for a in last.artifacts[1:]]
    edited = sourced(replace(last, artifacts=tuple(files)), workflow_blob=Checked("9" * 40, ("o-trees",)))
    assert "content of its workflow file" in judged([*all_sourced(series(5)), edited]).hit("1.0.5", ID).observed
