"""An index in an attacker's hands: names, sizes, times and types that no honest one sends."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.model.document import Document
from forensics.model.project import parse_project
from forensics.report import FORMATS
from forensics.report.build import build_document
from forensics.sources.pypi import _join, kind_of, version_of
from tests.sources.tiny import Tiny, analysed, entry, old_entry

GOOD = "demo-1.0.0-py3-none-any.whl"


def rendered(document: Document) -> dict[str, str]:
    """The document in every form; a record for OSV is drafted only where something is likely compromised."""
    forms = {form: render for form, render in FORMATS.items() if form != "osv.json"}
    if document["verdict"] == "likely-compromised":
        forms["osv.json"] = FORMATS["osv.json"]
    return {form: render(document) for form, render in forms.items()}


def test_two_apis_that_differ_about_a_digest_are_both_quoted(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page([entry(GOOD, provenance=None, sha256="a" * 64)])
    tiny.legacy({"1.0.0": [old_entry(GOOD, "b" * 64)]})
    analysis, document = analysed(tiny, tmp_path / "case")
    (found,) = analysis.history.contradictions
    assert (found.version, found.first, found.second) == ("1.0.0", "a" * 64, "b" * 64)
    assert len(found.evidence) == 2
    (row,) = [row for row in document["not_checked"] if row["what"] == "contradiction"]
    assert "a" * 64 in row["reason"]
    assert "b" * 64 in row["reason"]
    assert set(row["evidence"]) <= {o["id"] for o in document["observations"]}


def test_a_file_that_only_the_legacy_api_still_lists_is_a_contradiction(tiny: Tiny, tmp_path: Path) -> None:
    gone = "demo-1.0.1-py3-none-any.whl"
    tiny.page([entry(GOOD, provenance=None)])
    tiny.legacy({"1.0.1": [old_entry(gone, "b" * 64)]})
    analysis, _ = analysed(tiny, tmp_path / "case")
    (found,) = analysis.history.contradictions
    assert (found.version, found.about) == ("1.0.1", f"listing of {gone}")


@pytest.mark.parametrize("url", ["http://[", "//[x]/packages/a", "http://a\u2100b/", 7, None])
def test_an_address_that_is_none_is_no_place_in_the_store(tiny: Tiny, tmp_path: Path, url: Any) -> None:
    tiny.page([{**entry(GOOD, provenance=None), "url": url}])
    (release,) = analysed(tiny, tmp_path / "case")[0].history.releases
    assert [artifact.path for artifact in release.artifacts] == [None]


def test_agreement_is_no_contradiction(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page([entry(GOOD, provenance=None, sha256="a" * 64)])
    tiny.legacy({"1.0.0": [old_entry(GOOD, "A" * 64)]})
    assert analysed(tiny, tmp_path / "case")[0].history.contradictions == ()


HOSTILE = [
    "demo-1.0.0‮gpj.whl",
    "../../../etc/passwd",
    "..",
    "demo-1.0.1.tar.gz/../../x",
    "demo-1.0.2\x1b[31m.tar.gz",
    "demo-1.0.3\x00.tar.gz",
    "demo-\u0661.0.4.tar.gz",
    "<script>alert(1)</script>-1.0.5.tar.gz",
    "demo-1.0.6.tar.gz\nHost: evil",
    "",
    "x" * 100_000 + "-1.0.tar.gz",
    "demo-" + "9" * 900 + ".tar.gz",
]


def test_hostile_names_are_kept_and_never_obeyed(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page([entry(name, day=n % 28 + 1) for n, name in enumerate(HOSTILE)], meta={"api-version": "1.1"})
    tiny.legacy({f"2.{n}": [old_entry(name, "c" * 64)] for n, name in enumerate(HOSTILE)})
    tiny.put("/integrity/*", {"message": "No provenance available"}, 404)
    analysis, document = analysed(tiny, tmp_path / "case")
    assert len(analysis.history.releases) >= len(HOSTILE) - 2
    for form, text in rendered(document).items():
        assert "\x1b" not in text, form
        assert "‮" not in text, form
        assert "\x00" not in text, form
        assert "<script>alert" not in text or form not in {"html", "md", "graphml"}, form  # the others are no markup
    paths = [path for path in tiny.asked if not path.startswith(("/simple/demo/", "/pypi/demo/json", "/osv/"))]
    stored = re.compile(r"/packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/\\\s]+")
    elsewhere = [path for path in paths if not path.startswith("/integrity/demo/") and not stored.fullmatch(path)]
    assert not elsewhere, "no name leads the request elsewhere"
    written = {p.relative_to(tmp_path).parts[0] for p in tmp_path.rglob("*")}
    assert written == {"case"}


def test_a_version_of_a_hundred_kilobytes_is_set_aside_by_name(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page([entry(GOOD, provenance=None), entry("demo-" + "9" * 100_000 + ".tar.gz")])
    tiny.legacy({"9" * 100_000: [old_entry("other.exe", "d" * 64)], "1.0.0": [], "8" * 5000: []})
    analysis, document = analysed(tiny, tmp_path / "case")
    assert [r.version for r in analysis.history.releases] == ["1.0.0"]
    (row,) = [row for row in document["not_checked"] if row["what"] == "listed files"]
    assert len(row["reason"]) < 1000
    assert "99999" in row["reason"]
    assert "88888" in row["reason"]


def test_a_listed_file_without_a_version_is_said_and_not_dropped(tiny: Tiny, tmp_path: Path) -> None:
    tiny.page([entry(GOOD, provenance=None), entry("demo-setup.exe")])
    tiny.put("/pypi/demo/json", {}, 503)
    _, document = analysed(tiny, tmp_path / "case")
    (row,) = [row for row in document["not_checked"] if row["what"] == "listed files"]
    assert "demo-setup.exe" in row["reason"]


@pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "later", "", 5, None, []])
def test_times_that_are_none_are_no_time(tiny: Tiny, tmp_path: Path, stamp: Any) -> None:
    tiny.page([entry(GOOD, provenance=None, **{"upload-time": stamp})])
    tiny.legacy({})
    analysis, _ = analysed(tiny, tmp_path / "case")
    assert analysis.history.releases[0].published is None


@pytest.mark.parametrize(
    "publisher",
    [None, {}, {"kind": "Sourcehut"}, {"kind": 7}, "GitHub", [1], {"kind": "GitHub", "repository": {"a": 1}}],
)
def test_unknown_publishers_are_carried_and_not_fatal(tiny: Tiny, tmp_path: Path, publisher: Any) -> None:
    bundle = {"publisher": publisher, "attestations": [{"version": 1}, 3, None]}
    tiny.page([entry(GOOD, provenance=f"{tiny.url}/x")])
    tiny.legacy({})
    tiny.put("/integrity/*", {"version": 1, "attestation_bundles": [bundle, None, 4]})
    _, document = analysed(tiny, tmp_path / "case")
    (file,) = document["releases"][0]["files"]
    assert file["provenance"] in {"attested", "not observed", "absent"}
    assert all(a["status"] != "valid" for a in file["attestations"])
    assert all(rendered(document).values())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**70) | st.text(max_size=6) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
raw_files = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "filename": st.sampled_from([GOOD, "demo-2.0.tar.gz", "x.exe"]) | json_values,
            **dict.fromkeys(("url", "hashes", "size", "upload-time", "yanked", "provenance"), json_values),
        },
    )
    | json_values,
    max_size=4,
)


@given(
    raw_files,
    st.dictionaries(st.text(max_size=5), st.lists(json_values, max_size=2) | json_values, max_size=3),
    json_values,
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_of_the_two_apis_is_read_or_left_out(files: Any, releases: Any, more: Any) -> None:
    index = _join(
        {"files": files, "meta": more, "project-status": more}, {"releases": releases, "info": more}, ("a",), ("b",)
    )
    assert index.exists
    for file in index.files:
        assert file.version
        assert file.size is None or file.size >= 0
        assert kind_of(file.filename) in {"wheel", "sdist", "other"}


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_a_version_is_read_from_any_name_without_failing(name: str) -> None:
    for ending in ("", ".whl", ".tar.gz"):
        found = version_of(name + ending)
        assert found is None or found


def test_the_project_name_stays_inside_its_part_of_the_path(tiny: Tiny, tmp_path: Path) -> None:
    assert str(parse_project("De_mo..x")) == "pypi:de-mo-x"
    tiny.page([], project="de-mo-x")
    tiny.legacy({}, project="de-mo-x")
    document = build_document(analysed(tiny, tmp_path / "case", name="De_mo..x")[0])
    assert document["project"]["purl"] == "pkg:pypi/de-mo-x"
