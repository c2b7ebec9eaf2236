"""What a list may be, and what of it is a project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.model.errors import ForensicsError, UsageError
from forensics.sweep.targets import parse_targets, read_targets

CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {"type": "library", "name": "requests", "purl": "pkg:pypi/requests@2.32.3"},
        {"type": "library", "name": "core", "purl": "pkg:npm/%40babel/core@7.0.0", "components": [
            {"type": "library", "name": "deep", "purl": "pkg:pypi/deep@1"}]},
        {"type": "library", "name": "openssl", "purl": "pkg:deb/debian/openssl@3"},
        {"type": "file", "name": "no-purl"},
    ],
}  # fmt: skip
SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {"name": "a", "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:pypi/a@1"}]},
        {"name": "b"},
    ],
}  # fmt: skip
SPDX3 = {"@graph": [{"type": "software_Package", "software_packageUrl": "pkg:npm/left-pad@1.3.0"}, {"type": "Person"}]}


def names(name: str, text: str) -> list[str]:
    return [str(project) for project in parse_targets(name, text.encode()).projects]


def test_lines_are_names_purls_or_requirements() -> None:
    text = (
        "# ours\nRequests\nnpm:@scope/x\npkg:npm/left-pad@1.3.0\n\nflask[async]>=2 ; python_version>'3'\n-r other.txt\n"
    )
    assert names("list.txt", text) == ["pypi:requests", "npm:@scope/x", "npm:left-pad", "pypi:flask"]


def test_a_project_counts_once_and_what_is_none_is_named() -> None:
    found = parse_targets("list.txt", b"a\nA\npkg:cargo/serde@1\n???\n")
    assert [str(p) for p in found.projects] == ["pypi:a"]
    assert (found.skipped, found.examples) == (2, ["pkg:cargo/serde@1", "???"])


def test_cyclonedx() -> None:
    found = parse_targets("bom.json", json.dumps(CYCLONEDX).encode())
    assert [str(p) for p in found.projects] == ["pypi:requests", "npm:@babel/core", "pypi:deep"]
    assert found.skipped == 2
    xml = (
        '<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components><component type="library"><name>r</name>'
        "<purl>pkg:pypi/r@1</purl></component></components></bom>"
    )
    assert names("bom.xml", xml) == ["pypi:r"]


def test_spdx() -> None:
    assert names("x.spdx.json", json.dumps(SPDX)) == ["pypi:a"]
    assert names("x.json", json.dumps(SPDX3)) == ["npm:left-pad"]
    text = "SPDXVersion: SPDX-2.3\nPackageName: a\nExternalRef: PACKAGE-MANAGER purl pkg:pypi/a@1\n"
    assert names("x.spdx", text) == ["pypi:a"]


def test_a_list_of_top_packages_states_downloads() -> None:
    found = parse_targets("top.json", b'{"last_update": "x", "rows": [{"download_count": 9, "project": "boto3"}]}')
    assert {str(p): n for p, n in found.downloads.items()} == {"pypi:boto3": 9}


def test_a_lockfile_gives_what_it_pins() -> None:
    lock = '{"name": "x", "lockfileVersion": 3, "packages": {"": {}, "node_modules/left-pad": {"version": "1.3.0"}}}'
    assert names("package-lock.json", lock) == ["npm:left-pad"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nothing.txt", b""),
        ("nothing.json", b"{}"),
        ("deep.json", b"[" * 10_000),
        ("half.json", b'{"rows": ['),
        ("bomb.xml", b'<!DOCTYPE b [<!ENTITY a "x">]><bom xmlns="cyclonedx">&a;</bom>'),
        ("page.xml", b"<html></html>"),
    ],
)
def test_what_names_nothing_is_an_error_with_advice(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ForensicsError) as caught:
        read_targets(path)
    assert caught.value.advice


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_targets(tmp_path / "none.txt")


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.txt", "a.json", "a.xml", "uv.lock", "yarn.lock"]))
def test_any_bytes_are_a_list_or_a_typed_error(data: bytes, name: str) -> None:
    try:
        found = parse_targets(name, data)
    except ForensicsError:
        return
    assert all(str(project).partition(":")[0] in {"pypi", "npm"} for project in found.projects)
