"""`case root --refresh`: a TUF repository on loopback, honest, forged, expired and away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.attestation.attestation_kit import CLAIMS
from tests.cli.inside import Done, inside
from tests.lab.signing_http import Repository, SigningSite, signing_site


@pytest.fixture
def site() -> Iterator[SigningSite]:
    with signing_site(CLAIMS) as served:
        yield served


def run(home: Path, site: SigningSite, *words: object, **env: str) -> Done:
    (home / "tuf.json").write_bytes(site.repository.root)
    places = {"XDG_DATA_HOME": str(home), "XDG_CACHE_HOME": str(home)}
    return inside(home, {**site.env(), **places, **env}, *words)


def refresh(home: Path, site: SigningSite, **env: str) -> Done:
    return run(home, site, "case", "root", "--refresh", "--tuf-root", home / "tuf.json", **env)


def kept(home: Path) -> list[str]:
    return sorted(path.name.partition(".")[0] for path in (home / "cases/.trust").glob("*.root.json"))


def test_a_refreshed_root_is_known_and_a_case_under_it_believed(tmp_path: Path, site: SigningSite) -> None:
    import json

    from forensics.evidence.case import Case
    from forensics.model.endpoints import resolve_endpoints
    from forensics.model.project import parse_project

    digest = hashlib.sha256(site.root).hexdigest()
    case = Case.create(
        tmp_path / "case", project=parse_project("demo"), endpoints=resolve_endpoints(), trust_root=site.root
    )
    case.finish([])
    unknown = run(tmp_path, site, "timeline", "--case", tmp_path / "case", "--offline")
    assert unknown.returncode == 4
    assert "neither shipped nor named" in unknown.stderr
    done = refresh(tmp_path, site)
    assert done.returncode == 0, done.stderr
    assert f"  {digest}  refreshed 20" in done.stdout, "known, but not what new cases begin with: it is not Sigstore's"
    assert kept(tmp_path) == [digest]
    known = run(tmp_path, site, "timeline", "--case", tmp_path / "case", "--offline")
    assert "neither shipped nor named" not in known.stderr
    about = json.loads((tmp_path / f"cases/.trust/{digest}.about.json").read_text())
    assert about["url"] == site.env()["FORENSICS_TUF_URL"]
    (tmp_path / f"cases/.trust/{digest}.root.json").write_bytes(site.root + b" ")
    assert run(tmp_path, site, "timeline", "--case", tmp_path / "case", "--offline").returncode == 4


def test_a_new_version_is_added_and_the_old_one_stays_known(tmp_path: Path, site: SigningSite) -> None:
    assert refresh(tmp_path, site).returncode == 0
    changed = site.root + b"\n"
    site.repository.publish({"trusted_root.json": changed, "signing_config.v0.2.json": site.config})
    assert refresh(tmp_path, site).returncode == 0
    assert kept(tmp_path) == sorted(hashlib.sha256(raw).hexdigest() for raw in (site.root, changed))


def test_a_repository_that_does_not_verify_gives_nothing(tmp_path: Path, site: SigningSite) -> None:
    honest = dict(site.repository.files)
    target = next(name for name in honest if name.endswith("trusted_root.json"))
    forger = Repository()
    forger.publish({"trusted_root.json": site.root})
    stale = Repository()
    stale.signer, stale.root = site.repository.signer, site.repository.root
    stale.publish({"trusted_root.json": site.root}, datetime.now(UTC).replace(microsecond=0) - timedelta(days=1))
    for number, files in enumerate(
        (
            {**honest, target: honest[target][:-1] + b" "},
            {**honest, "timestamp.json": forger.files["timestamp.json"]},
            stale.files,
            {**honest, "timestamp.json": b"{"},
        )
    ):
        site.repository.files = files
        home = tmp_path / str(number)
        home.mkdir()
        done = refresh(home, site)
        assert done.returncode == 4, done
        assert "does not verify" in done.stderr
        assert kept(home) == []


def test_without_network_or_without_a_root_it_says_what_to_do(tmp_path: Path, site: SigningSite) -> None:
    away = refresh(tmp_path, site, FORENSICS_TUF_URL="http://127.0.0.1:9/tuf")
    assert away.returncode == 1
    assert "could not be asked" in away.stderr
    assert "--trust-root FILE" in away.stderr
    unvouched = run(tmp_path, site, "case", "root", "--refresh")
    assert unvouched.returncode == 2
    assert "Nothing vouches" in unvouched.stderr
    assert run(tmp_path, site, "case", "root").stdout.startswith("* 6494e21e")
    assert kept(tmp_path) == []
