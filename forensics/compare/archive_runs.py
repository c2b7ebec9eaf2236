"""When each file of an artifact can run: before anyone asks, at install, at import, when called, or never.

Source: documentation of `site`; PEP 427 (wheel layout), PEP 517 (build backends); npm documentation of `scripts`.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from forensics.compare.python_reach import CodeFacts, ImportRef
from forensics.model.contents import Runs

_CODE = frozenset(
    {
        "py", "pyw", "pyc", "pyo", "pyx", "pxd", "pth", "so", "pyd", "dll", "dylib", "exe", "bat", "cmd", "com",
        "ps1", "sh", "bash", "zsh", "fish", "pl", "rb", "js", "mjs", "cjs", "ts", "mts", "cts", "jsx", "tsx",
        "node", "wasm", "jar", "class", "c", "cc", "cpp", "cxx", "h", "hpp", "rs", "go", "f", "f90", "cu", "m",
        "mm", "vbs",
    }
)  # fmt: skip
_NATIVE = (".so", ".pyd")
_ENDINGS = (".js", ".cjs", ".mjs", ".json", ".ts", ".node")
_TYPES = (".d.ts", ".d.mts", ".d.cts")
"""Declarations of types: no program runs them."""
_BUILT_AT_INSTALL = frozenset({"setup.py", "build.rs", "CMakeLists.txt", "meson.build", "configure", "binding.gyp"})
_START_MODULES = frozenset({"sitecustomize.py", "usercustomize.py"})
_NOT_INSTALLED = frozenset(
    {
        "tests", "test", "docs", "doc", "examples", "example", "benchmarks", "benchmark", "bench", "tools",
        "scripts", "ci",
    }
)  # fmt: skip
_DATA_LIBRARY = re.compile(r"^[^/]+\.data/(?:purelib|platlib)/")
_DATA_SITE = re.compile(r"^[^/]+\.data/data/(?:.*/)?(?:site|dist)-packages/")
_LAYOUT = re.compile(r"^[^/]+\.(?:data|dist-info)/")


@dataclass(slots=True)
class Layout:
    """What an artifact's own declarations say: its kind, the files that hooks name, and where in-tree backends lie.

    `modules` are the top-level modules that an sdist names or is named after. All paths are inside the artifact,
    without the one directory that an sdist or npm tarball has around everything.
    """

    kind: str
    backend_paths: tuple[str, ...] = ()
    backend: str = ""
    hooked: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    modules: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Modules:
    """The Python files of an artifact as modules: from dotted name to paths, for several roots of imports."""

    by_name: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, root: str, path: str, shown: str) -> None:
        """Take the file *path*, which lies at *shown* below the root of imports."""
        stem = shown[len(root) :]
        if stem.endswith((".py", ".pyc", ".pyw")):
            stem = stem.rpartition(".")[0]
        elif stem.endswith(_NATIVE):
            folder, slash, name = stem.rpartition("/")
            stem = folder + slash + name.partition(".")[0]
        else:
            return
        dotted = stem.removesuffix("/__init__").replace("/", ".")
        self.by_name[dotted].append(path)
        self.names[path].append(dotted)


def runs_of(code: Mapping[str, CodeFacts | None], layout: Layout, magic: Iterable[str] = ()) -> dict[str, Runs]:
    """Return when each file can run. *code* maps every path to its facts, None for what is not Python.

    *magic* are paths that their first bytes show to be programs, whatever their names.
    """
    runs = {path: Runs.CALLED if _is_code(path) else Runs.NEVER for path in code}
    runs.update(dict.fromkeys(magic, Runs.CALLED))
    if layout.kind == "npm":
        for level, named in ((Runs.IMPORT, layout.entries), (Runs.INSTALL, layout.hooked)):
            starts = [found for path in named if (found := _script(path, code))]
            _mark(runs, _loaded(starts, code), level)
        _mark(runs, ("binding.gyp", *(path for path in layout.hooked if path == "package.json")), Runs.INSTALL)
        return runs
    shown = {path: _installed(path) for path in code}
    roots = _roots(shown.values(), layout.kind)
    modules = _Modules()
    for path in code:
        for root in roots:
            if shown[path].startswith(root):
                modules.add(root, path, shown[path])
    for level, starts in _starts(code, shown, roots, layout):
        _mark(runs, _closure(starts, code, modules), level)
    return runs


def _mark(runs: dict[str, Runs], paths: Iterable[str], level: Runs) -> None:
    for path in paths:
        if path in runs and level.rank > runs[path].rank:
            runs[path] = level


def _is_code(path: str) -> bool:
    name = path.rpartition("/")[2]
    if name.endswith(_TYPES):
        return False
    return name.rpartition(".")[2].lower() in _CODE or name in _BUILT_AT_INSTALL or ".so." in name


def _installed(path: str) -> str:
    """Return where a file of a wheel ends up below site-packages; other paths as they are."""
    return _DATA_SITE.sub("", _DATA_LIBRARY.sub("", path))


def _roots(paths: Iterable[str], kind: str) -> list[str]:
    """Return the directories from which imports are resolved."""
    if kind != "sdist":
        return [""]
    packages = {path.rpartition("/")[0] for path in paths if path.endswith("/__init__.py")}
    tops = {folder for folder in packages if folder.rpartition("/")[0] not in packages}
    parents = {f"{parent}/" if (parent := folder.rpartition("/")[0]) else "" for folder in tops}
    return sorted({"", "src/", *(root for root in parents if not _aside(root))})


def _aside(path: str) -> bool:
    return path.partition("/")[0].lower() in _NOT_INSTALLED


def _starts(
    code: Mapping[str, CodeFacts | None], shown: Mapping[str, str], roots: list[str], layout: Layout
) -> list[tuple[Runs, list[str]]]:
    """Return from where execution begins, for each moment."""
    at_import, at_start, at_install = [], [], []
    for path, place in shown.items():
        folder, _, name = place.rpartition("/")
        top = f"{folder}/" if folder else ""
        started = name.endswith(".pth") and _takes_effect(place, code[path], layout.kind)
        if started or (name in _START_MODULES and top in roots):
            at_start.append(path)
        elif (layout.kind == "sdist" and not folder and name in _BUILT_AT_INSTALL) or _is_backend(place, layout):
            at_install.append(path)
        elif _LAYOUT.match(place) or not place.endswith((".py", ".pyc", *_NATIVE)):
            continue
        elif name.startswith("__init__."):
            outer = folder.rpartition("/")[0]
            if f"{outer}/__init__.py" not in shown and not (layout.kind == "sdist" and _aside(place)):
                at_import.append(path)
        elif (
            (layout.kind == "wheel" and not folder)
            or (layout.kind == "sdist" and top == "src/")
            or (layout.kind == "sdist" and not folder and name.partition(".")[0].lower() in layout.modules)
        ):
            at_import.append(path)
    return [(Runs.IMPORT, at_import), (Runs.START, at_start), (Runs.INSTALL, at_install)]


def _takes_effect(place: str, facts: CodeFacts | None, kind: str) -> bool:
    """Whether a `.pth` file is one for the interpreter: in site-packages itself, or anywhere in an sdist with code."""
    if kind == "sdist":
        return facts is not None
    return "/" not in place


def _is_backend(place: str, layout: Layout) -> bool:
    if not layout.backend:
        return False
    stem = layout.backend.partition(":")[0].replace(".", "/")
    return any(
        place in {f"{root}{stem}.py", f"{root}{stem}/__init__.py"}
        for root in (f"{p.strip('./')}/" if p.strip("./") else "" for p in layout.backend_paths)
    )


def _script(path: str, code: Mapping[str, CodeFacts | None]) -> str | None:
    """Return the file that Node loads for *path*: itself, with an ending added, or the index of a folder."""
    plain = posixpath.normpath(path).lstrip("/")
    if plain.endswith(_TYPES):
        return None
    stem = plain.removesuffix("/")
    tries = (plain, *(stem + ending for ending in _ENDINGS), *(f"{stem}/index{ending}" for ending in _ENDINGS))
    return next((one.removeprefix("./") for one in tries if one.removeprefix("./") in code), None)


def _loaded(starts: Iterable[str], code: Mapping[str, CodeFacts | None]) -> set[str]:
    """Return *starts* and every file of the package that loading them loads in turn."""
    seen, waiting = set(starts), deque(starts)
    while waiting:
        path = waiting.popleft()
        facts = code.get(path)
        for ref in facts.imports if facts else ():
            found = _script(posixpath.join(posixpath.dirname(path), ref.module), code)
            if found and found not in seen:
                seen.add(found)
                waiting.append(found)
    return seen


def _closure(starts: list[str], code: Mapping[str, CodeFacts | None], modules: _Modules) -> set[str]:
    """Return *starts* and every file that importing them imports in turn."""
    seen, waiting = set(starts), deque(starts)
    while waiting:
        path = waiting.popleft()
        facts = code.get(path)
        for ref in facts.imports if facts else ():
            for found in _resolve(path, ref, modules):
                if found not in seen:
                    seen.add(found)
                    waiting.append(found)
    return seen


def _resolve(path: str, ref: ImportRef, modules: _Modules) -> Iterable[str]:
    """Yield the files that one import loads: the module, its packages, and names that are modules themselves."""
    for base in _bases(path, ref, modules):
        dotted = f"{base}.{ref.module}".strip(".") if ref.module else base
        parts = dotted.split(".") if dotted else []
        for size in range(1, min(len(parts), 50) + 1):
            yield from modules.by_name.get(".".join(parts[:size]), ())
        for name in ref.names:
            yield from modules.by_name.get(f"{dotted}.{name}".strip("."), ())


def _bases(path: str, ref: ImportRef, modules: _Modules) -> list[str]:
    if not ref.level:
        return [""]
    is_package = path.rpartition("/")[2].startswith("__init__.")
    up = ref.level - 1 if is_package else ref.level
    bases = []
    for name in modules.names.get(path, ()):
        parts = name.split(".")
        if up <= len(parts):
            bases.append(".".join(parts[: len(parts) - up]))
    return bases
