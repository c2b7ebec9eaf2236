"""What scripts could touch, told from their tokens: hidden names, minified code, and what only looks like code."""

from __future__ import annotations

import time

import pytest

from forensics.compare.javascript_reach import MAX_SOURCE, read_script
from forensics.compare.javascript_tokens import NAME, OTHER, PUNCT, STRING, tokens_of
from forensics.compare.python_reach import ImportRef
from forensics.model.contents import CREDENTIALS, DECODED, DYNAMIC, ENVIRONMENT, NATIVE, NETWORK, PROCESS


@pytest.mark.parametrize(
    ("script", "reach"),
    [
        ("const cp = require('child_process')", PROCESS),
        ("import { exec } from 'node:child_process'", PROCESS),
        ("const cp = await import(`child_process`)", PROCESS),
        ("export * from 'execa'", PROCESS),
        ("require('child_' + 'process')", PROCESS),
        ("require('child\\x5fprocess')", PROCESS),
        ("module['require']('\\u0063hild_process')", PROCESS),
        ("process.binding('spawn_sync')", PROCESS),
        ("Bun.spawn(['x'])", PROCESS),
        ("`${`a`}${require('child_process')}`", PROCESS),
        ("x = /'/; require('child_process')", PROCESS),
        ("if (x) /'/.test(y); require('child_process')", PROCESS),
        ("import 'https'", NETWORK),
        ("globalThis.fetch = hook", NETWORK),
        ("fetch(u)", NETWORK),
        ("new XMLHttpRequest", NETWORK),
        ("XMLHttpRequest.prototype.open = hook", NETWORK),
        ("eval(x)", DYNAMIC),
        ("window['eval'](x)", DYNAMIC),
        ("new Function('a', body)", DYNAMIC),
        ("setTimeout('run()', 1)", DYNAMIC),
        ("require('vm')", DYNAMIC),
        ("eval(atob('eA=='))", DECODED),
        ("eval(Buffer.from(x, 'base64').toString())", DECODED),
        ("const s = Buffer.from(x, 'hex').toString(); eval(s)", DECODED),
        ("require(String.fromCharCode(102, 115))", DECODED),
        (";".join(f"var _0x{n:04x}=1" for n in range(30)), DECODED),
        ("process.env.TOKEN", ENVIRONMENT),
        ("process['env']", ENVIRONMENT),
        ("read(home + '/.npmrc')", CREDENTIALS),
        ("get('http://169.254.169.254/latest')", CREDENTIALS),
        ("WebAssembly.instantiate(b)", NATIVE),
        ("require('./x.node')", NATIVE),
    ],
)
def test_what_is_touched(script: str, reach: str) -> None:
    assert reach in read_script(script.encode()).reaches


@pytest.mark.parametrize(
    "script",
    [
        "// const cp = require('child_process')\nmodule.exports = 1",
        "/* fetch(x) eval(y) */",
        "client.fetch(u)",
        "function fetch(u) { return u }",
        "const o = { fetch: 1, eval: 2 }",
        "parser.eval(x)",
        "new Function('return this')()",
        "const text = 'call eval(x) and fetch(y)'",
        "require(name)",
        "Array.from(x, 'base')",
        "setTimeout(run, 1)",
        "const child_process = 1",
    ],
)
def test_what_only_looks_like_it(script: str) -> None:
    assert read_script(script.encode()).reaches == ()


def test_what_a_script_loads() -> None:
    script = (
        b"import a from './a.js'; require('../b'); import('./c'); export { d } from './d/index.js'; require('left-pad')"
    )
    assert read_script(script).imports == tuple(ImportRef(0, m) for m in ("./a.js", "../b", "./c", "./d/index.js"))


def test_minified_code_is_read_like_any_other() -> None:
    script = b"!function(e,t){" + b"var n=e/t/2,r=/[/'\"]+/g.test(n);" * 2000 + b"t(e(r)),require('net')}(this)"
    assert read_script(script).reaches == (NETWORK,)


def test_tokens() -> None:
    assert list(tokens_of("a=b/c/d; e=/f'/g; 'h\\n' // i\n`j${k}l`")) == [
        (NAME, "a"), (PUNCT, "="), (NAME, "b"), (PUNCT, "/"), (NAME, "c"), (PUNCT, "/"), (NAME, "d"), (PUNCT, ";"),
        (NAME, "e"), (PUNCT, "="), (OTHER, "/f'/g"), (PUNCT, ";"), (STRING, "h\n"),
        (STRING, "j"), (PUNCT, "+"), (NAME, "k"), (STRING, "l"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "hostile",
    [
        '"\\"',
        "/*",
        "=/[",
        "`${",
        "([",
        "eval(",
        "Buffer.from(",
        "a\\u{",
        "'a'+",
        'require("',
        "\\",
        "/",
        "`",
        "}",
        "\x00",
    ],
)
def test_hostile_scripts_end_soon(hostile: str) -> None:
    source = (hostile * (120_000 // len(hostile))).encode()
    start = time.process_time()
    read_script(source)
    assert time.process_time() - start < 10, "linear: under a second, not minutes"


def test_deep_and_large_scripts_are_searched_as_text() -> None:
    large = b"x" * MAX_SOURCE + b"\nrequire('child_process');eval(a)"
    facts = read_script(large)
    assert {PROCESS, DYNAMIC} <= set(facts.reaches)
    assert facts.problem == "larger than what is read token by token"
    assert read_script(b"eval(" * 100_000).problem == "of more calls in calls than are read"


def test_bytes_that_are_no_text() -> None:
    assert read_script(bytes(range(256)) * 10).problem == ""
