from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from attestation_kit import CLAIMS, FILENAME, SIGNED, TAMPERINGS, Kit, tampered
from typer.testing import CliRunner

from forensics.cli.verify import verify
from forensics.model.errors import UsageError
from tests.lab.attest import publish_statement, sign_and_log

APP = typer.Typer()
APP.command()(verify)


@pytest.fixture(scope="module")
def wheel() -> bytes:
    return b"not a wheel, but a file"


@pytest.fixture(scope="module")
def good(kit: Kit, wheel: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(wheel).hexdigest()
    signer = kit.authority.issue(CLAIMS, SIGNED)
    from datetime import timedelta

    kit._moment = max(kit._moment, SIGNED + timedelta(minutes=5))
    statement = publish_statement(FILENAME, digest)
    signed = sign_and_log(kit.log, signer, CLAIMS.san, statement, digest, kit._moment)
    return signed.attestation(kit.log, len(kit.log.entries))


@pytest.fixture
def folder(tmp_path: Path, kit: Kit, good: dict[str, Any], wheel: bytes) -> Path:
    (tmp_path / "root.json").write_bytes(kit.root.raw)
    (tmp_path / FILENAME).write_bytes(wheel)
    (tmp_path / f"{FILENAME}.publish.attestation").write_text(json.dumps(good))
    return tmp_path


def run(*arguments: object) -> Any:
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_a_good_file_beside_its_artifact(folder: Path) -> None:
    result = run(folder / f"{FILENAME}.publish.attestation", "--trust-root", folder / "root.json")
    assert result.exit_code == 0, result.output
    assert "lies beside it" in result.output
    assert "Who uploaded it" in result.output
    assert (
        "Build Config URI: https://github.com/acme/demo/.github/workflows/release.yml@refs/tags/v1.0.0" in result.output
    )
    assert "\x1b" not in result.output


def test_the_json_names_every_check(folder: Path) -> None:
    result = run(folder / f"{FILENAME}.publish.attestation", "--trust-root", folder / "root.json", "--json")
    document = json.loads(result.output)
    assert document["schema"] == "forensics/verify/1"
    row = document["files"][0]
    assert (row["kind"], row["status"]) == ("PEP 740 attestation", "valid")
    assert row["attestations"][0]["identity"]["deployment_environment"] == "pypi"
    assert {check["name"] for check in row["attestations"][0]["checks"]} >= {"format", "sct", "sigstore-python"}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_exits_with_four(folder: Path, good: dict[str, Any], name: str) -> None:
    path = folder / "changed.json"
    path.write_text(json.dumps(tampered(good, name)))
    result = run(path, "--trust-root", folder / "root.json")
    assert result.exit_code == 4
    assert f"FAIL        {TAMPERINGS[name][1]}" in result.output
    assert "Traceback" not in result.output


def test_another_artifact_fails_the_subject(folder: Path) -> None:
    (folder / FILENAME).write_bytes(b"another file")
    result = run(folder / f"{FILENAME}.publish.attestation", "--trust-root", folder / "root.json")
    assert result.exit_code == 4
    assert "FAIL        subject" in result.output
    digest = hashlib.sha256(b"not a wheel, but a file").hexdigest()
    again = run(folder / f"{FILENAME}.publish.attestation", "--trust-root", folder / "root.json", "--sha256", digest)
    assert again.exit_code == 0


def test_unknown_keys_are_not_verifiable_and_exit_with_four(folder: Path) -> None:
    result = run(folder / f"{FILENAME}.publish.attestation")
    assert result.exit_code == 4
    assert "=> not checked" in result.output
    assert "FAIL" not in result.output


def test_one_unreadable_file_does_not_keep_the_others_from_being_shown(folder: Path) -> None:
    bad = folder / "bad‮.json"
    bad.write_bytes(b"[" * 100_000)
    result = run(bad, folder / f"{FILENAME}.publish.attestation", "--trust-root", folder / "root.json")
    assert result.exit_code == 4
    assert "=> unreadable" in result.output
    assert "=> valid" in result.output
    assert "‮" not in result.output


def test_the_expected_signer_is_two_checks_by_the_names_of_the_claims(folder: Path) -> None:
    path, options = folder / f"{FILENAME}.publish.attestation", ["--trust-root", folder / "root.json"]
    result = run(path, *options, "--identity", CLAIMS.san, "--issuer", CLAIMS.issuer)
    assert result.exit_code == 0, result.output
    assert f"pass        identity             Subject Alternative Name is '{CLAIMS.san}'." in result.output
    assert f"pass        issuer               Issuer is '{CLAIMS.issuer}'." in result.output
    assert " identity  " not in run(path, *options).output


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("identity", CLAIMS.san.upper()),
        ("identity", CLAIMS.san.removesuffix(".0")),
        ("identity", ""),
        ("issuer", CLAIMS.issuer + "/"),
        ("issuer", "https://gitlab.com"),
    ],
)
def test_another_signer_than_the_expected_one_exits_with_four(folder: Path, option: str, expected: str) -> None:
    path, root = folder / f"{FILENAME}.publish.attestation", folder / "root.json"
    result = run(path, "--trust-root", root, f"--{option}", expected, "--json")
    assert result.exit_code == 4
    row = json.loads(result.output)["files"][0]
    assert row["status"] == "invalid"
    failed = [check for check in row["attestations"][0]["checks"] if check["result"] == "fail"]
    assert [check["name"] for check in failed] == [option]
    assert repr(expected) in failed[0]["detail"]


def test_a_registry_has_no_signer_to_expect(folder: Path) -> None:
    dist = {"integrity": "sha512-x", "signatures": [{"keyid": "k", "sig": "AAAA"}]}
    path = folder / "version.json"
    path.write_text(json.dumps({"name": "demo", "version": "1.0.0", "dist": dist}))
    assert "no other signer can be expected" not in run(path, "--trust-root", folder / "root.json").output
    result = run(path, "--trust-root", folder / "root.json", "--identity", CLAIMS.san)
    assert result.exit_code == 4
    assert "no other signer can be expected" in result.output


def test_a_key_is_not_asked_for_beside_a_certificate_nor_of_a_case(folder: Path) -> None:
    (folder / "key.pem").write_text("no key")
    (folder / "case").mkdir()
    path = folder / f"{FILENAME}.publish.attestation"
    assert isinstance(run(path, "--key", folder / "key.pem", "--issuer", "x").exception, UsageError)
    assert isinstance(run(folder / "case", "--issuer", "x").exception, UsageError)
    assert getattr(run(path, "--key", folder / "key.pem").exception, "exit_code", None) == 4


@pytest.mark.parametrize(
    "arguments", [["missing"], ["root.json", "--artifact", "missing"], ["root.json", "--sha256", "x"]]
)
def test_questions_that_cannot_be_understood(folder: Path, arguments: list[str]) -> None:
    result = run(*[folder / item if item in ("root.json", "missing") else item for item in arguments])
    assert isinstance(result.exception, UsageError)


def test_a_trust_root_that_cannot_be_read(folder: Path) -> None:
    result = run(folder / "root.json", "--trust-root", folder / FILENAME)
    assert getattr(result.exception, "exit_code", None) == 4


def test_hostile_text_in_claims_is_made_visible(folder: Path, kit: Kit) -> None:
    from dataclasses import replace

    from attestation_kit import claims

    signed = kit.attest(replace(claims(), trigger="push\x1b[2J\u202egnp"))
    path = folder / "hostile.json"
    path.write_text(json.dumps(signed))
    for arguments in ([], ["--json"]):
        output = run(path, "--trust-root", folder / "root.json", *arguments).output
        assert "\x1b" not in output
        assert "\u202e" not in output


def test_importing_the_command_loads_nothing_heavy() -> None:
    code = (
        "import sys, forensics.cli.verify, forensics.attestation.pep740, forensics.attestation.certificate\n"
        "heavy = {'cryptography', 'sigstore', 'pydantic', 'pypi_attestations', 'rich.console', 'polars'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
