"""Exports, mirrors, feedstocks and published indicators: what each gives, and what it does not."""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.model.errors import UsageError
from forensics.model.project import Project, parse_project
from forensics.sources.imports import parquet as parquet_module
from forensics.sources.imports import rows as rows_module
from forensics.sources.imports import tables
from forensics.sources.supplements import KINDS, Supplements, detect_kind, read_supplements
from tests.sources.test_supplements import ROW, Added

DEMO, THING = parse_project("pypi:demo"), parse_project("npm:@s/thing")
A, B, C = "a" * 64, "b" * 64, "c" * 128
UUID = "24296fb24b8ad77a" + "1" * 64
SRI = "sha512-" + "A" * 86 + "=="
LOCKS = Path(__file__).with_name("locks")


def read(kind: str, data: str | bytes, project: Project = DEMO) -> Supplements:
    raw = data.encode() if isinstance(data, str) else data
    return read_supplements([Added(kind, raw)], project)  # type: ignore[list-item]


def jsonl(rows: Iterable[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(rows).write_parquet(out)
    return out.getvalue()


FORMS = pytest.mark.parametrize("form", [jsonl, as_csv, parquet])


@FORMS
def test_an_export_says_the_same_in_every_form(form: Any) -> None:
    typed = {**ROW, "size": 123, "description": "x" * 1000}
    if form is parquet:
        typed["upload_time"] = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    data = form([typed, {**typed, "name": "other"}])
    assert detect_kind("rows", data) == "export"
    found = read("export", data)
    assert found.problems == []
    (file,) = found.files
    assert (file.filename, file.sha256, file.size) == (ROW["filename"], A, 123)
    assert file.uploaded_at == datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert file.path == "/packages/aa/bb/cc/demo-1.0.1-py3-none-any.whl"
    assert file.upload_client == "twine/6.2.0"


@pytest.mark.parametrize("damage", [slice(0, 40), slice(0, -3), slice(4, None)])
def test_a_damaged_parquet_file_is_a_problem(damage: slice) -> None:
    data = b"PAR1" + parquet([ROW])[4:][damage]
    found = read("export", data)
    assert (found.files, len(found.problems)) == ([], 1)


@pytest.mark.parametrize("seed", range(3))
def test_a_bent_parquet_file_ends_nothing(seed: int) -> None:
    """Of bytes bent at random, the library reads some, complains of some, and aborts or stops for good at others."""
    data, chance = bytearray(parquet([ROW])), random.Random(seed)
    for _ in range(3):
        data[chance.randrange(4, len(data) - 4)] = chance.randrange(256)
    assert len(read("export", bytes(data)).problems) <= 1


@pytest.mark.parametrize("work", ["import os; os.abort()", "import time; time.sleep(60)", "print('x' * 2**20)", ""])
def test_whatever_becomes_of_the_reader_of_parquet_is_a_problem(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_module, "_CHILD", work)
    monkeypatch.setattr(parquet_module, "SECONDS", 1)
    assert "Parquet" in read("export", b"PAR1").problems[0] or "columns" in read("export", b"PAR1").problems[0]


def test_a_table_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "MAX_ROWS", 2)
    for form in (jsonl, as_csv, parquet):
        assert "more than 2 rows" in read("export", form([ROW] * 3)).problems[0]


@FORMS
def test_entries_of_the_mirror_are_looked_up(form: Any) -> None:
    rows = [{"EntryUUID": UUID, "LogIndex": 7, "IntegratedTime": 1, "Kind": "dsse"},
            {"EntryUUID": UUID[:-1] + "2", "LogIndex": None, "IntegratedTime": 2, "Kind": "dsse"}]  # fmt: skip
    data = form(rows)
    assert detect_kind("rows", data) == "rekor-rows"
    found = read("rekor-rows", data)
    assert found.problems == []
    assert found.log_indices == [(7, "dsse", "the responder", ("o-1",))]
    assert found.log_ids == [(UUID[:-1] + "2", "dsse", "the responder", ("o-1",))]


def test_other_tables_of_the_mirror_are_taken_by_the_names_of_their_columns() -> None:
    identities = jsonl([{"entry_uuid": UUID, "Digests": [f"sha256:{A}"], "source_repository_uri": "https://x/y"}])
    found = read("rekor-rows", identities)
    assert found.log_ids == [(UUID, "https://x/y", "the responder", ("o-1",))]
    digests = {"list": [{"element": f"sha256:{A}"}]}
    names = ("dist/demo-1.0.1.tar.gz", "other-1.0.1.tar.gz")
    rows = [{"EntryUUID": UUID, "Name": name, "Digest": digests} for name in names]
    for form in (jsonl, parquet):
        found = read("rekor-rows", form(rows))
        assert [(f.filename, f.version, f.sha256) for f in found.files] == [("demo-1.0.1.tar.gz", "1.0.1", A)]
    keys = as_csv([{"EntryUUID": UUID, "Key": "someone@example.com"}])
    assert detect_kind("keys.csv", keys) == "rekor-rows"
    assert read("rekor-rows", keys).log_ids == [(UUID, "someone@example.com", "the responder", ("o-1",))]


@pytest.mark.timeout(20)
def test_a_list_with_many_empty_lines_is_told_from_others_at_once() -> None:
    with pytest.raises(UsageError):
        detect_kind("notes", b"url: x\n" + b"\n" * 65_000)


def test_a_flood_of_log_entries_is_cut_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_LOG_LEADS", 2)
    found = read("rekor-rows", jsonl({"EntryUUID": UUID, "LogIndex": n} for n in range(5)))
    assert [index for index, *_ in found.log_indices] == [0, 1]
    assert "of 5 log entries only the first 2" in found.problems[0]


def test_output_of_rekor_monitor() -> None:
    line = {"MatchedIdentity": {"type": "certIdentity"}, "CertSubject": "https://x/y@refs/heads/main", "Index": 7,
            "Issuer": "i", "Fingerprint": "", "Subject": "", "UUID": UUID, "OIDExtension": None,
            "ExtensionValue": ""}  # fmt: skip
    data = jsonl([line, {**line, "Index": 8, "UUID": ""}]) + b"{broken\n"
    assert detect_kind("identities.txt", data) == "rekor-monitor"
    found = read("rekor-monitor", data)
    assert found.log_ids == [(UUID, "https://x/y@refs/heads/main", "the responder", ("o-1",))]
    assert [index for index, *_ in found.log_indices] == [8]
    assert "1 lines could not be read" in found.problems[0]
    text = f"https://x/y@refs/heads/main https://issuer 9 {UUID}\n"
    assert read("rekor-monitor", text).log_ids[0][0] == UUID
    assert read("rekor-monitor", "nothing here\n").problems


def test_a_history_of_conda_forge() -> None:
    row = {"version": "1.0.1", "sdist_sha256": A, "commit_time": "2024-12-05T10:00:00+00:00",
           "url": "https://pypi.io/packages/source/{{ name[0] }}/{{ name }}/demo-{{ version }}.tar.gz"}  # fmt: skip
    data = jsonl([row, {**row, "url": "https://x/y.zip", "version": "1.0.2", "sdist_sha256": B}])
    assert detect_kind("conda.jsonl", data) == "conda-forge"
    found = read("conda-forge", data)
    assert [(f.filename, f.version, f.sha256) for f in found.files] == [("demo-1.0.1.tar.gz", "1.0.1", A)]
    assert "committed 2024-12-05T10:00:00+00:00 as git claims" in found.mentions["1.0.1"][0].text
    assert [h for h, *_ in found.loose_hashes] == [B], "an archive of another name is no file of the index"


@pytest.mark.parametrize(
    "recipe",
    [
        '{% set name = "demo" %}\n{% set version = "1.0.1" %}\nsource:\n'
        f"  url: https://pypi.org/packages/{{{{ name }}}}/{{{{ name }}}}-{{{{ version }}}}.tar.gz\n  sha256: {A}\n",
        f'context:\n  version: "1.0.1"\nsource:\n  - sha256: {A}\n    url: https://x/demo-${{{{ version }}}}.tar.gz\n',
    ],
)
def test_a_recipe_of_conda_forge(recipe: str) -> None:
    assert detect_kind("meta.yaml", recipe.encode()) == "conda-forge"
    assert [(f.filename, f.sha256) for f in read("conda-forge", recipe).files] == [("demo-1.0.1.tar.gz", A)]


@pytest.mark.evidence
def test_the_real_history_of_conda_forge() -> None:
    path = Path(__file__).parents[3] / "shared/evidence/ultralytics/conda-forge-sdist-hashes.jsonl"
    if not path.exists():
        pytest.skip("the folder of evidence is not there")
    assert detect_kind(path.name, path.read_bytes()) == "conda-forge"
    found = read("conda-forge", path.read_bytes(), parse_project("ultralytics"))
    assert found.problems == []
    assert len(found.files) + len(found.loose_hashes) == 519
    assert len(found.files) > 500


def test_indicators_in_prose_tables_and_lists() -> None:
    text = f"""# Indicators
The releases demo 1.0.1 and `demo` **1.0.2** are malicious; other==9 is not.
| file | sha256 |
|---|---|
| demo-1.0.1.tar.gz | {A} |
| other-1.0.tar.gz | {"d" * 64} |
Two hashes of demo-1.0.2.tar.gz: {B} and {"e" * 64}
payload: {"f" * 64}
md5 {"0" * 32}
"""
    assert detect_kind("iocs.md", text.encode()) == "indicators"
    found = read("indicators", text)
    assert [(f.filename, f.version, f.sha256) for f in found.files] == [("demo-1.0.1.tar.gz", "1.0.1", A)]
    assert found.versions() == {"1.0.1", "1.0.2"}
    assert [h for h, *_ in found.loose_hashes] == [B, "e" * 64, "f" * 64]
    assert read("indicators", "nothing\n").problems


def test_lists_of_npm_versions_and_integrity() -> None:
    text = f"@s/thing@1.2.3\n@s/thing@1.2.4 {SRI}\nother@1.0.0\n"
    assert detect_kind("bad.txt", text.encode()) == "indicators"
    found = read("indicators", text, THING)
    assert found.versions() == {"1.2.3", "1.2.4"}
    (file,) = found.files
    assert (file.filename, file.sha256, file.sha512, file.digest) == ("thing-1.2.4.tgz", None, "0" * 128, "0" * 128)
    assert detect_kind("bad.txt", b"@s/thing@1.2.3\n@s/thing@1.2.4\n") == "indicators"


@pytest.mark.parametrize("name", sorted(p.name for p in LOCKS.iterdir()))
def test_lockfiles_are_leads(name: str) -> None:
    data = (LOCKS / name).read_bytes()
    kind = detect_kind(name, data)
    assert kind == ("requirements" if name == "requirements.txt" else "lockfile")
    if "npm" in name or "yarn" in name:
        found = read(kind, data, parse_project("npm:debug"))
        assert found.versions() == {"4.4.3"}
        expected = [] if name.startswith("yarn4") else ["debug-4.4.3.tgz"]
        assert [f.filename for f in found.files if f.sha512] == expected
        return
    found = read(kind, data, parse_project("pypi:idna"))
    assert found.versions() == {"3.7"}
    named, loose = [f.filename for f in found.files], [h for h, *_ in found.loose_hashes]
    assert len(named) + len(loose) == 2
    assert bool(named) == (name in {"uv.lock", "pylock.toml"}), "a digest is a file's only where the format says so"


def test_a_lockfile_of_no_kind_is_a_problem() -> None:
    assert read("lockfile", "hello\n").problems


@pytest.mark.parametrize("data", [b"PAR1 nonsense", b"a,b\n1,2\n", b"{}", b"prose without anything", b"demo@latest\n"])
def test_nothing_is_taken_for_a_kind_that_it_is_not(data: bytes) -> None:
    with pytest.raises(UsageError):
        detect_kind("notes", data)


_BITS = st.sampled_from(
    [A, C, SRI, "demo-1.0.1.tar.gz", "demo==1.0.1", "demo", "@s/thing@1.0.0", UUID, "sha256:", "url:", "version: 1",
     "|", "\n", " ", '{"Index": 1}', "EntryUUID,LogIndex", "lockfileVersion: 9", "é", "\x00"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(KINDS)), st.lists(_BITS, max_size=14).map("".join), st.sampled_from([DEMO, THING]))
def test_any_text_is_read_or_a_problem(kind: str, text: str, project: Project) -> None:
    found = read(kind, text, project)
    assert found.asked == 1
    for file in found.files:
        assert file.version
        assert file.filename
