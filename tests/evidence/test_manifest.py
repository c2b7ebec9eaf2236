"""A flipped byte in any file of a case is named, that file and no other."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import bagit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forensics.evidence.case import Case
from forensics.evidence.manifest import Damage, require_intact, verify_bag
from forensics.evidence.seal import seal
from forensics.model.endpoints import resolve_endpoints
from forensics.model.errors import DamagedCase, ForeignCase
from forensics.model.project import parse_project

from .conftest import NOW
from .test_archive import request, response


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("manifest") / "case"
    case = Case.create(
        path,
        project=parse_project("npm:@scope/demo"),
        endpoints=resolve_endpoints(),
        trust_root=b'{"root": 1}',
        reconstruction="from a\nscenario",
        now=NOW,
    )
    with case.archive() as archive:
        for number in range(3):
            archive.append(request(number), response(b"x" * number), NOW)
    case.add_import("uv.lock", b"lock", kind="lockfile", source="laptop", now=NOW)
    case.add_fact({"a": 1}, source="mail", now=NOW)
    case.save_file(hashlib.sha256(b"wheel").hexdigest(), b"wheel")
    case.save_git("demo", b"bundle")
    case.write_tables({"releases": b"PAR1"})
    seal(case, NOW)
    return path


def files(path: Path) -> list[str]:
    return sorted(str(one.relative_to(path)) for one in path.rglob("*") if one.is_file())


def test_an_intact_case_is_intact_to_us_and_to_bagit(intact: Path) -> None:
    assert verify_bag(intact) == []
    require_intact(intact)
    assert bagit.Bag(str(intact)).validate()
    assert len(files(intact)) == 13


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_byte_names_its_file_and_no_other(intact: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(files(intact)))
    path = intact / name
    good = path.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    flip = data.draw(st.integers(1, 255))
    try:
        path.write_bytes(good[:at] + bytes([good[at] ^ flip]) + good[at + 1 :])
        assert [one.path for one in verify_bag(intact)] == [name]
        with pytest.raises(DamagedCase, match=name.rpartition("/")[2].replace(".", r"\.")):
            require_intact(intact)
    finally:
        path.write_bytes(good)


def test_every_missing_file_is_named(intact: Path) -> None:
    for name in files(intact):
        good = (intact / name).read_bytes()
        (intact / name).unlink()
        try:
            assert verify_bag(intact) == [Damage(name, "missing")]
        finally:
            (intact / name).write_bytes(good)


@pytest.mark.parametrize("name", ["data/files/new", "data/extra.txt", "notes.txt", "data/tables/.new-abc"])
def test_every_extra_file_is_named(intact: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(intact, copy)
    (copy / name).write_bytes(b"extra")
    assert verify_bag(copy) == [Damage(name, "not part of the case")]


def test_two_damaged_files_are_both_named(intact: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(intact, copy)
    for name in ("data/git/demo.bundle", "manifest-sha256.txt", "bag-info.txt"):
        data = (copy / name).read_bytes()
        (copy / name).write_bytes(data[:-2] + b"#" + data[-1:])
    assert {one.path for one in verify_bag(copy)} >= {"data/git/demo.bundle", "manifest-sha256.txt", "bag-info.txt"}


def test_a_collecting_case_is_not_finished_and_not_damaged(case: Case) -> None:
    (damage,) = verify_bag(case.path)
    assert damage.unfinished
    require_intact(case.path)


def test_what_holds_no_case_is_foreign(tmp_path: Path) -> None:
    with pytest.raises(ForeignCase):
        verify_bag(tmp_path)
