"""npm's own verifier beside our steps: the same bundles are accepted, the same are refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from attestation_kit import failures
from bundle_kit import changed, real_bundles, tamperings

from forensics.attestation.evaluate import Evaluator
from forensics.attestation.registry_keys import shipped_keys
from forensics.model.attestation import VerificationStatus

pytestmark = pytest.mark.evidence

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "test-artifacts" / "npm-verifier"
PACKAGES = ("@sigstore/verify@3.1.1", "@sigstore/bundle@4.0.0", "@sigstore/protobuf-specs@0.5.2")
OURS_ALONE = {"key id"}
"""What npm's verifier does not look at: the envelope's key id. npm's client does, before it calls the verifier."""
NOT_THEIRS = "bundle.dsse.rekor-v2.sigstore as it is"
"""npm's verifier does not know envelopes under hashedrekord 0.0.2, whose digest is that of the PAE; we and
sigstore-python do."""


@pytest.fixture(scope="session")
def npm_verifier() -> Path:
    """A folder with npm's verifier in it; installed once, and kept."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    marker = FOLDER / "installed.txt"
    if not marker.is_file() or marker.read_text() != " ".join(PACKAGES):
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "package.json").write_text('{"private": true}')
        words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", *PACKAGES]
        done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True, timeout=100, check=False)
        if done.returncode:
            pytest.skip(f"npm's verifier could not be installed: {done.stderr.strip().splitlines()[-1:]}")
        marker.write_text(" ".join(PACKAGES))
    return FOLDER


def ask(folder: Path, bundles: dict[str, Any]) -> dict[str, str]:
    trust = HERE.parents[1] / "forensics" / "trust"
    question = {
        "root": json.loads((trust / "sigstore-production.json").read_bytes()),
        "keys": json.loads((trust / "npm-registry-keys.json").read_bytes()),
        "bundles": bundles,
    }
    words = ["node", str(HERE / "npm_verifier.mjs"), str(folder)]
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder)}
    done = subprocess.run(
        words, input=json.dumps(question), capture_output=True, text=True, timeout=100, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, str] = json.loads(done.stdout)
    return answers


def test_both_accept_and_refuse_the_same(evidence: Path, production: Evaluator, npm_verifier: Path) -> None:
    bundles = {}
    for name, bundle in real_bundles(evidence).items():
        bundles[f"{name} as it is"] = bundle
        bundles |= {f"{name}, {what}": changed(bundle, change) for what, (change, _) in tamperings(bundle).items()}
    theirs = ask(npm_verifier, bundles)
    keys = shipped_keys()
    ours = {name: production.bundle(data, keys=keys) for name, data in bundles.items()}
    valid = {name for name, found in ours.items() if found.verification.status is VerificationStatus.VALID}
    accepted = {name for name, reason in theirs.items() if not reason}
    assert valid == {name for name in bundles if name.endswith(" as it is")}
    assert theirs[NOT_THEIRS] == "TLOG_BODY_ERROR: digest mismatch"
    differing = {name: (theirs[name], failures(ours[name])) for name in (valid ^ accepted) - {NOT_THEIRS}}
    assert {name.rpartition(", ")[2] for name in differing} == OURS_ALONE, differing
    assert len(bundles) == 112  # docs/conformance.md says so


def test_files_of_npms_own_tests(evidence: Path, production: Evaluator, npm_verifier: Path) -> None:
    bundles = {}
    for path in sorted((evidence / "npm").glob("*/*attestations.json")):
        for number, row in enumerate(json.loads(path.read_bytes())["attestations"]):
            bundles[f"{path.stem} {number}"] = row["bundle"]
    theirs = ask(npm_verifier, bundles)
    for name, data in bundles.items():
        found = production.bundle(data, keys=shipped_keys())
        accepted = found.verification.status is VerificationStatus.VALID
        if name == "no-keyid-attestations 1":  # the envelope's key id, see OURS_ALONE
            assert (accepted, theirs[name], failures(found)) == (False, "", {"registry-key"})
        else:
            assert accepted == (theirs[name] == ""), (name, theirs[name], failures(found))
