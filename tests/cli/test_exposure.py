"""`forensics exposure` as a user runs it: files, trees, histories, and repositories that mean harm."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Forensics = Callable[..., CompletedProcess[str]]
CASE = "ultralytics-2024-12"
NAME, BAD, GOOD = "ultralytics", "8.3.41", "8.3.40"
SDIST = "ef31fd5683edf31661435be14ce5e9a772edc93c7a1fd2b96e37f6f98e010287"
OTHER = "0" * 64
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def uv(version: str, digest: str = OTHER, name: str = f"{NAME}-{BAD}.tar.gz") -> str:
    url = f"https://files.pythonhosted.org/packages/aa/{name}"
    return (
        f'version = 1\n\n[[package]]\nname = "{NAME}"\nversion = "{version}"\n'
        f'source = {{ registry = "https://pypi.org/simple" }}\nsdist = {{ url = "{url}", hash = "sha256:{digest}" }}\n'
    )


def run_json(forensics: Forensics, *arguments: object, code: int) -> dict[str, Any]:
    ran = forensics("exposure", *arguments, "--case", CASE, "--json")
    assert ran.returncode == code, ran.stderr
    document = dict(json.loads(ran.stdout))
    assert document["schema"] == "forensics/exposure/1"
    assert document["exit_code"] == code
    return document


def test_a_tree_of_lockfiles_and_manifests(forensics: Forensics, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    files = {
        "hash/uv.lock": uv(BAD, SDIST),
        "renamed/uv.lock": uv("9.9.9", SDIST, f"{NAME}-9.9.9.tar.gz").replace(NAME, "innocent"),
        "other/uv.lock": uv(BAD, OTHER),
        "plain/requirements.txt": f"Ultralytics == {BAD}\n",
        "good/uv.lock": uv(GOOD, OTHER),
        "range/pyproject.toml": f'[project]\ndependencies = ["{NAME}>=8.3,<8.3.42"]\n',
        "good/member/pyproject.toml": f'[project]\ndependencies = ["{NAME}>=8.3"]\n',
        "narrow/pyproject.toml": f'[project]\ndependencies = ["{NAME}<8.3"]\n',
        "broken/uv.lock": f'name = "{NAME}\n',
        "bun/bun.lock": "{}",
        "node_modules/x/package.json": "{}",
        ".git/uv.lock": uv(BAD, SDIST),
    }
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text, "utf-8")
    (tree / "link").mkdir()
    (tree / "link/uv.lock").symlink_to(tree / "hash/uv.lock")
    document = run_json(forensics, tree, code=11)
    found = {(Path(h["file"]).relative_to(tree).as_posix(), h["match"], h["version"]) for h in document["hits"]}
    assert found == {
        ("hash/uv.lock", "hash", BAD),
        ("renamed/uv.lock", "hash", BAD),
        ("other/uv.lock", "version, another hash", BAD),
        ("plain/requirements.txt", "version", BAD),
        ("range/pyproject.toml", "range", BAD),
    }
    assert [h["match"] for h in document["hits"]][:2] == ["hash", "hash"], "the surest first"
    assert next(h for h in document["hits"] if "renamed" in h["file"])["note"] == "under another name or version"
    assert next(h for h in document["hits"] if h["match"] == "range")["verdict"] == "suspicious"
    assert document["read"]["ranges_settled_by_lockfiles"] == 1
    reasons = {Path(n["file"]).relative_to(tree).as_posix(): n["reason"] for n in document["not_read"]}
    assert set(reasons) == {"broken/uv.lock", "bun/bun.lock", "link/uv.lock"}
    suspect = document["suspects"][0]
    assert (suspect["version"], suspect["verdict"]) == (BAD, "likely-compromised")
    assert suspect["window"]["start"] == "2024-12-04T20:51:00Z"
    assert suspect["window"]["end"] == "2024-12-05T09:15:00Z"
    assert suspect["window"]["start_source"]
    assert suspect["window"]["end_source"]
    assert suspect["evidence"]


def test_files_that_requirements_name_are_read_within_the_place(forensics: Forensics, tmp_path: Path) -> None:
    place = tmp_path / "place"
    files = {
        "place/requirements.txt": "-r pins/first.txt\n-c bounds.txt\n-r ../outside.txt\n-r link.txt\n-r gone.txt\n"
        "-r https://host.example/r.txt\n",
        "place/pins/first.txt": f"-r second.txt\n{NAME} @ git+https://host.example/x@{BAD}\nother @ git+https://h/o\n",
        "place/pins/second.txt": f"{NAME}=={BAD}\n-r first.txt\n-r ../requirements.txt\n",
        "place/bounds.txt": f"{NAME}=={BAD}\n",
        "outside.txt": f"{NAME}=={BAD}\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    (place / "link.txt").symlink_to(tmp_path / "outside.txt")
    for named in (place, place / "requirements.txt"):
        document = run_json(forensics, named, code=11)
        hits = {Path(h["file"]).relative_to(place).as_posix() for h in document["hits"]}
        assert hits == {"pins/second.txt", "bounds.txt"}
        reasons = sorted(n["reason"] for n in document["not_read"])
        assert reasons == [
            "line 3 names ../outside.txt, which is not read: it lies outside of what was named",
            "line 4 names link.txt, which is not read: it is a symbolic link or no regular file",
            "line 5 names gone.txt, which is not read: there is no such file",
            "line 6 names https://host.example/r.txt, which is not read: it is no file here",
            f"no version can be told from line 2: {NAME} @ git+https://host.example/x@{BAD}",
        ]
    said = forensics("exposure", place, "--case", CASE).stdout
    assert "Could not check" in said
    assert "line 5 names gone.txt" in said


def test_what_a_person_reads(forensics: Forensics, tmp_path: Path) -> None:
    lock = tmp_path / "uv.lock"
    lock.write_text(uv(BAD, SDIST), "utf-8")
    ran = forensics("exposure", lock, "--case", CASE)
    assert ran.returncode == 11
    assert f"[hash] {lock}, line 3: ultralytics 8.3.41" in ran.stdout
    assert "from 2024-12-04 20:51:00 UTC (copied from the index) until 2024-12-05 09:15:00 UTC (PyPI" in ran.stdout
    assert forensics("exposure", lock, "--case", CASE, "--exit-zero").returncode == 0
    lock.write_text(uv(GOOD), "utf-8")
    ran = forensics("exposure", lock, "--case", CASE)
    assert (ran.returncode, "none names a suspect release" in ran.stdout) == (0, True)


def test_a_range_alone_is_exit_10(forensics: Forensics, tmp_path: Path) -> None:
    manifest = tmp_path / "pyproject.toml"
    manifest.write_text(f'[project]\ndependencies = ["{NAME}"]\n', "utf-8")
    document = run_json(forensics, manifest, code=10)
    assert {h["match"] for h in document["hits"]} == {"range"}
    assert len(document["hits"]) == 4


@pytest.mark.parametrize("arguments", [("nowhere.lock",), ("notes.txt",), (".", "--history")])
def test_what_cannot_be_asked(arguments: tuple[str, ...], forensics: Forensics, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing\n")
    ran = forensics("exposure", *arguments, "--case", CASE)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert forensics("exposure", ".").returncode == 2, "nobody says what is suspect"


def test_a_project_is_collected_first(forensics: Forensics, lab: Any, tmp_path: Path) -> None:
    root = tmp_path / "root.json"
    root.write_bytes((lab.directory / "trusted_root.json").read_bytes())
    (tmp_path / "requirements.txt").write_text(f"{NAME}==8.3.46\n{NAME}==8.3.44\n")
    env = {**lab.env(), "FORENSICS_TRUST_ROOT": str(root)}
    ran = forensics("exposure", tmp_path, "--project", NAME, "--json", "-q", env=env)
    document = json.loads(ran.stdout)
    flagged = {s["version"] for s in document["suspects"]}
    assert {h["version"] for h in document["hits"]} == flagged & {"8.3.46"}
    assert ran.returncode in {0, 10, 11}
    assert document["cases"][0]["project"] == f"pypi:{NAME}"


class Repository:
    """A repository made by the real program, with commits at stated times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self("init", "-q", "-b", "main")

    def __call__(self, *arguments: str, at: str = "2024-12-01T00:00:00Z") -> str:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.path), "GIT_CONFIG_NOSYSTEM": "1",
               "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
               "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}  # fmt: skip
        done = subprocess.run(["git", *arguments], cwd=self.path, env=env, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, at: str, **files: str | None) -> str:
        for name, text in files.items():
            target = self.path / name.replace("__", "/").replace("_lock", ".lock")
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", "x", at=at)
        return self("rev-parse", "HEAD")


@needs_git
def test_a_history_says_who_had_what_when(forensics: Forensics, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo")
    repository.commit("2024-12-01T00:00:00Z", uv_lock=uv(GOOD), a__uv_lock=uv(GOOD))
    came = repository.commit("2024-12-04T22:00:00Z", uv_lock=uv(BAD, SDIST))
    repository("checkout", "-q", "-b", "side")
    late = repository.commit("2024-12-09T00:00:00Z", a__uv_lock=uv(BAD, SDIST))
    repository("checkout", "-q", "main")
    repository.commit("2024-12-04T23:00:00Z", notes="unrelated")
    left = repository.commit("2024-12-05T10:00:00Z", uv_lock=uv("8.3.43"))
    document = run_json(forensics, repository.path, "--history", code=11)
    assert document["read"]["commits"] == 5
    hits = {Path(h["file"]).relative_to(repository.path).as_posix(): h for h in document["hits"]}
    root, inner = hits["uv.lock"], hits["a/uv.lock"]
    assert (root["history"]["from"], root["history"]["from_commit"]) == ("2024-12-04T22:00:00Z", came)
    assert root["history"]["held_by"] == ["refs/heads/side"], "the branch never took the repair"
    assert root["history"]["until"] is None
    assert root["in_window"] is True
    assert inner["history"] == {
        "from": "2024-12-09T00:00:00Z", "from_commit": late, "until": None, "until_commit": None,
        "held_by": ["refs/heads/side"], "source": "claimed by git",
    }  # fmt: skip
    assert inner["in_window"] is False
    repository("merge", "-q", "side", "-s", "ours", at="2024-12-10T00:00:00Z")
    repository("branch", "-q", "-D", "side")
    again = run_json(forensics, repository.path, "--history", code=11)
    (one,) = [h for h in again["hits"] if h["file"] == str(repository.path / "uv.lock")]
    assert one["history"]["until"] == "2024-12-10T00:00:00Z", "the merge was the last to leave it"
    assert one["history"]["until_commit"] not in {left, None}
    text = forensics("exposure", repository.path, "--history", "--case", CASE).stdout
    assert "as git claims: inside the window" in text
    assert "outside the window" in text


@needs_git
@pytest.mark.parametrize("shape", ["bare", "worktree", "detached", "shallow", "empty"])
def test_repositories_of_every_shape(shape: str, forensics: Forensics, tmp_path: Path) -> None:
    repository, place = Repository(tmp_path / "repo"), tmp_path / "repo"
    if shape != "empty":
        repository.commit("2024-12-04T22:00:00Z", uv_lock=uv(BAD, SDIST))
        repository.commit("2024-12-06T22:00:00Z", uv_lock=uv(GOOD))
    if shape == "bare":
        place = tmp_path / "bare.git"
        repository("clone", "-q", "--bare", ".", str(place))
    elif shape == "worktree":
        place = tmp_path / "tree"
        repository("worktree", "add", "-q", "--detach", str(place))
    elif shape == "detached":
        repository("checkout", "-q", "--detach")
        repository("branch", "-q", "-D", "main")
    elif shape == "shallow":
        place = tmp_path / "shallow"
        repository("clone", "-q", "--depth=1", f"file://{repository.path}", str(place))
    code = 0 if shape in {"shallow", "empty"} else 11
    document = run_json(forensics, place, "--history", code=code)
    assert len(document["hits"]) == (1 if code else 0)
    if shape == "shallow":
        assert "shallow clone" in document["not_read"][0]["reason"]


@needs_git
def test_a_repository_that_means_harm_changes_nothing(forensics: Forensics, tmp_path: Path) -> None:
    marker, evil = tmp_path / "marker", tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {marker}\n")
    evil.chmod(0o755)
    repository = Repository(tmp_path / "repo")
    repository.commit(
        "2024-12-04T22:00:00Z", uv_lock=uv(BAD, SDIST),
        **{".gitattributes": "* diff=evil filter=evil\n",
           ".gitmodules": '[submodule "x"]\n\turl = ext::x\n\tpath = x\n'},
    )  # fmt: skip
    (repository.path / "link").mkdir()
    (repository.path / "link/uv.lock").symlink_to("/etc/passwd")
    repository("add", "-A")
    repository("commit", "-q", "-m", "links")
    repository("update-ref", "refs/heads/--upload-pack=x", "HEAD")
    repository("update-ref", "refs/tags/-x", "HEAD")
    config = repository.path / ".git/config"
    config.write_text(
        config.read_text()
        + f"[core]\n\tfsmonitor = {evil}\n\thooksPath = {tmp_path}\n\tpager = {evil}\n\tsshCommand = {evil}\n"
        + f"\talternateRefsCommand = {evil}\n[uploadpack]\n\tpackObjectsHook = {evil}\n[diff]\n\texternal = {evil}\n"
        + f'[diff "evil"]\n\tcommand = {evil}\n\ttextconv = {evil}\n[filter "evil"]\n\tsmudge = {evil}\n'
        + f'[include]\n\tpath = {tmp_path}/more\n[url "ext::{evil}"]\n\tinsteadOf = /\n[gc]\n\tauto = 1\n'
    )
    for hook in ("post-checkout", "reference-transaction", "pre-auto-gc"):
        shutil.copy(evil, repository.path / ".git/hooks" / hook)
    before = _state(repository.path)
    document = run_json(forensics, repository.path, "--history", code=11)
    assert not marker.exists()
    assert _state(repository.path) == before
    assert {h["file"] for h in document["hits"]} == {str(repository.path / "uv.lock")}
    held = [ref for h in document["hits"] if h["history"] for ref in h["history"]["held_by"]]
    assert "refs/heads/--upload-pack=x" in held


@needs_git
def test_damaged_objects_are_a_typed_error(forensics: Forensics, tmp_path: Path) -> None:
    repository = Repository(tmp_path / "repo")
    repository.commit("2024-12-04T22:00:00Z", uv_lock=uv(BAD, SDIST))
    for path in (repository.path / ".git/objects").glob("??/*"):
        path.chmod(0o600)
        path.write_bytes(b"nonsense")
    ran = forensics("exposure", repository.path, "--history", "--case", CASE)
    assert ran.returncode == 1
    assert "git cannot read" in ran.stderr
    assert "Traceback" not in ran.stderr


def _state(path: Path) -> dict[str, str]:
    files = (p for p in sorted(path.rglob("*")) if p.is_file() and not p.is_symlink())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
