"""The log over real HTTP: entries, search, proofs and promises, checked apart from the lab's encoder."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime

import httpx
import pytest
import rfc8785
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pypi_attestations import AttestationType

from tests.lab import LabServer
from tests.test_lab.test_lab_merkle import consistent, root_from_inclusion

API = "/rekor/api/v1"
SAN = "https://github.com/ultralytics/ultralytics/.github/workflows/publish.yml@refs/heads/main"


def verify(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> None:
    key.verify(signature, message, ec.ECDSA(hashes.SHA256()))


@pytest.fixture
def key(client: httpx.Client) -> ec.EllipticCurvePublicKey:
    loaded = load_pem_public_key(client.get(f"{API}/log/publicKey").content)
    assert isinstance(loaded, ec.EllipticCurvePublicKey)
    return loaded


def check_note(note: str, key: ec.EllipticCurvePublicKey) -> tuple[str, int, bytes]:
    text, _, signature = note.partition("\n\n")
    dash, name, blob = signature.rstrip("\n").split(" ")
    assert dash == "—"
    origin, size, root = text.split("\n")
    assert origin.startswith(f"{name} - ")
    verify(key, base64.b64decode(blob)[4:], f"{text}\n".encode())
    return origin, int(size), base64.b64decode(root)


def check_entry(answer: dict, key: ec.EllipticCurvePublicKey) -> dict:
    """Leaf hash, promise, inclusion and checkpoint of one REST entry; returns its body."""
    ((entry_id, entry),) = answer.items()
    body, proof = base64.b64decode(entry["body"]), entry["verification"]["inclusionProof"]
    leaf = hashlib.sha256(b"\x00" + body).digest()
    assert entry_id.endswith(leaf.hex())
    assert len(entry_id) == 80
    path = [bytes.fromhex(step) for step in proof["hashes"]]
    assert root_from_inclusion(proof["logIndex"], proof["treeSize"], leaf, path) == bytes.fromhex(proof["rootHash"])
    _, size, root = check_note(proof["checkpoint"], key)
    assert (size, root.hex()) == (proof["treeSize"], proof["rootHash"])
    promised = {name: entry[name] for name in ("body", "integratedTime", "logID", "logIndex")}
    verify(key, base64.b64decode(entry["verification"]["signedEntryTimestamp"]), rfc8785.dumps(promised))
    parsed = json.loads(body)
    assert rfc8785.dumps(parsed) == body
    return parsed


def test_log_info(client: httpx.Client, server: LabServer, key: ec.EllipticCurvePublicKey) -> None:
    info = client.get(f"{API}/log").json()
    origin, size, root = check_note(info["signedTreeHead"], key)
    assert origin == f"rekor.lab.example - {info['treeID']}"
    assert (size, root.hex()) == (info["treeSize"], info["rootHash"])
    assert size == len(server.world.log.entries)
    (old,) = info["inactiveShards"]
    check_note(old["signedTreeHead"], key)
    first = client.get(f"{API}/log/entries", params={"logIndex": old["treeSize"]})
    assert first.status_code == 200


def test_a_removed_release_is_found_by_its_digest(
    client: httpx.Client, server: LabServer, key: ec.EllipticCurvePublicKey
) -> None:
    for stored in server.world.files_of("8.3.41"):
        (entry_id,) = client.post(f"{API}/index/retrieve", json={"hash": f"sha256:{stored.sha256}"}).json()
        body = check_entry(client.get(f"{API}/log/entries/{entry_id}").json(), key)
        statement = (
            f'{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"{stored.filename}",'
            f'"digest":{{"sha256":"{stored.sha256}"}}}}],"predicateType":"{AttestationType.PYPI_PUBLISH_V1.value}",'
            f'"predicate":null}}'
        ).encode()
        assert body["kind"] == "dsse"
        assert body["spec"]["payloadHash"]["value"] == hashlib.sha256(statement).hexdigest()
        (signature,) = body["spec"]["signatures"]
        envelope = json.dumps(
            {
                "payload": base64.b64encode(statement).decode(),
                "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": signature["signature"]}],
            }
        )
        assert body["spec"]["envelopeHash"]["value"] == hashlib.sha256(envelope.encode()).hexdigest()
        short = client.get(f"{API}/log/entries/{entry_id[16:]}")
        assert list(short.json()) == [entry_id]


def test_search_by_every_key(client: httpx.Client, server: LabServer) -> None:
    def search(**question: object) -> list[str]:
        return client.post(f"{API}/index/retrieve", json=question).json()

    stored = server.world.files_of("8.3.40")[0]
    by_file = search(hash=f"sha256:{stored.sha256}")
    assert len(search(subject=SAN)) == 2 * 37
    assert search(subject=SAN.upper()) == search(subject=SAN)
    assert search(subject=SAN[:-1]) == []
    assert search(hash=f"sha256:{stored.sha256}", subject=SAN, operator="and") == by_file
    assert search(hash=f"sha256:{stored.sha256}", subject="nobody", operator="and") == []
    (item,) = [item for item in server.world.signed if item.filename == stored.filename]
    pem = hashlib.sha256(item.statement.signer.pem).hexdigest()
    assert len(search(hash=f"sha256:{pem}")) == 2
    assert search(hash=stored.sha256) == by_file
    assert search(email="nobody@example.com") == []
    assert search(hash="sha256:" + "0" * 64) == []


@pytest.mark.parametrize(
    "question",
    [
        {"hash": "sha256:xyz"},
        {"email": SAN},
        {"subject": "x" * 513},
        {"publicKey": {"content": "%"}},
        {"publicKey": 1},
        {},
    ],
)
def test_bad_searches_are_refused(client: httpx.Client, question: dict) -> None:
    assert client.post(f"{API}/index/retrieve", json=question).status_code in (400, 422)


def test_retrieve_many(client: httpx.Client, server: LabServer, key: ec.EllipticCurvePublicKey) -> None:
    entries = server.world.log.entries
    question = {"logIndexes": [entries[3].global_index, 1], "entryUUIDs": [entries[5].uuid, entries[6].entry_id]}
    answers = client.post(f"{API}/log/entries/retrieve", json=question).json()
    assert len(answers) == 3
    for answer in answers:
        check_entry(answer, key)
    too_many = {"logIndexes": list(range(11))}
    assert client.post(f"{API}/log/entries/retrieve", json=too_many).status_code == 422
    for bad in ({}, {"entryUUIDs": "x"}, {"entryUUIDs": ["x"]}, {"logIndexes": [-1]}):
        assert client.post(f"{API}/log/entries/retrieve", json=bad).status_code == 422


def test_what_is_not_there(client: httpx.Client) -> None:
    assert client.get(f"{API}/log/entries", params={"logIndex": 7}).status_code == 404
    assert client.get(f"{API}/log/entries").status_code == 422
    assert client.get(f"{API}/log/entries/{'0' * 64}").status_code == 404
    assert client.get(f"{API}/log/entries/nonsense").status_code == 422


def test_every_checkpoint_is_consistent_with_the_log(
    client: httpx.Client, server: LabServer, key: ec.EllipticCurvePublicKey
) -> None:
    current = client.get(f"{API}/log").json()
    for item in server.world.signed[::9]:
        entry = item.statement.bundle(server.world.log, item.size)["verificationMaterial"]["tlogEntries"][0]
        _, size, root = check_note(entry["inclusionProof"]["checkpoint"]["envelope"], key)
        assert size == int(entry["inclusionProof"]["treeSize"])
        proof = client.get(f"{API}/log/proof", params={"firstSize": size, "lastSize": current["treeSize"]}).json()
        path = [bytes.fromhex(step) for step in proof["hashes"]]
        assert consistent(size, current["treeSize"], root, bytes.fromhex(proof["rootHash"]), path)
    assert client.get(f"{API}/log/proof", params={"lastSize": current["treeSize"] + 1}).status_code == 400
    assert client.get(f"{API}/log/proof").status_code == 422


def test_the_log_grows_with_the_clock(client: httpx.Client, server: LabServer) -> None:
    stored = server.world.files_of("8.3.41")[0]
    question = {"hash": f"sha256:{stored.sha256}"}
    server.moment = datetime(2024, 12, 4, 20, 0, tzinfo=UTC)
    before = client.get(f"{API}/log").json()["treeSize"]
    assert client.post(f"{API}/index/retrieve", json=question).json() == []
    server.moment = datetime(2024, 12, 4, 21, 0, tzinfo=UTC)
    after = client.get(f"{API}/log").json()["treeSize"]
    (entry_id,) = client.post(f"{API}/index/retrieve", json=question).json()
    answer = client.get(f"{API}/log/entries/{entry_id}").json()
    assert before < after
    assert answer[entry_id]["verification"]["inclusionProof"]["treeSize"] == after
    server.moment = datetime(2020, 1, 2, tzinfo=UTC)
    assert client.get(f"{API}/log").json()["treeSize"] == 0


def test_entries_are_in_order_of_time(server: LabServer) -> None:
    times = [entry.integrated for entry in server.world.log.entries]
    assert times == sorted(times)
