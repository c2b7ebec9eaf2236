"""New code that runs unasked, and what such code newly touches."""

from __future__ import annotations

import pytest

from forensics.model.finding import Family, Severity
from tests.signals.boxes import PACKAGE, UNREAD, boxed, past
from tests.signals.histories import judged

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
    assert found.reason == "the age of newly required packages is not known: fresh-thing"
