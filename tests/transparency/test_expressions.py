from __future__ import annotations

import time
import warnings

import pytest

from forensics.model.errors import HostileInput, UsageError
from forensics.transparency.expressions import Expression

NAME = "https://github.com/acme/demo/.github/workflows/release.yml@refs/tags/v1.0"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("acme/demo", NAME, True),
        (r"^https://github\.com/acme/.*/release\.yml@refs/tags/v[0-9]+\.[0-9]+$", NAME, True),
        (r"@refs/heads/", NAME, False),
        (r"user@domain\.com", "xuser@domain.com.example", True),
        (r"^user@domain\.com$", "user@domain.com\n", False),
        (r"^user@domain\.com\z", "user@domain.com", True),
        (r"(?i)ACME/(demo|other)", NAME, True),
        (r"(?P<owner>acme|corp)/", NAME, True),
        (r"(?:x{0,3})acme{1,2}", NAME, True),
        (r"\d+", "٣", False),
        (r"[[]x[]]", "[x]", True),
        (r"[&~|\-]", "a|b", True),
        (r"[\d.]+$", NAME, True),
        (r"v{x", "v{x", True),
        (r"a\.b\\c", r"a.b\c", True),
        (r"[^]a]", "]a", False),
        (r"[+--]", ",", True),
    ],
)
def test_the_meaning_is_that_of_re2(pattern: str, text: str, found: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Expression(pattern).found_in(text) is found


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"(a+)+$", r"(a*)*", r"(a|aa)+$", r"((a{2,})b)*", r"(?:a+b?)+", r"(a{1,3}){2,}", r"(.*)\1", r"(?=a)"),
        *(r"(?<!a)b", r"(?>a)", r"(?#comment)", r"a*+", r"a**", r"\Aa\Z", r"\p{Greek}", r"[[:alpha:]]", r"a{2000}"),
        *("(", ")", "[", "*a", "a(?i)b", "x" * 1001, "a\\"),
    ],
)
def test_what_could_take_forever_or_means_something_else_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        Expression(pattern)


def test_a_text_that_would_take_minutes_is_not_judged() -> None:
    many = Expression("a.*a.*a.*a.*a.*b")
    with pytest.raises(HostileInput):
        many.found_in("a" * 1000)
    assert not many.found_in("a" * 60)
    with pytest.raises(HostileInput):
        Expression("a").found_in("b" * 5000)
    start = time.process_time()
    assert not Expression(r"https://.*/.*/.*@x").found_in("https://" + "/" * 500)
    assert time.process_time() - start < 20
