"""The first attested release: an event by itself, a signal in doubtful company."""

from __future__ import annotations

from dataclasses import replace

from forensics.model.checked import Checked
from forensics.model.finding import Severity, Verdict
from forensics.model.source import Reachability
from tests.compare.making import Files
from tests.signals.boxes import PACKAGE, boxed
from tests.signals.histories import UNSEEN, USUAL, day, identity, judged, release, series
from tests.signals.sources import all_sourced, sourced

ID = "identity-first-seen"
ADOPTER = identity(source_repository_digest="c" * 40)


def test_adoption_alone_is_an_event() -> None:
    past = [boxed(n, attested=False) for n in range(6)]
    told = judged([*past, boxed(6)])
    assert told.finding("1.0.6", ID) is None
    assert told["1.0.6"].verdict.rank <= Verdict.NOTABLE.rank


def test_what_could_not_be_checked_leaves_it_open() -> None:
    unchecked = judged([*series(5, None), release("1.0.5", day(40), USUAL)]).unchecked("1.0.5", ID)
    assert unchecked is not None
    assert unchecked.reason.startswith("it adopted attestations, and its company could not be checked: ")
    assert "no-source-release" in unchecked.reason
    assert "git" in unchecked.needs


def test_with_no_source_release() -> None:
    told = judged([*all_sourced(series(5, None)), sourced(release("1.0.5", day(40), USUAL), tag=None, bump=None)])
    hit = told.hit("1.0.5", ID)
    assert hit.severity is Severity.MEDIUM
    assert hit.observed == "attested for the first time, together with no tag and no version bump"
    assert told["1.0.5"].verdict is Verdict.LIKELY_COMPROMISED


def test_with_a_commit_on_no_branch() -> None:
    lost = sourced(release("1.0.5", day(40), ADOPTER), reachability=Checked(Reachability.UNREFERENCED, ("o-refs",)))
    hit = judged([*all_sourced(series(5, None)), lost]).hit("1.0.5", ID)
    assert hit.observed == "attested for the first time, together with a commit that no branch or tag leads to"
    assert "o-refs" in hit.evidence


def test_with_new_code_that_runs_unasked() -> None:
    armed: Files = {**PACKAGE, "thing/__init__.py": b"import subprocess\nsubprocess.run(['true'])\n"}
    hit = judged([*(boxed(n, attested=False) for n in range(6)), boxed(6, wheel=armed)]).hit("1.0.6", ID)
    assert hit.observed == "attested for the first time, together with new code that runs unasked"


def test_one_earlier_release_is_enough_to_tell_an_adoption() -> None:
    armed: Files = {**PACKAGE, "thing/__init__.py": b"import subprocess\nsubprocess.run(['true'])\n"}
    assert judged([boxed(0, attested=False), boxed(1, wheel=armed)]).finding("1.0.1", ID) is not None
    assert judged([boxed(1, wheel=armed)]).silent("1.0.1", ID), "nothing came before it"


def test_silent_on_the_releases_after_and_on_unattested_ones() -> None:
    told = judged([*series(6, None), *series(2, first=6, start=60)])
    assert told.silent("1.0.7", ID)
    assert told.silent("1.0.5", ID)


def test_a_flagged_adoption_is_not_the_first_twice() -> None:
    bad = [sourced(release(f"1.0.{n}", day(40 + n), USUAL), tag=None, bump=None) for n in (5, 6)]
    told = judged([*all_sourced(series(5, None)), *bad])
    assert told.finding("1.0.5", ID) is not None
    assert told.finding("1.0.6", ID) is None


def test_a_line_of_its_own_adopts_on_its_own() -> None:
    told = judged([*series(5, None), *series(5, minor="2.0", start=1), release("1.0.5", day(60), USUAL)])
    assert told.unchecked("1.0.5", ID) is not None


def test_unknown_provenance_is_not_checked() -> None:
    assert judged([*series(5, None), release("1.0.5", day(40), UNSEEN)]).unchecked("1.0.5", ID) == UNSEEN


def test_an_unknown_past_is_not_an_unattested_one() -> None:
    unchecked = judged([*series(5, UNSEEN), release("1.0.5", day(40), USUAL)]).unchecked("1.0.5", ID)
    assert unchecked is not None
    assert unchecked.reason.startswith("the provenance of earlier releases")


def test_it_weighs_low_where_the_line_is_new() -> None:
    first = replace(sourced(release("2.0.0", day(40), USUAL), tag=None, bump=None))
    assert judged([*all_sourced(series(6, None)), first]).hit("2.0.0", ID).severity is Severity.LOW
