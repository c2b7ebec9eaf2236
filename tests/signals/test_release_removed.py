"""Gone from the index, known from elsewhere."""

from __future__ import annotations

from dataclasses import replace

from forensics.model.finding import Family, Severity, Verdict
from forensics.model.release import Mention
from tests.signals.histories import day, judged, release, series

ID = "release-removed"
EXPORT = Mention("export", "a row of the upload metadata", ("o-export",))


def test_fires_with_hindsight_only_and_names_its_witnesses() -> None:
    gone = release("1.0.5", day(40), removed=day(41), mentions=(EXPORT, Mention("advisory", "", ("o-adv",))))
    told = judged([*series(5, None), gone])
    hit = told.hit("1.0.5", ID)
    assert (hit.family, hit.severity) == (Family.HINDSIGHT, Severity.MEDIUM)
    assert hit.observed == "not in the index since 2026-02-15 12:00:00 UTC, but named by export or advisory"
    assert hit.evidence == ("o-export", "o-adv", "o-journal", *gone.evidence)
    assert not hit.knowable_at_publish
    assert told["1.0.5"].verdict is Verdict.SUSPICIOUS
    assert told["1.0.5"].at_publish is Verdict.ORDINARY


def test_without_a_time_and_without_mentions() -> None:
    hit = judged([release("1.0.5", day(40), listed=False)]).hit("1.0.5", ID)
    assert hit.observed == "not in the index"
    assert hit.evidence == ("o-1.0.5",)


def test_yanked_is_still_listed() -> None:
    assert judged([replace(release("1.0.5", day(40)), yanked=True)]).silent("1.0.5", ID)
