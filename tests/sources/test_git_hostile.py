"""Repositories and servers that mean harm: nothing outside the scratch directory changes, and all is said."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from forensics.model.checked import Checked, NotChecked
from forensics.model.errors import UsageError
from forensics.sources import git_collect
from forensics.sources.git_facts import FactFinder
from forensics.sources.git_read import Ref
from forensics.sources.git_run import Git, checked_commit, complaint, is_ref
from forensics.sources.program import TooLarge
from tests.lab import LabServer
from tests.lab.faults import Fault
from tests.sources.git_kit import Bench, bench, module, usual

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, local=False) as made:
        yield made


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go; must be empty in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.glob("forensics-git-*")) == []


def _reason(found: object) -> str:
    assert isinstance(found, NotChecked), found
    assert found.evidence
    return found.reason


@pytest.mark.parametrize(
    "url",
    [
        "ext::sh -c touch% {marker}",
        "file://{server}",
        "{server}",
        "ssh://-oProxyCommand=touch% {marker}/x",
        "git@host:x",
        "git://127.0.0.1:1/x",
        "fd::17/x",
        "--upload-pack=touch {marker}",
        "https://127.0.0.1:1/x",
    ],
)
def test_only_two_protocols_are_spoken(url: str, net: Bench, tmp_path: Path, scratch: Path) -> None:
    marker, server = tmp_path / "marker", usual(tmp_path / "server.git")
    found = net.collect(url.format(marker=marker, server=server.path))
    assert isinstance(found, NotChecked)
    assert not marker.exists()


def test_the_environment_and_the_users_settings_have_no_say(
    desk: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    marker, home = tmp_path / "marker", tmp_path / "home"
    home.mkdir()
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {marker}\n")
    evil.chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\tfsmonitor = {evil}\n\thooksPath = {tmp_path}\n\tpager = {evil}\n"
        f'[uploadpack]\n\tpackObjectsHook = {evil}\n[url "ext::{evil}"]\n\tinsteadOf = /\n'
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_ASKPASS", "PAGER", "EDITOR"):
        monkeypatch.setenv(name, str(evil))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_EXEC_PATH", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(evil))
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    assert isinstance(desk.collect(usual(tmp_path / "server.git").path), Checked)
    assert not marker.exists()
    assert not (tmp_path / "trace").exists()


def test_names_that_read_as_options_links_and_hooks_stay_data(desk: Bench, tmp_path: Path, scratch: Path) -> None:
    marker = tmp_path / "marker"
    server = usual(tmp_path / "server.git")
    main = server.refs["refs/heads/main"]
    odd = {
        **module("1.0.9"),
        "--output=marker": b"x",
        "hooks/post-checkout": f"#!/bin/sh\ntouch {marker}\n".encode(),
        ".gitattributes": b"* diff=evil filter=evil\n",
        ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::touch {marker}\n'.encode(),
        "a\nb\tc\x1b[31m.py": b"x",
    }
    tip = server.commit(main, odd, "--output=/tmp/x \x1b[31mred\x00")
    server.refs |= {f"refs/heads/--upload-pack=touch {marker}".replace(" ", "_"): tip, "refs/tags/--exec=x-1.0.9": tip}
    server.write()
    found = desk.collect(server.path)
    assert not marker.exists()
    if isinstance(found, Checked):
        facts = FactFinder(found.value, "thing", ["1.0.0", "1.0.1"]).facts("1.0.1", ())
        assert facts.tag == "v1.0.1"


def test_objects_that_lie_are_refused(desk: Bench, tmp_path: Path, scratch: Path) -> None:
    server = usual(tmp_path / "server.git")
    sha = server.refs["refs/heads/main"]
    tree = server.history.add("tree", b"100644 ../../escape\0" + bytes.fromhex(server.history.add("blob", b"x")))
    server.refs["refs/heads/main"] = server.history.add(
        "commit", f"tree {tree}\nparent {sha}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n".encode()
    )
    server.write()
    reason = _reason(desk.collect(server.path))
    assert "sent objects that git refuses" in reason
    assert not (tmp_path / "escape").exists()


def test_a_listing_without_end_is_cut(
    desk: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    server = usual(tmp_path / "server.git")
    server.refs |= {f"refs/tags/t{n}": server.refs["refs/heads/main"] for n in range(3000)}
    monkeypatch.setattr(git_collect, "MAX_LISTING", 100_000)
    assert "git prints more than" in _reason(desk.collect(server.write().path))


def test_of_too_many_refs_the_default_branch_and_versions_are_fetched(
    desk: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    server = usual(tmp_path / "server.git")
    server.refs |= {f"refs/heads/b{n}": server.refs["refs/heads/main"] for n in range(300)}
    monkeypatch.setattr(git_collect, "MAX_REFS", 100)
    found = desk.collect(server.write().path)
    assert isinstance(found, Checked)
    assert sorted(found.value.refs) == ["refs/heads/main", "refs/tags/v1.0.0", "refs/tags/v1.0.1"]


def test_a_server_that_never_ends_is_left(net: Bench, scratch: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # takes connections, says nothing
        net.collector.seconds = 0.5
        began = time.monotonic()
        reason = _reason(net.collect(f"http://127.0.0.1:{listener.getsockname()[1]}/team/thing"))
    assert reason == "git ls-remote was stopped after 0.5 seconds"
    assert time.monotonic() - began < 5


def test_a_redirect_is_not_followed(net: Bench, lab: LabServer, scratch: Path) -> None:
    url = f"{lab.base}/git/ultralytics/ultralytics"
    lab.inject(Fault("/git/team/thing", "redirect", location=f"{url}/info/refs?service=git-upload-pack"))
    reason = _reason(net.collect(f"{lab.base}/git/team/thing"))
    assert "redirects elsewhere" in reason
    assert all("/git/team/thing" in request.path for request in lab.requests)


@pytest.mark.parametrize("kind", ["garbage", "truncate", "oversize", "status"])
def test_answers_that_are_none_leave_a_reason(kind: str, net: Bench, lab: LabServer, scratch: Path) -> None:
    lab.inject(Fault("/git/", kind, size=2**20))  # type: ignore[arg-type]
    _reason(net.collect(f"{lab.base}/git/ultralytics/ultralytics"))
    assert net.witness.status().problem


def test_a_missing_repository_is_refused_and_not_absent(net: Bench, lab: LabServer) -> None:
    assert "cannot be read" in _reason(net.collect(f"{lab.base}/git/no/such"))


def test_a_cancelled_command_leaves_no_process(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"

        async def cut_short() -> None:
            task = asyncio.ensure_future(Git.find(tmp_path).remote("ls-remote", "--", url, inside=False))
            await asyncio.sleep(0.3)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(cut_short())
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=False).stdout
        assert url not in listed


def test_output_and_size_are_capped(tmp_path: Path) -> None:
    async def run() -> None:
        git = Git.find(tmp_path)
        await git.make_repository()
        assert not any((git.repository / "hooks").iterdir()) if (git.repository / "hooks").exists() else True
        with pytest.raises(TooLarge, match="prints more"):
            await git.local("help", "-a", limit=10)
        with pytest.raises(TooLarge, match="larger than 0 MiB"):
            await git.remote("help", "-a", largest=0)

    asyncio.run(run())


def test_of_many_refs_only_names_become_refspecs(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        "refs/heads/main",
        "refs/tags/v1.0",
        "refs/tags/v1.1:refs/heads/main",
        "refs/tags/-1.2",
        "refs/tags/v1.3 x",
    ]
    refs = {name: Ref(name, "0" * 40) for name in names} | {"HEAD": Ref("HEAD", "0" * 40, "refs/heads/main")}
    assert git_collect.specs_of(refs) == ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    monkeypatch.setattr(git_collect, "MAX_REFS", 4)
    assert git_collect.specs_of(refs) == ["+refs/heads/main:refs/heads/main", "+refs/tags/v1.0:refs/tags/v1.0"]


@pytest.mark.parametrize("name", ["refs/heads/main", "refs/tags/v1.0", "refs/pull/7/head", "refs/heads/a-b"])
def test_names_of_refs_that_pass(name: str) -> None:
    assert is_ref(name)


@pytest.mark.parametrize(
    "name",
    ["--upload-pack=x", "main", "refs/heads/-x", "refs/heads/a b", "refs/heads/a..b", "refs/heads/a~1", "refs/heads/a^",
     "refs/heads/a:b", "refs/heads/a?", "refs/heads/a*", "refs/heads/a[", "refs/heads/a\\b", "refs/heads/a.lock",
     "refs/heads/.a", "refs/heads/a.", "refs/heads//a", "refs/heads/a/", "refs/heads/@{", "refs/heads/\x01"],
)  # fmt: skip
def test_names_of_refs_that_do_not(name: str) -> None:
    assert not is_ref(name)
    assert subprocess.run(["git", "check-ref-format", name], check=False).returncode or "-" in name


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("refs/pull/17/head", 17),
        ("refs/pull/\u00b2/head", 0),
        ("refs/merge-requests/" + "9" * 5000, 0),
        ("refs/pull/", 0),
    ],
)
def test_pull_requests_are_sorted_by_what_is_a_number(name: str, number: int) -> None:
    assert git_collect.pull_number(name) == number


def test_object_names_are_whole_and_hex() -> None:
    assert checked_commit("AB" * 20) == "ab" * 20
    for bad in ("abc", "--all", "g" * 40, "a" * 41, "HEAD"):
        with pytest.raises(UsageError):
            checked_commit(bad)


def test_complaints_carry_no_credentials_and_no_escapes() -> None:
    said = complaint(b"fatal: unable to access 'https://user:secret@host/x'\n\x1b[31mred\n")
    assert "secret" not in said
    assert "\x1b" not in said
    assert os.linesep not in said


def test_the_settings_of_a_local_repository_have_no_say(desk: Bench, tmp_path: Path, scratch: Path) -> None:
    marker, evil = tmp_path / "marker", tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {marker}\n")
    evil.chmod(0o755)
    server = usual(tmp_path / "server.git")
    (server.path / "hooks").mkdir()
    for hook in ("post-upload-pack", "pre-receive", "reference-transaction", "post-checkout"):
        shutil.copy(evil, server.path / "hooks" / hook)
    (server.path / "config").write_text(
        f"[core]\n\tbare = true\n\tfsmonitor = {evil}\n\thooksPath = {server.path}/hooks\n\tsshCommand = {evil}\n"
        f"\talternateRefsCommand = {evil}\n\tpager = {evil}\n[uploadpack]\n\tpackObjectsHook = {evil}\n"
        f'[include]\n\tpath = {tmp_path}/more\n[submodule "x"]\n\turl = ext::{evil}\n[diff]\n\texternal = {evil}\n'
        f'[url "ext::{evil}"]\n\tinsteadOf = /\n[remote "origin"]\n\turl = ext::{evil}\n\tuploadpack = {evil}\n'
    )
    (tmp_path / "more").write_text(f"[core]\n\taskPass = {evil}\n[credential]\n\thelper = !{evil}\n")
    before = {p: p.read_bytes() for p in sorted(server.path.rglob("*")) if p.is_file()}
    assert isinstance(desk.collect(server.path), Checked)
    assert not marker.exists()
    assert {p: p.read_bytes() for p in sorted(server.path.rglob("*")) if p.is_file()} == before


def test_a_huge_object_is_left_out_and_the_rest_is_read(desk: Bench, tmp_path: Path, scratch: Path) -> None:
    server = usual(tmp_path / "server.git")
    noise = bytes(os.urandom(2**16)) * 48  # incompressible for zlib's window, so that it weighs on disk too
    tip = server.commit(server.refs["refs/heads/main"], {**module("1.0.2"), "model.bin": noise}, "Large")
    server.refs["refs/heads/main"] = tip
    server.write()
    desk.collector.small_bytes = 2**20
    found = desk.collect(server.path)
    assert isinstance(found, Checked)
    assert isinstance(found.value.commits, Checked)
    assert found.value.commits.value[tip].subject == "Large"
    assert desk.kept == {}, "the bundle of a repository this large is not kept"


def test_an_object_that_unpacks_to_far_more_than_it_weighs_ends_nothing(
    desk: Bench, tmp_path: Path, scratch: Path
) -> None:
    server = usual(tmp_path / "server.git")
    tip = server.commit(
        server.refs["refs/heads/main"], {**module("1.0.2"), "pyproject.toml": bytes(96 * 2**20)}, "Bomb"
    )
    server.refs["refs/heads/main"] = tip
    found = desk.collect(server.write().path)
    if isinstance(found, Checked):
        facts = FactFinder(found.value, "thing", ["1.0.0", "1.0.1"]).facts("1.0.1", ())
        assert facts.tag == "v1.0.1"
    else:
        assert _reason(found)


def test_links_in_trees_are_never_followed(desk: Bench, tmp_path: Path, scratch: Path) -> None:
    server = usual(tmp_path / "server.git")
    outside = tmp_path / "outside"
    outside.mkdir()
    entries = b"".join(
        mode + b" " + name + b"\0" + bytes.fromhex(server.history.add("blob", target))
        for mode, name, target in (
            (b"120000", b"pyproject.toml", b"/etc/passwd"),
            (b"120000", b"thing", str(outside).encode()),
        )
    )
    tree = server.history.add("tree", entries)
    parent = server.refs["refs/heads/main"]
    server.refs["refs/heads/main"] = server.history.add(
        "commit", f"tree {tree}\nparent {parent}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n".encode()
    )
    found = desk.collect(server.write().path)
    assert list(outside.iterdir()) == []
    if isinstance(found, Checked):
        finder = FactFinder(found.value, "thing", ["1.0.0", "1.0.1"])
        assert finder.facts("1.0.1", ()).tag == "v1.0.1"
