"""New code that runs unasked, and what such code newly touches."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from forensics.model.checked import Checked, Outcome
from forensics.model.finding import Family, Severity
from forensics.model.publication import NO_PUBLICATION, Publication, Requirement
from forensics.model.release import Release
from forensics.signals.engine import judge
from tests.signals.boxes import PACKAGE, UNREAD, boxed, past
from tests.signals.histories import Judged, day, history, judged
from tests.signals.packuments import judged_npm, published, row

ID = "exec-surface-added"
SOCKET = b"import socket\n"


def test_a_file_at_interpreter_start() -> None:
    hit = judged([*past(), boxed(6, {**PACKAGE, "thing.pth": b"import subprocess\n"})]).hit("1.0.6", ID)
    assert (hit.family, hit.severity) == (Family.CONTENT, Severity.HIGH)
    assert "thing.pth runs at interpreter start" in hit.observed
    assert "as in 1.0.5" in hit.expected
    assert "o-bytes" in hit.evidence


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"sitecustomize.py": b"x = 1\n"}, "sitecustomize.py runs at interpreter start"),
        ({"thing/__init__.py": b"import os\nos.system('true')\n"}, "newly touches processes at import"),
        ({"thing/__init__.py": b"from .core import VALUE\n", "thing/core.py": SOCKET}, "newly touches the network"),
        ({"thing/__init__.py": b"import base64\nexec(base64.b64decode('eA=='))\n"}, "newly touches decoded code"),
    ],
)
def test_what_runs_unasked(files: dict[str, bytes], words: str) -> None:
    assert words in judged([*past(), boxed(6, {**PACKAGE, **files})]).hit("1.0.6", ID).observed


def test_an_install_hook() -> None:
    hit = judged([*past(), boxed(6, sdist={**PACKAGE, "setup.py": b"print()\n"})]).hit("1.0.6", ID)
    assert "new at install: setup.py" in hit.observed


def test_a_hook_that_newly_does_more() -> None:
    earlier = past(sdist={**PACKAGE, "setup.py": b"import setuptools\n"})
    hit = judged([*earlier, boxed(6, sdist={**PACKAGE, "setup.py": b"import socket\n"})]).hit("1.0.6", ID)
    assert "setup.py newly touches the network at install" in hit.observed


def test_a_dependency_from_a_repository() -> None:
    direct = b"Metadata-Version: 2.1\nName: thing\nRequires-Dist: helper @ git+https://forge.example/x/helper\n"
    hit = judged([*past(), boxed(6, metadata=direct)]).hit("1.0.6", ID)
    assert "the dependency helper @ git+https" in hit.observed
    assert judged([*past(metadata=direct), boxed(6, metadata=direct)]).silent("1.0.6", ID)


def test_silent_for_code_that_must_be_called() -> None:
    assert judged([*past(), boxed(6, {**PACKAGE, "thing/more.py": SOCKET})]).silent("1.0.6", ID)
    assert judged([*past(), boxed(6)]).silent("1.0.6", ID)


def test_silent_where_the_package_did_so_before() -> None:
    package = {**PACKAGE, "thing/__init__.py": b"from . import core, net\n", "thing/net.py": SOCKET}
    more = {**package, "thing/core.py": b"import requests\n"}
    assert judged([*past(wheel=package), boxed(6, more)]).silent("1.0.6", ID)


def test_not_checked() -> None:
    assert judged([*past(), boxed(6, UNREAD, UNREAD)]).unchecked("1.0.6", ID) == UNREAD
    first = judged([boxed(0)]).unchecked("1.0.0", ID)
    assert first is not None
    assert "no earlier release" in first.reason
    young = b"Metadata-Version: 2.1\nName: thing\nRequires-Dist: fresh-thing\n"
    found = judged([*past(), boxed(6, metadata=young)]).unchecked("1.0.6", ID)
    assert found is not None
    assert found.reason.startswith("the age of newly required packages is not known: fresh-thing (")


FRESH = b"Metadata-Version: 2.1\nName: thing\nRequires-Dist: fresh-thing\n"


def _with_ages(releases: list[Release], **ages: Outcome[datetime]) -> Judged:
    known = {name.replace("_", "-"): age for name, age in ages.items()}
    return Judged(judge(replace(history(releases), dependency_ages=known)))


@pytest.mark.parametrize(
    ("born", "words"),
    [(42 - 0.02, "was 28 min old"), (36, "was 6 d old"), (50, "was not there yet")],
)
def test_a_dependency_that_was_young_weighs_medium(born: float, words: str) -> None:
    age = Checked(day(born), ("o-fresh",))
    told = _with_ages([*past(), boxed(6, metadata=FRESH)], fresh_thing=age)
    hit = told.hit("1.0.6", ID)
    assert hit.severity is Severity.MEDIUM
    assert hit.observed == f"the dependency fresh-thing {words}"
    assert hit.expected == "packages that were there for 7 d before they were required"
    assert {"o-fresh", "o-bytes"} <= set(hit.evidence)


def test_an_old_dependency_and_an_old_requirement_are_silent() -> None:
    old = Checked(day(30), ("o-fresh",))
    assert _with_ages([*past(), boxed(6, metadata=FRESH)], fresh_thing=old).silent("1.0.6", ID)
    young = Checked(day(41), ("o-fresh",))
    assert _with_ages([*past(metadata=FRESH), boxed(6, metadata=FRESH)], fresh_thing=young).silent("1.0.6", ID)


def _declaring(number: int, **stated: object) -> Release:
    publication = Publication(NO_PUBLICATION, Checked(None), **stated)  # type: ignore[arg-type]
    return replace(boxed(number, UNREAD, UNREAD), publication=Checked(publication, (f"o-packument-{number}",)))


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"hooks": (("postinstall", "node x.js"),)}, "new at install: postinstall: node x.js"),
        ({"native_build": True}, "new at install: binding.gyp"),
        ({"requirements": (Requirement("left", "github:x/y"),)}, "the dependency left@github:x/y"),
    ],
)
def test_what_the_index_states_counts_where_the_files_are_gone(stated: dict[str, object], words: str) -> None:
    hit = judged([*map(_declaring, range(6)), _declaring(6, **stated)]).hit("1.0.6", ID)
    assert hit.observed == words
    assert {"o-packument-6", "o-packument-5"} <= set(hit.evidence)
    same = judged([*(_declaring(n, **stated) for n in range(6)), _declaring(6, **stated)])
    assert same.finding("1.0.6", ID) is None
    assert same.unchecked("1.0.6", ID) == UNREAD, "its files are still unread"


@pytest.mark.parametrize(
    ("command", "fires"),
    [
        ("husky install && npm run prepare:hooks", False),
        ("tsc -p . ; rollup -c", False),
        ("husky", False),
        ("node setup.mjs", True),
        ("npm run build && node ./x.js", True),
        ("./setup.sh", True),
        ("bash -c ls", True),
    ],
)
def test_a_prepare_that_serves_development_is_no_surface(command: str, fires: bool) -> None:
    told = judged_npm([*row(3), published("1.0.3", day(40), hooks=(("prepare", command),))])
    assert (told.finding("1.0.3", ID) is not None) == fires


def test_surface_that_holds_becomes_usual() -> None:
    hook = (("postinstall", "node native.js"),)
    told = judged_npm([*row(3), *row(5, first=3, start=30, hooks=hook)])
    assert [told.finding(f"1.0.{n}", ID) is not None for n in range(3, 8)] == [True, True, True, False, False]
