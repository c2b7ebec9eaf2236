"""A bare repository made by hand, an archive to record into, and the collector between the two."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forensics.evidence.archive import Archive
from forensics.model.checked import Checked, Outcome
from forensics.sources.git import GitWitness, Repository
from forensics.sources.git_collect import Collector
from forensics.sources.git_record import Records
from forensics.sources.git_url import Home
from forensics.sources.interface import Witness
from tests.lab.git_history import GitHistory

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def module(version: str) -> dict[str, bytes]:
    """The files of a tiny project at one version."""
    return {"pyproject.toml": f'[project]\nname = "thing"\nversion = "{version}"\n'.encode(), "thing/a.py": b"A = 1\n"}


@dataclass
class Server:
    """A repository that git can be asked about at `path`."""

    path: Path
    history: GitHistory = field(default_factory=lambda: GitHistory("main"))
    refs: dict[str, str] = field(default_factory=dict)
    clock: int = 0

    def commit(self, parent: str | None, files: dict[str, bytes], message: str = "Work") -> str:
        self.clock += 1
        return self.history.commit(files, parent, START + timedelta(days=self.clock), message)

    def write(self) -> Server:
        """Write objects and refs as a bare repository."""
        for name in ("refs", "objects"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        for sha, (kind, content) in self.history.objects.items():
            target = self.path / "objects" / sha[:2] / sha[2:]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(zlib.compress(f"{kind} {len(content)}\0".encode() + content))
        (self.path / "HEAD").write_text("ref: refs/heads/main\n")
        (self.path / "config").write_text("[core]\n\tbare = true\n[uploadpack]\n\tallowFilter = true\n")
        lines = "".join(f"{sha} {name}\n" for name, sha in sorted(self.refs.items()))
        (self.path / "packed-refs").write_text(f"# pack-refs with: sorted \n{lines}")
        return self


def usual(path: Path) -> Server:
    """Three releases on main, two of them tagged; one commit of a pull request, one of a deleted branch."""
    server = Server(path)
    first = server.commit(None, module("1.0.0"), "Release 1.0.0")
    second = server.commit(first, module("1.0.1"), "chore: something")
    third = server.commit(second, {**module("1.0.2"), "new.py": b"\n"}, "Tidy")
    fork = server.commit(third, module("1.0.3"), "Release 1.0.3")
    deleted = server.commit(third, module("1.0.4"), "Release 1.0.4")
    server.refs = {
        "refs/heads/main": third,
        "refs/tags/v1.0.0": server.history.tag("v1.0.0", first, START + timedelta(days=1, hours=1)),
        "refs/tags/v1.0.1": second,
        "refs/pull/7/head": fork,
    }
    server.history.commits = {"1.0.0": first, "1.0.1": second, "1.0.2": third, "1.0.3": fork, "1.0.4": deleted}
    return server.write()


@dataclass
class Bench:
    """An open archive, what was kept beside it, and the collector that fills both."""

    records: Records
    collector: Collector
    kept: dict[str, bytes]
    witness: Witness = field(default_factory=lambda: Witness("git"))

    def collect(self, url: object, *commits: str) -> Outcome[Repository]:
        home = Checked(Home(str(url), "a test", frozenset(), frozenset({"team/thing"}), commits))
        return asyncio.run(GitWitness(self.records, self.collector).ask(home, self.witness))

    def replay(self, url: object, *commits: str) -> Outcome[Repository]:
        home = Checked(Home(str(url), "a test", frozenset(), frozenset({"team/thing"}), commits))
        return asyncio.run(GitWitness(self.records).ask(home, Witness("git")))

    def asked(self) -> list[str]:
        return [o.method for o in self.records.archive.observations()]


@contextmanager
def bench(folder: Path, *, local: bool = True) -> Iterator[Bench]:
    kept: dict[str, bytes] = {}
    with Archive.append_to(folder / "http.warc.gz", START) as archive:
        records = Records(archive)
        yield Bench(records, Collector(records, kept.__setitem__, local=local, seconds=20), kept)
