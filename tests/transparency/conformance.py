"""What the rooms transparency and attestation were held against, and with what result.

`python -m tests.transparency.conformance` writes `docs/conformance.md`. The collections are published ones; they lie
beside the checkout and are not part of it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forensics.model.errors import EvidenceError
from forensics.transparency.checkpoint import parse_checkpoint
from forensics.transparency.entries import Generation, decode_body, entry_leaf_hash, parse_entry
from forensics.transparency.extract import names_of
from forensics.transparency.keys import PublicKey
from forensics.transparency.merkle import leaf_hash, verify_consistency, verify_inclusion
from forensics.transparency.note import signers
from forensics.transparency.ranges import root_of
from forensics.transparency.tiles import TileName, bundle_bounds, bundle_leaves
from forensics.transparency.tree import TileTree, read_bundle
from tests.transparency.conformance_npm import outcomes

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT.parent / "shared" / "evidence"
PAGE = ROOT / "docs" / "conformance.md"
SERVERS = Path(__file__).with_name("conformance_servers.md")
"""What was shown against real servers: written by hand, and put at the end of the page."""


@dataclass
class Result:
    """One line of the table: how many of *total* came out as they should; *wrong* names the others."""

    what: str
    source: str
    total: int = 0
    wrong: list[str] = field(default_factory=list)

    def count(self, name: str, right: bool) -> None:
        """Count one case."""
        self.total += 1
        if not right:
            self.wrong.append(name)


def merkle() -> Iterator[Result]:
    """Every published inclusion and consistency proof, good and bad."""
    for kind in ("inclusion", "consistency"):
        result = Result(f"Merkle {kind} proofs, good accepted and bad refused", "transparency-dev/merkle test vectors")
        folder = EVIDENCE / "merkle-proofs"
        for path in sorted((folder / kind).glob("**/*.json")):
            case = json.loads(path.read_text())
            result.count(str(path.relative_to(folder)), _accepted(case) != case["wantErr"])
        yield result


def _accepted(case: dict[str, Any]) -> bool:
    proof = [base64.b64decode(value or "") for value in case["proof"] or []]
    try:
        if "leafIdx" in case:
            leaf, root = (base64.b64decode(case[name] or "") for name in ("leafHash", "root"))
            return verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root)
        roots = [base64.b64decode(case[name] or "") for name in ("root1", "root2")]
        return verify_consistency(case["size1"], case["size2"], roots[0], roots[1], proof)
    except EvidenceError:
        return False


class _Files:
    """Tiles in files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def tile(self, level: int, index: int, width: int) -> bytes:
        return (self._folder / TileName(level, index, width).path).read_bytes()

    async def entries(self, index: int, width: int) -> bytes:
        return (self._folder / TileName(None, index, width).path).read_bytes()

    async def checkpoint(self) -> bytes:
        return (self._folder / "checkpoint").read_bytes()


def tiles() -> Iterator[Result]:
    """A published log of tiles: signatures, roots, bundles and every proof between any two of its sizes."""
    folder = EVIDENCE / "tlog-tiles" / "tessera-testlog"
    log, source = _Files(folder), "transparency-dev/tessera testdata"
    # The key that the log's own repository publishes for it.
    raw = base64.b64decode("AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")[1:]
    key = PublicKey(bytes.fromhex("302a300506032b6570032100") + raw, "example.com/log/testdata")
    signed = Result("checkpoints signed by the log (C2SP signed-note, Ed25519)", source)
    roots = Result("roots recomputed from tiles and from entry bundles (C2SP tlog-tiles)", source)
    proofs = Result("inclusion and consistency proofs made from tiles, for every index and pair of sizes", source)
    known: dict[int, bytes] = {}
    for size in range(16):
        checkpoint = parse_checkpoint((folder / f"checkpoint.{size}").read_text())
        signed.count(f"checkpoint.{size}", signers(checkpoint.note, [key]) == [key])
        known[size] = checkpoint.root
        tree = TileTree(log, size, checkpoint.root)
        data = asyncio.run(read_bundle(log, size, 0)) if size else b""
        leaves = bundle_leaves(data, bundle_bounds(data, size))
        right = root_of(leaves) == checkpoint.root and (not size or asyncio.run(tree.holds_bundle(0, leaves)))
        roots.count(f"checkpoint.{size}", checkpoint.size == size and right)
        for index in range(size):
            path = asyncio.run(tree.inclusion(index))
            proofs.count(f"leaf {index} of {size}", verify_inclusion(leaves[index], index, size, path, known[size]))
            path = asyncio.run(tree.consistency(index))
            proofs.count(f"{index} to {size}", verify_consistency(index, size, known[index], known[size], path))
    yield from (signed, roots, proofs)


def checkpoints() -> Iterator[Result]:
    """Published checkpoints of Rekor v1, valid and broken."""
    result = Result("checkpoints, valid accepted with Rekor's signature and broken refused", "sigstore/sigstore-java")
    for path in sorted((EVIDENCE / "sigstore-java" / "checkpoints").glob("*.txt")):
        try:
            accepted = bool(signers(parse_checkpoint(path.read_text()).note, [_rekor_keys()["prod"]]))
        except EvidenceError:
            accepted = False
        result.count(path.name, accepted != path.name.startswith("error_"))
    yield result


def _rekor_keys() -> dict[str, PublicKey]:
    pem = (EVIDENCE / "sigstore-java" / "rekor-response" / "valid" / "rekor.pub").read_text()
    staging = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
    trusted = json.loads((EVIDENCE / "trusted-roots" / "prod" / "targets" / "trusted_root.json").read_text())
    logs = {log["baseUrl"]: base64.b64decode(log["publicKey"]["rawBytes"]) for log in trusted["tlogs"]}
    v2 = "log2025-1.rekor.sigstore.dev"
    return {
        "prod": PublicKey(logs["https://rekor.sigstore.dev"], "rekor.sigstore.dev"),
        "staging": PublicKey(staging, "rekor.sigstage.dev"),
        "v2": PublicKey(logs[f"https://{v2}"], v2),
    }


def answers() -> Iterator[Result]:
    """Rekor v1 answers: who signed the promise, is the UUID the leaf hash, does the proof lead to a signed root."""
    derived = sorted((EVIDENCE / "rekor-v1" / "derived-from-bundles").glob("*.json"))
    folder = EVIDENCE / "sigstore-java" / "rekor-response" / "valid"
    raw = [folder / name for name in ("entry.json", "entry-no-inclusion-proof.json", "jar-entry.json")]
    for paths, source in ((derived, "rebuilt from published bundles"), (raw, "sigstore/sigstore-java")):
        results = [Result(f"Rekor v1 answers: {what}", source) for what in _CHECKS]
        if paths is derived:
            results[list(_CHECKS.values()).index(_signed_root)].what += "; one with a foreign key hint refused"
        for path in paths:
            for uuid, entry in json.loads(path.read_text()).items():
                for result, check in zip(results, _CHECKS.values(), strict=True):
                    right = check(uuid, entry)
                    if right is not None:
                        result.count(path.name, right != ((path.name, check) == FOREIGN_HINT))
        yield from results


def _promise(_: str, entry: dict[str, Any]) -> bool:
    """Source: RFC 8785 JSON of exactly these four, as Rekor signs it; keys and values are plain ASCII."""
    signed = {name: entry[name] for name in ("body", "integratedTime", "logID", "logIndex")}
    message = json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()
    signature = base64.b64decode(entry["verification"]["signedEntryTimestamp"])
    return any(
        key.sha256.hex() == entry["logID"] and key.verifies(signature, message) for key in _rekor_keys().values()
    )


def _uuid(uuid: str, entry: dict[str, Any]) -> bool:
    return entry_leaf_hash(decode_body(entry["body"].encode())).hex() == uuid[-64:]


def _inclusion(_: str, entry: dict[str, Any]) -> bool | None:
    proof = entry["verification"].get("inclusionProof")
    if proof is None:
        return None
    leaf = leaf_hash(decode_body(entry["body"].encode()))
    hashes, root = [bytes.fromhex(value) for value in proof["hashes"]], bytes.fromhex(proof["rootHash"])
    return verify_inclusion(leaf, proof["logIndex"], proof["treeSize"], hashes, root)


def _signed_root(_: str, entry: dict[str, Any]) -> bool | None:
    proof = entry["verification"].get("inclusionProof") or {}
    if not proof.get("checkpoint"):
        return None
    found = parse_checkpoint(proof["checkpoint"])
    same = (found.size, found.root.hex()) == (proof["treeSize"], proof["rootHash"])
    return same and bool(signers(found.note, _rekor_keys().values()))


def _read(_: str, entry: dict[str, Any]) -> bool:
    view = parse_entry(decode_body(entry["body"].encode()), Generation.V1)
    certificate = view.certificate
    if certificate is not None:
        names_of(certificate)  # raises for one that cannot be read; an authority's own has no names
    return bool(view.digests) and bool(view.public_key or certificate)


_CHECKS: dict[str, Callable[[str, dict[str, Any]], bool | None]] = {
    "promise signed by the log": _promise,
    "UUID is the leaf hash": _uuid,
    "inclusion proof leads to the root": _inclusion,
    "checkpoint signed, with that root": _signed_root,
    "body read, digests and signer found": _read,
}


FOREIGN_HINT = ("prod-27246492.json", _signed_root)
"""The checkpoint of this answer names another key than Rekor's, by one bit of the hint: nobody known signed it."""


def version_two() -> Iterator[Result]:
    """Rekor v2 entries with their proofs; one of them is an invention that must be refused."""
    result = Result("Rekor v2 entries: proof and body, an invented kind refused", "published bundles")
    bundle = json.loads((EVIDENCE / "bundles" / "bundle.dsse.rekor-v2.sigstore").read_text())
    folder = EVIDENCE / "sigstore-java" / "rekor-response" / "valid"
    found = {"bundle.dsse.rekor-v2.sigstore": bundle["verificationMaterial"]["tlogEntries"][0]}
    found |= {name: json.loads((folder / name).read_text()) for name in ("entry-v2.json", "jar-entry-v2.json")}
    for name, entry in found.items():
        result.count(name, _v2_holds(entry) != name.startswith("jar"))
    yield result
    signed = Result("Rekor v2 checkpoint signed by the production shard", "published bundle")
    note = parse_checkpoint(found["bundle.dsse.rekor-v2.sigstore"]["inclusionProof"]["checkpoint"]["envelope"]).note
    signed.count("bundle.dsse.rekor-v2.sigstore", bool(signers(note, [_rekor_keys()["v2"]])))
    yield signed


def _v2_holds(entry: dict[str, Any]) -> bool:
    body, proof = base64.b64decode(entry["canonicalizedBody"]), entry["inclusionProof"]
    hashes = [base64.b64decode(value) for value in proof["hashes"]]
    checkpoint = parse_checkpoint(proof["checkpoint"]["envelope"])
    index, size = int(proof["logIndex"]), int(proof["treeSize"])
    try:
        certificate = parse_entry(body, Generation.V2).certificate
        proved = verify_inclusion(leaf_hash(body), index, size, hashes, checkpoint.root)
        return proved and checkpoint.size == size and certificate is not None
    except EvidenceError:
        return False


def npm() -> Iterator[Result]:
    """npm's attestations and registry signatures."""
    results: dict[str, Result] = {}
    for what, source, name, right in outcomes(EVIDENCE):
        results.setdefault(what, Result(what, source)).count(name, right)
    yield from results.values()


def run() -> list[Result]:
    """Return the result of every collection, in the order of the page."""
    return [result for part in (merkle, tiles, checkpoints, answers, version_two, npm) for result in part()]


def page(results: list[Result]) -> str:
    """Return the page in Markdown."""
    rows = [f"| {each.what} | {each.source} | {each.total - len(each.wrong)} of {each.total} |" for each in results]
    wrong = [f"* {result.what}: {', '.join(result.wrong)}" for result in results if result.wrong]
    return "\n".join(
        [
            "# Conformance",
            "",
            "Written by `python -m tests.transparency.conformance`: what `forensics.transparency` and",
            "`forensics.attestation` make of published logs, proofs, answers and attestations. Good ones must be",
            "accepted and bad ones refused; both count as right. The same collections run as tests wherever they lie",
            "beside the checkout.",
            "",
            "| what | from | right |",
            "|---|---|---|",
            *rows,
            "",
            *(["Not as it should be:", "", *wrong, ""] if wrong else []),
            "An answer without an inclusion proof, or without a checkpoint, does not count in that row: older ones",
            "have only the promise. The keys of the production shards are those of Sigstore's trusted root; the others",
            "are published with the collections.",
            "",
            SERVERS.read_text(encoding="utf-8"),
        ]
    )


def main() -> int:
    """Write the page; exit 1 if anything is not as it should be."""
    if not EVIDENCE.is_dir():
        print("the folder of evidence is not beside the checkout", file=sys.stderr)
        return 2
    results = run()
    PAGE.write_text(page(results), encoding="utf-8")
    for result in results:
        print(f"{result.total - len(result.wrong):5} of {result.total:5}  {result.what} {result.wrong or ''}")
    return 1 if any(result.wrong for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
