"""The nouns: names and purls, times, endpoints, errors."""

from __future__ import annotations

import dataclasses
import inspect
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.model import errors
from forensics.model.checked import Checked, NotChecked
from forensics.model.endpoints import SERVICES, resolve_endpoints
from forensics.model.errors import BadProject, ForensicsError, UsageError
from forensics.model.project import parse_project
from forensics.model.times import duration, from_seconds, parse_time, to_iso


@pytest.mark.parametrize(
    ("text", "project"),
    [
        ("ultralytics", "pypi:ultralytics"),
        ("pypi:Flask", "pypi:flask"),
        ("zope.interface", "pypi:zope-interface"),
        ("a__b--c", "pypi:a-b-c"),
        ("pkg:pypi/Django", "pypi:django"),
        ("pkg:pypi/django@5.0?x=y#z", "pypi:django"),
        ("PKG:pypi/django".replace("PKG", "pkg"), "pypi:django"),
        ("npm:left-pad", "npm:left-pad"),
        ("npm:@scope/name", "npm:@scope/name"),
        ("pkg:npm/%40scope/name@1.0.0", "npm:@scope/name"),
        ("pkg:npm/@scope/name#/a/b/", "npm:@scope/name"),
        ("pkg:npm/name@1.0.0?vcs_url=git://host.example/a.git%404345ab", "npm:name"),
        ("pkg:npm/JSONStream@1.3.5", "npm:JSONStream"),
        ("pkg:npm/%40MyScope/MyPackage@1.0.0", "npm:@MyScope/MyPackage"),
        ("pkg:pypi/My.PyPI_.--._Package@1.11.1.dev1", "pypi:my-pypi-package"),
    ],
)
def test_names_and_purls(text: str, project: str) -> None:
    assert str(parse_project(text)) == project


@pytest.mark.parametrize(
    "text",
    ["", " ", "-", "a b", "a/b", "../a", "pypi:", "pypi:a\n", "a\x00", "gem:rails", "pkg:", "pkg:pypi", "pkg:pypi/",
     "pkg:gem/x", "pkg:pypi/ns/x", "pkg:npm/", "pkg:npm/.x@1", "pkg:npm/%2540a/b", "pkg:npm/x?in%20y=z",
     "pkg:npm/x%F0%9F%98%83", "x" * 300, "ünicode", "PyPI:flask", "npm:@scope", "npm:../x", "a\u202eb", "https://pypi.org/project/x"],
)  # fmt: skip
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(BadProject) as caught:
        parse_project(text)
    assert caught.value.exit_code == 2
    assert "purl" in caught.value.advice


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?", fullmatch=True))
def test_a_pypi_project_survives_its_own_spellings(name: str) -> None:
    project = parse_project(name)
    assert parse_project(str(project)) == parse_project(project.purl) == parse_project(name.upper()) == project
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", project.name)


@given(st.from_regex(r"(@[A-Za-z0-9_-]{1,10}/)?[A-Za-z0-9~_-][A-Za-z0-9._~-]{0,20}", fullmatch=True))
def test_an_npm_project_survives_its_own_purl(name: str) -> None:
    project = parse_project(f"npm:{name}")
    assert parse_project(project.purl) == parse_project(project.purl_of("1.0.0")) == project
    assert project.name == name


@given(st.text(max_size=30))
def test_any_text_is_a_project_or_refused(text: str) -> None:
    try:
        project = parse_project(text)
    except BadProject:
        return
    assert parse_project(str(project)) == project


@given(st.text(max_size=20))
def test_a_version_in_a_purl_carries_nothing_reserved(version: str) -> None:
    purl = parse_project("demo").purl_of(version)
    assert re.fullmatch(r"pkg:pypi/demo@[A-Za-z0-9._~%-]*", purl)


def test_times_are_utc_however_they_are_written() -> None:
    expected = datetime(2024, 12, 4, 20, 51, tzinfo=UTC)
    for text in ("2024-12-04T20:51:00Z", "2024-12-04T21:51:00+01:00", "2024-12-04T20:51:00", "2024-12-04 20:51"):
        assert parse_time(text) == expected
    assert to_iso(expected) == "2024-12-04T20:51:00Z"


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)), st.integers(-1439, 1439))
def test_a_time_survives_writing(naive: datetime, minutes: int) -> None:
    value = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_time(to_iso(value)) == value
    assert to_iso(value).endswith("Z")


@given(st.text(max_size=25))
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        assert parse_time(text).utcoffset() == timedelta(0)
    except ValueError:
        return


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "10000-01-01", "now", ""])
def test_what_no_datetime_holds(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_time(text)


@given(st.integers())
def test_any_number_of_seconds_is_a_time_or_a_value_error(seconds: int) -> None:
    try:
        assert from_seconds(seconds).tzinfo is UTC
    except ValueError:
        return


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (44_640, "12 h 24 min"),
        (90_061, "1 d 1 h"),
        (-60, "1 min"),
    ],
)
def test_a_span_has_two_units_at_most(seconds: int, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_endpoints_come_from_flag_environment_file_default_in_that_order() -> None:
    flag, env, file = ({"pypi": "http://flag/"}, {"FORENSICS_PYPI_URL": "http://env"}, {"pypi": "http://file"})
    assert resolve_endpoints(flag, env, file)["pypi"] == "http://flag"
    assert resolve_endpoints({}, env, file)["pypi"] == "http://env"
    assert resolve_endpoints({}, {}, file)["pypi"] == "http://file"
    assert resolve_endpoints()["pypi"] == "https://pypi.org"
    assert set(resolve_endpoints(flag).urls) == {service.key for service in SERVICES}


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "pypi.org", "http://", "file:///etc/passwd", "http://[::1", "http://x:99999999", "http://x:a",
     "javascript:1", "http://x/?q=1", "http://x/#f", "http://u:p@x", "ftp://u:p@x", "https://token@x"],
)  # fmt: skip
def test_what_is_no_endpoint(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_endpoints({"pypi": url})
    said = caught.value.diagnostics()
    assert "u:p" not in said, "a password is not repeated"
    assert "token@" not in said


def tree() -> list[type[ForensicsError]]:
    found = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, ForensicsError)]
    assert len(found) > 10
    return found


@pytest.mark.parametrize("kind", tree())
def test_every_error_has_its_three_sentences(kind: type[ForensicsError]) -> None:
    error = kind("It broke.")
    lines = error.diagnostics().split("\n")
    assert lines[0] == "It broke."
    if kind is not ForensicsError:
        assert len(lines) == 3
        assert all(line.endswith(".") or line.endswith("`.") or line.endswith("?") for line in lines)
    assert kind("x", meaning="m", advice="a").diagnostics() == "x\nm\na"


def test_exit_codes_are_those_of_the_documentation() -> None:
    codes = {kind.__name__: kind.exit_code for kind in tree()}
    two = {"UsageError", "BadProject", "NoSuchVersion", "CaseNotFound", "ReadOnlyCase"}
    four = {"EvidenceError", "DamagedCase", "ForeignCase", "UntrustedRoot", "MalformedEvidence", "HostileInput"}
    assert {name for name, code in codes.items() if code == 2} == two
    assert {name for name, code in codes.items() if code == 3} == {"NoSuchProject"}
    assert {name for name, code in codes.items() if code == 4} == four
    for name in codes:
        assert name in (errors.__doc__ or ""), "the tree in the module's docstring names every error"


def test_checked_and_not_checked_are_values() -> None:
    assert Checked(()) != NotChecked("r", "n")
    assert Checked(1, ("o",)) == Checked(1, ("o",))
    with pytest.raises(dataclasses.FrozenInstanceError):
        NotChecked("r", "n").reason = "x"  # type: ignore[misc]
