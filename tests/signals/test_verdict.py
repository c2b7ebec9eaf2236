"""The verdict rule, case by case and by its properties."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.model.finding import Confidence, Family, Finding, Severity, Verdict
from forensics.signals.verdict import capped, distinct, reasons_for, verdict_of

L, M, H, D = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.DECISIVE
TRUST, SOURCE, TIME, HINDSIGHT = Family.TRUST, Family.SOURCE, Family.TIME, Family.HINDSIGHT


def _finding(family: Family, severity: Severity, fact: str = "", signal: str = "") -> Finding:
    name = signal or f"{family.value}-{severity.value}"
    return Finding(name, family, severity, Confidence.HIGH, "seen", "expected", ("o-1",), fact=fact)


@pytest.mark.parametrize(
    ("kinds", "verdict"),
    [
        ([(Family.DECISIVE, D)], Verdict.LIKELY_COMPROMISED),
        ([(HINDSIGHT, D)], Verdict.LIKELY_COMPROMISED),
        ([(TRUST, M), (SOURCE, M)], Verdict.LIKELY_COMPROMISED),
        ([(TRUST, H), (HINDSIGHT, M)], Verdict.LIKELY_COMPROMISED),
        ([(TRUST, H), (SOURCE, L), (TIME, L)], Verdict.LIKELY_COMPROMISED),
        ([(TRUST, H), (TRUST, M)], Verdict.SUSPICIOUS),
        ([(TRUST, H), (TRUST, L), (TIME, L)], Verdict.SUSPICIOUS),
        ([(TRUST, H), (TIME, L)], Verdict.SUSPICIOUS),
        ([(TRUST, M), (SOURCE, L), (TIME, L)], Verdict.SUSPICIOUS),
        ([(TRUST, M)], Verdict.SUSPICIOUS),
        ([(HINDSIGHT, M)], Verdict.SUSPICIOUS),
        ([(TRUST, L), (SOURCE, L), (TIME, L)], Verdict.NOTABLE),
        ([(TIME, L)], Verdict.NOTABLE),
        ([], Verdict.ORDINARY),
    ],
)
def test_the_table(kinds: list[tuple[Family, Severity]], verdict: Verdict) -> None:
    findings = [_finding(family, severity) for family, severity in kinds]
    for order in itertools.permutations(findings):
        assert verdict_of(order, anything_checked=True) is verdict


def test_nothing_found_and_nothing_checked_is_undetermined() -> None:
    assert verdict_of([], anything_checked=False) is Verdict.UNDETERMINED
    assert verdict_of([_finding(TIME, L)], anything_checked=False) is Verdict.NOTABLE


def test_hindsight_counts_as_one_family() -> None:
    pair = [_finding(HINDSIGHT, M, signal="a"), _finding(HINDSIGHT, M, signal="b")]
    assert verdict_of(pair, anything_checked=True) is Verdict.SUSPICIOUS


def test_one_fact_counts_once_as_its_heaviest() -> None:
    pair = [_finding(TRUST, H, "repositories"), _finding(SOURCE, M, "repositories")]
    assert verdict_of(pair, anything_checked=True) is Verdict.SUSPICIOUS
    assert [f.severity for f in distinct(pair)] == [H]
    assert "1 further signal drawn from the same facts counted once." in reasons_for(pair, Verdict.SUSPICIOUS)


def test_the_exhaustive_rule_for_up_to_three_kinds() -> None:
    """Every multiset of at most three (family, severity) pairs, against the rule written another way."""
    families = [TRUST, SOURCE, TIME]
    kinds = [*itertools.product(families, [L, M, H]), (Family.DECISIVE, D)]
    for size in range(4):
        for chosen in itertools.combinations_with_replacement(kinds, size):
            findings = [_finding(f, s, signal=str(n)) for n, (f, s) in enumerate(chosen)]
            assert verdict_of(findings, anything_checked=True) is _rule(chosen), chosen


def _rule(kinds: tuple[tuple[Family, Severity], ...]) -> Verdict:
    weights = {family: [s.rank for f, s in kinds if f is family] for family, _ in kinds}
    top = max((rank for ranks in weights.values() for rank in ranks), default=-1)
    heavy = [family for family, ranks in weights.items() if max(ranks) >= M.rank]
    for family, ranks in weights.items():
        light = [f for f, others in weights.items() if f is not family and L.rank in others]
        if D.rank in ranks or (H.rank in ranks and len(light) >= 2) or len(heavy) >= 2:
            return Verdict.LIKELY_COMPROMISED
    if top >= M.rank:
        return Verdict.SUSPICIOUS
    return Verdict.NOTABLE if top == L.rank else Verdict.ORDINARY


FINDINGS = st.builds(
    _finding,
    st.sampled_from([f for f in Family if f is not Family.DECISIVE]),
    st.sampled_from([L, M, H, D]),
    st.sampled_from(["", "a", "b", "c"]),
    st.sampled_from(["one", "two", "three", "four", "five", "six"]),
)


@given(st.lists(FINDINGS, max_size=8), FINDINGS.filter(lambda f: not f.fact), st.booleans())
def test_a_finding_of_its_own_fact_never_lowers_a_verdict(
    findings: list[Finding], more: Finding, checked: bool
) -> None:
    others = [f for f in findings if (f.fact or f.signal) != more.signal]
    before = verdict_of(others, anything_checked=checked)
    assert verdict_of([*others, more], anything_checked=checked).rank >= before.rank


@given(st.lists(FINDINGS, max_size=8))
def test_the_order_of_findings_does_not_matter_unless_they_tie_on_a_fact(findings: list[Finding]) -> None:
    keys = [f.fact or f.signal for f in findings]
    if len(set(keys)) == len(keys):
        straight = verdict_of(findings, anything_checked=True)
        assert verdict_of(findings[::-1], anything_checked=True) is straight


@given(st.lists(FINDINGS, max_size=6), st.integers(0, 5))
def test_capping_never_raises(findings: list[Finding], which: int) -> None:
    if len(findings) <= which:
        return
    lowered = [*findings[:which], capped(findings[which], "why"), *findings[which + 1 :]]
    assert lowered[which].severity.rank <= findings[which].severity.rank


def test_a_decisive_finding_is_not_capped() -> None:
    assert capped(_finding(TRUST, D), "why").severity is D
    lowered = capped(_finding(TRUST, H), "why")
    assert (lowered.severity, lowered.note) == (L, "why")


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([(Family.DECISIVE, D)], "One decisive signal"),
        ([(TRUST, M), (SOURCE, M)], "2 families (source, trust)"),
        ([(TRUST, H), (SOURCE, L), (TIME, L)], "light ones in two other families"),
        ([(TRUST, H)], "Reasons of one family"),
        ([(TIME, L)], "Only light reasons"),
        ([], "No signal fired"),
    ],
)
def test_reasons_name_the_rule(kinds: list[tuple[Family, Severity]], words: str) -> None:
    findings = [_finding(family, severity) for family, severity in kinds]
    reasons = reasons_for(findings, verdict_of(findings, anything_checked=True))
    assert words in reasons[-1]
    assert len(reasons) == len(findings) + 1
