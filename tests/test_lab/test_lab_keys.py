"""Every key of the scenario format shows in the world: two worlds that differ in one key differ where it says."""

from __future__ import annotations

import copy
import json
import tomllib
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

import httpx
import pytest
from cryptography import x509
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy

from tests.lab import World, build_world, serve
from tests.lab.decode import decode
from tests.lab.github import CiView, LabRun, describe, jobs
from tests.lab.known import write_known
from tests.lab.pki import FULCIO_ARC
from tests.lab.pypi import Urls
from tests.lab.scenario import Scenario

BASE = """
schema = 1
id = "small"
title = "t"
kind = "incident"
ecosystem = "{ecosystem}"
project = "small"
as_of = 2026-06-01T00:00:00Z
sources = ["https://example.com/a"]
[repository]
url = "https://github.com/example-author/small"
id = 11
owner_id = 22
[identity]
issuer = "https://token.actions.githubusercontent.com"
workflow = ".github/workflows/release.yml"
ref = "refs/tags/{{tag}}"
trigger = "push"
environment = "release"
[background]
count = 4
first = "0.9.0"
start = 2026-01-05T10:00:00Z
every_hours = 100.0
jitter_hours = 5.0
hours_utc = [6, 20]
weekdays = [0, 1, 2, 3, 4]
door = "trusted-attested"
files = {files}
[[release]]
version = "1.0.0"
published = 2026-03-02T10:00:00Z
door = "trusted-attested"
files = {files}
[[release]]
version = "1.0.1"
published = 2026-03-12T10:00:00Z
door = "trusted-attested"
files = {files}
advisories = ["GHSA-aaaa-bbbb-cccc"]
[[release]]
version = "1.0.2"
published = 2026-03-22T10:00:00Z
door = "token"
files = {files}
"""
FILES = {"pypi": '["sdist", "wheel"]', "npm": '["tarball"]'}
LATE = datetime(2026, 3, 14, tzinfo=UTC)
LAST = "release.1"
"""The release that is changed in most rows: attested, with one before and one after it."""

Json = dict[str, Any]


def table(ecosystem: str) -> Json:
    return tomllib.loads(BASE.format(ecosystem=ecosystem, files=FILES[ecosystem]))


def world_of(ecosystem: str, changes: dict[str, Any]) -> World:
    made = copy.deepcopy(table(ecosystem))
    for path, value in changes.items():
        at: Any = made
        *above, last = path.split(".")
        for part in above:
            at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
        at[last] = value
    return build_world(decode(Scenario, made, "small.toml"))


def facets(world: World, folder: Path, moment: datetime | None = None) -> dict[str, Any]:
    """All that sources show, without keys and signatures, which are fresh in every world."""
    moment = moment or world.scenario.as_of
    shot = world.at(moment)
    urls = Urls("http://index", "http://files")
    names = [package.name for package in world.packages]
    on_npm = world.scenario.ecosystem == "npm"
    pages = [shot.registry.packument(name, "http://npm") for name in names] if on_npm else []
    views = [] if on_npm else [shot.index, *shot.others.values()]
    signed = [item for item in world.signed if item.release is None or item.release.published <= moment]
    return {
        "index": [(view.simple(urls), view.legacy(urls)) for view in views] + [_unsigned(page) for page in pages],
        "search": shot.registry.search(_account(world)),
        "files": sorted((stored.filename, stored.sha256) for files in world.uploads.values() for stored in files),
        "provenance": [_publisher(stored.provenance) for stored in world.files] if not on_npm else [],
        "claims": [claims(item.statement) for item in signed],
        "log": [entry.integrated for entry in world.log.entries if entry.integrated <= moment.timestamp()],
        "tiles": world.notary.tiles.size_at(moment) if world.notary.tiles else 0,
        "git": world.git.refs_at(moment),
        "advisories": shot.osv.records(),
        "journal": [row.row() for row in world.journal if row.moment <= moment],
        "known": [(path.name, path.read_text()) for path in write_known(world, folder)],
        "runs": sorted((json.dumps([describe(run), jobs(run, world.scenario.ecosystem)])) for run in runs_of(world)),
        "clients": {stored.uploaded_via for stored in world.files},
    }


def runs_of(world: World) -> list[LabRun]:
    """The runs that the CI API shows as long as it has forgotten none."""
    return list(CiView(world.scenario, world.releases).runs.values())


def _account(world: World) -> str:
    return world.releases[0].row.account or "example-author"


def _unsigned(page: Json | None) -> Json | None:
    for row in (page or {}).get("versions", {}).values():
        del row["dist"]["signatures"]
    return page


def _publisher(provenance: Json | None) -> Json | None:
    return provenance and provenance["attestation_bundles"][0]["publisher"]


def claims(statement: Any) -> dict[str, bytes]:
    """Extensions of the certificate that a statement was signed under; none of the registry's own."""
    if getattr(statement, "keyid", ""):
        return {}
    chain = getattr(statement, "chain", ())
    leaf = x509.load_der_x509_certificate(chain[0]) if chain else statement.signer.certificate
    found = {e.oid.dotted_string: e.value.value for e in leaf.extensions if e.oid.dotted_string.startswith(FULCIO_ARC)}
    return {oid.removeprefix(f"{FULCIO_ARC}."): value for oid, value in found.items()}


YOUNG = [{"name": "young-one", "published": datetime(2026, 3, 11, tzinfo=UTC)}]
BY_GIT = [{"name": "by-git", "git": "github:somebody/by-git#0011"}]
WAVE = [{"project": "sister", "versions": {"2.0.1": datetime(2026, 3, 12, 10, 5, tzinfo=UTC)}}]
ENTRY = {"subject": "small-9.9.9.tar.gz", "signed": datetime(2026, 3, 13, tzinfo=UTC)}
BOTH = ("pypi", "npm")

# Key, value, facets that must differ, ecosystems. Facets that must stay as they are: all others of STEADY.
ROWS: list[tuple[str, Any, set[str], tuple[str, ...]]] = [
    ("project", "other", {"index", "files"}, BOTH),
    ("as_of", LATE, {"index", "git"}, BOTH),
    ("repository.url", "https://github.com/another/place", {"claims", "index"}, BOTH),
    ("repository.id", 12, {"claims"}, BOTH),
    ("repository.owner_id", 23, {"claims"}, BOTH),
    ("repository.default_branch", "trunk", {"git"}, BOTH),
    ("repository.tag_pattern", "rel-{version}", {"git", "claims"}, BOTH),
    ("repository.visibility", "internal", {"claims"}, BOTH),
    ("identity.issuer", "https://issuer.example", {"claims"}, BOTH),
    ("identity.workflow", ".github/workflows/other.yml", {"claims", "git"}, BOTH),
    ("identity.ref", "refs/heads/main", {"claims"}, BOTH),
    ("identity.trigger", "release", {"claims", "git"}, BOTH),
    ("identity.runner", "self-hosted", {"claims"}, BOTH),
    ("identity.environment", "elsewhere", {"claims"}, BOTH),
    ("identity.log", "v2", {"tiles"}, BOTH),
    ("background.count", 5, {"index", "files", "git"}, BOTH),
    ("background.first", "0.8.0", {"index", "files", "git"}, BOTH),
    ("background.start", datetime(2026, 1, 12, 10, tzinfo=UTC), {"index", "git"}, BOTH),
    ("background.every_hours", 60.0, {"index", "git"}, BOTH),
    ("background.jitter_hours", 15.0, {"index", "git"}, BOTH),
    ("background.hours_utc", [21, 23], {"index", "git"}, BOTH),
    ("background.weekdays", [6], {"index", "git"}, BOTH),
    ("background.door", "token", {"index", "claims", "log"}, BOTH),
    ("background.account", "somebody", {"index"}, BOTH),
    ("background.tagged", False, {"git"}, BOTH),
    ("background.files", ["wheel"], {"index", "files"}, ("pypi",)),
    (f"{LAST}.version", "1.0.9", {"index", "files", "git", "claims"}, BOTH),
    (f"{LAST}.published", datetime(2026, 3, 13, 10, tzinfo=UTC), {"index", "git", "advisories"}, BOTH),
    (f"{LAST}.door", "trusted-unattested", {"index", "claims", "log"}, BOTH),
    (f"{LAST}.door", "token", {"index", "claims", "log"}, BOTH),
    (f"{LAST}.door", "token-attested", {"index"}, ("npm",)),
    (f"{LAST}.door", "foreign-attested", {"claims"}, BOTH),
    (f"{LAST}.files", ["wheel"], {"index", "files"}, ("pypi",)),
    (f"{LAST}.attested", [], {"index", "claims", "log"}, BOTH),
    (f"{LAST}.attested", ["wheel"], {"index", "claims", "log"}, ("pypi",)),
    (f"{LAST}.removed", datetime(2026, 3, 12, 15, tzinfo=UTC), {"index"}, BOTH),
    (f"{LAST}.yanked", True, {"index"}, BOTH),
    (f"{LAST}.quarantined", True, {"index"}, BOTH),
    (f"{LAST}.account", "somebody", {"index"}, BOTH),
    (f"{LAST}.account_email", "new@accounts.example", {"index"}, ("npm",)),
    ("release.2.malicious", True, {"clients"}, BOTH),
    (f"{LAST}.malicious", True, {"advisories"}, BOTH),
    (f"{LAST}.tagged", False, {"git"}, BOTH),
    (f"{LAST}.tagged_at", datetime(2026, 3, 12, 9, tzinfo=UTC), {"git"}, BOTH),
    *((f"{LAST}.commit_on", where, {"git"}, BOTH) for where in ("tag", "deleted-branch", "fork", "nowhere")),
    (f"{LAST}.signed", datetime(2026, 3, 12, 9, 30, tzinfo=UTC), {"log"}, BOTH),
    (f"{LAST}.advisories", ["MAL-2026-1", "GHSA-aaaa-bbbb-cccc"], {"advisories"}, BOTH),
    (f"{LAST}.advisory_published", datetime(2026, 3, 20, tzinfo=UTC), {"advisories"}, BOTH),
    *(
        (f"{LAST}.identity.{name}", value, {"claims"}, BOTH)
        for name, value in {
            "issuer": "https://issuer.example",
            "workflow": ".github/workflows/other.yml",
            "ref": "refs/heads/odd",
            "trigger": "workflow_dispatch",
            "runner": "self-hosted",
            "environment": "",
            "repository": "https://github.com/another/place",
            "repository_id": 99,
            "owner_id": 98,
        }.items()
    ),
    (f"{LAST}.identity.log", "v2", {"tiles"}, BOTH),
    (f"{LAST}.run.id", 4711, {"claims"}, BOTH),
    (f"{LAST}.run.attempt", 3, {"claims", "runs"}, BOTH),
    (f"{LAST}.run.conclusion", "failure", {"runs"}, BOTH),
    *((f"{LAST}.run.publish_step", how, {"runs"}, BOTH) for how in ("skipped", "failure")),
    (f"{LAST}.content.changed", ["small/core.py", "index.js"], {"files", "git"}, BOTH),
    (f"{LAST}.content.added", ["small/more.py", "more.js", "small.pth"], {"files", "git"}, BOTH),
    *((f"{LAST}.content.install_hook", hook, {"files", "index"}, ("npm",))
      for hook in ("preinstall", "postinstall", "prepare", "binding.gyp")),
    (f"{LAST}.content.new_dependencies", YOUNG, {"files", "index"}, BOTH),
    (f"{LAST}.content.new_dependencies", BY_GIT, {"files", "index"}, BOTH),
    (f"{LAST}.content.size_factor", 4.0, {"files", "index"}, BOTH),
    (f"{LAST}.workflow.digest_changed", True, {"git"}, BOTH),
    (f"{LAST}.workflow.risks", ["artipacked"], {"git"}, BOTH),
    ("log_only", [ENTRY], {"log", "claims"}, BOTH),
    ("log_only", [{**ENTRY, "identity": {"log": "v2"}}], {"tiles"}, BOTH),
    ("sibling", WAVE, {"index", "files"}, BOTH),
    *(("known", [{"kind": kind, "versions": ["1.0.1"]}], {"known"}, BOTH) for kind in ("export", "hashes", "lockfile")),
]  # fmt: skip
STEADY = {"tiles", "known", "advisories", "clients"}
"""Facets that only keys of their own change."""
CASES = [(key, value, where, eco) for key, value, where, ecosystems in ROWS for eco in ecosystems]


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return {eco: facets(world_of(eco, {}), tmp_path_factory.mktemp("known")) for eco in BOTH}


@pytest.mark.parametrize(
    ("key", "value", "where", "ecosystem"), CASES, ids=[f"{eco}-{key}-{n}" for n, (key, _, _, eco) in enumerate(CASES)]
)
def test_a_key_changes_what_it_is_about(
    key: str, value: Any, where: set[str], ecosystem: str, ordinary: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    before, after = ordinary[ecosystem], facets(world_of(ecosystem, {key: value}), tmp_path)
    changed = {name for name in before if before[name] != after[name]}
    assert where <= changed
    if key not in ("project", "as_of") and "version" not in key:
        assert not (changed & STEADY) - where


def test_every_key_has_a_row() -> None:
    """A key of the format that no row changes would go unnoticed; those that need none are named, with the reason."""
    informative = {
        "schema", "id", "title", "kind", "sources", "filled",  # about the file, not about the world
        "release.line", "release.log_index", "release.commit",  # informative, says the format
        "release.content.matches_source",  # tested below: it changes nothing alone
        "ecosystem", "release.content.new_dependencies.name",
    }  # fmt: skip
    named = {key.replace("release.1.", "release.").replace("release.2.", "release.") for key, *_ in ROWS}
    missing = {key for key in keys(Scenario) - informative if not any(key.startswith(name) for name in named)}
    assert {key for key in missing if not key.startswith("expect")} == set()


def keys(kind: type, prefix: str = "") -> set[str]:
    """Dotted names of all keys below a table of the format."""
    found: set[str] = set()
    hints = get_type_hints(kind)
    for field in fields(kind):
        name = f"{prefix}{field.name}"
        inner = next((t for t in (hints[field.name], *get_args(hints[field.name])) if is_dataclass(t)), None)
        found |= keys(inner, f"{name}.") if inner else {name}
    return found


@pytest.mark.parametrize("ecosystem", BOTH)
def test_what_matches_its_source_is_in_the_commit_too(ecosystem: str, tmp_path: Path) -> None:
    tampered = {f"{LAST}.content.changed": ["small/core.py", "index.js"], f"{LAST}.content.matches_source": False}
    open_ = {**tampered, f"{LAST}.content.matches_source": True}
    hidden, shown = (facets(world_of(ecosystem, changes), tmp_path) for changes in (tampered, open_))
    assert hidden["files"] == shown["files"]
    assert hidden["git"] != shown["git"]


def test_the_published_hour_of_a_removal_is_the_clocks(tmp_path: Path) -> None:
    world = world_of("npm", {f"{LAST}.removed": datetime(2026, 3, 12, 15, tzinfo=UTC)})
    shown = [facets(world, tmp_path, world.release("1.0.1").published + timedelta(hours=h))["index"] for h in (1, 6)]
    assert ["1.0.1" in page[0]["versions"] for page in shown] == [True, False]
    assert ["1.0.1" in page[0]["time"] for page in shown] == [True, True]


def test_accounts_stand_where_npm_has_them() -> None:
    world = world_of("npm", {f"{LAST}.account": "somebody", f"{LAST}.account_email": "new@accounts.example"})
    row = world.at(world.scenario.as_of).registry.packument("small", "http://npm")["versions"]["1.0.1"]
    assert (row["_npmUser"]["name"], row["_npmUser"]["email"]) == ("somebody", "new@accounts.example")
    assert "trustedPublisher" in row["_npmUser"]


@pytest.mark.parametrize("ecosystem", BOTH)
def test_what_is_logged_in_v2_verifies_and_is_served_as_tiles(ecosystem: str, tmp_path: Path) -> None:
    world = world_of(ecosystem, {f"{LAST}.identity.log": "v2"})
    tiles = world.notary.tiles
    assert tiles is not None
    published = world.release("1.0.1").published
    assert (tiles.size_at(published - timedelta(hours=1)), tiles.size_at(published)) == (
        0,
        2 * len(FILES[ecosystem].split()),
    )
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(world.write_trusted_root(tmp_path))))
    for name, bundle in world.bundles().items():
        if not name.endswith(".publish"):
            verifier.verify_dsse(Bundle.from_json(json.dumps(bundle)), policy.UnsafeNoOp())
    kinds = {
        bundle["verificationMaterial"]["tlogEntries"][0]["kindVersion"]["kind"] for bundle in world.bundles().values()
    }
    assert kinds == ({"dsse", "hashedrekord"} if ecosystem == "npm" else {"dsse"})
    with serve(world) as server:
        checkpoint = httpx.get(f"{server.base}/tiles/api/v2/checkpoint", trust_env=False).text
        assert checkpoint.splitlines()[1] == str(len(tiles.times))
        width = len(tiles.times)
        bundle = httpx.get(f"{server.base}/tiles/api/v2/tile/entries/000.p/{width}", trust_env=False).content
        assert bundle.count(b'"kind":"hashedrekord"') == width


def test_doors_of_npm_differ_as_the_format_says() -> None:
    shown = {}
    for door in ("trusted-attested", "trusted-unattested", "token-attested", "token", "foreign-attested"):
        world = world_of("npm", {f"{LAST}.door": door})
        row = world.at(world.scenario.as_of).registry.packument("small", "http://npm")["versions"]["1.0.1"]
        shown[door] = ("trustedPublisher" in row["_npmUser"], "attestations" in row["dist"])
    assert shown == {
        "trusted-attested": (True, True),
        "trusted-unattested": (True, False),
        "token-attested": (False, True),
        "token": (False, False),
        "foreign-attested": (False, True),
    }
