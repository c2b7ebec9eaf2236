"""What a responder brings along, kind by kind: read, detected, and never silently skipped."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.model.errors import UsageError
from forensics.model.event import TimeKind
from forensics.model.project import parse_project
from forensics.sources.supplements import KINDS, Supplements, detect_kind, read_supplements

PROJECT = parse_project("pypi:demo")
A, B = "a" * 64, "b" * 64
ROW = {
    "name": "Demo",
    "version": "1.0.1",
    "filename": "demo-1.0.1-py3-none-any.whl",
    "size": "123",
    "sha256_digest": A,
    "path": "aa/bb/cc/demo-1.0.1-py3-none-any.whl",
    "uploaded_via": "twine/6.2.0",
    "upload_time": "2026-01-02 03:04:05.678901 UTC",
}
LEAD = """schema = "forensics/lead/1"
id = "x"
project = "pypi:demo"
title = "t"
[[source]]
id = "s"
title = "A blog"
[[release]]
version = "1.0.1"
published = 2026-01-02T03:04:05Z
removed = 2026-01-03T03:04:05Z
source = "s"
[[log]]
index = 7
about = "a file"
source = "s"
[[hashes]]
source = "s"
sha256 = ["%s", "nonsense"]
"""


@dataclass
class Added:
    """An import as `read_supplements` meets it."""

    kind: str
    data: bytes
    name: str = "file"
    source: str = "the responder"
    observation: SimpleNamespace = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.observation = SimpleNamespace(id="o-1")

    def read(self) -> bytes:
        return self.data


def read(kind: str, data: str | bytes) -> Supplements:
    raw = data.encode() if isinstance(data, str) else data
    return read_supplements([Added(kind, raw)], PROJECT)  # type: ignore[list-item]


def as_csv(*rows: dict[str, str]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize(
    "form", [lambda *rows: "".join(json.dumps(r) + "\n" for r in rows), as_csv], ids=["jsonl", "csv"]
)
def test_an_export(form) -> None:  # type: ignore[no-untyped-def]
    text = form(ROW, {**ROW, "name": "other", "version": "9"})
    assert detect_kind("rows", text.encode()) == "export"
    found = read("export", text)
    assert found.problems == []
    (file,) = found.files
    assert (file.filename, file.version, file.sha256, file.size) == (ROW["filename"], "1.0.1", A, 123)
    assert file.uploaded_at == datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert file.path == "/packages/aa/bb/cc/demo-1.0.1-py3-none-any.whl"
    assert file.upload_client == "twine/6.2.0"
    assert found.versions() == {"1.0.1"}


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\x0b", "\x1c"])
def test_a_row_ends_only_at_a_line_feed(separator: str) -> None:
    row = {**ROW, "description": f"one{separator}two"}
    assert len(read("export", json.dumps(row, ensure_ascii=False)).files) == 1
    assert read("export", json.dumps(row, ensure_ascii=False)).problems == []
    assert len(read("export", as_csv(row)).files) == 1


def test_a_csv_export_may_hold_long_and_broken_lines_inside_quotes() -> None:
    found = read("export", as_csv({"description": "x" * 300_000 + '\r\n"quoted"\n', **ROW}))
    assert (found.problems, len(found.files)) == ([], 1)


def test_sha256sum_lines() -> None:
    lines = [
        f"{A}  dist/demo-1.0.1.tar.gz",
        f"{A.upper()} *demo-1.0.1-py3-none-any.whl",
        f"{B}\tdemo-1.0.2.tar.gz",
        B,
        f"{B}  other-1.0.tar.gz",
        "# note",
    ]
    text = "\n".join(lines)
    assert detect_kind("SHA256SUMS", text.encode()) == "hashes"
    found = read("hashes", text)
    assert [(f.filename, f.version, f.sha256) for f in found.files] == [
        ("demo-1.0.1.tar.gz", "1.0.1", A),
        ("demo-1.0.1-py3-none-any.whl", "1.0.1", A),
        ("demo-1.0.2.tar.gz", "1.0.2", B),
    ]
    assert [digest for digest, *_ in found.loose_hashes] == [B, B]


@pytest.mark.parametrize(
    ("pin", "version"),
    [
        ("demo==1.0.1", "1.0.1"),
        ("demo == 1.0.1 ; python_version > '3'", "1.0.1"),
        ("Demo[extra]==1.0.1", "1.0.1"),
        ("demo==1!1.0.1+local.1", "1!1.0.1+local.1"),
        ("demo==1.0.1  # why", "1.0.1"),
        ("demo==1.0.*", None),
        ("demo==1.0.1,<2", None),
        ("demo===weird", None),
        ("demo>=1.0.1", None),
        ("demon==1.0.1", None),
        ("# demo==1.0.1", None),
    ],
)
def test_only_an_exact_pin_names_a_release(pin: str, version: str | None) -> None:
    found = read("requirements", f"other==9 \\\n    --hash=sha256:{A}\n{pin} \\\n    --hash=sha256:{B}\n")
    assert found.versions() == ({version} if version else set())
    assert [digest for digest, *_ in found.loose_hashes] == ([B] if version else [])


def test_requirements_are_detected_by_their_hashes() -> None:
    assert detect_kind("requirements.txt", f"demo==1 \\\n --hash=sha256:{A}\n".encode()) == "requirements"


def test_facts() -> None:
    text = f"""
[[fact]]
kind = "removed"
version = "1.0.1"
at = 2026-01-02T03:04:05+02:00
source = "ticket 7"
[[fact]]
kind = "quarantined"
version = "1.0.2"
at = "2026-01-02T03:04:05Z"
[[fact]]
kind = "hash"
version = "1.0.1"
filename = "demo-1.0.1.tar.gz"
sha256 = "{A}"
[[fact]]
kind = "link"
version = "1.0.3"
url = "https://example.org/1"
"""
    assert detect_kind("facts.toml", text.encode()) == "facts"
    assert detect_kind("facts", text.encode()) == "facts"
    found = read("facts", text)
    assert found.problems == []
    assert [(t.version, t.what, t.at, t.kind, t.source) for t in found.times] == [
        ("1.0.1", "removed", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC), TimeKind.STATED_BY_RESPONDER, "ticket 7"),
        (
            "1.0.2",
            "quarantined",
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            TimeKind.STATED_BY_RESPONDER,
            "the responder",
        ),
    ]
    assert found.versions() == {"1.0.1", "1.0.2", "1.0.3"}


def test_a_lead() -> None:
    text = LEAD % A
    assert detect_kind("lead.toml", text.encode()) == "lead"
    found = read("lead", text)
    assert found.problems == []
    assert {(t.what, t.kind, t.source) for t in found.times} == {
        ("published", TimeKind.STATED_BY_LEAD, "A blog"),
        ("removed", TimeKind.STATED_BY_LEAD, "A blog"),
    }
    assert found.log_indices == [(7, "a file", "A blog", ("o-1",))]
    assert [digest for digest, *_ in found.loose_hashes] == [A]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("export", "{"),
        ("export", "a,b\n1,2\n"),
        ("export", b"\xff\xfe"),
        ("facts", ""),
        ("facts", "fact = 3"),
        ("facts", "[[fact]]\nkind = 'removed'\nversion = '1'\nat = 2026-01-02"),
        ("facts", "[[fact]]\nkind = 'removed'\nversion = '1'\nat = '2026-01-02'"),
        ("facts", "[[fact]]\nkind = 'removed'\nversion = '1'"),
        ("facts", "[[fact]]\nkind = 'removed'\nat = 2026-01-02T00:00:00Z"),
        ("facts", "[[fact]]\nkind = 'hash'\nversion = '1'\nfilename = 'x'\nsha256 = 'short'"),
        ("facts", "[[fact]]\nkind = 'rumour'\nversion = '1'"),
        ("facts", "[[fact]]\nkind = 'removed'\nversion = '1'\nat = '0001-01-01T00:00:00+23:59'"),
        ("facts", "not toml"),
        ("lead", (LEAD % A).replace("pypi:demo", "pypi:other")),
        ("lead", (LEAD % A).replace("lead/1", "lead/2")),
        ("fact", "{}"),
        ("fact", "["),
        ("mystery", "x"),
        ("requirements", b"\xff"),
        ("hashes", b"\xff"),
    ],
)
def test_what_cannot_be_read_becomes_a_problem(kind: str, data: str | bytes) -> None:
    found = read(kind, data)
    assert len(found.problems) == 1
    assert found.problems[0].startswith("file: ")


@pytest.mark.parametrize("line", ["release = 3", "log = 'x'", "advisory = 1.5", "source = 7", "hashes = [1]"])
def test_a_lead_of_the_wrong_shape_is_no_crash(line: str) -> None:
    read("lead", f'schema = "forensics/lead/1"\nproject = "pypi:demo"\n{line}\n')
    head = f'schema = "forensics/lead/1"\nproject = "pypi:demo"\n{line}\n'
    read("lead", head + '[[release]]\nversion = "1"\nsource = [1]\nfile = 3\n')


@pytest.mark.parametrize("data", [b"", b"hello", b"\x00\x01", b'{"a": 1}', A[:63].encode(), b"demo==1.0"])
def test_an_unknown_kind_is_refused_with_advice(data: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        detect_kind("notes", data)
    assert "--kind" in caught.value.advice


@given(
    st.sampled_from([*KINDS, "fact"]),
    st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")),
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_a_problem(kind: str, data: bytes) -> None:
    found = read(kind, data)
    assert found.asked == 1
    assert len(found.problems) <= 1
