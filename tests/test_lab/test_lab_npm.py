"""The lab's npm registry: what it shows at a moment, and that others accept what it signs."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy

from tests.lab import LabServer, World, build_world, serve
from tests.lab.artifacts import source_tree
from tests.lab.pki import FULCIO_ARC
from tests.lab.scenario import parse_scenario
from tests.test_lab.npm_minimal import NPM

NAME = "/npm/@tanstack%2fhistory"


@pytest.fixture(scope="module")
def world() -> World:
    return build_world("tanstack-2026-05")


@pytest.fixture(scope="module")
def site(world: World) -> Iterator[LabServer]:
    with serve(world) as server:
        yield server


@pytest.fixture
def web(site: LabServer) -> Iterator[httpx.Client]:
    site.moment = site.world.scenario.as_of
    with httpx.Client(base_url=site.base, timeout=10, trust_env=False) as made:
        yield made


def get(server: LabServer, path: str, accept: str = "application/json") -> httpx.Response:
    return httpx.get(f"{server.base}{path}", headers={"Accept": accept}, trust_env=False)


def key_of(listed: dict[str, object]) -> ec.EllipticCurvePublicKey:
    key = serialization.load_der_public_key(base64.b64decode(str(listed["key"])))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def test_packument_names_door_and_digests(web: httpx.Client) -> None:
    page = web.get(NAME).json()
    row = page["versions"]["1.161.9"]
    assert page["dist-tags"]["latest"] == "1.161.12"
    assert row["_npmUser"]["name"] == "GitHub Actions"
    assert row["_npmUser"]["email"] == "npm-oidc-no-reply@github.com"
    assert row["_npmUser"]["trustedPublisher"]["id"] == "github"
    assert row["dist"]["attestations"]["provenance"]["predicateType"] == "https://slsa.dev/provenance/v1"
    assert row["dependencies"] == {"@tanstack/setup": "github:tanstack/router#79ac49ee"}
    data = web.get(row["dist"]["tarball"]).content
    assert row["dist"]["shasum"] == hashlib.sha1(data, usedforsecurity=False).hexdigest()
    assert row["dist"]["integrity"] == f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
    assert all(member.name.startswith("package/") for member in members)
    assert row["dist"]["fileCount"] == len(members)
    assert row["dist"]["unpackedSize"] == sum(member.size for member in members)
    before = page["versions"]["1.161.6"]["dist"]["unpackedSize"]
    assert row["dist"]["unpackedSize"] / before == pytest.approx(12.0, rel=0.02)


def test_the_abbreviated_packument_says_less(web: httpx.Client) -> None:
    answer = web.get(NAME, headers={"Accept": "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8"})
    page = answer.json()
    assert answer.headers["content-type"] == "application/vnd.npm.install-v1+json"
    assert set(page) == {"name", "dist-tags", "versions", "modified"}
    assert "_npmUser" not in page["versions"]["1.161.9"]
    assert "dist" in page["versions"]["1.161.9"]
    assert web.get(NAME, headers={"If-None-Match": web.get(NAME).headers["etag"]}).status_code == 304


def test_registry_signatures_verify_with_the_listed_keys(web: httpx.Client) -> None:
    keys = {row["keyid"]: row for row in web.get("/npm/-/npm/v1/keys").json()["keys"]}
    assert [row["expires"] for row in keys.values()] == ["2025-01-29T00:00:00.000Z", None]
    for version, row in web.get(NAME).json()["versions"].items():
        signed = row["dist"]["signatures"][0]
        message = f"@tanstack/history@{version}:{row['dist']['integrity']}".encode()
        key_of(keys[signed["keyid"]]).verify(base64.b64decode(signed["sig"]), message, ec.ECDSA(hashes.SHA256()))


def test_keys_and_signatures_follow_the_rotation() -> None:
    with serve("rspack-2024-12", moment=datetime(2025, 1, 1, tzinfo=UTC)) as server:
        (only,) = get(server, "/npm/-/npm/v1/keys").json()["keys"]
        assert only["expires"] is None
        old = get(server, "/npm/@rspack/core").json()["versions"]["1.1.6"]["dist"]["signatures"][0]["keyid"]
        assert old == only["keyid"]
        server.moment = datetime(2025, 6, 1, tzinfo=UTC)
        assert get(server, "/npm/-/npm/v1/keys").json()["keys"][0]["keyid"] == old


def test_provenance_is_accepted_by_sigstore_python_and_says_what_the_certificate_says(
    world: World, web: httpx.Client, tmp_path: Path
) -> None:
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(world.write_trusted_root(tmp_path))))
    listed = web.get("/npm/-/npm/v1/attestations/@tanstack%2fhistory@1.161.9").json()["attestations"]
    publish, built = (row["bundle"] for row in listed)
    kind, payload = verifier.verify_dsse(Bundle.from_json(json.dumps(built)), policy.UnsafeNoOp())
    assert kind == "application/vnd.in-toto+json"
    statement = json.loads(payload)
    assert statement["subject"][0]["name"] == "pkg:npm/%40tanstack/history@1.161.9"
    run = statement["predicate"]["runDetails"]["metadata"]["invocationId"]
    assert run == "https://github.com/TanStack/router/actions/runs/25613093674/attempts/4"
    leaf = x509.load_der_x509_certificate(base64.b64decode(built["verificationMaterial"]["certificate"]["rawBytes"]))
    oid = x509.ObjectIdentifier(f"{FULCIO_ARC}.21")
    assert run.encode() in leaf.extensions.get_extension_for_oid(oid).value.value
    assert publish["mediaType"].endswith("version=0.2")
    check_publish(web, publish)


def check_publish(web: httpx.Client, bundle: dict[str, object]) -> None:
    """The publish attestation verifies with the key that its hint names, and its entry has the payload's digest."""
    material, envelope = bundle["verificationMaterial"], bundle["dsseEnvelope"]
    hint = material["publicKey"]["hint"]
    listed = {row["keyid"]: row for row in web.get("/npm/-/npm/v1/keys").json()["keys"]}
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"]
    message = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    (signed,) = envelope["signatures"]
    assert signed["keyid"] == hint
    key_of(listed[hint]).verify(base64.b64decode(signed["sig"]), message, ec.ECDSA(hashes.SHA256()))
    body = json.loads(base64.b64decode(material["tlogEntries"][0]["canonicalizedBody"]))
    text = json.dumps(body)
    assert hashlib.sha256(payload).hexdigest() in text


def test_old_bundles_are_intoto_without_a_proof() -> None:
    with serve("semver-6.3.1-backport") as server, httpx.Client(base_url=server.base, trust_env=False) as web:
        listed = web.get("/npm/-/npm/v1/attestations/semver@7.5.4").json()["attestations"]
        publish, built = (row["bundle"] for row in listed)
        assert listed[1]["predicateType"] == "https://slsa.dev/provenance/v0.2"
        entry = built["verificationMaterial"]["tlogEntries"][0]
        assert entry["kindVersion"] == {"kind": "intoto", "version": "0.0.2"}
        assert entry["inclusionProof"] is None
        assert len(built["verificationMaterial"]["x509CertificateChain"]["certificates"]) == 3
        body = json.loads(base64.b64decode(entry["canonicalizedBody"]))
        signature = body["spec"]["content"]["envelope"]["signatures"][0]
        once = base64.b64decode(signature["sig"]).decode()
        assert once == built["dsseEnvelope"]["signatures"][0]["sig"]
        check_publish(web, publish)
        assert web.get("/npm/-/npm/v1/attestations/semver@6.3.1").status_code == 404


def test_the_log_finds_entries_by_sha512_and_san(world: World, web: httpx.Client) -> None:
    (stored,) = world.files_of("1.161.9")
    digest = f"sha512:{hashlib.sha512(stored.artifact.data).hexdigest()}"
    assert len(web.post("/rekor/api/v1/index/retrieve", json={"hash": digest}).json()) == 2
    san = world.release("1.161.9").claims.san
    assert len(web.post("/rekor/api/v1/index/retrieve", json={"subject": san}).json()) >= 34


def test_a_removed_version_stays_in_time_only() -> None:
    with serve("nx-2025-08") as server:
        page = get(server, "/npm/nx").json()
        assert "21.5.0" in page["time"]
        assert "21.5.0" not in page["versions"]
        assert page["dist-tags"]["latest"] == "21.5.1"
        assert get(server, "/npm/nx/-/nx-21.5.0.tgz").status_code == 404
        assert get(server, "/npm/nx/21.5.0").status_code == 404
        (stored,) = server.world.files_of("21.5.0")
        assert get(server, f"/files/packages/{stored.path}").content == stored.artifact.data
        server.moment = stored.uploaded + timedelta(hours=1)
        page = get(server, "/npm/nx").json()
        assert page["versions"]["21.5.0"]["scripts"]["postinstall"] == "node telemetry.js"
        assert page["versions"]["21.5.0"]["hasInstallScript"] is True
        assert "gitHead" not in page["versions"]["21.5.0"]
        assert page["versions"]["21.4.1"]["gitHead"] == server.world.git.commits["21.4.1"]
        assert get(server, "/npm/nx/-/nx-21.5.0.tgz").content == stored.artifact.data


def test_what_does_not_exist_is_404(web: httpx.Client) -> None:
    for path in (
        "left-pad",
        "@tanstack/history/9.9.9",
        "-/npm/v1/attestations/left-pad@1.0.0",
        "@tanstack/x/-/x-1.tgz",
    ):
        assert web.get(f"/npm/{path}").status_code == 404


def test_new_dependencies_have_packuments_from_their_publication_on() -> None:
    with serve("axios-2026-03") as server:
        page = get(server, "/npm/plain-crypto-js").json()
        assert page["time"]["created"] == page["time"]["1.0.0"] == "2026-03-30T23:59:12.000Z"
        server.moment = datetime(2026, 3, 30, 23, 59, 11, tzinfo=UTC)
        assert get(server, "/npm/plain-crypto-js").status_code == 404


def test_siblings_are_packages_of_the_same_account_with_a_past() -> None:
    with serve("debug-2025-09") as server:
        page = get(server, "/npm/chalk").json()
        assert list(page["time"])[-1] == "5.6.1"
        assert len(page["versions"]) == 8
        found = get(server, "/npm/-/v1/search?text=maintainer:qix&size=250").json()
        assert found["total"] == 18 == len({row["package"]["name"] for row in found["objects"]})
        assert get(server, "/npm/-/v1/search?text=maintainer:nobody&size=250").json()["total"] == 0
        part = get(server, "/npm/-/v1/search?text=maintainer:qix&size=5&from=15").json()
        assert (part["total"], len(part["objects"])) == (18, 3)


def test_siblings_share_the_run_of_their_wave(world: World) -> None:
    sibling = next(package for package in world.packages if package.name == "@tanstack/react-router")
    wave = {release.version: release for release in sibling.releases}
    assert wave["1.169.5"].run_id == world.release("1.161.9").run_id
    assert wave["1.169.8"].claims == world.release("1.161.12").claims
    assert not wave["1.169.4"].attested


def test_tarballs_equal_their_commits_where_nothing_was_tampered_with(world: World) -> None:
    for release in world.releases:
        (stored,) = world.files_of(release.version)
        with tarfile.open(fileobj=io.BytesIO(stored.artifact.data)) as archive:
            files = {m.name.removeprefix("package/"): archive.extractfile(m).read() for m in archive.getmembers()}
        source = source_tree(world.scenario, release)
        differing = {path for path, data in files.items() if source.get(path) != data}
        expected = {"package.json", "router_init.js", "data/words.txt"} if release.row.malicious else set()
        assert differing == expected


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_npm_installs_from_the_registry(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x", "version": "1.0.0"}')
    with serve(build_world(parse_scenario(NPM, "small.toml"))) as server:
        command = ["npm", "install", "--no-audit", "--no-fund", f"--registry={server.npm_url}/", "@scope/small"]
        kept = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "npm_config_cache": str(tmp_path / "cache")}
        done = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False, timeout=90)
        assert done.returncode == 0, done.stderr
        lock = json.loads((tmp_path / "package-lock.json").read_text())
        (stored,) = server.world.files_of("1.1.0")
        assert lock["packages"]["node_modules/@scope/small"]["integrity"] == stored.integrity
    assert (tmp_path / "node_modules/@scope/small/package.json").is_file()
