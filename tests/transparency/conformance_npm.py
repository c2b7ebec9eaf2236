"""npm's published files: what must be accepted, and what npm's own tests refuse."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forensics.attestation.evaluate import Evaluator
from forensics.attestation.jobs import jobs_for_npm
from forensics.attestation.pool import evaluate_job
from forensics.attestation.registry_keys import shipped_keys
from forensics.attestation.registry_signature import check_registry_signatures, parse_packument
from forensics.attestation.trust import shipped_root
from forensics.model.attestation import Attestation, CheckResult, VerificationStatus

_VALID = {
    "npm-cli/valid-sigstore-attestations.json": ("sigstore", "1.0.0"),
    "pacote/valid-attestations.json": ("sigstore", "0.4.0"),
    "sigstore-dotnet-samples/playwright-cli-0.1.1-attestations.json": ("@playwright/cli", "0.1.1"),
}
_TARBALL = "sigstore-dotnet-samples/playwright-cli-0.1.1.tgz"


def outcomes(evidence: Path) -> Iterator[tuple[str, str, str, bool]]:
    """Return (what, source, case, whether it came out as it should) for every published file of npm."""
    folder, evaluator = evidence / "npm", Evaluator(shipped_root(), independent=True)
    sha512 = hashlib.sha512((folder / _TARBALL).read_bytes()).hexdigest()
    for name, (project, version) in _VALID.items():
        tarball = sha512 if project == "@playwright/cli" else None
        for number, found in enumerate(_verified(evaluator, folder / name, project, version, tarball)):
            what = "npm attestations, keyed and keyless, intoto 0.0.2 and dsse 0.0.1: accepted"
            right = found.verification.status is VerificationStatus.VALID and not found.disagreements
            yield what, "npm/cli, npm/pacote, sigstore-dotnet", f"{name} {number}", right
    for path in sorted((folder / "pacote").glob("*-attestations.json")):
        if path.name != "valid-attestations.json":
            what = "npm attestations that npm's own tests refuse: refused at a named step"
            refused = any(_fails(each) for each in _verified(evaluator, path, "sigstore", "0.4.0", None))
            yield what, "npm/pacote", path.name, refused
    packument = json.loads((folder / "packuments" / "lodash.abbreviated.json").read_bytes())
    for version in parse_packument(packument).signed:
        (one,) = check_registry_signatures(version, shipped_keys())
        right = {check.name: check.result for check in one.verification.checks}["signature"] is CheckResult.PASS
        yield "npm registry signatures of a packument, with both keys", "pnpm/pnpm", version.version, right


def _verified(evaluator: Evaluator, path: Path, project: str, version: str, sha512: str | None) -> list[Attestation]:
    data: Any = json.loads(path.read_bytes())
    jobs = jobs_for_npm(
        data, project=project, version=version, filename="x.tgz", sha512=sha512, keys=shipped_keys(), evidence=()
    )
    return [evaluate_job(evaluator, job) for job in jobs]


def _fails(found: Attestation) -> bool:
    return found.verification.status is VerificationStatus.INVALID and bool(found.verification.failed())
