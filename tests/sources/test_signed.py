"""Certificates and log entries in what npm serves as attestations, and what follows for the questions to the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forensics.model.checked import Checked, NotChecked
from forensics.model.release import ProjectStatus
from forensics.model.versions import SEMVER
from forensics.sources.index import Index, IndexFile, ProvenanceAnswer, VersionRecord
from forensics.sources.rekor_plan import plan_for
from forensics.sources.signed import signed_parts
from forensics.sources.supplements import NamedFile, Supplements

FOLDER = Path(__file__).parents[3] / "shared" / "evidence"
FILE = FOLDER / "npm/sigstore-dotnet-samples/playwright-cli-0.1.1-attestations.json"
UNREADABLE = [{}, 3, {"bundle": {"verificationMaterial": {"certificate": {"rawBytes": "!"}}}}]


@pytest.fixture
def served() -> dict[str, Any]:
    if not FILE.is_file():
        pytest.skip("the folder of evidence is not beside the checkout")
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def answer(data: dict[str, Any] | None) -> Checked[ProvenanceAnswer]:
    return Checked(ProvenanceAnswer("cli-0.1.1.tgz", data, None), ("o-1",))


def tarball(version: str, day: int, sha512: str) -> IndexFile:
    at = datetime(2026, 1, day, tzinfo=UTC)
    path = f"/demo/-/demo-{version}.tgz"
    name, none = f"demo-{version}.tgz", Checked(None)
    return IndexFile(name, version, "tarball", None, None, at, False, None, path, none, ("o",), sha512)


def test_a_real_answer_of_npm_holds_a_keyed_and_a_keyless_part(served: dict[str, Any]) -> None:
    parts = signed_parts(answer(served))
    assert all(part.body for part in parts)
    identities = [identity for part in parts if (identity := part.identity())]
    assert len(parts) == len(identities) + 1
    assert {identity.repository for identity in identities} == {"microsoft/playwright-cli"}


@pytest.mark.parametrize(
    "data",
    [{"attestations": [{}, 3, {"bundle": {"verificationMaterial": {"certificate": {"rawBytes": "!"}}}}]}, {}, None],
)
def test_what_cannot_be_read_is_left_out(data: dict[str, Any] | None) -> None:
    assert all(part.identity() is None for part in signed_parts(answer(data)))
    assert signed_parts(NotChecked("r", "n")) == []


def test_the_log_is_asked_about_lost_tarballs_by_sha512_with_attested_neighbours(served: dict[str, Any]) -> None:
    files = tuple(tarball(f"1.0.{n}", n + 1, f"{n:0128x}") for n in (0, 1, 3, 4))
    gone = VersionRecord("1.0.2", False, datetime(2026, 1, 3, tzinfo=UTC))
    index = Index(True, ProjectStatus.ACTIVE, files, (), None, (), ("o",), versions={"1.0.2": gone})
    supplements = Supplements(files=[NamedFile("demo-1.0.2.tgz", "1.0.2", None, sha512="c" * 128)])
    provenance = {file.filename: answer(served) for file in files}
    plan = plan_for(Checked(index), provenance, supplements, SEMVER)
    assert [(t.digest, t.why, t.version) for t in plan.targets] == [("c" * 128, "removed", "1.0.2")]
    assert len(plan.controls["1.0.2"]) == 2
    assert all(len(control.digest) == 128 for control in plan.controls["1.0.2"])
    assert plan.subjects
