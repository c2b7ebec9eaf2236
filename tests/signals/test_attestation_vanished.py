"""An attestation that an earlier case or the log holds, of a file that is still listed."""

from __future__ import annotations

from dataclasses import replace

from forensics.model.finding import Family, Severity, Verdict
from forensics.model.release import Release
from forensics.signals.engine import judge
from tests.signals.histories import UNSEEN, USUAL, Judged, artifact, attestation, day, history, release, series

ID = "attestation-vanished"
EARLIER = attestation(USUAL, day(41), "earlier")


def _vanished(made: Release, *, listed: bool = True) -> Release:
    files = tuple(replace(a, vanished=(EARLIER,), listed=listed) for a in made.artifacts[:1])
    return replace(made, artifacts=(*files, *made.artifacts[1:]))


def _told(last: Release, *cases: str) -> Judged:
    return Judged(judge(replace(history([*series(6), last]), earlier_cases=cases)))


def test_fires_low_and_with_hindsight_only() -> None:
    told = _told(_vanished(release("1.0.6", day(42), None)))
    hit = told.hit("1.0.6", ID)
    assert (hit.family, hit.severity) == (Family.HINDSIGHT, Severity.LOW)
    assert not hit.knowable_at_publish
    assert hit.observed == (
        "1 attestation of thing-1.0.6.tar.gz, signed by .github/workflows/release.yml, no longer served by the index"
    )
    assert {"o-attestation-earlier", "o-provenance-thing-1.0.6.tar.gz"} <= set(hit.evidence)


def test_one_that_was_replaced() -> None:
    hit = _told(_vanished(release("1.0.6", day(42), USUAL))).hit("1.0.6", ID)
    assert hit.observed.endswith("replaced: the index serves 1 other")


def test_alone_it_is_notable() -> None:
    assert _told(_vanished(release("1.0.6", day(42), USUAL)), "case-1")["1.0.6"].verdict is Verdict.NOTABLE


def test_silent_where_nothing_is_gone_and_where_the_file_itself_is() -> None:
    assert _told(release("1.0.6", day(42), USUAL), "case-1").silent("1.0.6", ID)
    gone = [replace(a, listed=False, vanished=(EARLIER,)) for a in release("1.0.6", day(42)).artifacts]
    assert _told(release("1.0.6", day(42), files=gone), "case-1").silent("1.0.6", ID)


def test_not_checked_without_an_earlier_case_and_where_provenance_is_unknown() -> None:
    unchecked = _told(release("1.0.6", day(42), USUAL)).unchecked("1.0.6", ID)
    assert unchecked is not None
    assert "no earlier case" in unchecked.reason
    unseen = release("1.0.6", day(42), files=[artifact("thing-1.0.6.tar.gz", day(42), UNSEEN)])
    assert _told(unseen, "case-1").unchecked("1.0.6", ID) == UNSEEN
