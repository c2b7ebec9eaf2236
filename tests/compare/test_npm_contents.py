"""npm tarballs: what runs at install and import, what is required from where, and what newly runs."""

from __future__ import annotations

import pytest

from forensics.compare.artifacts import compare_contents
from forensics.model.contents import NETWORK, PROCESS, Contents, Runs
from tests.compare.making import Files, npm, npm_contents, zipped

PLAIN: Files = {"index.js": b"module.exports = 1\n", "lib/a.js": b"exports.a = 1\n"}


def _runs(contents: Contents) -> dict[str, Runs]:
    return {m.path.removeprefix("package/"): m.runs for m in contents.members}


def _surface(before: Contents, after: Contents) -> list[str]:
    return [one.what for one in compare_contents(before, after).surface]


def test_what_is_loaded_runs_at_import_and_the_rest_when_called() -> None:
    files: Files = {
        "index.js": b"require('./lib/a'); require('./data')",
        "lib/a.js": b"import './b.mjs'",
        "lib/b.mjs": b"",
        "data/index.js": b"",
        "bin/run.js": b"#!/usr/bin/env node\n",
        "types.d.ts": b"export declare const x: 1",
        "notes.md": b"x",
    }
    runs = _runs(npm_contents(files, {"bin": {"thing": "bin/run.js"}, "types": "types.d.ts"}))
    assert {path for path, when in runs.items() if when is Runs.IMPORT} == {
        "index.js", "lib/a.js", "lib/b.mjs", "data/index.js",
    }  # fmt: skip
    assert runs["bin/run.js"] is Runs.CALLED
    assert runs["types.d.ts"] is Runs.NEVER
    assert runs["notes.md"] is Runs.NEVER


@pytest.mark.parametrize(
    "package",
    [
        {"main": "lib/a"},
        {"main": "./lib/a.js"},
        {"module": "lib/a.js"},
        {"exports": "./lib/a.js"},
        {"exports": {".": {"types": "./a.d.ts", "import": ["./lib/a.js"]}}},
        {"exports": {"./x": {"node": {"require": "./lib/a.js"}}}},
    ],
)
def test_entries(package: dict[str, object]) -> None:
    assert _runs(npm_contents(PLAIN, package))["lib/a.js"] is Runs.IMPORT


@pytest.mark.parametrize(
    "command", ["node setup.js", "node ./setup", "echo hi && node setup.js || true", "bun setup.js"]
)
def test_install_hooks_run_what_they_name_and_what_that_loads(command: str) -> None:
    files: Files = {**PLAIN, "setup.js": b"require('./lib/a')"}
    contents = npm_contents(files, {"scripts": {"postinstall": command, "test": "jest"}})
    runs = _runs(contents)
    assert runs["setup.js"] is runs["lib/a.js"] is runs["package.json"] is Runs.INSTALL
    assert contents.hooks == (f"postinstall: {command}",)


@pytest.mark.parametrize("hook", ["preinstall", "install", "postinstall", "prepare"])
def test_a_new_hook(hook: str) -> None:
    after = npm_contents(PLAIN, {"scripts": {hook: "node x.js"}})
    assert _surface(npm_contents(PLAIN), after) == [f"new at install: {hook}: node x.js"]


def test_a_hook_with_another_command_is_new_but_prepare_is_not() -> None:
    def made(hook: str, command: str) -> Contents:
        return npm_contents(PLAIN, {"scripts": {hook: command}})

    assert _surface(made("postinstall", "node a"), made("postinstall", "node b")) == [
        "new at install: postinstall: node b"
    ]
    assert _surface(made("prepare", "husky install"), made("prepare", "husky")) == []
    assert _surface(made("prepublish", "x"), made("prepublish", "y")) == [], "npm no longer runs it"


def test_binding_gyp_makes_npm_compile() -> None:
    after = npm_contents({**PLAIN, "binding.gyp": b"{}"})
    assert _surface(npm_contents(PLAIN), after) == ["new at install: binding.gyp"]
    assert _runs(after)["binding.gyp"] is Runs.INSTALL


def test_code_that_newly_touches_at_import() -> None:
    after = npm_contents({**PLAIN, "index.js": b"globalThis.fetch = x => x; require('child_process')"})
    assert _surface(npm_contents(PLAIN), after) == [
        f"index.js newly touches {PROCESS} at import",
        f"index.js newly touches {NETWORK} at import",
    ]


def test_what_was_called_before_and_is_loaded_now() -> None:
    files: Files = {**PLAIN, "lib/a.js": b"require('child_process')"}
    loading: Files = {**files, "index.js": b"require('./lib/a')"}
    assert _surface(npm_contents(files), npm_contents(loading)) == [f"lib/a.js newly touches {PROCESS} at import"]
    assert _surface(npm_contents(loading), npm_contents(loading)) == []


def test_an_old_hook_that_newly_loads_something() -> None:
    scripts = {"scripts": {"install": "node build.js"}}
    before = npm_contents({**PLAIN, "build.js": b"", "index.js": b"require('https')"}, scripts)
    after = npm_contents({**PLAIN, "build.js": b"require('./get')", "get.js": b"require('https')",
                          "index.js": b"require('https')"}, scripts)  # fmt: skip
    assert _surface(before, after) == [f"get.js newly touches {NETWORK} at install"]


@pytest.mark.parametrize(
    "wanted",
    ["git+https://example.org/x/y.git#abc", "github:x/y", "x/y", "https://example.org/y.tgz", "git://example.org/y"],
)
def test_dependencies_from_elsewhere(wanted: str) -> None:
    after = npm_contents(PLAIN, {"dependencies": {"left": wanted, "right": "^1.0.0"}})
    diff = compare_contents(npm_contents(PLAIN), after)
    assert [one.what for one in diff.surface] == [f"the dependency left@{wanted}"]
    assert diff.dependencies == ("left", "right")


def test_a_dependency_from_elsewhere_is_known_by_its_place_and_not_by_its_commit() -> None:
    def made(wanted: str) -> Contents:
        return npm_contents(PLAIN, {"dependencies": {"left": wanted}})

    assert _surface(made("github:x/y#1234567"), made("github:x/y#89abcde")) == []
    assert _surface(made("https://example.org/y-1.2.3.tgz"), made("https://example.org/y-1.2.4.tgz")) == []
    assert _surface(made("github:x/y"), made("github:z/y")) == ["the dependency left@github:z/y"]


def test_an_alias_is_the_package_that_is_installed() -> None:
    after = npm_contents(PLAIN, {"optionalDependencies": {"left": "npm:@other/thing@1"}})
    assert compare_contents(npm_contents(PLAIN), after).dependencies == ("@other/thing",)


def test_commands() -> None:
    diff = compare_contents(npm_contents(PLAIN), npm_contents(PLAIN, {"bin": "./run.js"}))
    assert diff.commands == ("bin: thing = ./run.js",)
    assert diff.surface == ()


@pytest.mark.parametrize(
    "package",
    [
        {"scripts": 3},
        {"main": 7},
        {"exports": [[[None]]]},
        {"bin": [1]},
        {"dependencies": "x"},
        {"dependencies": {"a": 1}},
    ],
)
def test_odd_descriptions_are_read_as_far_as_they_go(package: dict[str, object]) -> None:
    assert "index.js" in _runs(npm_contents(PLAIN, package))


def test_a_zip_that_calls_itself_a_tarball() -> None:
    from forensics.compare.archives import read_contents
    from forensics.model.errors import MalformedEvidence

    with pytest.raises(MalformedEvidence, match="not a gzip file"):
        read_contents(zipped(PLAIN), "thing-1.0.0.tgz")
    assert read_contents(npm(PLAIN), "thing-1.0.0.tgz").root == "package/"
