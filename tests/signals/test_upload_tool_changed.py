"""The program that uploaded a release."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forensics.model.finding import Family, Severity
from forensics.model.release import Release
from tests.signals.histories import day, judged, release
from tests.signals.packuments import judged_npm, published, row

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


@pytest.mark.parametrize(
    ("client", "fires"),
    [("npm/10.9.0", False), ("npm/11.0.0", True), ("lerna/8.1.2/node@v20", True), (None, None)],
)
def test_on_npm_the_major_version_counts(client: str | None, fires: bool | None) -> None:
    told = judged_npm([*row(3, client="npm/10.8.2"), published("1.0.3", day(40), client=client)])
    if fires is None:
        assert told.unchecked("1.0.3", ID) is not None
    else:
        assert (told.finding("1.0.3", ID) is not None) == fires
