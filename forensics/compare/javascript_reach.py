"""What a script for Node or the browser could touch, and which files it loads: from its tokens, never by running it."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from forensics.compare.javascript_tokens import NAME, OTHER, PUNCT, STRING, Token, tokens_of
from forensics.compare.python_reach import CodeFacts, ImportRef, names_credentials
from forensics.model.contents import CREDENTIALS, DECODED, DYNAMIC, ENVIRONMENT, NATIVE, NETWORK, PROCESS

MAX_SOURCE: Final = 2 * 2**20
"""Bytes of a script that are cut into tokens; longer ones are searched as text."""
MAX_TOKENS: Final = 1_000_000
MAX_ARGUMENTS: Final = 200
"""Tokens of a call's arguments that are looked at."""
MAX_LOOKED_AT: Final = 5_000_000
"""Tokens of arguments that are looked at in all, so that calls within calls cost no more than the script is long."""
MAX_TEXT: Final = 100_000
"""Characters of one quoted text that are searched for code."""
MACHINE_NAMES: Final = 20
"""Different names such as `_0x3fa2c1` that only a program gives: then what the text says is decoded when it runs."""

_PROCESS_MODULES = (
    "child_process",
    "execa",
    "cross-spawn",
    "shelljs",
    "node-pty",
    "cluster",
    "zx",
    "tinyexec",
    "nano-spawn",
)
_NETWORK_MODULES = (
    "http", "https", "http2", "net", "tls", "dgram", "dns", "dns/promises", "undici", "axios", "node-fetch", "got",
    "request", "superagent", "ws", "cross-fetch", "needle", "ky", "phin", "isomorphic-fetch", "socket.io-client",
)  # fmt: skip
_MODULES = {
    **dict.fromkeys(_PROCESS_MODULES, PROCESS),
    **dict.fromkeys(_NETWORK_MODULES, NETWORK),
    **dict.fromkeys(("vm", "vm2", "isolated-vm", "module", "repl", "inspector"), DYNAMIC),
    **dict.fromkeys(("ffi-napi", "koffi", "bindings", "node-gyp-build", "wasi"), NATIVE),
}
_BINDINGS = {"spawn_sync": PROCESS, "process_wrap": PROCESS, "tcp_wrap": NETWORK, "udp_wrap": NETWORK}
_MEMBERS = {
    ("process", "env"): ENVIRONMENT, ("Deno", "env"): ENVIRONMENT, ("Bun", "env"): ENVIRONMENT,
    ("process", "dlopen"): NATIVE, ("Deno", "dlopen"): NATIVE, ("Bun", "spawn"): PROCESS, ("Bun", "spawnSync"): PROCESS,
    ("Bun", "$"): PROCESS, ("Deno", "run"): PROCESS, ("Deno", "Command"): PROCESS, ("Deno", "connect"): NETWORK,
    ("Bun", "connect"): NETWORK, ("navigator", "sendBeacon"): NETWORK, ("constructor", "constructor"): DYNAMIC,
}  # fmt: skip
"""What two names joined by a dot touch; `process["env"]` reads the same."""
_MADE_BY_NEW = {"XMLHttpRequest": NETWORK, "WebSocket": NETWORK, "EventSource": NETWORK, "RTCPeerConnection": NETWORK}
_GLOBALS = frozenset({"globalThis", "window", "self", "global", "top"})
_LOADERS = frozenset({"require", "import"})
_RUNS_ARGUMENT = frozenset(
    {"eval", "Function", "require", "import", "runInThisContext", "runInNewContext", "runInContext", "compileFunction",
     "Script", "exec", "execSync", "spawn", "spawnSync", "execFile", "execFileSync", "_compile"}
)  # fmt: skip
_DECODERS = frozenset(
    {"atob", "unescape", "fromCharCode", "fromCodePoint", "inflateSync", "inflateRawSync", "gunzipSync", "unzipSync",
     "brotliDecompressSync", "createDecipheriv", "createDecipher"}
)  # fmt: skip
_ENCODINGS = frozenset({"base64", "base64url", "hex", "latin1", "binary"})
_MACHINE_NAME = re.compile(r"_0x[0-9a-f]{3,}")
_LOADS = r"(?:\brequire\s{0,9}\(|\bfrom|\bimport\s{0,9}\(?)\s{0,9}"
_QUOTED_MODULE = re.compile(_LOADS + r"""["'`](?:node:)?([\w./-]{2,40})["'`]""")
_OPEN_LOAD = re.compile(_LOADS + r"\Z")
_TEXT_RULES = (
    (NETWORK, re.compile(r"\bfetch\s{0,9}\(|\bXMLHttpRequest\b")),
    (DYNAMIC, re.compile(r"\beval\s{0,9}\(|\bnew\s+Function\s{0,9}\(")),
    (ENVIRONMENT, re.compile(r"\bprocess\.env\b")),
    (DECODED, re.compile(r"_0x[0-9a-f]{4,}\b[^\n]{0,400}?_0x[0-9a-f]{4,}\b")),
)


def read_script(source: bytes) -> CodeFacts:
    """Return the facts of one script. Never raises: what is too large is searched as text instead."""
    if len(source) > MAX_SOURCE:
        return _as_text(source, "larger than what is read token by token")
    tokens = list(islice(tokens_of(source.decode("utf-8", "replace")), MAX_TOKENS + 1))
    if len(tokens) > MAX_TOKENS:
        return _as_text(source, "of more tokens than are read")
    reader = _Reader(_folded(tokens))
    problem = "" if reader.budget else "of more calls in calls than are read"
    return CodeFacts(tuple(sorted(reader.reaches)), tuple(reader.imports), problem)


def _folded(tokens: list[Token]) -> list[Token]:
    """Join added strings, and write `a["b"]` as `a.b`: both are the usual ways to hide a name."""
    out: list[Token] = []
    for token in tokens:
        if token[0] == STRING and len(out) > 1 and out[-1] == (PUNCT, "+") and out[-2][0] == STRING:
            out.pop()
            token = (STRING, (out.pop()[1] + token[1])[:4096])
        if (
            token == (PUNCT, "]")
            and len(out) > 2
            and out[-1][0] == STRING
            and out[-2] == (PUNCT, "[")
            and (out[-3][0] == NAME or out[-3][1] in {")", "]"})
        ):
            name = out.pop()[1]
            out[-1] = (PUNCT, ".")
            token = (NAME, name)
        out.append(token)
    return out


class _Reader:
    """One pass over the tokens of a script."""

    def __init__(self, tokens: list[Token]) -> None:
        self.reaches: set[str] = set()
        self.imports: dict[ImportRef, None] = {}
        self.decoded: set[str] = set()
        self.tokens = tokens
        self.budget = MAX_LOOKED_AT
        machine: set[str] = set()
        for at, (kind, value) in enumerate(tokens):
            if kind == NAME:
                self._name(at, value)
                if value.startswith("_0x") and _MACHINE_NAME.fullmatch(value):
                    machine.add(value)
            elif kind == STRING or (kind == OTHER and value[0] == "/"):
                self._text(at, value)
        if len(machine) >= MACHINE_NAMES:
            self.reaches.add(DECODED)

    def _at(self, at: int) -> Token:
        return self.tokens[at] if 0 <= at < len(self.tokens) else (PUNCT, "")

    def _text(self, at: int, value: str) -> None:
        """Read what is quoted: places of credentials, and code where an odd quote has turned text and code around."""
        if names_credentials(value):
            self.reaches.add(CREDENTIALS)
        if "require" in value or "import" in value or "from" in value:
            self.reaches |= _modules_in(value[:MAX_TEXT])
            name = self._at(at + 1)[1]
            if name in _MODULES and _OPEN_LOAD.search(value[-40:]):
                self.reaches.add(_MODULES[name])

    def _name(self, at: int, value: str) -> None:
        before, after = self._at(at - 1), self._at(at + 1)
        member = before == (PUNCT, ".")
        owner = self._at(at - 2)[1] if member else ""
        free = not member or owner in _GLOBALS
        if reach := _MEMBERS.get((owner, value)):
            self.reaches.add(reach)
        if value in _LOADERS or (value in {"from", "export"} and not member):
            self._load(at, value)
        if value in _DECODERS or (value == "from" and owner == "Buffer"):
            self._decode(at, value)
        if value == "binding" and owner == "process" and self._at(at + 2)[0] == STRING:
            self.reaches.add(_BINDINGS.get(self._at(at + 2)[1], NATIVE))
        elif value == "WebAssembly" and free:
            self.reaches.add(NATIVE)
        elif value in _MADE_BY_NEW and (before[1] == "new" or member or after == (PUNCT, ".")):
            self.reaches.add(_MADE_BY_NEW[value])
        elif value == "fetch" and free and before[1] != "function" and (after == (PUNCT, "(") or member):
            self.reaches.add(NETWORK)
        if after == (PUNCT, "("):
            self._call(at, value, free=free)

    def _load(self, at: int, word: str) -> None:
        """Take the module of `require("x")`, `import "x"`, `import("x")` and `… from "x"`."""
        inside = self._at(at + 1) == (PUNCT, "(")
        kind, value = self._at(at + 2 if inside else at + 1)
        if kind != STRING or (word == "require" and not inside):
            return
        if reach := _MODULES.get(value.removeprefix("node:")):
            self.reaches.add(reach)
        if value.startswith("."):
            self.imports.setdefault(ImportRef(0, value[:500]))
        if value.endswith(".node"):
            self.reaches.add(NATIVE)

    def _call(self, at: int, value: str, *, free: bool) -> None:
        if value not in _RUNS_ARGUMENT and value not in {"setTimeout", "setInterval"}:
            return
        arguments = self._arguments(at + 1)
        if value in _RUNS_ARGUMENT and self._decodes(arguments):
            self.reaches.add(DECODED)
        elif (value == "eval" and free) or (value == "Function" and free and self._at(at - 1)[1] != "function"):
            if any(kind == NAME for kind, _ in arguments):  # code made of constants says what it is
                self.reaches.add(DYNAMIC)
        elif value in {"setTimeout", "setInterval"} and arguments and arguments[0][0] == STRING:
            self.reaches.add(DYNAMIC)

    def _arguments(self, at: int) -> list[Token]:
        """Return the tokens between the parenthesis at *at* and its partner, at most MAX_ARGUMENTS."""
        depth = 0
        limit = min(MAX_ARGUMENTS, self.budget)
        for end in range(at, min(at + limit, len(self.tokens))):
            self.budget -= 1
            kind, value = self.tokens[end]
            if kind == PUNCT and value in "([{":
                depth += 1
            elif kind == PUNCT and value in ")]}":
                depth -= 1
                if depth == 0:
                    return self.tokens[at + 1 : end]
        return self.tokens[at + 1 : at + limit]

    def _decodes(self, tokens: list[Token]) -> bool:
        """Whether an expression unpacks or decodes something, or names what was made by decoding."""
        for at, (kind, value) in enumerate(tokens):
            if kind == NAME and (value in _DECODERS or value in self.decoded):
                return True
            if kind == STRING and value in _ENCODINGS and at and tokens[at - 1] == (PUNCT, ","):
                return True
        return False

    def _decode(self, at: int, value: str) -> None:
        """Remember the variable that a decoded value is given to."""
        if value == "from" and not self._decodes(self._arguments(at + 1)):
            return
        for back in range(at - 1, max(at - 40, 0), -1):
            kind, sign = self.tokens[back]
            if kind == PUNCT and sign in ";{}":
                return
            if (kind, sign) == (PUNCT, "=") and self._at(back - 1)[0] == NAME:
                self.decoded.add(self._at(back - 1)[1])
                return


def _modules_in(text: str) -> set[str]:
    return {reach for match in _QUOTED_MODULE.finditer(text) if (reach := _MODULES.get(match.group(1)))}


def _as_text(source: bytes, problem: str) -> CodeFacts:
    """Return what a text names that is not cut into tokens, and why it is not."""
    text = source.decode("utf-8", "replace")
    reaches = _modules_in(text) | {reach for reach, rule in _TEXT_RULES if rule.search(text)}
    if names_credentials(text, limit=len(text)):
        reaches.add(CREDENTIALS)
    return CodeFacts(tuple(sorted(reaches)), (), problem)
