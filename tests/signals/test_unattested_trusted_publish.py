"""A trusted publisher, and no attestation where there always was one."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Severity
from forensics.model.release import Door
from tests.signals.histories import day
from tests.signals.packuments import ALICE, MIRROR, ROBOT, judged_npm, published, row

ID = "unattested-trusted-publish"
OUTAGE = NotChecked("the attestations endpoint answered HTTP 503", "the attestations endpoint", ("o-503",))


def test_fires_where_two_had_both() -> None:
    told = judged_npm([*row(2, ROBOT, attested=True), published("1.0.2", day(40), ROBOT)])
    hit = told.hit("1.0.2", ID)
    assert hit.severity is Severity.MEDIUM
    assert hit.observed == "published by the trusted publisher github, and not attested"
    assert hit.expected == "an attestation beside the trusted publisher, as on 1.0.0 and 1.0.1"
    assert told["1.0.2"].door is Door.TRUSTED_UNATTESTED


def test_counts_once_with_provenance_lost() -> None:
    told = judged_npm([*row(4, ROBOT, attested=True), published("1.0.4", day(40), ROBOT)])
    facts = {f.fact for f in told["1.0.4"].findings if f.signal in {ID, "provenance-lost"}}
    assert facts == {"attestation absent"}


def test_silent_where_fewer_had_both() -> None:
    assert judged_npm([*row(1, ROBOT, attested=True), published("1.0.9", day(40), ROBOT)]).silent("1.0.9", ID)
    assert judged_npm([*row(5, ROBOT), published("1.0.9", day(40), ROBOT)]).silent("1.0.9", ID)
    assert judged_npm([*row(5, ALICE, attested=True), published("1.0.9", day(40), ROBOT)]).silent("1.0.9", ID)


def test_silent_for_an_account_and_for_an_attested_release() -> None:
    past = row(5, ROBOT, attested=True)
    assert judged_npm([*past, published("1.0.9", day(40), ALICE)]).silent("1.0.9", ID)
    assert judged_npm([*past, published("1.0.9", day(40), ROBOT, attested=True)]).silent("1.0.9", ID)


def test_not_checked_where_attestation_or_publisher_is_not_known() -> None:
    past = row(5, ROBOT, attested=True)
    assert judged_npm([*past, published("1.0.9", day(40), ROBOT, attested=OUTAGE)]).unchecked("1.0.9", ID) == OUTAGE
    assert judged_npm([*past, published("1.0.9", day(40), MIRROR)]).unchecked("1.0.9", ID) == MIRROR
