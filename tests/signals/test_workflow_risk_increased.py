"""New static findings in the attested workflow file, against the file that built the release before."""

from __future__ import annotations

from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Severity
from forensics.model.source import WorkflowRisks
from tests.signals.histories import UNSEEN, USUAL, day, judged, release, series
from tests.signals.sources import NO_GIT, all_sourced, sourced

ID = "workflow-risk-increased"
TOOL = "zizmor 1.32.0"


def _found(*rules: str, tool: str = TOOL) -> Checked[WorkflowRisks]:
    return Checked(WorkflowRisks(tool, tuple(sorted(rules))), ("o-lint",))


def _blob(letter: str) -> Checked[str | None]:
    return Checked(letter * 40, ("o-trees",))


PAST = all_sourced(series(5), workflow_risks=_found("unpinned-uses"))
EDITED = release("1.0.5", day(40), USUAL)


def test_fires_on_a_rule_that_found_nothing_before() -> None:
    edited = sourced(EDITED, workflow_blob=_blob("e"), workflow_risks=_found("unpinned-uses", "cache-poisoning"))
    hit = judged([*PAST, edited]).hit("1.0.5", ID)
    assert hit.severity is Severity.MEDIUM
    assert hit.observed == f"{TOOL} finds cache-poisoning in its workflow file"
    assert hit.expected == "the findings in the file that built 1.0.4: unpinned-uses"
    assert "o-lint" in hit.evidence
    assert hit.knowable_at_publish


def test_it_and_the_changed_file_are_one_fact() -> None:
    edited = sourced(EDITED, workflow_blob=_blob("e"), workflow_risks=_found("cache-poisoning"))
    told = judged([*PAST, edited])
    assert told.hit("1.0.5", "workflow-changed").fact == told.hit("1.0.5", ID).fact


def test_silent_for_fewer_or_the_same_findings_and_for_the_same_file() -> None:
    for rules in ((), ("unpinned-uses",)):
        edited = sourced(EDITED, workflow_blob=_blob("e"), workflow_risks=_found(*rules))
        assert judged([*PAST, edited]).silent("1.0.5", ID)
    same = sourced(EDITED, workflow_risks=NotChecked("not examined", "zizmor"))
    assert judged([*PAST, same]).silent("1.0.5", ID)


def test_silent_for_unattested_and_first_releases() -> None:
    bare = sourced(release("1.0.5", day(40)), workflow_risks=_found("cache-poisoning"))
    assert judged([*PAST, bare]).silent("1.0.5", ID)
    assert judged([sourced(EDITED, workflow_risks=_found("cache-poisoning"))]).silent("1.0.5", ID)


def test_not_checked_where_either_file_was_not_examined() -> None:
    missing = NotChecked("zizmor was not installed", "zizmor")
    edited = sourced(EDITED, workflow_blob=_blob("e"), workflow_risks=missing)
    assert judged([*PAST, edited]).unchecked("1.0.5", ID) == missing
    old = all_sourced(series(5), workflow_risks=missing)
    other = sourced(EDITED, workflow_blob=_blob("e"), workflow_risks=_found())
    assert judged([*old, other]).unchecked("1.0.5", ID) == missing
    assert judged([*PAST, EDITED]).unchecked("1.0.5", ID) is not None
    nothing = judged([*series(5), sourced(EDITED, reachability=NO_GIT)]).unchecked("1.0.5", ID)
    assert nothing is not None


def test_not_checked_where_two_versions_of_the_tool_read_them() -> None:
    edited = sourced(EDITED, workflow_blob=_blob("e"), workflow_risks=_found("new-rule", tool="zizmor 9"))
    unchecked = judged([*PAST, edited]).unchecked("1.0.5", ID)
    assert unchecked is not None
    assert "zizmor 9" in unchecked.reason


def test_not_checked_where_provenance_is_unknown() -> None:
    assert judged([*PAST, release("1.0.5", day(40), UNSEEN)]).unchecked("1.0.5", ID) == UNSEEN
