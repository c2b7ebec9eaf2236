from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import bagit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import forensics
from forensics.evidence.case import Case
from forensics.evidence.export import export_case
from forensics.evidence.manifest import verify_bag
from forensics.evidence.meta import dump_meta, load_meta
from forensics.evidence.seal import seal
from forensics.model.errors import (
    CaseNotFound,
    DamagedCase,
    EvidenceError,
    ForeignCase,
    HostileInput,
    ReadOnlyCase,
    UsageError,
)
from forensics.model.observation import observation_id

from .conftest import NOW, outcome_of, record, replay
from .server import World

Make = Callable[..., Case]


def edit(case: Case, **changes: Any) -> None:
    path = case.path / "data/case.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_case_reads_back_as_it_was_made(make_case: Make) -> None:
    case = make_case(options={"versions": ">=1", "n": [1, None]}, reconstruction="from a scenario")
    again = Case.open(case.path)
    assert again.meta == case.meta
    assert (again.meta.project, again.meta.state, again.meta.created_at) == ("pypi:demo", "collecting", NOW)
    assert again.meta.options == {"versions": ">=1", "n": [1, None]}
    assert again.meta.reconstruction == "from a scenario"
    assert again.trust_root() == b"{}"
    assert "httpx" in again.meta.libraries
    assert again.meta.tool.startswith("release-forensics ")


def test_the_same_case_made_twice_has_the_same_bytes(make_case: Make) -> None:
    first, second = make_case("a"), make_case("b")
    for case in (first, second):
        case.finish(["x"], NOW)
    assert first.digest() == second.digest()
    assert first.meta.id != make_case("c", trust_root=b"other").meta.id


def test_finishing_and_reopening(world: World, case: Case) -> None:
    record(case, outcome_of(world.url + "/doc/1"))
    before = case.fingerprint()
    case.finish(["github: circuit open"], NOW)
    assert Case.open(case.path).meta.problems == ("github: circuit open",)
    assert bagit.Bag(str(case.path)).validate()
    digest = case.digest(check=True)
    assert digest == hashlib.sha256((case.path / "manifest-sha256.txt").read_bytes()).hexdigest() != before
    case.reopen_for_collection()
    assert Case.open(case.path).meta.state == "collecting"
    assert case.digest() == case.fingerprint()
    record(case, outcome_of(world.url + "/doc/2"))
    case.finish([], NOW)
    assert verify_bag(case.path) == []
    assert case.digest() != digest
    assert len(replay(case, outcome_of(world.url + "/doc/1")).body) > 0


def test_a_digest_that_is_checked_does_not_believe_the_manifest(case: Case) -> None:
    case.save_file(hashlib.sha256(b"a").hexdigest(), b"a")
    case.finish([])
    (case.path / "data/files" / hashlib.sha256(b"a").hexdigest()).write_bytes(b"b")
    assert case.digest()
    with pytest.raises(DamagedCase, match="data/files/"):
        case.digest(check=True)


def test_an_observation_is_read_while_another_process_collects(world: World, case: Case) -> None:
    record(case, outcome_of(world.url + "/doc/1"))
    (seen,) = case.observations()
    with case.archive() as collecting:  # holds the writer's lock
        assert hashlib.sha256(case.bytes_of(seen.id)).hexdigest() == seen.sha256
        assert collecting.size > 0


def test_a_fingerprint_changes_with_the_collection(world: World, case: Case) -> None:
    seen = {case.fingerprint()}
    record(case, outcome_of(world.url + "/doc/1"))
    seen.add(case.fingerprint())
    case.add_fact({"a": 1}, source="me", now=NOW)
    seen.add(case.fingerprint())
    assert len(seen) == 3
    assert case.fingerprint() in seen


def test_imports_keep_their_source_and_are_observations(case: Case) -> None:
    added = case.add_import("../../etc/uv.lock", b"lock", kind="lockfile", source="build host", now=NOW)
    assert (added.name, added.kind, added.source, added.added_at) == ("uv.lock", "lockfile", "build host", NOW)
    assert added.read() == b"lock"
    digest = hashlib.sha256(b"lock").hexdigest()
    assert added.observation.id == observation_id("IMPORT", "import:uv.lock", NOW, None, digest)
    assert case.add_import("uv.lock", b"lock", kind="lockfile", source="build host").observation == added.observation
    other = case.add_import("uv.lock", b"another", kind="lockfile", source="laptop", now=NOW)
    assert other.name != added.name
    assert [one.read() for one in Case.open(case.path).imports()] == [b"lock", b"another"]
    assert [one.id for one in case.observations()] == [added.observation.id, other.observation.id]


def test_facts_are_observations_of_their_own(case: Case) -> None:
    first = case.add_fact({"removed": "1.2"}, source="https://x.test/", now=NOW)
    second = case.add_fact({"removed": "1.3"}, source="mail", now=NOW + timedelta(hours=1))
    assert [one.observation.url for one in case.imports()] == ["fact:1", "fact:2"]
    assert first.observation.id != second.observation.id
    line = json.loads(second.read())
    assert (line["fact"], line["source"]) == ({"removed": "1.3"}, "mail")
    lines = (case.path / "data/imports/facts.jsonl").read_bytes().splitlines()
    assert hashlib.sha256(lines[1]).hexdigest() == second.observation.sha256


def test_adding_to_a_complete_case_keeps_it_whole(case: Case) -> None:
    case.finish([])
    case.add_import("a", b"1", kind="export", source="s")
    case.add_fact({"b": 2}, source="s")
    case.write_tables({"releases": b"PAR1"})
    assert verify_bag(case.path) == []
    assert case.table_names() == ["releases"]
    case.write_tables({"events": b"PAR1x"})
    assert Case.open(case.path).table_names() == ["events"]
    assert case.table("events") == b"PAR1x"
    assert bagit.Bag(str(case.path)).validate()


@pytest.mark.parametrize(
    "name", ["index.jsonl", "FACTS.jsonl", "a/../b", ".hidden", "räk smörgås.csv", "x" * 500, "con:x"]
)
def test_names_of_imports_are_harmless(case: Case, name: str) -> None:
    added = case.add_import(name, b"data", kind="export", source="s")
    assert (case.path / "data/imports" / added.name).read_bytes() == b"data"
    assert "/" not in added.name
    assert added.name not in {"index.jsonl", "facts.jsonl"}
    case.finish([])
    assert verify_bag(case.path) == []


@pytest.mark.parametrize("name", ["", "..", "///", "...", "?"])
def test_names_of_nothing_are_refused(case: Case, name: str) -> None:
    with pytest.raises(UsageError):
        case.add_import(name, b"", kind="export", source="s")


def test_files_are_checked_when_written_and_when_read(case: Case) -> None:
    digest = hashlib.sha256(b"wheel").hexdigest()
    case.save_file(digest, b"wheel")
    assert case.file(digest) == b"wheel"
    assert case.file("0" * 64) is None
    assert case.file("../case.json") is None
    with pytest.raises(DamagedCase):
        case.save_file(digest, b"other")
    (case.path / "data/files" / digest).write_bytes(b"other")
    with pytest.raises(DamagedCase):
        case.file(digest)


def test_git_bundles(case: Case) -> None:
    case.save_git("demo", b"# v2 git bundle\n")
    assert (case.git_names(), case.git("demo")) == (["demo"], b"# v2 git bundle\n")
    for name in ("../x", "a/b", "", "..", "a\0b"):
        with pytest.raises(UsageError):
            case.save_git(name, b"")


def test_a_sealed_case_is_closed_for_good(case: Case) -> None:
    digest = seal(case, NOW)
    assert digest == hashlib.sha256((case.path / "manifest-sha256.txt").read_bytes()).hexdigest()
    again = Case.open(case.path)
    assert again.meta.sealed_at == NOW
    assert not again.writable
    for change in (
        lambda: again.add_import("a", b"", kind="k", source="s"),
        lambda: again.add_fact({}, source="s"),
        lambda: again.write_tables({}),
        lambda: again.save_file("", b""),
        again.reopen_for_collection,
        lambda: again.finish([]),
    ):
        with pytest.raises(ReadOnlyCase, match="sealed"):
            change()
    assert seal(again) == digest
    assert verify_bag(case.path) == []
    assert bagit.Bag(str(case.path)).validate()


def test_a_zipped_case_is_read_in_place(world: World, case: Case, tmp_path: Path) -> None:
    live = record(case, outcome_of(world.url + "/doc/1"))
    case.add_import("a", b"1", kind="export", source="s")
    case.finish([])
    export_case(case, tmp_path / "case.zip")
    zipped = Case.open(tmp_path / "case.zip")
    assert replay(zipped, outcome_of(world.url + "/doc/1")) == live
    assert zipped.observations() == case.observations()
    assert zipped.digest(check=True) == case.digest()
    assert zipped.imports()[0].read() == b"1"
    assert not zipped.writable
    with pytest.raises(ReadOnlyCase, match="zipped"):
        zipped.add_fact({}, source="s")


# Hostile cases


def read_everything(path: Path) -> None:
    case = Case.open(path)
    case.trust_root()
    case.observations()


def test_what_is_no_case(tmp_path: Path) -> None:
    with pytest.raises(CaseNotFound):
        Case.open(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.zip").write_bytes(b"PK no")
    for name in ("empty", "file.zip"):
        with pytest.raises(ForeignCase):
            Case.open(tmp_path / name)
    with pytest.raises(UsageError):
        Case.create(tmp_path, project=None, endpoints=None, trust_root=b"")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"id": 1},
        {"id": "../x"},
        {"id": "a/b"},
        {"state": "open"},
        {"created_at": "yesterday"},
        {"created_at": 10**400},
        {"closed_at": "99999-01-01T00:00:00Z"},
        {"problems": "none"},
        {"problems": [1]},
        {"libraries": {"a": 1}},
        {"endpoints": []},
        {"options": []},
        {"redacted": "yes"},
        {"trust_root_sha256": "x"},
        {"reconstruction": 1},
        {"project": None},
    ],
)
def test_a_case_json_of_wrong_types_is_damaged(case: Case, changes: dict[str, Any]) -> None:
    edit(case, **changes)
    with pytest.raises(DamagedCase, match=next(iter(changes))):
        Case.open(case.path)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"[" * 100_000, b'{"schema": 1}', b"\xff", b"9" * 10_000])
def test_a_case_json_that_is_none(case: Case, data: bytes) -> None:
    (case.path / "data/case.json").write_bytes(data)
    with pytest.raises((DamagedCase, ForeignCase)):
        Case.open(case.path)


def test_another_schema_is_foreign(case: Case) -> None:
    edit(case, schema="forensics/case/2")
    with pytest.raises(ForeignCase, match="case/2"):
        Case.open(case.path)


def test_a_huge_case_json_is_hostile(case: Case) -> None:
    (case.path / "data/case.json").write_bytes(b" " * 5_000_000)
    with pytest.raises(HostileInput):
        Case.open(case.path)


@given(st.binary(max_size=40), st.integers(0, 2000))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_case_json_gives_a_typed_error_or_survives_writing(case: Case, junk: bytes, at: int) -> None:
    good = dump_meta(case.meta)
    at %= len(good)
    try:
        meta = load_meta(good[:at] + junk + good[at + len(junk) :])
    except EvidenceError:
        return
    assert load_meta(dump_meta(meta)) == meta


@pytest.mark.parametrize(
    "name", ["data/case.json", "data/trusted_root.json", "data/http.warc.gz", "data/imports/index.jsonl"]
)
def test_links_are_not_followed(world: World, case: Case, tmp_path: Path, name: str) -> None:
    record(case, outcome_of(world.url + "/doc/1"))
    case.add_import("a", b"1", kind="k", source="s")
    outside = tmp_path / "outside"
    (case.path / name).rename(outside)
    (case.path / name).symlink_to(outside)
    with pytest.raises(ForeignCase, match="link"):
        read_everything(case.path)
    with pytest.raises(ForeignCase, match="link"):
        verify_bag(case.path)


def test_a_linked_folder_is_not_followed(case: Case, tmp_path: Path) -> None:
    case.add_fact({"a": 1}, source="s")
    (case.path / "data/imports").rename(tmp_path / "elsewhere")
    (case.path / "data/imports").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ForeignCase, match="link"):
        Case.open(case.path).imports()


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"{}",
        b"{",
        b'{"name":"../../secret","kind":"k","source":"s","added_at":"2026-01-01T00:00:00Z","sha256":"x","size":1}',
        b'{"name":"a","kind":"k","source":"s","added_at":"never","sha256":"x","size":1}',
        b'{"name":"a","kind":"k","source":"s","added_at":"2026-01-01T00:00:00Z","sha256":"x","size":-1}',
    ],
)
def test_a_foreign_index_of_imports_is_damaged(case: Case, line: bytes) -> None:
    (case.path / "data/imports/index.jsonl").write_bytes(line + b"\n")
    with pytest.raises(DamagedCase, match=r"index\.jsonl"):
        case.imports()


def test_a_changed_import_is_damaged(case: Case) -> None:
    added = case.add_import("a", b"1", kind="k", source="s")
    (case.path / "data/imports/a").write_bytes(b"2")
    with pytest.raises(DamagedCase):
        added.read()


def test_another_trust_root_is_damaged(case: Case) -> None:
    (case.path / "data/trusted_root.json").write_bytes(b"{ }")
    with pytest.raises(DamagedCase):
        case.trust_root()


def test_options_must_be_plain(make_case: Make) -> None:
    for options in ({"a": object()}, {"a": float("nan")}, {"a": {1, 2}}):
        with pytest.raises(UsageError):
            make_case(f"x{len(str(options))}", options=options)


def test_reading_a_case_loads_no_heavy_library(case: Case) -> None:
    case.finish([])
    code = (
        "import sys; from pathlib import Path; from forensics.evidence.case import Case; "
        f"Case.open(Path({str(case.path)!r})).observations(); "
        "heavy = 'httpx', 'aiohttp', 'warcio', 'asyncio', 'aiolimiter', 'platformdirs'; "
        "print([name for name in heavy if name in sys.modules])"
    )
    root = Path(forensics.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_metas_compare(case: Case) -> None:
    assert load_meta(dump_meta(replace(case.meta, redacted=True))).redacted
