"""The program that uploaded a release."""

from __future__ import annotations

from dataclasses import replace

from forensics.model.finding import Family, Severity
from forensics.model.release import Release
from tests.signals.histories import day, judged, release

ID = "upload-tool-changed"


def _by(number: int, client: str | None) -> Release:
    made = release(f"1.0.{number}", day(7 * number))
    return replace(made, artifacts=tuple(replace(a, upload_client=client) for a in made.artifacts))


PAST = [_by(n, f"twine/5.{n}.0 CPython/3.12.{n}") for n in range(3)]


def test_another_program() -> None:
    hit = judged([*PAST, _by(3, "python-requests/2.31.0")]).hit("1.0.3", ID)
    assert (hit.family, hit.severity) == (Family.PEOPLE, Severity.LOW)
    assert hit.observed == "uploaded with python-requests"
    assert hit.expected == "twine, as on 3 earlier releases"


def test_silent_for_another_version() -> None:
    assert judged([*PAST, _by(3, "twine/6.1.0 CPython/3.13.1")]).silent("1.0.3", ID)


def test_not_checked() -> None:
    unknown = judged([*PAST, _by(3, None)]).unchecked("1.0.3", ID)
    assert unknown is not None
    assert "upload client" in unknown.reason
    few = judged([*PAST[:2], _by(3, "uv/0.5")]).unchecked("1.0.3", ID)
    assert few is not None
    assert few.reason.startswith("fewer than 3 earlier releases")
