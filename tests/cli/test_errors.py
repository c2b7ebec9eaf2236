"""What can go wrong says what happened, what it means and what to do, with its exit code and never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from forensics.evidence.case import Case
from tests.cli.conftest import Collected
from tests.conftest import Forensics
from tests.sources.tiny import Tiny

BUILTIN = "ultralytics-2024-12"


def refused(done: CompletedProcess[str], code: int, *words: str) -> None:
    said = done.stderr + done.stdout
    assert done.returncode == code, said
    assert "Traceback" not in said
    assert "internal error" not in said
    for word in words:
        assert word in said
    lines = [line for line in done.stderr.splitlines() if line]
    first = next(i for i, line in enumerate(lines) if line.startswith("forensics: "))
    assert len(lines[first:]) >= 3, "what happened, what it means, what to do"


def nowhere(**more: str) -> dict[str, str]:
    keys = ("PYPI", "FILES", "OSV", "REKOR")
    return {**{f"FORENSICS_{key}_URL": "http://127.0.0.1:9" for key in keys}, **more}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("timeline",), "Name a project"),
        (("timeline", "pkg:pypi"), "package URL"),
        (("timeline", "../etc"), "not a valid PyPI project name"),
        (("timeline", "npm:Left Pad"), "not a valid npm project name"),
        (("timeline", "cargo:serde"), "not one of pypi, npm"),
        (("timeline", "demo", "--versions", "8.x"), "--versions"),
        (("timeline", "demo", "--since", "yesterday"), "--since"),
        (("timeline", "demo", "--until", "2024-13-01"), "--until"),
        (("timeline", "demo", "--line", "8"), "--line"),
        (("timeline", "demo", "--endpoint", "pypi"), "--endpoint"),
        (("timeline", "demo", "--endpoint", "nope=http://x"), "names no service"),
        (("timeline", "demo", "--endpoint", "pypi=ftp://x"), "not the http(s) URL"),
        (("timeline", "demo", "--endpoint", "pypi=http://[bad"), "not the http(s) URL"),
        (("timeline", "demo", "--endpoint", "pypi=https://me:hunter2@x"), "credentials"),
        (("timeline", "demo", "--trust-root", "no-such-file"), "cannot be read"),
        (("timeline", "demo", "--refresh", "--offline"), "--offline asks nobody"),
        (("timeline", "demo", "--offline"), "no case of pypi:demo"),
        (("timeline", "--case", "no-such-case"), "no case 'no-such-case'"),
        (("timeline", "demo", "--case", BUILTIN), "is about pypi:ultralytics"),
        (("timeline", "--case", BUILTIN, "--refresh"), "read-only"),
        (("report", BUILTIN, "-o", "report.docx"), "Known formats"),
        (("report", BUILTIN, "--format", "docx"), "Known formats"),
        (("diff", "ultralytics", "8.3.40", "8.3.99", "--offline"), "Near ones"),
        (("signals", "provenence-lost"), "provenance-lost"),
        (("case", "show", BUILTIN, "o-nothing"), "no observation"),
        (("case", "seal", BUILTIN), "built in"),
        (("case", "add", BUILTIN, "--source", "x"), "Nothing to add"),
        (("case", "add", BUILTIN, "--source", "x", "--removed", "8.3.41=2024-12-05"), "not a time"),
        (("case", "add", BUILTIN, "--source", "x", "--removed", "8.3.41"), "VERSION=TIME"),
        (("case", "add", BUILTIN, "--source", "x", "--hash", "x=y"), "SHA-256"),
        (("case", "add", BUILTIN, "--source", "x", "--link", "8.3.41=u"), "built in"),
        (("case", "import", BUILTIN, "no-such-file"), "cannot be read"),
        (("case", "import", BUILTIN, "--kind", "export"), "No FILE is named"),
        (("case", "import", BUILTIN, "uv.lock", "--name", "copy"), "--name is for an archive"),
        (("case", "import", ".", "--name", "copy"), "nothing to unpack"),
        (("case", "root", "--tuf-root", "root.json"), "--refresh"),
        (("case", "seal", BUILTIN, "--identity-token", "token"), "--sign"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_usage(words: tuple[str, ...], said: str, forensics: Forensics, tmp_path: Path) -> None:
    done = forensics(*words, env=nowhere())
    refused(done, 2, said)
    assert "hunter2" not in done.stderr
    assert not (tmp_path / "cases").exists(), "nothing was written"


def test_what_the_machine_refuses_is_no_defect(forensics: Forensics, tmp_path: Path) -> None:
    refused(forensics("case", "show", "a" * 300), 1, "File name too long", "This machine refused it")
    refused(forensics("case", "export", BUILTIN, tmp_path / "no such folder" / "case.zip"), 4, "could not be written")


def test_a_configuration_with_a_misspelt_key_asks_nobody(forensics: Forensics, tmp_path: Path) -> None:
    for text in ('[endpoints]\npypii = "http://x"\n', "[endpoints]\npypi = 3\n", "endpoints = 3\n", "[["):
        (tmp_path / "forensics.toml").write_text(text)
        refused(forensics("timeline", "demo"), 2, "forensics.toml")


def test_the_configuration_of_the_directory_is_used(forensics: Forensics, tiny: Tiny, tmp_path: Path) -> None:
    rows = "".join(f'{key} = "{tiny.url}/{key}"\n' for key in ("pypi", "files", "osv", "rekor"))
    (tmp_path / "forensics.toml").write_text(f"[endpoints]\n{rows}")
    done = forensics("timeline", "demo")
    refused(done, 3, "no such project")
    assert done.stderr.count(f"forensics.toml of this directory names services: files {tiny.url}/files") == 1
    assert "/pypi/simple/demo/" in tiny.asked


def test_a_note_cannot_speak_to_the_terminal(forensics: Forensics, tmp_path: Path) -> None:
    parts = [{"purl": "pkg:pypi/demo"}, {"purl": "pkg:gem/\x1b[31mx"}]
    (tmp_path / "sbom.json").write_text(json.dumps({"bomFormat": "CycloneDX", "components": parts}))
    done = forensics("sweep", "sbom.json", "-o", "out", "--offline", env=nowhere())
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stderr
    assert r"1 entry, such as pkg:gem/\u001b[31mx" in done.stderr


def test_what_is_no_case(forensics: Forensics, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.zip").write_bytes(b"PK\x03\x04 nothing")
    for name in ("./folder", "file.zip"):
        for words in (("timeline", "--case", name, "--offline"), ("report", name), ("case", "show", name)):
            refused(forensics(*words, env=nowhere()), 4)


def test_a_damaged_case(forensics: Forensics, collected: Collected, vouched: dict[str, str], tmp_path: Path) -> None:
    case = tmp_path / "case"
    shutil.copytree(collected.plain, case)
    (case / "data" / "case.json").write_text("{")
    refused(forensics("timeline", "--case", case, "--offline", env=vouched), 4, "case.json")


def test_a_case_that_brings_its_own_root(forensics: Forensics, collected: Collected, tmp_path: Path) -> None:
    for words in (("timeline", "--case", collected.plain, "--offline"), ("report", collected.plain)):
        refused(forensics(*words, env=nowhere()), 4, "neither shipped nor named", "--trust-root FILE")
    assert forensics("case", "verify", collected.plain, env=nowhere()).returncode == 4
    named = ("--trust-root", collected.root)
    assert forensics("timeline", "--case", collected.plain, "--offline", *named, env=nowhere()).returncode == 11
    assert forensics("verify", collected.plain, *named, env=nowhere()).returncode == 0


def test_a_project_that_does_not_exist_leaves_no_case(forensics: Forensics, tiny: Tiny, tmp_path: Path) -> None:
    env = {f"FORENSICS_{key}_URL": f"{tiny.url}{path}" for key, path in TINY.items()}
    refused(forensics("timeline", "demo", env=env), 3, "no such project")
    refused(forensics("timeline", "demo", "--case", tmp_path / "mine", env=env), 3)
    assert not list((tmp_path / "cases").glob("*"))
    assert not (tmp_path / "mine").exists()


TINY = {
    "PYPI": "", "FILES": "", "OSV": "/osv", "REKOR": "/rekor", "JOURNAL": "/journal", "DEPSDEV": "/depsdev",
    "GITHUB_API": "/github",
}  # fmt: skip


def test_exit_codes_of_unknown_and_strict(forensics: Forensics, tiny: Tiny, tmp_path: Path) -> None:
    env = {f"FORENSICS_{key}_URL": f"{tiny.url}{path}" for key, path in TINY.items()}
    tiny.page([], **{"project-status": {"status": "quarantined"}})
    done = forensics("timeline", "demo", "--strict", env=env)
    assert (done.returncode, done.stderr.count("no such project")) == (0, 0), "quarantined, and completely collected"
    assert "quarantined" in done.stdout
    tiny.put("/osv/v1/query", {}, 400)
    words = ("timeline", "demo", "--case", "two")
    assert forensics(*words, env=env).returncode == 0
    assert forensics(*words, "--strict", env=env).returncode == 4
    assert forensics(*words, "--strict", "--exit-zero", env=env).returncode == 4, "only verdicts are silenced"


def test_an_unreachable_index_is_no_missing_project(forensics: Forensics) -> None:
    done = forensics("timeline", "demo", "--max-wait", 0, "--json", env=nowhere())
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert "could not be asked" in str([s["problem"] for s in document["sources"]])
    assert document["releases"] == []


def test_exit_codes_of_verdicts(forensics: Forensics, tmp_path: Path) -> None:
    words = ("timeline", "--case", BUILTIN, "--offline", "-q")
    assert forensics(*words).returncode == 11
    assert forensics(*words, "--exit-zero").returncode == 0
    assert forensics("report", BUILTIN, "-o", tmp_path / "r.md", "--exit-zero").returncode == 0


def test_an_output_that_cannot_be_written_leaves_nothing(forensics: Forensics, tmp_path: Path) -> None:
    (tmp_path / "taken.html").mkdir()
    (tmp_path / "file").write_text("mine")
    for target in ("taken.html", "file/report.html"):
        done = forensics("report", BUILTIN, "-o", target)
        refused(done, 2, "cannot be written", "nothing was written to that place")
    assert {p.name for p in tmp_path.iterdir()} <= {"taken.html", "file", "cache", "cases"}
    assert not list((tmp_path / "taken.html").iterdir())
    assert (tmp_path / "file").read_text() == "mine"


def test_a_pipe_is_written_to_and_not_replaced(forensics: Forensics, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    assert forensics("report", BUILTIN, "--format", "md", "-o", pipe).returncode == 11
    reader.join(20)
    assert pipe.is_fifo()
    assert got
    assert b"8.3.41" in got[0]


def test_a_checkout_of_the_project_is_no_case(forensics: Forensics, tmp_path: Path) -> None:
    (tmp_path / "ultralytics").mkdir()
    done = forensics("report", "ultralytics", "--offline", "-o", "out.json")
    assert done.returncode == 11, done.stderr
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["project"]["name"] == "ultralytics"


def test_an_import_that_cannot_be_read_is_in_the_report(
    forensics: Forensics, collected: Collected, vouched: dict[str, str], tmp_path: Path
) -> None:
    case = tmp_path / "case"
    shutil.copytree(collected.plain, case)
    (tmp_path / "rows.jsonl").write_text('{"sha256_digest": \n')
    assert forensics("case", "import", case, "rows.jsonl", "--kind", "export", env=vouched).returncode == 0
    done = forensics("timeline", "--case", case, "--offline", "--json", env=vouched)
    rows = [row for row in json.loads(done.stdout)["not_checked"] if row["what"] == "import"]
    assert len(rows) == 1
    assert rows[0]["reason"].startswith("rows.jsonl: ")
    refused(forensics("case", "import", case, collected.root, env=vouched), 2, "--kind")


def test_what_a_kill_left_unfinished_is_said_once_and_kept_in_the_case(
    forensics: Forensics, tiny: Tiny, tmp_path: Path
) -> None:
    env = {f"FORENSICS_{key}_URL": f"{tiny.url}{path}" for key, path in TINY.items()}
    tiny.page([], **{"project-status": {"status": "quarantined"}})
    case = tmp_path / "case"
    words = ("timeline", "demo", "--case", case)
    assert "cut off" not in forensics(*words, env=env).stderr
    assert "cut_bytes" not in json.loads((case / "data/case.json").read_text("utf-8"))
    opened = Case.open(case)
    opened.reopen_for_collection()
    opened.save_git("forge.example-demo", b"# v2 git bundle\n")
    archive = case / "data/http.warc.gz"
    whole = archive.stat().st_size
    os.truncate(archive, whole - 10)
    resumed = forensics(*words, env=env)
    assert resumed.returncode == 0, resumed.stderr
    count = json.loads((case / "data/case.json").read_text("utf-8"))["cut_bytes"]
    assert 0 < count < whole
    assert resumed.stderr.count(f"{count:,} bytes of an unfinished answer were cut off the case") == 1
    assert "unfinished" not in forensics(*words, env=env).stderr, "it is said once"
    shown = forensics("case", "show", case, env=env)
    assert "git        data/git/forge.example-demo.bundle, which git clones" in shown.stdout
    assert f"cut off    {count:,} bytes of unfinished answers" in shown.stdout
    assert json.loads(forensics("case", "show", case, "--json", env=env).stdout)["cut_bytes"] == count
    assert forensics("case", "verify", case, env=env).returncode == 0
