"""Versions by ecosystem: order, lines and ranges, against what npm and PyPI say of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.model.versions import PEP440, SEMVER, VersionRules
from forensics.timeline.lines import find_gaps

# The order that semver.org gives as its example, section 11.
ORDERED = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
           "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"]  # fmt: skip


def test_semver_orders_as_its_specification_does() -> None:
    shuffled = ORDERED[6:] + ORDERED[:6]
    assert sorted(shuffled, key=SEMVER.key) == ORDERED
    assert sorted([*ORDERED, "latest"], key=SEMVER.key)[0] == "latest"


@pytest.mark.parametrize(
    ("rules", "version", "line"),
    [
        (SEMVER, "1.14.1", "1"),
        (SEMVER, "0.30.4", "0.30"),
        (SEMVER, "21.5.0-beta.3", "21"),
        (SEMVER, "1.0", "other"),
        (PEP440, "1.0", "1"),
        (PEP440, "0.4.2", "0.4"),
        (PEP440, "1!0.4.2", "1!0.4"),
        (PEP440, "1.0.0-next.5", "other"),
        (SEMVER, "1." * 5000 + "1", "other"),
        (SEMVER, "9" * 5000 + ".0.0", "other"),
    ],
)
def test_lines(rules: VersionRules, version: str, line: str) -> None:
    assert rules.line(version) == line


def test_gaps_by_the_same_rule() -> None:
    (gap,) = find_gaps(["1.0.0", "1.0.1", "1.0.3-beta.1", "1.0.4", "1.1.0"], SEMVER)
    assert (gap.missing, gap.line) == (("1.0.2", "1.0.3"), "1")


@pytest.mark.parametrize(
    ("wanted", "inside", "outside"),
    [
        ("^1.2.3", ["1.2.3", "1.9.0", "1.2.4-rc.1"], ["1.2.2", "2.0.0"]),
        ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "1.0.0"]),
        ("^0.0.3", ["0.0.3"], ["0.0.4"]),
        ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
        ("~1", ["1.0.0", "1.9.9"], ["2.0.0"]),
        ("1.2.x", ["1.2.0", "1.2.7"], ["1.3.0", "1.1.9"]),
        ("1", ["1.0.0", "1.4.2"], ["2.0.0"]),
        ("*", ["0.0.1", "9.9.9"], ["latest"]),
        (">=1.2.0 <1.4", ["1.2.0", "1.3.9"], ["1.4.0", "1.1.9"]),
        (">=1.2.0,<1.4.0", ["1.2.0", "1.3.9"], ["1.4.0"]),
        (">1.2", ["1.3.0"], ["1.2.9"]),
        ("<=1.2", ["1.2.9"], ["1.3.0"]),
        ("1.2.3 || ^2.0.0", ["1.2.3", "2.5.0"], ["1.2.4", "3.0.0"]),
        ("!=1.2.3", ["1.2.4"], ["1.2.3"]),
        ("= 1.2.3", ["1.2.3"], ["1.2.4"]),
    ],
)
def test_ranges_of_npm(wanted: str, inside: list[str], outside: list[str]) -> None:
    holds = SEMVER.matcher(wanted)
    assert [v for v in inside if not holds(v)] == []
    assert [v for v in outside if holds(v)] == []


@pytest.mark.parametrize("wanted", ["newest", ">= ", "1.2.3 ; rm", "^", "1.2.3.4.5x"])
def test_what_is_no_range(wanted: str) -> None:
    with pytest.raises(ValueError, match="range"):
        SEMVER.matcher(wanted)


@given(st.text(max_size=40), st.sampled_from([PEP440, SEMVER]))
def test_any_text_has_a_place(text: str, rules: VersionRules) -> None:
    assert rules.key(text) == rules.key(text)
    assert isinstance(rules.line(text), str)
    assert rules.canonical(rules.canonical(text)) == rules.canonical(text)
