"""What Python code could touch, and what it imports when it is imported: from the syntax tree, never by running it."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model.contents import CREDENTIALS, DECODED, DYNAMIC, ENVIRONMENT, NATIVE, NETWORK, PROCESS

MAX_SOURCE = 2 * 2**20
"""Bytes of a source file that are parsed; longer ones are searched as text."""
MAX_NODES = 400_000

_PROCESS_MODULES = (
    "subprocess", "pty", "pexpect", "sh", "plumbum", "commands", "popen2", "_posixsubprocess", "posix", "nt", "_winapi"
)  # fmt: skip
_NETWORK_MODULES = (
    "socket", "_socket", "ssl", "_ssl", "urllib.request", "urllib2", "urllib3", "http.client", "httplib", "requests",
    "httpx", "aiohttp", "websocket", "websockets", "ftplib", "smtplib", "telnetlib", "paramiko", "pycurl",
    "xmlrpc.client", "socketserver", "http.server", "dns", "grpc",
)  # fmt: skip
_MODULES = {
    **dict.fromkeys(_PROCESS_MODULES, PROCESS),
    **dict.fromkeys(_NETWORK_MODULES, NETWORK),
    **dict.fromkeys(("ctypes", "_ctypes", "cffi"), NATIVE),
}
_PROCESS_CALL = re.compile(
    r"os\.(system|popen\w*|exec[lv]p?e?|spawn\w+|posix_spawnp?|fork|forkpty|startfile)|asyncio\.create_subprocess_\w+"
    r"|platform\.popen"
)
_NETWORK_CALL = re.compile(r"asyncio\.(open_connection|create_connection|start_server)|urllib\.request\.\w+")
_DYNAMIC_CALL = re.compile(r"(builtins\.)?(exec|eval|compile)|(marshal|pickle|dill|cloudpickle)\.loads?|runpy\.run_\w+"
                           r"|types\.(FunctionType|CodeType)")  # fmt: skip
_DECODE_CALL = re.compile(
    r"base64\.\w*decode\w*|binascii\.(unhexlify|a2b_\w+)|(zlib|gzip|bz2|lzma)\.decompress\w*|marshal\.loads?|codecs\.decode"
    r"|bytes\.fromhex|(.*\.)?(\w*b(16|32|64|85)decode|decompress|fromhex|unhexlify)|.*[fF]ernet.*\.decrypt"
)
_ENVIRONMENT = re.compile(r"os\.(environb?|getenvb?|putenv)")
_CREDENTIAL_TEXT = re.compile(
    r"(^|[/\\~])\.(ssh|aws|azure|gnupg|npmrc|pypirc|netrc|git-credentials|kube|docker)($|[/\\])|\bid_(rsa|ed25519|ecdsa)\b"
    r"|wallet\.dat|\.config/gcloud|\.docker/config\.json|Local Extension Settings|169\.254\.169\.254|/etc/shadow"
)
_IMPORTERS = {"__import__", "importlib.import_module", "importlib.__import__"}
_TEXT_IMPORT = re.compile(rb"^[ \t]*(?:import|from)[ \t]+([A-Za-z_][\w.]*(?:[ \t]*,[ \t]*[\w.]+)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ImportRef:
    """One import: how many dots, the module, and the names taken from it."""

    level: int
    module: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What one source file could touch, what it imports as soon as it runs, and why it could not be parsed, if so."""

    reaches: tuple[str, ...] = ()
    imports: tuple[ImportRef, ...] = ()
    problem: str = ""


def read_code(source: bytes) -> CodeFacts:
    """Return the facts of one Python source file. Never raises: what cannot be parsed is searched as text instead."""
    if len(source) > MAX_SOURCE:
        return _as_text(source, "larger than what is parsed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return _as_text(source, f"not readable as Python ({type(error).__name__})")
    try:
        reader = _Reader(tree)
        return CodeFacts(tuple(sorted(reader.reaches)), tuple(_imports_of(tree)))
    except (RecursionError, _TooLarge):
        return _as_text(source, "too large or too deep to be read as Python")


def read_pth(source: bytes) -> CodeFacts | None:
    """Return the facts of the lines of a `.pth` file that the interpreter executes; None when there is none.

    Source: documentation of the module `site`; only lines that begin with `import` and a blank are executed.
    """
    lines = [line for line in source.splitlines() if line.startswith((b"import ", b"import\t"))]
    if not lines:
        return None
    found = [read_code(line) for line in lines[:1000]]
    return CodeFacts(
        tuple(sorted({reach for facts in found for reach in facts.reaches})),
        tuple(ref for facts in found for ref in facts.imports),
        next((facts.problem for facts in found if facts.problem), ""),
    )


class _TooLarge(Exception):
    """More nodes than are looked at."""


class _Reader:
    """One pass over a syntax tree: aliases first, then what they are used for."""

    def __init__(self, tree: ast.Module) -> None:
        self.reaches: set[str] = set()
        self.aliases: dict[str, str] = {}
        self.decoded: set[str] = set()
        nodes: list[ast.AST] = []
        for node in ast.walk(tree):
            nodes.append(node)
            if len(nodes) > MAX_NODES:
                raise _TooLarge
        docs = {id(n.value) for n in nodes if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
        for node in nodes:
            self._names(node)
        for node in nodes:
            if isinstance(node, ast.Assign) and self._decodes(node.value):
                self.decoded |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        for node in nodes:
            if isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, (ast.Attribute, ast.Name)):
                self._use(self._dotted(node))
            elif isinstance(node, ast.Constant) and id(node) not in docs and names_credentials(node.value):
                self.reaches.add(CREDENTIALS)

    def _names(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._module(alias.name)
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                self.aliases[alias.asname or top] = top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "os" and any(alias.name == "*" for alias in node.names):
                self.reaches.add(PROCESS)
            for alias in node.names:
                self._module(node.module)
                self._module(f"{node.module}.{alias.name}")
                self.aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def _module(self, name: str) -> None:
        parts = name.split(".")
        for size in range(len(parts), 0, -1):
            if reach := _MODULES.get(".".join(parts[:size])):
                self.reaches.add(reach)

    def _dotted(self, node: ast.AST) -> str:
        """Return `os.system` for a name or attribute, its first part resolved; empty for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute) and len(parts) < 10:
            parts.append(node.attr)
            node = node.value
        if isinstance(node, ast.Call):
            target = self._imported(node)
            base = target or self._dotted(node.func)
        else:
            base = self.aliases.get(node.id, node.id) if isinstance(node, ast.Name) else ""
        return ".".join([base, *reversed(parts)]) if parts else base

    def _imported(self, call: ast.Call) -> str | None:
        """Return the module that `__import__("x")` and its like name, None for other calls and for computed names."""
        name = self._dotted(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else ""
        if name not in _IMPORTERS or not call.args:
            return None
        first = call.args[0]
        return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None

    def _call(self, call: ast.Call) -> None:
        name = self._dotted(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else ""
        if name in _IMPORTERS:
            module = self._imported(call)
            if module is None:
                self.reaches.add(DECODED if any(map(self._decodes, call.args)) else DYNAMIC)
            else:
                self._module(module)
        elif name == "getattr" and len(call.args) > 1 and isinstance(call.args[1], ast.Constant):
            self._use(f"{self._dotted(call.args[0])}.{call.args[1].value!s}")
        elif _DYNAMIC_CALL.fullmatch(name) and not all(isinstance(a, ast.Constant) for a in call.args):
            self.reaches.add(DECODED if any(map(self._decodes, call.args)) else DYNAMIC)

    def _decodes(self, node: ast.AST) -> bool:
        """Whether an expression unpacks or decodes something, or is a name that was assigned such a value."""
        for count, inner in enumerate(ast.walk(node)):
            if count > 200:
                return False
            if isinstance(inner, ast.Name) and inner.id in self.decoded:
                return True
            if isinstance(inner, ast.Call) and isinstance(inner.func, (ast.Name, ast.Attribute)):
                name = self._dotted(inner.func) or (inner.func.attr if isinstance(inner.func, ast.Attribute) else "")
                if _DECODE_CALL.fullmatch(name):
                    return True
        return False

    def _use(self, name: str) -> None:
        if _PROCESS_CALL.fullmatch(name):
            self.reaches.add(PROCESS)
        elif _NETWORK_CALL.fullmatch(name):
            self.reaches.add(NETWORK)
        elif _ENVIRONMENT.match(name):
            self.reaches.add(ENVIRONMENT)


def names_credentials(value: object, limit: int = 4096) -> bool:
    """Whether the first *limit* characters of a string name a place where credentials are kept."""
    return isinstance(value, str) and bool(_CREDENTIAL_TEXT.search(value[:limit]))


def _imports_of(tree: ast.Module) -> Iterator[ImportRef]:
    """Yield the imports that run with the module: outside of functions, or in functions that it calls itself."""
    functions = {n.name: n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += getattr(node, "decorator_list", [])
            continue
        if isinstance(node, ast.Import):
            yield from (ImportRef(0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield ImportRef(node.level, node.module or "", tuple(alias.name for alias in node.names))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            waiting += functions.pop(node.func.id).body
        elif isinstance(node, ast.Call) and node.args and _imports_by_call(node.func):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                level = len(first.value) - len(first.value.lstrip("."))
                yield ImportRef(level, first.value.lstrip("."))
        waiting += ast.iter_child_nodes(node)


def _imports_by_call(function: ast.expr) -> bool:
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name in {"__import__", "import_module"}


def _as_text(source: bytes, problem: str) -> CodeFacts:
    """Return what the imports of a text name that is not Python that we can parse."""
    names: dict[str, None] = {}
    for match in _TEXT_IMPORT.finditer(source[: 8 * 2**20]):
        for name in match.group(1).decode("ascii", "replace").split(","):
            names[name.strip()] = None
    reaches = {
        reach
        for name in names
        for size in range(1, name.count(".") + 2)
        if (reach := _MODULES.get(".".join(name.split(".")[:size])))
    }
    if re.search(rb"\bos\s*\.\s*(system|popen|exec|spawn)", source):
        reaches.add(PROCESS)
    return CodeFacts(tuple(sorted(reaches)), tuple(ImportRef(0, name) for name in list(names)[:1000]), problem)
