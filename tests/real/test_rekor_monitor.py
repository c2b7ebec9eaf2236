"""Beside rekor-monitor: one log, one configuration, the same lines. Run with `make real-monitor`.

Source: sigstore/rekor-monitor, which is built through the Go module proxy or named by FORENSICS_REKOR_MONITOR.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes

from tests.cli.inside import inside
from tests.command import environment
from tests.lab.monitored import Monitored, monitored, signed_log, workflows
from tests.lab.pki import Authority, Signer
from tests.real.go_tools import rekor_monitor

pytestmark = [
    pytest.mark.skipif(os.environ.get("FORENSICS_REAL_MONITOR") != "1", reason="run with `make real-monitor`"),
    pytest.mark.timeout(600),
]
ISSUER = "https://token.actions.githubusercontent.com"
ENTRIES, WORKFLOWS = 600, 40


@pytest.fixture(scope="module")
def program() -> Path:
    return rekor_monitor()


@pytest.fixture(scope="module")
def signers() -> tuple[Authority, list[Signer]]:
    authority = Authority()
    return authority, workflows(authority, WORKFLOWS)


@pytest.fixture(scope="module")
def served(signers: tuple[Authority, list[Signer]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    authority, some = signers
    log = signed_log([some[index % WORKFLOWS] for index in range(ENTRIES)])
    with monitored(tmp_path_factory.mktemp("monitored"), authority, log) as running:
        yield running


def theirs(program: Path, served: Monitored) -> list[str]:
    served.forget()
    done = subprocess.run(
        served.peer(program), env=environment(served.home), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stderr, done.stderr
    return sorted(served.identities.read_text("utf-8").splitlines()) if served.identities.exists() else []


def ours(served: Monitored) -> list[str]:
    words = ("--log", "v1", "--config", served.configuration, "--from-index", served.first)
    done = inside(served.home, served.env, "log", "scan", *words, "--format", "rekor-monitor", "--quiet")
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())


@pytest.mark.parametrize(
    ("monitored_values", "matches"),
    [
        (f'certIdentities:\n  - certSubject: "^https://github[.]com/owner-7/.*$"\n    issuers: ["^{ISSUER}$"]', 15),
        ('certIdentities:\n  - certSubject: "project-1[0-9]/"', 150),
        ('certIdentities:\n  - certSubject: "project-7/"\n    issuers: ["^https://gitlab[.]com$"]', 0),
        ('certIdentities:\n  - certSubject: "project-3/"\n  - certSubject: "owner-3/"', 30),
        ('subjects:\n  - "project-12/"', 15),
    ],
    ids=["name and issuer", "expression", "another issuer", "two values for one entry", "subject"],
)
def test_the_same_lines(program: Path, served: Monitored, monitored_values: str, matches: int) -> None:
    served.configure(monitored_values)
    peer, own = theirs(program, served), ours(served)
    assert own == peer
    assert len(own) == matches


def test_the_same_lines_for_a_fingerprint(
    program: Path, served: Monitored, signers: tuple[Authority, list[Signer]]
) -> None:
    served.configure(f"fingerprints:\n  - {signers[1][5].certificate.fingerprint(hashes.SHA256()).hex()}")
    peer, own = theirs(program, served), ours(served)
    assert own == peer
    assert len(own) == ENTRIES // WORKFLOWS
