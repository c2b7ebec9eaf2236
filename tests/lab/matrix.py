"""The fault matrix: each source dead, slow, lying or cut off, one at a time and all at once, through the command.

A run must end in bounded time, name what it missed, and never turn an outage into an absence: what it says of files,
releases, advisories and signals must be what it says without the fault, or that it does not know.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from tests.lab.errors import LabError
from tests.lab.faults import Fault
from tests.lab.record import forensics_command
from tests.lab.server import LabServer, serve
from tests.lab.small import small_scenario

SECONDS = 120.0
"""A run ends within this, however slow its sources are."""
ANSWERS = (0, 10, 11)
NOWHERE = "http://127.0.0.1:9"
ALL = "all at once"


@dataclass(frozen=True)
class Source:
    """One source of the lab: where it answers, which variable names it, and what the command calls it.

    The command may miss others as well, on a machine that is slow itself; these are its own.
    """

    name: str
    prefix: str
    variable: str
    called: tuple[str, ...]
    method: str | None = None
    base: str = ""


SOURCES = (
    Source("PyPI Simple API", "/index/simple", "FORENSICS_PYPI_URL", ("PyPI index",)),
    Source("PyPI legacy API", "/index/pypi/small-pypi", "FORENSICS_PYPI_URL", ("PyPI index",)),
    Source("PyPI Integrity API", "/index/integrity", "FORENSICS_PYPI_URL", ("PyPI Integrity API",)),
    Source(
        "PyPI journal and roles",
        "/index/pypi",
        "FORENSICS_JOURNAL_URL",
        ("PyPI journal", "PyPI roles"),
        "POST",
        "/index/pypi",
    ),
    Source("PyPI file store", "/files", "FORENSICS_FILES_URL", ("file store",), base="/files"),
    Source("OSV", "/osv", "FORENSICS_OSV_URL", ("OSV",), base="/osv"),
    Source("Rekor", "/rekor", "FORENSICS_REKOR_URL", ("Rekor",), base="/rekor"),
    Source("git", "/git", "FORENSICS_GIT_URL_TEMPLATE", ("git",), base="/git"),
    Source("GitHub", "/github", "FORENSICS_GITHUB_API_URL", ("GitHub",), base="/github"),
    Source("deps.dev", "/depsdev", "FORENSICS_DEPSDEV_URL", ("deps.dev",), base="/depsdev"),
)
WAYS = {
    "dead": Fault("", "status", status=503),
    "slow": Fault("", "delay", seconds=300),
    "lying": Fault("", "wrong"),
    "cut off": Fault("", "truncate"),
}
"""`dead` answers 503 where a source shares its address with others, and is no server at all where it has its own."""


@dataclass(frozen=True)
class Cell:
    """One run: how it ended, how long it took, what it says it missed, and what is wrong with that."""

    code: int
    seconds: float
    missed: tuple[str, ...]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return f"exit {self.code}; missed: {', '.join(self.missed) or 'nothing'}"


def matrix(rows: Iterable[str], ways: Iterable[str], workers: int = 2) -> dict[tuple[str, str], Cell]:
    """Run every named row in every way. Each worker has a world of its own; keys are row and way."""
    asked = [(row, way) for row in rows for way in ways]
    world_of: Queue[tuple[LabServer, Path]] = Queue()
    with tempfile.TemporaryDirectory(prefix="lab-matrix-") as scratch:
        stack = []
        try:
            for number in range(min(workers, len(asked))):
                context = serve(small_scenario(), directory=Path(scratch) / f"lab-{number}")
                world_of.put((context.__enter__(), Path(scratch) / f"cases-{number}"))
                stack.append(context)
            server, folder = world_of.get()
            truth = _run(server, folder / "truth", {})[1]
            world_of.put((server, folder))
            if truth is None:
                raise LabError("the run without any fault gave no answer")

            def one(question: tuple[str, str]) -> Cell:
                server, folder = world_of.get()
                try:
                    return _cell(server, folder / re.sub(r"\W+", "-", " ".join(question)), *question, truth)
                finally:
                    server.clear_faults()
                    world_of.put((server, folder))

            with ThreadPoolExecutor(max(1, len(stack))) as pool:
                return dict(zip(asked, pool.map(one, asked), strict=True))
        finally:
            for context in stack:
                context.__exit__(None, None, None)


def _cell(server: LabServer, case: Path, row: str, way: str, truth: dict[str, Any]) -> Cell:
    hit = [source for source in SOURCES if row in {ALL, source.name}]
    more: dict[str, str] = {}
    for source in hit:
        if way == "dead" and source.base:
            suffix = "/{owner}/{repo}" if source.name == "git" else ""
            more[source.variable] = NOWHERE + source.base + suffix
        else:
            fault = WAYS[way]
            server.inject(Fault(source.prefix, fault.kind, fault.status, seconds=fault.seconds, method=source.method))
    begun = time.monotonic()
    code, document, said = _run(server, case, more)
    seconds = time.monotonic() - begun
    if document is None:
        return Cell(code, seconds, (), (f"no answer: {said[-300:]}",))
    own = {name for source in hit for name in source.called}
    missed = tuple(sorted(s["source"] for s in document["sources"] if s["problem"] and s["source"] in own))
    wrong = [*_false_absences(truth, document)]
    if seconds > SECONDS:
        wrong.append(f"took {seconds:.0f} s")
    if not missed:
        wrong.append("does not say that anything is missing")
    if code not in ANSWERS:
        wrong.append(f"ended with {code}: {said[-300:]}")
    return Cell(code, seconds, missed, tuple(wrong))


def _run(server: LabServer, case: Path, more: dict[str, str]) -> tuple[int, dict[str, Any] | None, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FORENSICS_", "GITHUB_"))}
    own = {"FORENSICS_HOME": str(case.parent / "home"), "FORENSICS_CACHE": str(case.parent / "cache")}
    words = [forensics_command(), "timeline", "small-pypi", "--case", str(case), "--json"]
    words += ["--timeout", "1", "--max-wait", "0.5", "--quiet"]
    try:
        done = subprocess.run(
            words, env={**kept, **server.env(), **own, **more}, capture_output=True, text=True, timeout=2 * SECONDS,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return -1, None, f"it did not end within {2 * SECONDS:.0f} s"
    try:
        return done.returncode, json.loads(done.stdout), done.stderr
    except ValueError:
        return done.returncode, None, done.stderr


def _false_absences(truth: dict[str, Any], document: dict[str, Any]) -> Iterable[str]:
    """Say what the faulty run states otherwise than the run without a fault, instead of not knowing it."""
    files = {f["filename"]: f["provenance"] for r in truth["releases"] for f in r["files"]}
    known = {r["version"]: r for r in truth["releases"]}
    for release in document["releases"]:
        version = release["version"]
        if version not in known:
            yield f"{version} is a release only here"
            continue
        if release["listed"] not in {known[version]["listed"], None}:
            yield f"{version} listed: {release['listed']}"
        for file in release["files"]:
            if file["provenance"] not in {files.get(file["filename"]), "not observed"}:
                yield f"{file['filename']}: provenance {file['provenance']}"
        fired = {s["id"] for s in release["signals"]} - {s["id"] for s in known[version]["signals"]}
        yield from (f"{version}: {name} fires" for name in sorted(fired))
    theirs = {a["id"] for a in truth["advisories"]}
    yield from (f"advisory {a['id']} is new" for a in document["advisories"] if a["id"] not in theirs)


def table(cells: dict[tuple[str, str], Cell]) -> str:
    """The matrix as a Markdown table, sources by row; times are not in it, for they differ from run to run."""
    rows = list(dict.fromkeys(row for row, _ in cells))
    ways = list(dict.fromkeys(way for _, way in cells))
    lines = ["| source | " + " | ".join(ways) + " |", "|---" * (len(ways) + 1) + "|"]
    lines += [f"| {row} | " + " | ".join(str(cells[row, way]) for way in ways) + " |" for row in rows]
    return "\n".join(lines)


BEGIN, END = "<!-- matrix: begin -->", "<!-- matrix: end -->"


def rewrite(path: Path) -> int:
    """Run the whole matrix and write its table into *path*; 1 where a run did what none may."""
    cells = matrix([*(source.name for source in SOURCES), ALL], WAYS)
    text = path.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    path.write_text(f"{head}{BEGIN}\n\n{table(cells)}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    bad = {key: cell for key, cell in cells.items() if cell.wrong}
    for (row, way), cell in cells.items():
        print(f"{row:24} {way:8} {cell.seconds:5.1f} s  {cell}" + (f"  WRONG: {cell.wrong}" if cell.wrong else ""))
    return 1 if bad else 0
