"""One contract for every witness: what it answers is recorded and replayed, and whatever else comes is no answer.

For each adapter: an outage, a server error, an answer that never ends, one that is cut off, one that is no text of the
format, one of another shape, one that is too large, and one that asks for patience.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.evidence.archive import Archive
from forensics.evidence.case import Case
from forensics.evidence.client import Client, Limits
from forensics.evidence.network import open_network
from forensics.evidence.transport import RecordingTransport, ReplayingTransport
from forensics.model.checked import Checked, NotChecked
from forensics.model.ci import RunRef
from forensics.model.endpoints import Endpoints, resolve_endpoints
from forensics.model.held import FileRef
from forensics.model.project import Project, parse_project
from forensics.sources.accounts import read_members
from forensics.sources.depsdev import DepsDev
from forensics.sources.ecosystems import package_index
from forensics.sources.files import FileOptions, WantedFile, fetch_files
from forensics.sources.git import GitWitness
from forensics.sources.git_collect import Collector
from forensics.sources.git_record import Records
from forensics.sources.git_url import Home
from forensics.sources.github import Hub, read_names, read_runs
from forensics.sources.github_attestations import read_held
from forensics.sources.interface import Witness
from forensics.sources.journal import JournalPages
from forensics.sources.journal_collect import JournalCollector
from forensics.sources.osv import advised_among, read_advisories
from forensics.sources.rekor import Rekor, by_hash
from tests.lab import LabServer, build_world, serve
from tests.lab.faults import Fault
from tests.lab.small import small_scenario

NEVER = datetime.max.replace(tzinfo=UTC)
FAST = Limits(
    per_second=1e9,
    attempts=2,
    max_wait_seconds=1.5,
    read_seconds=0.6,
    total_seconds=0.9,
    body_bytes=2**20,
    breaker_failures=1000,
)


@dataclass
class Setting:
    """What an adapter is asked with, live or from the archive."""

    server: LabServer
    client: Client
    archive: Archive
    project: Project
    endpoints: Endpoints
    witness: Witness
    live: bool
    folder: Path


Ask = Callable[[Setting], Awaitable[Any]]


async def index(s: Setting) -> Any:
    return await package_index(s.project.ecosystem).read(s.client, s.endpoints, s.project, s.witness)


async def attestations(s: Setting) -> Any:
    """The attestations of one file that the index says is attested."""
    named = package_index(s.project.ecosystem)
    listed = await named.read(s.client, s.endpoints, s.project, Witness("index"))
    assert isinstance(listed, Checked)
    files = tuple(file for file in listed.value.files if file.version == "1.0.0")[:1]
    told = await named.read_provenance(s.client, s.endpoints, s.project, files, s.witness, None)
    return told[files[0].filename]


async def registry_keys(s: Setting) -> Any:
    reader = package_index(s.project.ecosystem).read_keys
    assert reader is not None
    return await reader(s.client, s.endpoints, s.witness)


async def advisories(s: Setting) -> Any:
    return await read_advisories(s.client, s.endpoints, s.project, s.witness)


async def advised(s: Setting) -> Any:
    return await advised_among(s.client, s.endpoints, s.project.ecosystem, [s.project.name], s.witness)


async def log(s: Setting) -> Any:
    digest = s.server.world.files_of("1.0.0")[0].sha256
    return await Rekor(s.client, s.endpoints["rekor"], s.witness).find(by_hash(digest))


async def journal(s: Setting) -> Any:
    pages = JournalPages(s.archive, s.endpoints["journal"])
    if s.live:
        again = Client(RecordingTransport(open_network(), s.archive, fresh_after=NEVER), FAST)
        async with again:
            serial = s.server.world.at(s.server.moment).index.last_serial
            await JournalCollector(again, pages, s.project).collect((serial,), (), datetime.now(UTC))
    return pages.read(s.project, s.witness)


async def accounts(s: Setting) -> Any:
    return await read_members(s.client, s.endpoints, s.project, s.witness)


async def opinions(s: Setting) -> Any:
    return await DepsDev(s.client, s.endpoints["depsdev"], s.project, s.witness).opinions()


async def runs(s: Setting) -> Any:
    claims = s.server.world.release("1.0.3").claims
    ref = RunRef(claims.slug, claims.run_id, 1)
    return (await read_runs(Hub(s.client, s.endpoints["github"], s.witness), [ref]))[ref]


async def names(s: Setting) -> Any:
    return (await read_names(Hub(s.client, s.endpoints["github"], s.witness), [("repository", "4711")]))[0]


async def held(s: Setting) -> Any:
    ref = FileRef(s.server.world.release("1.0.3").claims.slug, s.server.world.files_of("1.0.3")[0].sha256)
    return (await read_held(Hub(s.client, s.endpoints["github"], s.witness), [ref]))[ref]


async def held_bundle(s: Setting) -> Any:
    """What the address of the one attestation leads to."""
    told = await held(s)
    assert isinstance(told, Checked)
    return told.value[0]


async def repository(s: Setting) -> Any:
    """The repository of the project, by the git program: its refs."""
    records = Records(s.archive)
    url = s.endpoints["git"].format(host="github.com", owner="example-author", repo=s.server.world.scenario.id)
    collector = Collector(records, lambda name, data: None, seconds=3) if s.live else None
    told = await GitWitness(records, collector).ask(Checked(Home(url, "a certificate")), s.witness)
    return told if isinstance(told, NotChecked) else Checked(sorted(told.value.refs), told.evidence)


async def file_store(s: Setting) -> Any:
    """The file store says in words what could not be had; bytes that it gives are checked against their digest."""
    stored = s.server.world.files_of("1.0.0")[0]
    case = Case.open(s.folder / "case")
    if s.live:
        place = f"/packages/{stored.path}"
        wanted = WantedFile("1.0.0", stored.filename, stored.sha256, place, len(stored.artifact.data))
        problems = await fetch_files(s.client, s.endpoints, [wanted], case, FileOptions())
        if problems:
            s.witness.miss(problems[0], "files", ("in words",))
            return NotChecked(problems[0], "files", ("in words",))
    held = case.file(stored.sha256)
    return Checked(held) if held is not None else NotChecked("not kept", "files", ("in words",))


@dataclass(frozen=True)
class Adapter:
    """One adapter: the index whose world it is asked in, and the path of its answers."""

    name: str
    ecosystem: str
    prefix: str
    ask: Ask
    method: str | None = None
    patient: bool = True


ADAPTERS = [
    Adapter("PyPI index", "pypi", "/index/simple", index),
    Adapter("PyPI attestations", "pypi", "/index/integrity", attestations),
    Adapter("PyPI journal", "pypi", "/index/pypi", journal, "POST"),
    Adapter("PyPI roles", "pypi", "/index/pypi", accounts, "POST"),
    Adapter("PyPI file store", "pypi", "/files", file_store),
    Adapter("npm registry", "npm", "/npm/small-npm", index),
    Adapter("npm attestations", "npm", "/npm/-/npm/v1/attestations", attestations),
    Adapter("npm keys", "npm", "/npm/-/npm/v1/keys", registry_keys),
    Adapter("OSV", "pypi", "/osv/v1/query", advisories),
    Adapter("OSV batch", "pypi", "/osv/v1/querybatch", advised),
    Adapter("Rekor", "pypi", "/rekor", log),
    Adapter("deps.dev", "pypi", "/depsdev", opinions),
    Adapter("deps.dev of npm", "npm", "/depsdev", opinions),
    Adapter("GitHub runs", "pypi", "/github", runs),
    Adapter("GitHub names", "pypi", "/github", names),
    Adapter("GitHub attestations", "pypi", "/github", held),
    Adapter("GitHub's store of attestations", "pypi", "/github/attestation-store", held_bundle),
    Adapter("git", "pypi", "/git", repository, patient=False),
]
FAULTS = {
    "outage": Fault("", "status", status=503),
    "error": Fault("", "status", status=500),
    "slow": Fault("", "delay", seconds=20),
    "truncated": Fault("", "truncate"),
    "garbage": Fault("", "garbage"),
    "wrong type": Fault("", "wrong"),
    "oversize": Fault("", "oversize", size=3 * 2**20),
    "refused": Fault("", "status", status=403),
}


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, LabServer]]:
    with serve(build_world(small_scenario("pypi"))) as one, serve(build_world(small_scenario("npm"))) as other:
        yield {"pypi": one, "npm": other}


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.name)
def adapter(request: pytest.FixtureRequest, servers: dict[str, LabServer]) -> Adapter:
    for server in servers.values():
        server.clear_faults()
        server.reset_requests()
    return request.param


def asked(adapter: Adapter, server: LabServer, folder: Path, *, live: bool) -> tuple[Any, Witness]:
    """What the adapter says, asked over loopback or read from what was recorded before, and how its witness did."""
    project = parse_project(f"{adapter.ecosystem}:{server.world.scenario.project}")
    endpoints = resolve_endpoints(environment=server.env())
    if not (folder / "case").exists():
        Case.create(folder / "case", project=project, endpoints=endpoints, trust_root=b"{}")
    witness = Witness(adapter.name)

    async def run() -> Any:
        with Archive.append_to(folder / "archive", datetime.now(UTC)) as archive:
            transport = RecordingTransport(open_network(), archive) if live else ReplayingTransport(archive)
            async with Client(transport, FAST) as client:
                return await adapter.ask(Setting(server, client, archive, project, endpoints, witness, live, folder))

    return asyncio.run(run()), witness


def test_what_is_answered_is_recorded_and_replayed(
    adapter: Adapter, servers: dict[str, LabServer], tmp_path: Path
) -> None:
    server = servers[adapter.ecosystem]
    live, witness = asked(adapter, server, tmp_path, live=True)
    assert isinstance(live, Checked), live
    assert witness.problem is None
    before = len(server.requests)
    again, _ = asked(adapter, server, tmp_path, live=False)
    assert again == live
    assert len(server.requests) == before, "a replay asks nobody"


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_no_answer_and_no_absence(
    adapter: Adapter, servers: dict[str, LabServer], tmp_path: Path, kind: str
) -> None:
    server = servers[adapter.ecosystem]
    server.inject(replace(FAULTS[kind], prefix=adapter.prefix, method=adapter.method))
    live, witness = asked(adapter, server, tmp_path, live=True)
    assert isinstance(live, NotChecked), live
    assert live.reason
    assert witness.problem, "the source's status says that something was missed"
    assert live.evidence, "the attempts are evidence of the failure"
    server.clear_faults()
    again, _ = asked(adapter, server, tmp_path, live=False)
    assert isinstance(again, NotChecked), "the same is concluded from the case"


def test_patience_is_answered(adapter: Adapter, servers: dict[str, LabServer], tmp_path: Path) -> None:
    """A 429 that says when to come back is waited for, once. The git program has patience of its own."""
    if not adapter.patient:
        pytest.skip("the git program asks, and does not ask again")
    server = servers[adapter.ecosystem]
    fault = Fault(adapter.prefix, "status", status=429, retry_after="1", count=1, method=adapter.method)
    server.inject(fault)
    live, witness = asked(adapter, server, tmp_path, live=True)
    assert fault.hits == 1
    assert isinstance(live, Checked), live
    assert witness.problem is None
