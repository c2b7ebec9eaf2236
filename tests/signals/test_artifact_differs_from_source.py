"""Files of an artifact against the commit of its release."""

from __future__ import annotations

from forensics.model.checked import NotChecked
from forensics.model.finding import Confidence, Family, Severity
from tests.signals.boxes import PACKAGE, UNREAD, boxed, past
from tests.signals.histories import judged

ID = "artifact-differs-from-source"
BAD = {**PACKAGE, "thing/core.py": b"import subprocess\nVALUE = 1\n"}
NO_TREE = NotChecked("the commit is not in the repository", "git", ("o-git",))


def test_code_that_differs_weighs_high() -> None:
    hit = judged([*past(), boxed(6, BAD, source=PACKAGE)]).hit("1.0.6", ID)
    assert (hit.family, hit.severity, hit.confidence) == (Family.SOURCE, Severity.HIGH, Confidence.HIGH)
    files = "thing-1.0.6.tar.gz, thing-1.0.6-py3-none-any.whl"
    assert hit.observed == f"thing/core.py in {files} differs from the attested commit cccccccccccc"
    assert "learnt from 6 earlier releases" in hit.expected
    assert {"o-bytes", "o-git-1.0.6", "o-tree-1.0.6"} <= set(hit.evidence)


def test_code_that_is_not_there_weighs_high() -> None:
    hit = judged([*past(), boxed(6, {**PACKAGE, "thing/more.py": b"x = 1\n"}, source=PACKAGE)]).hit("1.0.6", ID)
    assert "thing/more.py in" in hit.observed
    assert "is not in the attested commit" in hit.observed


def test_other_files_weigh_low() -> None:
    hit = judged([*past(), boxed(6, {**PACKAGE, "thing/words.txt": b"b\n"}, source=PACKAGE)]).hit("1.0.6", ID)
    assert hit.severity is Severity.LOW


def test_a_tag_may_have_moved() -> None:
    releases = [*past(attested=False), boxed(6, BAD, source=PACKAGE, attested=False)]
    hit = judged(releases).hit("1.0.6", ID)
    assert hit.confidence is Confidence.MEDIUM
    assert "the commit of tag v1.0.6" in hit.observed
    assert "tags can be moved" in hit.note


def test_what_builds_always_change_is_learnt() -> None:
    made = {**PACKAGE, "thing/_generated.py": b"x = 1\n", "thing/static/app.1a2b.js": b"fetch('x')\n"}
    earlier = past(wheel=made, source=PACKAGE)
    again = {**PACKAGE, "thing/_generated.py": b"x = 2\n", "thing/static/app.3c4d.js": b"fetch('y')\n"}
    assert judged([*earlier, boxed(6, again, source=PACKAGE)]).silent("1.0.6", ID)
    armed = {**again, "thing/_generated.py": b"import socket\n"}
    hit = judged([*earlier, boxed(6, armed, source=PACKAGE)]).hit("1.0.6", ID)
    assert "thing/_generated.py" in hit.observed


def test_a_suspect_teaches_nothing() -> None:
    found = judged([*past(), boxed(6, BAD, source=PACKAGE), boxed(7, BAD, source=PACKAGE)])
    assert found.finding("1.0.7", ID) is not None


def test_silent_for_the_same_files_and_for_line_endings() -> None:
    assert judged([*past(), boxed(6)]).silent("1.0.6", ID)
    crlf = {**PACKAGE, "thing/core.py": b"VALUE = 1\r\n"}
    assert judged([*past(), boxed(6, crlf, source=PACKAGE)]).silent("1.0.6", ID)
    assert judged([boxed(0)]).silent("1.0.0", ID), "equal files need no past"


def test_not_checked() -> None:
    first = judged([boxed(0, BAD, source=PACKAGE)]).unchecked("1.0.0", ID)
    assert first is not None
    assert "no earlier release could be compared" in first.reason
    assert "thing/core.py" in first.reason
    assert judged([*past(), boxed(6, source=NO_TREE)]).unchecked("1.0.6", ID) == NO_TREE
    assert judged([*past(), boxed(6, UNREAD, UNREAD)]).unchecked("1.0.6", ID) == UNREAD
    assert judged([*past(), boxed(6, UNREAD)]).unchecked("1.0.6", ID) == UNREAD, "one of two files was not read"
