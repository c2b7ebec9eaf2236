"""The engine: each release with the eyes of its own time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from forensics.model.finding import Family, Severity, Verdict
from forensics.signals.engine import judge, publish_moment
from forensics.signals.registry import catalogue
from tests.signals.histories import (
    START,
    UNSEEN,
    USUAL,
    advisory,
    artifact,
    attestation,
    day,
    history,
    identity,
    judged,
    release,
    series,
)

EVIL = identity(source_repository_identifier="666", name="evil/thing", source_repository_owner_identifier="9")


def test_an_ordinary_history_is_ordinary() -> None:
    told = judged(series(20))
    assert {a.verdict for a in told.judgement.assessments} == {Verdict.ORDINARY}
    assert told["1.0.9"].predecessor == "1.0.8"
    assert told["1.0.0"].predecessor is None
    assert not told.judgement.suspended


def test_every_signal_is_a_finding_an_unchecked_or_silent_and_planned_ones_always_unchecked() -> None:
    told = judged([*series(8), release("1.0.8", day(90), EVIL)])
    entries = catalogue()
    for assessment in told.judgement.assessments:
        fired = [f.signal for f in assessment.findings]
        unchecked = [u.signal for u in assessment.not_checked]
        assert not set(fired) & set(unchecked)
        assert set(fired) | set(unchecked) <= set(entries)
        assert {s.id for s in entries.values() if s.evaluate is None} <= set(unchecked)
        assert all(u.outcome.reason and u.outcome.needs for u in assessment.not_checked)


def test_findings_are_sorted_by_weight_and_carry_evidence() -> None:
    told = judged([*series(8), release("1.0.8", day(49) + timedelta(minutes=5), EVIL)])
    findings = told["1.0.8"].findings
    assert [f.severity.rank for f in findings] == sorted((f.severity.rank for f in findings), reverse=True)
    assert all(f.evidence and f.observed and f.expected for f in findings)
    assert {"door-changed", "identity-repository-changed", "rapid-repeat"} <= {f.signal for f in findings}


def test_facts_are_counted_once() -> None:
    """A foreign repository shows as door and as identity: two findings, one reason."""
    told = judged([*series(8), release("1.0.8", day(90), EVIL)])
    assert told["1.0.8"].verdict is Verdict.SUSPICIOUS
    assert any("counted once" in reason for reason in told["1.0.8"].reasons)


def test_unknown_everything_is_undetermined() -> None:
    told = judged(series(3, UNSEEN))
    assert {a.verdict for a in told.judgement.assessments} == {Verdict.UNDETERMINED}


def test_a_suspect_is_no_predecessor_and_no_baseline() -> None:
    told = judged([*series(8), release("1.0.8", day(60), EVIL), release("1.0.9", day(67), EVIL)])
    assert told["1.0.9"].predecessor == "1.0.7"
    assert told["1.0.9"].verdict is Verdict.SUSPICIOUS


def test_a_removed_release_is_baseline_until_it_is_removed() -> None:
    gone = release("1.0.8", day(60), USUAL, removed=day(65))
    told = judged([*series(8), gone, release("1.0.9", day(61), USUAL), release("1.0.10", day(70), USUAL)])
    assert told["1.0.9"].predecessor == "1.0.8"
    assert told["1.0.10"].predecessor == "1.0.9"
    after = judged([*series(8), gone, release("1.0.9", day(70), USUAL)])
    assert after["1.0.9"].predecessor == "1.0.7"


def test_an_advised_release_is_baseline_until_the_advisory() -> None:
    warned = advisory("MAL-1", ["1.0.8"], malicious=True, published=day(65))
    for days, predecessor in ((62, "1.0.8"), (70, "1.0.7")):
        releases = [*series(8), release("1.0.8", day(60), USUAL), release("1.0.9", day(days), USUAL)]
        assert judged(releases, [warned])["1.0.9"].predecessor == predecessor


def test_a_changed_value_joins_the_baseline() -> None:
    pushed = identity(build_trigger="push")
    told = judged([*series(8), *series(6, pushed, first=8, start=60)])
    verdicts = [told[f"1.0.{n}"].verdict for n in range(8, 14)]
    assert verdicts == [Verdict.SUSPICIOUS] * 3 + [Verdict.ORDINARY] * 3


def test_a_value_of_releases_flagged_for_another_reason_does_not_join() -> None:
    both = identity(build_trigger="push", source_repository_identifier="666", name="evil/thing")
    pushed = identity(build_trigger="push")
    first = [release(f"1.0.{8 + n}", day(60 + 7 * n), UNSEEN if n > 2 else both) for n in range(3)]
    files = [artifact("bare.whl", day(90), []), artifact("late.whl", day(90), [attestation(pushed, day(90), "x")])]
    told = judged([*series(8), *first, release("1.0.11", day(90), files=files)])
    assert told.hit("1.0.8", "trigger-changed")
    assert told.hit("1.0.10", "identity-repository-changed")


def test_two_days_of_new_values_do_not_join() -> None:
    pushed = identity(build_trigger="push")
    told = judged([*series(8), *series(6, pushed, first=8, start=60, every=0.4)])
    assert all(told[f"1.0.{n}"].verdict.flagged for n in range(8, 14))


def test_hindsight_counts_only_now() -> None:
    gone = release("1.0.8", day(60), None, removed=day(61))
    told = judged([*series(8), gone], [advisory("MAL-1", ["1.0.8"], malicious=True)])
    assert told["1.0.8"].at_publish is Verdict.SUSPICIOUS  # provenance-lost
    assert told["1.0.8"].verdict is Verdict.LIKELY_COMPROMISED
    late = {f.signal for f in told["1.0.8"].findings if not f.knowable_at_publish}
    assert late == {"release-removed", "advisory-match"}
    assert all(f.family is Family.HINDSIGHT for f in told["1.0.8"].findings if f.signal in late)


def test_the_publish_moment_is_an_hour_or_a_minute_before_removal() -> None:
    assert publish_moment(release("1", START)) == START + timedelta(hours=1)
    soon = START + timedelta(minutes=13)
    assert publish_moment(release("1", START, removed=soon)) == soon - timedelta(minutes=1)
    assert publish_moment(release("1", START, removed=day(3))) == START + timedelta(hours=1)
    assert publish_moment(release("1", None)) is None


def test_later_releases_change_nothing_about_earlier_ones_at_publication() -> None:
    past = [*series(8), release("1.0.8", day(60))]
    alone = judged(past)
    more = judged([*past, release("2.0.0", day(60) + timedelta(minutes=3)), *series(5, EVIL, first=9, start=70)])
    for before in alone.judgement.assessments:
        assert more[before.release.version].at_publish is before.at_publish


def test_trust_is_capped_where_the_line_has_no_past_and_other_families_are_not() -> None:
    told = judged([*series(8), release("2.0.0", day(49) + timedelta(minutes=9), EVIL)])
    findings = {f.signal: f for f in told["2.0.0"].findings}
    assert findings["door-changed"].severity is Severity.LOW
    assert findings["multi-line-burst"].severity is Severity.MEDIUM
    assert all(f.note for f in findings.values() if f.family is Family.TRUST)


def test_a_users_lines_are_used() -> None:
    told = judged([*series(8), release("2.0.0", day(90), EVIL)], lines={"1": "all", "2": "all"})
    assert told["2.0.0"].line == "all"
    assert told["2.0.0"].verdict is Verdict.SUSPICIOUS


def test_the_same_history_gives_the_same_judgement() -> None:
    past = history([*series(8), release("1.0.8", day(60), EVIL)], [advisory("A", ["1.0.8"])])
    assert judge(past) == judge(past)


def test_releases_without_times_and_empty_histories_are_judged() -> None:
    assert judged([]).judgement.assessments == ()
    told = judged([release("1.0.0", None), *series(2, first=1)])
    assert told["1.0.0"].verdict is Verdict.ORDINARY


@pytest.mark.slow
def test_ten_thousand_releases_are_judged() -> None:
    releases = [
        release(f"{1 + n % 3}.{n // 40}.{n % 40}", START + timedelta(hours=5 * n), USUAL if n % 7 else EVIL)
        for n in range(10_000)
    ]
    assert len(judge(history(releases, [advisory("A", ["1.0.0"])])).assessments) == 10_000
