"""Sealing with a signature and a timestamp, against a private Sigstore; and what `case verify` says afterwards."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import bagit
import pytest

from forensics.evidence.bag import SIGNATURE, TIMESTAMP
from forensics.evidence.case import Case
from forensics.evidence.manifest import verify_bag
from tests.attestation.attestation_kit import CLAIMS
from tests.cli.inside import Done, inside
from tests.lab.signing_http import SigningSite, signing_site

BUILTIN = "ultralytics-2024-12"


@pytest.fixture(scope="module")
def site() -> Iterator[SigningSite]:
    with signing_site(CLAIMS) as served:
        yield served


class Desk:
    """A responder with a copy of a case, at a private Sigstore."""

    def __init__(self, home: Path, site: SigningSite) -> None:
        self.home, self.site = home, site
        site.refusing.clear()
        (home / "token").write_text(site.token())
        (home / "tuf.json").write_bytes(site.repository.root)
        (home / "root.json").write_bytes(site.root)
        assert self.run("case", "import", BUILTIN, "--name", "copy").returncode == 0
        self.path = home / "cases/copy"

    def run(self, *words: object) -> Done:
        return inside(
            self.home, {**self.site.env(), "XDG_DATA_HOME": str(self.home), "XDG_CACHE_HOME": str(self.home)}, *words
        )

    def seal(self, *words: object) -> Done:
        signing = ("--identity-token", self.home / "token", "--tuf-root", self.home / "tuf.json")
        return self.run("case", "seal", "copy", *(signing if "--sign" in words else ()), *words)

    def verify(self, *words: object) -> Done:
        return self.run("case", "verify", self.path, *words)

    def bytes(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.path)): p.read_bytes() for p in self.path.rglob("*") if p.is_file()}


@pytest.fixture
def desk(tmp_path: Path, site: SigningSite) -> Desk:
    return Desk(tmp_path, site)


def test_a_signed_and_timestamped_seal_names_who_and_when(desk: Desk) -> None:
    done = desk.seal("--sign", "--timestamp")
    assert done.returncode == 0, done.stderr
    digest = done.stdout.strip()
    assert digest == "sha256:" + hashlib.sha256((desk.path / "manifest-sha256.txt").read_bytes()).hexdigest()
    # The lab's root is not Sigstore's: without it, nothing vouches for the keys.
    alone = desk.verify()
    assert alone.returncode == 4
    assert "signature: not checked" in alone.stdout
    assert "timestamp: not checked" in alone.stdout
    vouched = ("--trust-root", desk.home / "root.json")
    done = desk.verify(*vouched, "--digest", digest, "--signer", CLAIMS.san)
    assert done.returncode == 0, done.stdout
    assert f"with a signature and a timestamp: {digest}" in done.stdout
    assert f"signature: pass: signed by {CLAIMS.san} ({CLAIMS.issuer}) at 20" in done.stdout
    assert "timestamp: pass: the manifest existed at 20" in done.stdout
    assert f"signer: pass: it was signed by {CLAIMS.san}" in done.stdout
    assert bagit.Bag(str(desk.path)).validate()
    assert desk.verify(*vouched, "--signer", CLAIMS.san + "0").returncode == 4
    other = desk.verify(*vouched, "--digest", "0" * 64)
    assert other.returncode == 4
    assert "not the one that was expected" in other.stdout


def test_the_statement_is_about_the_manifest_and_sigstore_accepts_it(desk: Desk) -> None:
    assert desk.seal("--sign").returncode == 0
    bundle = desk.path / SIGNATURE
    done = desk.run("verify", bundle, "--trust-root", desk.home / "root.json", "--json")
    (found,) = json.loads(done.stdout)["files"][0]["attestations"]
    assert done.returncode == 0, done.stdout
    assert {check["name"]: check["result"] for check in found["checks"]}["sigstore-python"] == "pass"
    statement = Case.open(desk.path).store.read("manifest-sha256.txt")
    assert statement is not None
    assert hashlib.sha256(statement).hexdigest() in done.stdout


def test_nothing_sealed_can_be_changed_unnoticed(desk: Desk) -> None:
    assert desk.seal("--sign", "--timestamp").returncode == 0
    good, chance = desk.bytes(), random.Random(5)
    tags = [name for name in good if not name.startswith("data/")]
    for name in [*tags * 40, *(name for name in good if name.startswith("data/"))]:
        data = bytearray(good[name])
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
        (desk.path / name).write_bytes(data)
        assert [damage.path for damage in verify_bag(desk.path)] == [name]
        (desk.path / name).write_bytes(good[name])
    assert verify_bag(desk.path) == []


def test_what_vouches_cannot_be_taken_away_or_exchanged(desk: Desk, tmp_path: Path) -> None:
    assert desk.seal("--sign", "--timestamp").returncode == 0
    vouched = ("--trust-root", desk.home / "root.json")
    for name in (SIGNATURE, TIMESTAMP):
        kept = (desk.path / name).read_bytes()
        (desk.path / name).unlink()
        gone = desk.verify(*vouched)
        assert gone.returncode == 4
        assert f"{name}: missing" in gone.stdout
        (desk.path / name).write_bytes(kept)
    # A whole, valid seal of another content, with the tag manifest made to fit.
    shutil.rmtree(tmp_path / "other", ignore_errors=True)
    (tmp_path / "other").mkdir()
    other = Desk(tmp_path / "other", desk.site)
    other.run("case", "add", "copy", "--hash", f"ultralytics-9.9.9.tar.gz={'5f' * 32}", "--source", "mail")
    assert other.seal("--sign", "--timestamp").returncode == 0
    listed = (desk.path / "tagmanifest-sha256.txt").read_text("utf-8")
    for name in (SIGNATURE, TIMESTAMP):
        mine, theirs = (desk.path / name).read_bytes(), (other.path / name).read_bytes()
        (desk.path / name).write_bytes(theirs)
        listed = listed.replace(hashlib.sha256(mine).hexdigest(), hashlib.sha256(theirs).hexdigest())
    (desk.path / "tagmanifest-sha256.txt").write_text(listed, "utf-8")
    assert verify_bag(desk.path) == []
    done = desk.verify(*vouched)
    assert done.returncode == 4
    assert "signature: fail" in done.stdout
    assert "timestamp: fail" in done.stdout


@pytest.mark.parametrize(("service", "words"), [("ca", "--sign"), ("log", "--sign"), ("tsa", "--timestamp")])
def test_where_nobody_vouches_the_case_stays_open(desk: Desk, service: str, words: str) -> None:
    before = desk.bytes()
    desk.site.refusing = {service}
    done = desk.seal(words, *(["--endpoint", "tsa=http://127.0.0.1:9/tsa"] if service == "tsa" else []))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert desk.bytes() == before
    desk.site.refusing = set()
    assert desk.seal(words).returncode == 0


def test_a_token_that_is_none_is_said_before_anybody_is_asked(desk: Desk) -> None:
    (desk.home / "token").write_text("no token")
    done = desk.seal("--sign")
    assert done.returncode == 2
    assert "identity token cannot be used" in done.stderr
    (desk.home / "token").write_text(desk.site.token(exp=1))
    assert desk.seal("--sign").returncode == 2
    assert desk.run("case", "seal", "copy", "--sign").returncode == 2  # nothing around gives one
    assert Case.open(desk.path).meta.sealed_at is None


def test_a_sealed_case_cannot_be_signed_later_but_sealed_again_as_it_is(desk: Desk) -> None:
    first = desk.seal("--timestamp")
    assert first.returncode == 0, first.stderr
    later = desk.seal("--sign")
    assert later.returncode == 2
    assert "sealed already" in later.stderr
    assert desk.seal("--timestamp").stdout == first.stdout
    assert desk.seal().stdout == first.stdout


def test_an_exported_seal_still_holds(desk: Desk) -> None:
    assert desk.seal("--sign", "--timestamp").returncode == 0
    assert desk.run("case", "export", "copy", desk.home / "copy.zip").returncode == 0
    done = desk.run("case", "verify", desk.home / "copy.zip", "--trust-root", desk.home / "root.json")
    assert done.returncode == 0, done.stdout
    assert desk.run("case", "export", "copy", desk.home / "red.zip", "--redact").returncode == 0
    assert Case.open(desk.home / "red.zip").meta.sealed_with == ()
