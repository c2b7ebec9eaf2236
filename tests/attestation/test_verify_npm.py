"""`forensics verify` on npm's documents: kinds, keys, tarballs, exit codes."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import typer
from bundle_kit import changed, tamperings
from lab_bundles import NAME, OTHER_ID, VERSION, World, provenance
from typer.testing import CliRunner

from forensics.cli.verify import verify
from forensics.model.errors import EvidenceError, UsageError

APP = typer.Typer()
APP.command()(verify)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture
def folder(tmp_path: Path, world: World) -> Path:
    (tmp_path / "root.json").write_bytes(world.root.raw)
    (tmp_path / "keys.json").write_text(json.dumps(world.served))
    return tmp_path


def run(folder: Path, data: Any, *arguments: object, keys: bool = True) -> Any:
    (folder / "document.json").write_text(json.dumps(data))
    words = [folder / "document.json", "--trust-root", folder / "root.json", *arguments]
    words += ["--npm-keys", folder / "keys.json"] if keys else []
    return CliRunner().invoke(APP, [str(word) for word in words])


def answer(world: World) -> dict[str, Any]:
    return {"attestations": [{"bundle": world.bundle("dsse/0.0.1", keyed=keyed)} for keyed in (True, False)]}


def test_an_answer_with_its_keys_is_valid_and_without_them_not_checked(folder: Path, world: World) -> None:
    result = run(folder, answer(world))
    assert result.exit_code == 0, result.output
    assert "npm registry attestations" in result.output
    assert "pass        registry-key         the registry key SHA256:lab-one, named by the user." in result.output
    result = run(folder, answer(world), keys=False)
    assert result.exit_code == 4
    assert "unknown registry key SHA256:lab-one" in result.output
    assert "FAIL" not in result.output


def test_each_tampering_of_a_keyed_bundle_exits_with_four(folder: Path, world: World) -> None:
    bundle = world.bundle("intoto/0.0.2", keyed=True)
    assert run(folder, bundle).exit_code == 0
    for what, (change, step) in tamperings(bundle, OTHER_ID).items():
        result = run(folder, changed(bundle, change))
        assert result.exit_code == 4, what
        assert "Traceback" not in result.output
        assert not step or f"FAIL        {step}" in result.output, what


def test_a_tarball_is_compared_by_its_sha512(folder: Path, world: World) -> None:
    tarball = folder / "demo-1.2.3.tgz"
    tarball.write_bytes(b"bytes")
    digest = hashlib.sha512(b"bytes").digest()
    integrity = "sha512-" + base64.b64encode(digest).decode()
    dist = {"integrity": integrity, "signatures": [world.registry_signature(integrity)]}
    document = {"name": NAME, "version": VERSION, "dist": dist}
    result = run(folder, document, "--artifact", tarball)
    assert result.exit_code == 0, result.output
    assert "pass        subject" in result.output
    result = run(folder, answer(world), "--artifact", tarball)  # attests other bytes
    assert result.exit_code == 4
    assert "FAIL        subject" in result.output
    tarball.write_bytes(b"other bytes")
    assert "FAIL        subject" in run(folder, document, "--artifact", tarball).output


def test_the_json_of_a_packument_has_every_version(folder: Path, world: World) -> None:
    documents = {}
    for number in range(30):
        integrity = "sha512-" + base64.b64encode(bytes([number]) * 64).decode()
        signature = world.registry_signature(integrity, version=f"1.0.{number}")
        dist = {"integrity": integrity, "signatures": [signature]}
        documents[f"1.0.{number}"] = {"name": NAME, "version": f"1.0.{number}", "dist": dist}
    packument: dict[str, Any] = {"name": NAME, "versions": documents}
    result = run(folder, packument, "--json")
    assert result.exit_code == 0, result.output
    row = json.loads(result.output)["files"][0]
    assert (row["kind"], row["status"], row["attestations"]) == ("npm packument", "valid", [])
    assert [each["version"] for each in row["registry_signatures"]] == list(documents)
    assert {each["name"] for each in row["registry_signatures"][0]["checks"]} == {
        "registry-key",
        "key-validity",
        "signature",
        "subject",
    }
    text = run(folder, packument).output
    assert "Registry signatures hold for 30 of 30 signed versions" in text
    broken = copy.deepcopy(packument)
    for document in broken["versions"].values():
        document["dist"]["integrity"] = "sha512-AAAA\u202e"
    result = run(folder, broken)
    assert result.exit_code == 4
    assert "and 10 more such versions" in result.output
    assert "\u202e" not in result.output


def test_a_disagreement_is_shown_and_does_not_change_the_exit_code(folder: Path, world: World) -> None:
    bundle = world.bundle("dsse/0.0.1", keyed=False, statement=provenance(ref="refs/heads/\u202emain"))
    result = run(folder, bundle)
    assert result.exit_code == 0, result.output
    assert "differs     the ref is" in result.output
    assert "the certificate counts" in result.output
    assert "\u202e" not in result.output
    row = json.loads(run(folder, bundle, "--json").output)["files"][0]["attestations"][0]
    assert row["disagreements"][0]["about"] == "ref"
    assert row["disagreements"][0]["certificate"] == "refs/tags/v1.0.0"
    assert row["build"]["workflow"] == ".github/workflows/release.yml"
    assert row["subject"]["sha512"] == "ab" * 64


def test_keys_that_are_no_keys_are_an_error(folder: Path, world: World) -> None:
    (folder / "keys.json").write_text("{}")
    assert isinstance(run(folder, answer(world)).exception, EvidenceError)
    result = run(folder, answer(world), "--npm-keys", folder / "none.json", keys=False)
    assert isinstance(result.exception, UsageError)
