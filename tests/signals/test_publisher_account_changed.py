"""Another account, another address, a robot and its maintainers."""

from __future__ import annotations

import pytest

from forensics.model.checked import NotChecked
from forensics.model.finding import Severity, Verdict
from forensics.model.publication import Account, Uploader
from tests.signals.histories import day
from tests.signals.packuments import ALICE, MIRROR, ROBOT, judged_npm, published, row

ID = "publisher-account-changed"
STRANGER = Uploader(Account("mallory", "m@elsewhere.example"))
NEW_ADDRESS = Uploader(Account("alice", "alice@elsewhere.example"))
GITLAB = Uploader(Account("GitLab CI", "robot@gitlab.example"), "gitlab")


@pytest.mark.parametrize(
    ("past", "own", "observed", "expected"),
    [
        (ALICE, STRANGER, "published by mallory <m@elsewhere.example>", "alice"),
        (ALICE, NEW_ADDRESS, "published by alice <alice@elsewhere.example>", "the address that alice published under"),
        (ROBOT, STRANGER, "published by mallory <m@elsewhere.example>", "GitHub Actions"),
        (ROBOT, NEW_ADDRESS, "published by alice <alice@elsewhere.example>", "GitHub Actions"),
        (ROBOT, GITLAB, "published by the trusted publisher gitlab", "trusted publisher github"),
    ],
)
def test_fires_medium(past: Uploader, own: Uploader, observed: str, expected: str) -> None:
    told = judged_npm([*row(3, past), published("1.0.3", day(40), own)])
    hit = told.hit("1.0.3", ID)
    assert hit.severity is Severity.MEDIUM
    assert hit.observed == observed
    assert hit.expected.startswith(expected)
    assert {"o-1.0.3", "o-1.0.2"} <= set(hit.evidence)


def test_from_a_robot_to_a_maintainer_under_the_known_address_weighs_low() -> None:
    hit = judged_npm([*row(3, ROBOT), published("1.0.3", day(40), ALICE)]).hit("1.0.3", ID)
    assert hit.severity is Severity.LOW
    assert hit.note == "alice is named among the maintainers of 1.0.2."


def test_who_names_the_maintainers_is_the_release_before() -> None:
    """A thief adds himself to the maintainers of the release that he publishes."""
    past = [published(f"1.0.{n}", day(7 * n), ROBOT, maintainers=()) for n in range(3)]
    assert judged_npm([*past, published("1.0.3", day(40), ALICE)]).hit("1.0.3", ID).severity is Severity.MEDIUM


def test_silent_for_the_usual_account_and_for_an_upgrade() -> None:
    assert judged_npm([*row(3), published("1.0.3", day(40), ALICE)]).silent("1.0.3", ID)
    assert judged_npm([*row(3), published("1.0.3", day(40), ROBOT)]).silent("1.0.3", ID)
    shouting = Uploader(Account("alice", "Alice@Team.example"))
    assert judged_npm([*row(3), published("1.0.3", day(40), shouting)]).silent("1.0.3", ID)
    named_robot = Uploader(Account("alice", "robot@team.example"), "github")
    assert judged_npm([*row(3, named_robot), published("1.0.3", day(40), ALICE)]).silent("1.0.3", ID)
    unaddressed = Uploader(Account("alice"))
    assert judged_npm([*row(3), published("1.0.3", day(40), unaddressed)]).silent("1.0.3", ID)


def test_a_flagged_release_is_no_measure_for_the_next() -> None:
    told = judged_npm([*row(3), published("1.0.3", day(40), STRANGER), published("1.0.4", day(40.5), STRANGER)])
    assert told["1.0.3"].at_publish is Verdict.SUSPICIOUS
    assert told.hit("1.0.4", ID).severity is Severity.MEDIUM


def test_a_new_account_becomes_usual_when_it_holds() -> None:
    told = judged_npm([*row(3), *row(5, STRANGER, first=3, start=30)])
    assert [told.finding(f"1.0.{n}", ID) is not None for n in range(3, 8)] == [True, True, True, False, False]


def test_not_checked_where_nobody_tells() -> None:
    assert judged_npm([*row(3), published("1.0.3", day(40), MIRROR)]).unchecked("1.0.3", ID) == MIRROR
    for past in ([], row(3, MIRROR)):
        outcome = judged_npm([*past, published("1.0.3", day(40), ALICE)]).unchecked("1.0.3", ID)
        assert isinstance(outcome, NotChecked)


def test_an_account_without_a_known_address_is_not_known_to_have_kept_it() -> None:
    past = [published(f"1.0.{n}", day(7 * n), ROBOT, maintainers=(Account("alice"),)) for n in range(3)]
    own = Uploader(Account("alice"))
    assert judged_npm([*past, published("1.0.3", day(40), own)]).hit("1.0.3", ID).severity is Severity.MEDIUM
