"""The adapter is run as Sigstore's conformance suite runs it: as a program, by its exit code."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "attestation"))

from suite_cases import CASES
from suite_kit import ARTIFACT, Maker, Presented

CLIENT = Path(__file__).with_name("sigstore_client.py")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The suite runs its client inside the folder of its cases."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CLIENT), *arguments]
    return subprocess.run(command, text=True, capture_output=True, timeout=100, check=False)


def written(name: str) -> list[str]:
    """The options that the suite gives for a case, its files written."""
    maker = Maker()
    made = CASES[name][0](maker)
    shown = made if isinstance(made, Presented) else Presented(made, maker.trusted())
    Path("artifact").write_bytes(shown.artifact)
    Path("bundle.sigstore.json").write_text(shown.bundle if isinstance(shown.bundle, str) else json.dumps(shown.bundle))
    Path("trusted_root.json").write_text(json.dumps(shown.root))
    options = ["--bundle", "bundle.sigstore.json"]
    if shown.key is not None:
        Path("key.pub").write_bytes(shown.key)
        options += ["--key", "key.pub"]
    for option, value in (("identity", shown.identity), ("oidc-issuer", shown.issuer)):
        options += [f"--certificate-{option}", value] if value is not None else []
    return [*options, "--trusted-root", "trusted_root.json"]


@pytest.mark.parametrize(
    "name",
    [
        "happy-path-v0.1",
        "rekor2-dsse-happy-path",
        "managed-key-and-trusted-root",
        "signature-mismatch_fail",
        "bundle-malformed-json_fail",
        "trust-root-tlog-missing-validity-start_fail",
        "managed-key-and-client-identity_fail",
        "bundle-with-root-cert_fail",
    ],
)
def test_a_case_of_the_suite_ends_as_its_name_says(name: str) -> None:
    done = run("verify-bundle", *written(name), "artifact")
    assert done.returncode == (1 if name.endswith("_fail") else 0), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("data", "code"), [(ARTIFACT, 0), (b"another", 1)])
def test_a_digest_stands_for_the_file(data: bytes, code: int) -> None:
    options = written("happy-path")
    assert run("verify-bundle", *options, f"sha256:{hashlib.sha256(data).hexdigest()}").returncode == code


@pytest.mark.parametrize("option", ["--certificate-identity", "--certificate-oidc-issuer"])
def test_another_signer_is_refused(option: str) -> None:
    options = written("happy-path")
    options[options.index(option) + 1] += "x"
    done = run("verify-bundle", *options, "artifact")
    assert done.returncode == 1
    assert f"FAIL        {'issuer' if 'issuer' in option else 'identity'}" in done.stdout


def test_staging_is_the_root_that_sigstore_python_carries(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(folder))
    options = written("happy-path")
    del options[options.index("--trusted-root") :]
    done = run("verify-bundle", "--staging", *options, "artifact")
    assert done.returncode == 1
    assert "unknown authority" in done.stdout, done.stderr
    root = next(line for line in done.stdout.splitlines() if line.startswith("Trust root: "))
    assert root.startswith("Trust root: root ")


def test_nothing_is_signed() -> None:
    done = run("sign-bundle", "--identity-token", "t", "--bundle", "b", "artifact")
    assert done.returncode == 1
    assert "signs nothing" in done.stderr
    assert not Path("b").exists()
