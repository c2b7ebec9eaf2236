"""Against a real Rekor v1: what it logs is what we find, prove and scan. Run with `make real-rekor`.

Source: sigstore/rekor openapi.yaml. rekor-server and Trillian are built through the Go module proxy; MariaDB and Redis
are the system's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from forensics.evidence.client import Client, Limits
from forensics.evidence.network import open_network
from forensics.sources.interface import Witness
from forensics.sources.rekor import Rekor
from tests.attestation.attestation_kit import claims
from tests.cli.inside import Done, inside
from tests.lab.attest import PAYLOAD_TYPE, pae, publish_statement
from tests.lab.merkle import MerkleTree
from tests.lab.pki import Authority, spki
from tests.lab.rekor import RekorLog, dsse_body, hashedrekord_body
from tests.lab.timestamping import Stamper
from tests.lab.trust import trusted_root
from tests.real.rekor_v1 import RealRekor, proposed_dsse, proposed_record, real_rekor

pytestmark = [
    pytest.mark.skipif(os.environ.get("FORENSICS_REAL_REKOR") != "1", reason="run with `make real-rekor`"),
    pytest.mark.timeout(1200),
]
FILES, OTHERS = 12, 40


@dataclass
class Log:
    """The log with what was written to it."""

    server: RealRekor
    home: Path
    san: str
    bodies: dict[str, bytes]
    answers: dict[str, dict[str, Any]]
    digests: list[str]

    def run(self, *words: object) -> Done:
        env = {"FORENSICS_REKOR_URL": self.server.url, "FORENSICS_TRUST_ROOT": str(self.home / "root.json")}
        return inside(self.home, env, "log", *words)

    def found(self, *words: object) -> list[dict[str, Any]]:
        done = self.run("search", "--json", *words)
        assert done.returncode == 0, done.stderr + done.stdout
        return list(json.loads(done.stdout)["entries"])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with real_rekor() as server:
        authority, stamper, home = Authority(), Stamper(), tmp_path_factory.mktemp("v1")
        known = RekorLog()  # only its place in the trust root is used, with the server's own key in it
        known.key = server.key
        root = trusted_root(authority, known, (stamper.authority, stamper.der))
        (home / "root.json").write_text(json.dumps(root))
        wanted = claims()
        signer = authority.issue(wanted, datetime.now(UTC))
        proposed, bodies, digests = [], [], []
        for number in range(FILES):
            digest = hashlib.sha256(b"file %d" % number).hexdigest()
            statement = publish_statement(f"demo-1.0.{number}.tar.gz", digest)
            signature = signer.sign(pae(statement))
            content = {
                "payload": _b64(statement),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": _b64(signature)}],
            }
            envelope = json.dumps(content).encode()
            proposed.append(proposed_dsse(envelope, signer.pem))
            bodies.append(dsse_body(envelope, statement, signature, signer.pem))
            digests.append(digest)
        for number in range(OTHERS):
            other = authority.issue(claims(repository=f"https://github.com/other/{number}"), datetime.now(UTC))
            message = b"other %d" % number
            digest, signature = hashlib.sha256(message).hexdigest(), other.sign(message)
            proposed.append(proposed_record(digest, signature, other.pem))
            bodies.append(hashedrekord_body(digest, signature, other.pem))
        answers = server.add(proposed)
        names = [name for name, _ in answers]
        yield Log(server, home, wanted.san, dict(zip(names, bodies, strict=True)), dict(answers), digests)


def test_each_body_is_the_one_that_the_lab_writes_and_each_id_its_leaf_hash(log: Log) -> None:
    for name, answer in log.answers.items():
        body = base64.b64decode(answer["body"])
        assert body == log.bodies[name], "the lab's encoding is the server's"
        assert name[-64:] == hashlib.sha256(b"\x00" + body).hexdigest()


def test_entries_are_found_by_hash_subject_index_and_id_and_every_check_passes(log: Log) -> None:
    for digest in log.digests[:3]:
        (entry,) = log.found("--hash", f"sha256:{digest}")
        failed = [check for check in entry["checks"] if check["result"] == "fail"]
        passed = {check["name"] for check in entry["checks"] if check["result"] == "pass"}
        assert not failed
        assert {"set", "inclusion", "checkpoint", "certificate-chain", "sct"} <= passed, entry["checks"]
    assert len(log.found("--subject", log.san)) == FILES
    assert log.found("--hash", f"sha256:{'0' * 64}") == []
    name, answer = next(iter(log.answers.items()))
    (by_id,) = log.found("--uuid", name)
    (by_index,) = log.found("--index", answer["logIndex"])
    assert by_id["uuid"] == by_index["uuid"] == name[-64:]


def test_all_are_retrieved_in_tens(log: Log) -> None:
    import asyncio

    async def run() -> tuple[set[str], bool]:
        async with Client(open_network(), Limits()) as client:
            rekor = Rekor(client, log.server.url, Witness("Rekor"))
            found = await rekor.entries(list(log.answers))
            probe = await rekor.searches_subjects()
            assert not found.missed
            return {entry.uuid for entry in found.entries}, bool(getattr(probe, "value", False))

    assert asyncio.run(run()) == ({name[-64:] for name in log.answers}, True)


def test_every_checkpoint_is_a_root_of_the_tree_and_all_are_proved_consistent(log: Log) -> None:
    tree = MerkleTree()
    for answer in sorted(log.answers.values(), key=lambda one: one["logIndex"]):
        tree.append(base64.b64decode(answer["body"]))
    proofs = [answer["verification"]["inclusionProof"] for answer in log.answers.values()]
    assert len({proof["treeSize"] for proof in proofs}) > 3
    words: list[object] = []
    for number, proof in enumerate({proof["treeSize"]: proof for proof in proofs}.values()):
        assert proof["rootHash"] == tree.root(proof["treeSize"]).hex()
        note = log.home / f"note-{number}.txt"
        note.write_text(proof["checkpoint"], "utf-8")
        words += ["--checkpoint", note]
    done = log.run("check", "--json", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads(done.stdout)["logs"]
    assert found["consistent"]
    assert found["head"]["size"] == len(log.answers)
    # The same log, signing another history.
    origin, size, _, *_ = proofs[0]["checkpoint"].split("\n")
    text = f"{origin}\n{size}\n{_b64(b'x' * 32)}\n"
    signature = log.server.key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    hint = hashlib.sha256(spki(log.server.key)).digest()[:4]
    forked = log.home / "forked.txt"
    forked.write_text(f"{text}\n— {origin.partition(' - ')[0]} {_b64(hint + signature)}\n", "utf-8")
    assert log.run("check", "--json", "--checkpoint", forked).returncode == 4


def test_a_scan_finds_what_was_planted_and_nothing_else(log: Log) -> None:
    done = log.run(
        "scan", "--log", "v1", "--identity", log.san, "--from-index", 0, "--to-index", len(log.answers) - 1, "--json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    hits = {entry["uuid"] for scan in found["logs"] for entry in scan["entries"]}
    names = list(log.answers)
    assert hits == {name[-64:] for name in names[:FILES]}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
