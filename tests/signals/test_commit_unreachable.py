"""The attested commit, and from where the repository leads to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Confidence, Severity, Verdict
from forensics.model.source import Reachability
from tests.signals.histories import UNSEEN, Judged, artifact, attestation, day, identity, judged, release, series
from tests.signals.sources import NO_GIT, all_sourced, sourced

ID = "commit-unreachable"
SIGNER = identity(source_repository_digest="f" * 40)


def _then(place: Reachability, who: object = SIGNER, caveat: str = "", **more: object) -> Judged:
    reachable = Checked(place, ("o-asked",), caveat)
    last = sourced(release("1.0.5", day(40), who), reachability=reachable, commit="f" * 40, **more)  # type: ignore[arg-type]
    return judged([*all_sourced(series(5, SIGNER)), last])


@pytest.mark.parametrize("place", [Reachability.DEFAULT_BRANCH, Reachability.BRANCH, Reachability.TAG])
def test_silent_where_a_branch_or_a_tag_leads_to_it(place: Reachability) -> None:
    assert _then(place).silent("1.0.5", ID)


def test_decisive_where_only_a_pull_request_leads_to_it() -> None:
    told = _then(Reachability.PULL_REQUEST, ref="refs/pull/7/head")
    hit = told.hit("1.0.5", ID)
    assert hit.severity is Severity.DECISIVE
    assert hit.observed.endswith(
        "commit ffffffffffff; the repository leads to it only from a pull request (refs/pull/7/head)"
    )
    assert told["1.0.5"].verdict is Verdict.LIKELY_COMPROMISED


@pytest.mark.parametrize("place", [Reachability.UNREFERENCED, Reachability.MISSING])
def test_medium_where_a_deleted_branch_would_look_the_same(place: Reachability) -> None:
    hit = _then(place, ref=None).hit("1.0.5", ID)
    assert hit.severity is Severity.MEDIUM
    assert "o-asked" in hit.evidence
    assert hit.confidence is Confidence.HIGH


def test_pull_requests_that_were_not_looked_through_lower_the_confidence() -> None:
    hit = _then(Reachability.UNREFERENCED, caveat="9 pull requests were not looked through").hit("1.0.5", ID)
    assert hit.confidence is Confidence.LOW
    assert hit.note.startswith("9 pull requests were not looked through. ")


def test_does_not_apply_without_an_attested_commit() -> None:
    assert _then(Reachability.MISSING, None).silent("1.0.5", ID)
    assert _then(Reachability.MISSING, UNSEEN).unchecked("1.0.5", ID) == UNSEEN


def test_not_checked_without_repository_or_answer() -> None:
    bare = replace(release("1.0.5", day(40), SIGNER), source=NO_GIT)
    assert judged([*series(5), bare]).unchecked("1.0.5", ID) == NO_GIT
    failed = NotChecked("the server answered 500", "git", ("o-500",))
    assert (
        judged([*series(5), sourced(release("1.0.5", day(40), SIGNER), reachability=failed)]).unchecked("1.0.5", ID)
        == failed
    )


def test_the_commit_of_a_file_that_came_later_is_hindsight() -> None:
    files = [
        artifact("a.tar.gz", day(40), [attestation(identity(source_repository_digest="e" * 40), day(40), "a")]),
        artifact("a.whl", day(42), [attestation(SIGNER, day(42), "b")]),
    ]
    last = sourced(
        release("1.0.5", day(40), files=files),
        reachability=Checked(Reachability.PULL_REQUEST, ("o-asked",)), commit="f" * 40, attested=True,
    )  # fmt: skip
    told = judged([*all_sourced(series(5, SIGNER)), last])
    assert not told.hit("1.0.5", ID).knowable_at_publish
    assert not told["1.0.5"].at_publish.flagged
