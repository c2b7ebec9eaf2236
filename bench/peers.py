"""Peers as they are shipped: what has to be set up, fetched or built first, and what is said where that fails."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from bench.material import attestations
from bench.row import NotMeasured
from bench.timing import alternate

NODE_PACKAGES = ("@sigstore/verify@3.1.1", "@sigstore/bundle@4.0.0", "@sigstore/protobuf-specs@0.5.0")
"""The last that run on Node 20."""
_SCRIPT = """
const {readFileSync} = require("node:fs");
const {bundleFromJSON} = require("@sigstore/bundle");
const {TrustedRoot} = require("@sigstore/protobuf-specs");
const {Verifier, toSignedEntity, toTrustMaterial} = require("@sigstore/verify");
const material = JSON.parse(readFileSync(process.argv[2], "utf8"));
const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(material.root)));
const run = (count) => {
  for (let n = 0; n < count; n++) {
    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(material.bundles[n % material.bundles.length]))));
  }
};
run(50);
const count = Number(process.argv[3]), start = process.hrtime.bigint();
run(count);
console.log(Number(process.hrtime.bigint() - start) / 1e9 / count);
"""


class _AnyIdentity:
    """A policy that accepts every certificate, without the warning that the library's own prints each time."""

    def verify(self, cert: object) -> None:
        """Accept."""


def loop_ratio(quick: bool) -> float:
    """Two worker processes against a loop over `Attestation.verify(offline=True)` of pypi-attestations, as shipped.

    Three thousand attestations here, a thousand there: a rate each. The start of the workers counts.
    """
    from bench.material import jobs
    from forensics.attestation.pool import evaluate_many
    from forensics.attestation.trust import vouch

    material = attestations()
    root = vouch(material.root, named=material.root)
    count = 300 if quick else 1000
    work = jobs(count * 3)
    with tempfile.TemporaryDirectory() as folder, _lab_root_for_sigstore(Path(folder), material.root):
        ours, theirs = alternate([lambda: evaluate_many(root, work, workers=2), _loop(count)], 1 if quick else 3)
    return (theirs / count) / (ours / len(work))


def _loop(count: int) -> Callable[[], None]:
    from pypi_attestations import Attestation, Distribution

    rows = [
        (json.dumps(data), Distribution(name=name, digest=digest)) for name, digest, _, data in attestations().objects
    ]
    policy = _AnyIdentity()

    def run() -> None:
        for index in range(count):
            text, file = rows[index % len(rows)]
            Attestation.model_validate_json(text).verify(policy, file, offline=True)

    return run


@contextmanager
def _lab_root_for_sigstore(folder: Path, root: bytes) -> Iterator[None]:
    """Let sigstore-python find the lab's root where it keeps that of its public instance: in a cache of this run.

    Raises NotMeasured where that cache cannot be moved, so that nobody's own is ever written to.
    """
    from sigstore._internal.tuf import DEFAULT_TUF_URL, _get_dirs

    moved = {name: str(folder / name) for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME")}
    sigstore = logging.getLogger("sigstore")
    level = sigstore.level
    with patch.dict(os.environ, moved):
        target = _get_dirs(DEFAULT_TUF_URL)[1]
        if not target.is_relative_to(folder):
            raise NotMeasured("sigstore-python's cache of trust roots cannot be moved on this platform")
        target.mkdir(parents=True)
        (target / "trusted_root.json").write_bytes(root)
        sigstore.setLevel(logging.ERROR)  # it says for each attestation that it is offline
        try:
            yield
        finally:
            sigstore.setLevel(level)


def node_ratio(quick: bool) -> float:
    """Verifications a second in one process, against npm's `@sigstore/verify` in one Node, start-up left out of both.

    Raises NotMeasured where Node or its packages cannot be had.
    """
    from bench.material import jobs
    from forensics.attestation.pool import evaluate_many
    from forensics.attestation.trust import vouch

    folder = _node_folder()
    count = 60 if quick else 200
    (folder / "peer.cjs").write_text(_SCRIPT)
    material = attestations()
    bundles = [json.dumps(_bundle(row[3])) for row in material.objects]
    (folder / "material.json").write_text(json.dumps({"root": json.loads(material.root), "bundles": bundles}))
    theirs: list[float] = []

    def peer() -> None:
        done = subprocess.run(
            ["node", "peer.cjs", "material.json", str(count)], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NotMeasured(f"@sigstore/verify refuses the lab's bundles: {done.stderr.strip()[-300:]}")
        theirs.append(float(done.stdout))

    root = vouch(material.root, named=material.root)
    work = jobs(count)
    ours, _ = alternate([lambda: evaluate_many(root, work, workers=1), peer], 3)
    return sorted(theirs)[len(theirs) // 2] / (ours / count)


def _bundle(attestation: dict[str, object]) -> dict[str, object]:
    """A PEP 740 object as the Sigstore bundle that it is made from."""
    from pypi_attestations import Attestation

    bundle: dict[str, object] = json.loads(Attestation.model_validate(attestation).to_bundle().to_json())
    return bundle


def _node_folder() -> Path:
    """Where the packages lie, fetched once through npm's ordinary client, outside the checkout."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotMeasured("there is no Node")
    folder = Path(tempfile.gettempdir()) / "forensics-node-peer"
    if not (folder / "node_modules/@sigstore/verify").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"name": "peer", "private": true}\n')
        words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *NODE_PACKAGES]
        try:
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            raise NotMeasured("npm did not answer within two minutes") from None
        if done.returncode:
            raise NotMeasured(f"npm cannot install @sigstore/verify: {done.stderr.strip()[-200:]}")
    return folder


def again_ratio(quick: bool) -> float:
    """Verifying for the first time against verifying the same again, by verdicts that were kept."""
    from bench.material import jobs
    from forensics.attestation.trust import vouch
    from forensics.evidence import cache
    from forensics.investigation.verdicts import verdicts

    material = attestations()
    root = vouch(material.root, named=material.root)
    work = _distinct(jobs(500 if quick else 2000))
    before = os.environ.get("FORENSICS_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FORENSICS_CACHE"] = folder

        def run(believed: bool) -> Callable[[], object]:
            def verify() -> object:
                cache.believe(believed)
                return verdicts(root, "pypi:bench", work, workers=1)

            return verify

        try:
            first, again = alternate([run(False), run(True)], 1 if quick else 3)
        finally:
            cache.believe(True)
            os.environ.pop("FORENSICS_CACHE")
            if before is not None:
                os.environ["FORENSICS_CACHE"] = before
    return first / again


def _distinct(work: list[object]) -> list[object]:
    """The same jobs, each seen in an observation of its own: as many questions as a case of that size asks."""
    from dataclasses import replace

    return [replace(job, evidence=(f"o-{number}",)) for number, job in enumerate(work)]  # type: ignore[type-var]
