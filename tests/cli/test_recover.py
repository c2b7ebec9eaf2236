"""`forensics recover` and `forensics log search`, as a user runs them, against a real server."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.lab import LabServer, build_world, serve
from tests.lab.faults import Fault
from tests.lab.lying_rekor import altered, without_subjects, wrong_promise
from tests.lab.rekor import Entry
from tests.lab.removed_rekor import BARE, SIGNED, removed_scenario

Forensics = Callable[..., CompletedProcess[str]]
GONE = SIGNED[0]


@pytest.fixture(scope="module")
def _server() -> Iterator[LabServer]:
    with serve(build_world(removed_scenario())) as running:
        yield running


@pytest.fixture
def server(_server: LabServer) -> Iterator[LabServer]:
    _server.clear_faults()
    _server.reset_requests()
    yield _server
    _server.clear_faults()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Forensics:
    """The command in this process: what it does is the same, and its libraries load once."""
    from typer.testing import CliRunner

    from forensics.cli import make_app
    from forensics.model.errors import ForensicsError

    def run(*arguments: object, env: dict[str, str]) -> CompletedProcess[str]:
        for name, value in {**env, "FORENSICS_HOME": str(tmp_path / "cases")}.items():
            monkeypatch.setenv(name, value)
        done = CliRunner().invoke(make_app(), [str(one) for one in arguments])
        code, error = done.exit_code, done.exception
        if isinstance(error, ForensicsError):
            return CompletedProcess([], error.exit_code, done.stdout, error.diagnostics())
        if error is not None and not isinstance(error, SystemExit):
            raise error
        return CompletedProcess([], code, done.stdout, done.stderr)

    return run


def log_alone(server: LabServer) -> dict[str, str]:
    """The environment in which only index and log remember anything: journal and deps.dev know nobody."""
    nobody = f"{server.base}/nobody"
    return {**server.env(), "FORENSICS_JOURNAL_URL": nobody, "FORENSICS_DEPSDEV_URL": nobody}


def hash_options(server: LabServer, *versions: str) -> list[str]:
    files = [f for version in versions for f in server.world.files_of(version)]
    return [word for f in files for word in ("--hash", f"{f.filename}={f.sha256}")]


def entry_of(server: LabServer, version: str) -> Entry:
    name = server.world.files_of(version)[0].filename
    return next(item.statement.entry for item in server.world.signed if item.filename == name)


def test_a_removed_release_is_recovered_from_name_and_digest(
    forensics: Forensics, server: LabServer, tmp_path: Path
) -> None:
    case = tmp_path / "case"
    ran = forensics(
        "recover", "wares", GONE, "--case", case, "--json", *hash_options(server, GONE, BARE[0]), env=server.env()
    )
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert document["schema"] == "forensics/recover/1"
    assert document["listed"] is False
    assert [f["outcome"] for f in document["files"]] == ["recovered", "recovered"]
    for file in document["files"]:
        (attestation,) = file["attestations"]
        claims = attestation["identity"]
        assert attestation["recovered"]
        assert attestation["status"] == "valid"
        assert claims["source_repository_digest"] == server.world.release(GONE).claims.commit
        assert str(server.world.release(GONE).claims.run_id) in claims["run_invocation_uri"]
        assert attestation["evidence"]
        assert [e["verified"] for e in file["entries"]] == [True]
        assert file["entries"][0]["tree_size"] == len(server.world.log.entries)
    server.reset_requests()
    again = forensics("recover", "wares", GONE, "--case", case, "--offline", env=server.env())
    assert again.returncode == 0
    assert again.stdout.count("recovered: the statement was rebuilt") == 2
    assert "pass         sigstore-python" in again.stdout
    assert server.requests == []
    bare = forensics("recover", "wares", BARE[0], "--case", case, env=server.env())
    assert bare.returncode == 0
    assert "no attestation found" in bare.stdout
    assert "does not prove that nothing was signed" in bare.stdout
    verified = forensics("case", "verify", case, env=server.env())
    assert verified.returncode == 0, verified.stdout


def test_imports_after_the_collection_are_looked_up(here: Forensics, server: LabServer, tmp_path: Path) -> None:
    case, listing = tmp_path / "case", tmp_path / "hashes.txt"
    with without_subjects():
        assert here("timeline", "wares", "--case", case, "--json", env=log_alone(server)).returncode in {0, 10, 11}
        listing.write_text("".join(f"{f.sha256}  {f.filename}\n" for f in server.world.files_of(GONE)))
        server.reset_requests()
        added = here("case", "import", case, listing, "--ask", env=log_alone(server))
    assert added.returncode == 0, added.stderr
    assert server.requests
    assert any(r.path.startswith("/rekor") for r in server.requests)
    assert not any(r.path.startswith(("/index", "/osv")) for r in server.requests)
    ran = here("timeline", "--case", case, "--offline", "--json", env=log_alone(server))
    release = next(r for r in json.loads(ran.stdout)["releases"] if r["version"] == GONE)
    assert [f["provenance"] for f in release["files"]] == ["attested", "attested"]
    assert here("case", "verify", case, env=log_alone(server)).returncode == 0


def test_a_file_that_was_imported_without_asking_is_asked_about(
    here: Forensics, server: LabServer, tmp_path: Path
) -> None:
    case, listing = tmp_path / "case", tmp_path / "hashes.txt"
    listing.write_text("".join(f"{f.sha256}  {f.filename}\n" for f in server.world.files_of(GONE)))
    with without_subjects():
        here("timeline", "wares", "--case", case, "--json", env=server.env())
        here("case", "import", case, listing, env=server.env())
        offline = here("recover", "wares", GONE, "--case", case, "--offline", env=server.env())
        assert offline.returncode == 0
        assert "cannot be rebuilt" in offline.stdout
        online = here("recover", "wares", GONE, "--case", case, env=server.env())
    assert online.stdout.count("recovered: the statement was rebuilt") == 2


def test_an_answer_that_does_not_verify_is_exit_4(here: Forensics, server: LabServer, tmp_path: Path) -> None:
    with altered(server.world.log, entry_of(server, GONE), wrong_promise):
        ran = here("recover", "wares", GONE, "--case", tmp_path / "c", *hash_options(server, GONE), env=server.env())
    assert ran.returncode == 4
    assert "does NOT verify" in ran.stdout
    assert "fail         set" in ran.stdout
    assert "tamper" not in ran.stdout


def test_without_names_the_log_still_tells_which_runs_nobody_names(
    here: Forensics, server: LabServer, tmp_path: Path
) -> None:
    ran = here("recover", "wares", GONE, "--case", tmp_path / "c", env=log_alone(server))
    assert ran.returncode == 0
    assert "no absence" in ran.stdout
    assert str(server.world.release(GONE).claims.run_id) in ran.stdout


@pytest.mark.parametrize("option", ["nonsense", "wares-1.0.4.tar.gz=xyz", "wares.exe=" + "0" * 64])
def test_digests_that_are_none_are_refused(here: Forensics, server: LabServer, option: str) -> None:
    ran = here("recover", "wares", GONE, "--hash", option, env=server.env())
    assert ran.returncode == 2
    assert server.requests == []


def test_log_search_by_every_key(here: Forensics, server: LabServer, tmp_path: Path) -> None:
    entry, file = entry_of(server, GONE), server.world.files_of(GONE)[0]
    claims = server.world.release(GONE).claims
    for option, value in (
        ("--hash", f"sha256:{file.sha256}"), ("--index", entry.global_index), ("--uuid", entry.entry_id)
    ):  # fmt: skip
        ran = here("log", "search", option, value, "--json", env=server.env())
        assert ran.returncode == 0, ran.stderr
        (found,) = json.loads(ran.stdout)["entries"]
        assert found["uuid"] == entry.uuid
        assert found["verified"]
    ran = here("log", "search", "--subject", claims.san, "--limit", "3", env=server.env())
    assert ran.returncode == 0
    assert ran.stdout.count(", verified") == 3
    assert "--limit allows more" in ran.stdout
    nothing = here("log", "search", "--email", "nobody@example.com", env=server.env())
    assert nothing.returncode == 0
    assert "no absence" in nothing.stdout
    assert here("log", "search", env=server.env()).returncode == 2
    assert here("log", "search", "--index", 1, "--uuid", entry.uuid, env=server.env()).returncode == 2


def test_log_search_by_a_public_key_sends_it_alone(here: Forensics, server: LabServer, tmp_path: Path) -> None:
    filler = next(e for e in server.world.log.entries if b"hashedrekord" in e.body)
    pem = base64.b64decode(filler.body.split(b'"publicKey":{"content":"')[1].split(b'"')[0])
    file = tmp_path / "signer.pem"
    file.write_bytes(b"found on the laptop:\n" + pem.replace(b"\n", b"\r\n"))
    ran = here("log", "search", "--public-key", file, "--limit", "1000", "--json", env=server.env())
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert filler.uuid in {entry["uuid"] for entry in found["entries"]}
    assert all(entry["kind"].startswith("hashedrekord") for entry in found["entries"])
    key = Ed25519PrivateKey.generate()
    file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    other = here("log", "search", "--public-key", file, env=server.env())
    assert (other.returncode, "no absence" in other.stdout) == (0, True)
    server.reset_requests()
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for refused in (file, tmp_path / "nowhere.pem"):
        assert here("log", "search", "--public-key", refused, env=server.env()).returncode == 2
    assert server.requests == []


def test_log_search_through_a_case_keeps_the_answers(here: Forensics, server: LabServer, tmp_path: Path) -> None:
    case, entry = tmp_path / "case", entry_of(server, GONE)
    here("timeline", "wares", "--case", case, "--json", env=server.env())
    first = here("log", "search", "--uuid", entry.uuid, "--case", case, env=server.env())
    server.reset_requests()
    second = here("log", "search", "--uuid", entry.uuid, "--case", case, "--offline", env=server.env())
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout == second.stdout
    assert server.requests == []
    assert here("case", "verify", case, env=server.env()).returncode == 0


def test_log_search_says_what_failed(here: Forensics, server: LabServer) -> None:
    entry = entry_of(server, GONE)
    with altered(server.world.log, entry, wrong_promise):
        ran = here("log", "search", "--uuid", entry.uuid, env=server.env())
    assert ran.returncode == 4
    assert "NOT verified" in ran.stdout
    with without_subjects():
        ran = here("log", "search", "--subject", "x", env=server.env())
    assert ran.returncode == 1
    assert "does not search by subject" in ran.stdout
    server.inject(Fault("/rekor", status=503))
    ran = here("log", "search", "--uuid", entry.uuid, "--max-wait", "0", env=server.env())
    assert ran.returncode == 1
    assert "could not check" in ran.stdout
