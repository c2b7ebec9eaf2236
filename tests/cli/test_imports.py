"""`forensics case import` with files as tools and services write them, through the installed command."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest

Forensics = Callable[..., CompletedProcess[str]]
NAME, GONE, DIGEST = "ultralytics", "8.3.999", "a" * 64
STORE = f"{'b' * 2}/{'c' * 2}/{'d' * 60}"


@pytest.fixture
def case(forensics: Forensics) -> str:
    ran = forensics("case", "import", "ultralytics-2024-12", "--name", "copy")
    assert ran.returncode == 0, ran.stderr
    return "copy"


def test_an_export_and_a_lockfile_make_one_file(forensics: Forensics, case: str, tmp_path: Path) -> None:
    filename = f"{NAME}-{GONE}.tar.gz"
    rows = [{"name": NAME, "version": GONE, "filename": filename, "sha256_digest": None, "size": 7,
             "path": f"{STORE}/{filename}", "uploaded_via": "twine/6.0.1",
             "upload_time": "2024-12-20 03:04:05 UTC"}]  # fmt: skip
    pl.DataFrame(rows, schema_overrides={"sha256_digest": pl.String}).write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "uv.lock").write_text(
        f'version = 1\n[[package]]\nname = "{NAME}"\nversion = "{GONE}"\n'
        f'sdist = {{ url = "https://x/{filename}", hash = "sha256:{DIGEST}" }}\n'
    )
    (tmp_path / "iocs.md").write_text(f"{NAME} 8.3.998 is bad: {'e' * 64}\n")
    ran = forensics("case", "import", case, "rows.parquet", "uv.lock", "iocs.md", "--source", "ticket 7")
    assert ran.returncode == 0, ran.stderr
    assert [line.partition(" as ")[2].partition(":")[0] for line in ran.stdout.splitlines()] == [
        "export", "lockfile", "indicators",
    ]  # fmt: skip
    document = json.loads(forensics("timeline", "--case", case, "--offline", "--json").stdout)
    releases = {release["version"]: release for release in document["releases"]}
    (file,) = releases[GONE]["files"]
    assert (file["filename"], file["sha256"], file["size"]) == (filename, DIGEST, 7)
    assert file["upload_client"] == "twine/6.0.1"
    assert len(file["evidence"]) == 2, "the place is the export's word, the digest the lockfile's"
    assert {mention["source"] for mention in releases["8.3.998"]["mentions"]} == {"ticket 7"}


def test_the_zip_of_an_ecosystem_is_told_from_a_zipped_case(forensics: Forensics, case: str, tmp_path: Path) -> None:
    advisory = {"id": "MAL-2024-1", "modified": "2024-12-06T00:00:00Z", "summary": "bad",
                "affected": [{"package": {"ecosystem": "PyPI", "name": NAME}, "versions": ["8.3.41"]}]}  # fmt: skip
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("MAL-2024-1.json", json.dumps(advisory))
    ran = forensics("case", "import", case, "all.zip")
    assert ran.returncode == 0, ran.stderr
    assert " as osv: " in ran.stdout


def test_what_is_of_no_kind_is_not_added(forensics: Forensics, case: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see\n")
    ran = forensics("case", "import", case, "notes.txt")
    assert ran.returncode == 2
    assert "lockfile" in ran.stderr
    assert forensics("case", "import", case, "notes.txt", "--kind", "rumour").returncode == 2
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and nothing else")
    ran = forensics("case", "import", case, "bad.parquet", "--kind", "export")
    assert ran.returncode == 0
    document = json.loads(forensics("timeline", "--case", case, "--offline", "--json").stdout)
    assert any("bad.parquet" in one["reason"] for one in document["not_checked"])
