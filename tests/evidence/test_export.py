from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest

from forensics.evidence import export, store
from forensics.evidence.case import Case
from forensics.evidence.export import export_case, import_case
from forensics.evidence.manifest import verify_bag
from forensics.evidence.seal import seal
from forensics.model.errors import DamagedCase, EvidenceError, ForeignCase, HostileInput, UsageError

from .conftest import NOW, outcome_of, record, replay
from .server import World


@pytest.fixture
def full(world: World, make_case: Callable[..., Case]) -> Case:
    case = make_case(options={"trust_root": "/home/alice/root.json"})
    record(case, outcome_of(world.url + "/doc/1"))
    case.add_import("alice.lock", b"ALICELOCK", kind="lockfile", source="/home/alice/uv.lock", now=NOW)
    case.add_fact({"note": "ALICEFACT"}, source="alice", now=NOW)
    case.write_tables({"events": b"ALICELOCK derived"})
    case.finish(["could not read /home/alice/leads/demo.toml", "https://x.test/home/alice/page: 503"], NOW)
    return case


def test_a_case_goes_out_and_comes_in_unchanged(world: World, full: Case, tmp_path: Path) -> None:
    export_case(full, tmp_path / "case.zip")
    assert verify_bag(tmp_path / "case.zip") == []
    again = import_case(tmp_path / "case.zip", tmp_path / "in" / "case")
    assert again.digest(check=True) == full.digest(check=True)
    assert again.meta == full.meta
    assert again.observations() == full.observations()
    assert bagit.Bag(str(again.path)).validate()
    assert replay(again, outcome_of(world.url + "/doc/1")).json()["number"] == 1
    export_case(again, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "case.zip").read_bytes()
    again.add_fact({"later": 1}, source="bob")
    assert verify_bag(again.path) == []


def test_two_exports_are_the_same_bytes(full: Case, tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        export_case(full, tmp_path / name)
        export_case(full, tmp_path / f"redacted-{name}", redact=True)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert (tmp_path / "redacted-a.zip").read_bytes() == (tmp_path / "redacted-b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.getinfo(f"{full.meta.id}/data/http.warc.gz").compress_type == zipfile.ZIP_STORED


def test_a_redacted_case_keeps_the_evidence_and_not_the_responder(world: World, full: Case, tmp_path: Path) -> None:
    export_case(full, tmp_path / "r.zip", redact=True)
    assert verify_bag(tmp_path / "r.zip") == []
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        everything = b"\n".join(archive.read(name) + name.encode() for name in archive.namelist())
    for secret in (b"ALICE", b"alice.lock", b"/home/alice/leads", b"alice/root.json"):
        assert secret not in everything
    case = import_case(tmp_path / "r.zip", tmp_path / "r")
    assert case.meta.redacted
    assert case.meta.problems == ("could not read (local path)", "https://x.test/home/alice/page: 503")
    assert replay(case, outcome_of(world.url + "/doc/1")).json()["number"] == 1
    assert bagit.Bag(str(case.path)).validate()


def test_a_redacted_copy_of_a_sealed_case_does_not_claim_its_seal(full: Case, tmp_path: Path) -> None:
    seal(full, NOW)
    export_case(full, tmp_path / "r.zip", redact=True)
    export_case(full, tmp_path / "s.zip")
    assert Case.open(tmp_path / "r.zip").meta.sealed_at is None
    assert Case.open(tmp_path / "s.zip").meta.sealed_at == NOW


def test_an_unfinished_case_is_not_exported(case: Case, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not finished"):
        export_case(case, tmp_path / "x.zip")
    assert not list(tmp_path.glob("*.zip"))


def zip_of(path: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]], *, packed: bool = False) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for name, data in entries:
            archive.writestr(name, data, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    return path


def refused(archive: Path, into: Path) -> EvidenceError:
    with pytest.raises(EvidenceError) as caught:
        import_case(archive, into)
    assert not into.exists()
    assert not [one for one in into.parent.iterdir() if one.name.startswith(".import-")]
    return caught.value


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "case/../../evil", "data\\..\\evil", "C:/evil", "case//evil", "case/./evil", "case/a\nb"],
)
def test_names_that_lead_outside_are_foreign(full: Case, tmp_path: Path, name: str) -> None:
    meta = (full.path / "data/case.json").read_bytes()
    archive = zip_of(tmp_path / "x.zip", [("case/data/case.json", meta), (name, b"evil")])
    assert isinstance(refused(archive, tmp_path / "into"), ForeignCase)
    assert not list(tmp_path.rglob("evil"))


def test_links_doubles_and_files_as_folders_are_foreign(full: Case, tmp_path: Path) -> None:
    meta = ("data/case.json", (full.path / "data/case.json").read_bytes())
    link = zipfile.ZipInfo("data/files/link")
    link.external_attr = 0o120777 << 16
    for number, entries in enumerate(
        [
            [meta, (link, b"/etc/passwd")],
            [meta, ("data/a", b"1"), ("data/a", b"2")],
            [meta, ("data/a", b"1"), ("data/A", b"2")],
            [meta, ("data/a", b"1"), ("data/a/b", b"2")],
            [("data/other.json", b"{}")],
        ]
    ):
        error = refused(zip_of(tmp_path / f"{number}.zip", entries), tmp_path / "into")
        assert isinstance(error, ForeignCase), number


def test_bombs_are_hostile(full: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meta = ("data/case.json", (full.path / "data/case.json").read_bytes())
    bomb = zip_of(tmp_path / "bomb.zip", [meta, ("data/files/x", b"\0" * 20_000_000)], packed=True)
    assert isinstance(refused(bomb, tmp_path / "into"), HostileInput)
    many = zip_of(tmp_path / "many.zip", [meta, *((f"data/files/{n}", b"") for n in range(50))])
    monkeypatch.setattr(store, "MAX_FILES", 20)
    assert isinstance(refused(many, tmp_path / "into"), HostileInput)
    monkeypatch.setattr(export, "MAX_TOTAL_BYTES", 100)
    large = zip_of(tmp_path / "large.zip", [meta, ("data/files/x", b"y" * 200)])
    assert isinstance(refused(large, tmp_path / "into"), HostileInput)


def test_a_lie_about_the_size_leaves_nothing_behind(full: Case, tmp_path: Path) -> None:
    meta = (full.path / "data/case.json").read_bytes()
    archive = zip_of(tmp_path / "x.zip", [("data/case.json", meta), ("data/files/x", b"A" * 1000)], packed=True)
    data = archive.read_bytes()
    archive.write_bytes(data.replace((1000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    assert isinstance(refused(archive, tmp_path / "into"), DamagedCase | HostileInput)


def test_flipped_bytes_of_a_zip_never_escape_untyped(full: Case, tmp_path: Path) -> None:
    export_case(full, tmp_path / "case.zip")
    good = (tmp_path / "case.zip").read_bytes()
    noticed = 0
    for at in range(0, len(good), max(1, len(good) // 150)):
        bad = tmp_path / "bad.zip"
        bad.write_bytes(good[:at] + bytes([good[at] ^ 0x41]) + good[at + 1 :])
        try:
            noticed += bool(verify_bag(bad))
            case = Case.open(bad)
            case.observations()
        except EvidenceError:
            noticed += 1
    assert noticed > 100


def test_an_import_overwrites_nothing(full: Case, tmp_path: Path) -> None:
    export_case(full, tmp_path / "case.zip")
    with pytest.raises(UsageError, match="exists"):
        import_case(tmp_path / "case.zip", full.path)
    assert verify_bag(full.path) == []
