"""Advisories: which are proof, which are a hint, and which do not count."""

from __future__ import annotations

from forensics.model.finding import Family, Severity, Verdict
from forensics.model.release import Advisory
from tests.signals.histories import UNSEEN, Judged, advisory, day, judged, release, series

ID = "advisory-match"


def _with(*advisories: Advisory, removed: bool = False) -> Judged:
    last = release("1.0.5", day(40), removed=day(41) if removed else None)
    return judged([*series(5, None), last], advisories)


def test_malicious_is_decisive_with_hindsight_only() -> None:
    told = _with(advisory("MAL-2026-1", ["1.0.5"], malicious=True))
    hit = told.hit("1.0.5", ID)
    assert (hit.family, hit.severity) == (Family.HINDSIGHT, Severity.DECISIVE)
    assert hit.observed == "MAL-2026-1 names it: something about it"
    assert hit.evidence == ("o-MAL-2026-1",)
    assert told["1.0.5"].verdict is Verdict.LIKELY_COMPROMISED
    assert told["1.0.5"].at_publish is Verdict.ORDINARY
    assert told.silent("1.0.4", ID)


def test_listed_versions_that_were_removed_are_decisive() -> None:
    told = _with(advisory("PYSEC-2026-1", ["1.0.4", "1.0.5"]), removed=True)
    assert told.hit("1.0.5", ID).severity is Severity.DECISIVE
    assert told.hit("1.0.4", ID).severity is Severity.DECISIVE  # named beside a removed one
    assert "removed 1 of the 2" in told.hit("1.0.4", ID).note
    unknown = _with(advisory("PYSEC-2026-1", ["1.0.5", "1.0.6"]))
    assert unknown.hit("1.0.5", ID).severity is Severity.DECISIVE  # 1.0.6 is no longer known to the index


def test_an_ordinary_advisory_weighs_low() -> None:
    told = _with(advisory("GHSA-1", ["1.0.5"]))
    assert told.hit("1.0.5", ID).severity is Severity.LOW
    assert told["1.0.5"].verdict is Verdict.NOTABLE


def test_a_vulnerable_range_that_spans_one_deleted_release_says_nothing_about_the_rest() -> None:
    spelt_out = [f"1.0.{n}" for n in range(6)]
    told = _with(advisory("PYSEC-2026-2", spelt_out, ranged=True), removed=True)
    assert told.hit("1.0.3", ID).severity is Severity.LOW
    assert told["1.0.3"].verdict is Verdict.NOTABLE
    most = _with(advisory("PYSEC-2026-3", ["1.0.5"], ranged=True), removed=True)
    assert most.hit("1.0.5", ID).severity is Severity.DECISIVE


def test_all_versions() -> None:
    assert _with(advisory("MAL-1", malicious=True, affects_all=True)).hit("1.0.0", ID).severity is Severity.DECISIVE


def test_withdrawn_and_other_versions_do_not_count() -> None:
    assert _with(advisory("MAL-1", ["1.0.5"], malicious=True, withdrawn=day(60))).silent("1.0.5", ID)
    assert _with(advisory("MAL-1", ["1.0.4"], malicious=True)).silent("1.0.5", ID)
    assert _with().silent("1.0.5", ID)


def test_versions_are_compared_as_versions() -> None:
    told = judged([release("1.0", day(0)), release("2.0rc1", day(9))], [advisory("A", ["1.0.0", "2.0-RC1"])])
    assert told.hit("1.0", ID).severity is Severity.LOW  # and 1.0.0 is not taken for a removed one
    assert told.hit("2.0rc1", ID)


def test_the_heaviest_leads_and_aliases_count_once() -> None:
    both = (
        advisory("GHSA-9", ["1.0.5"], aliases=("MAL-9",)),
        advisory("MAL-9", ["1.0.5"], aliases=("GHSA-9",), malicious=True),
        advisory("PYSEC-1", ["1.0.5"]),
    )
    hit = _with(*both).hit("1.0.5", ID)
    assert hit.observed == "MAL-9 names it: something about it (also PYSEC-1)"
    assert hit.fact == "advisory GHSA-9"
    assert set(hit.evidence) == {"o-GHSA-9", "o-MAL-9", "o-PYSEC-1"}


def test_not_checked_when_advisories_are_not() -> None:
    told = judged(series(3, None), UNSEEN)
    assert told.unchecked("1.0.2", ID) == UNSEEN


def test_each_history_has_its_own_index() -> None:
    for name in ("A-1", "A-2"):
        assert _with(advisory(name, ["1.0.5"])).hit("1.0.5", ID).observed.startswith(f"{name} ")
