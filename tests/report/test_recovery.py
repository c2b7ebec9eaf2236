"""What recovery says of a version that only the log knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forensics import open_case
from forensics.investigation import Analysis
from forensics.model.checked import NotChecked
from forensics.report import recovery
from forensics.report.recovery import recovery_doc


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return open_case("ultralytics-2024-12").analysis


def test_a_version_that_nobody_names_is_unlisted_only_where_the_index_was_asked(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The log knows entries of the project, so that a version without a release is no mistake of the user.
    monkeypatch.setattr(recovery, "_release", lambda *_: None)
    assert recovery_doc(analysis, "9.9.9")["listed"] is False
    unasked = replace(analysis.history, unasked=NotChecked("the index could not be reached", "index"))
    assert recovery_doc(replace(analysis, history=unasked), "9.9.9")["listed"] is None
