"""Statements that are logged in Rekor v2: one entry over the envelope, and a timestamp in the bundle.

Source: rekor-tiles `CLIENTS.md` (hashedrekord 0.0.2 over SHA-256 of the pre-authentication encoding); Sigstore's client
specification 4.4 (the time comes from the timestamping authority, over the bytes of the signature).
"""

from __future__ import annotations

import bisect
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.lab.attest import PAYLOAD_TYPE, pae
from tests.lab.pki import Signer
from tests.lab.rekor import RekorLog, b64
from tests.lab.tiles_log import TilesLog, Writer
from tests.lab.timestamping import Stamper


@dataclass
class TimedTiles:
    """A Rekor v2 log that knows when each entry came. Entries must come in order of time."""

    log: TilesLog = field(default_factory=TilesLog)
    times: list[datetime] = field(default_factory=list)

    def size_at(self, moment: datetime) -> int:
        """How many entries the log held at a moment."""
        return bisect.bisect_right(self.times, moment)

    def append(self, body: bytes, moment: datetime) -> int:
        """Append an entry and return its index."""
        self.log.extend([body])
        self.times.append(moment)
        return len(self.times) - 1


@dataclass(frozen=True)
class V2Statement:
    """A statement that was signed, timestamped and logged in Rekor v2."""

    statement: bytes
    signature: bytes
    signer: Signer
    tiles: TimedTiles
    index: int
    body: bytes
    timestamp: bytes

    def bundle(self, log: RekorLog, size: int) -> dict[str, Any]:
        """The statement as a Sigstore bundle v0.3, proving inclusion in the tree that its entry was the last of."""
        tiles, count = self.tiles.log, self.index + 1
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": b64(self.signer.der)},
                "tlogEntries": [
                    {
                        "logIndex": str(self.index),
                        "logId": {"keyId": b64(tiles.key_id)},
                        "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
                        "integratedTime": "0",
                        "inclusionPromise": None,
                        "inclusionProof": {
                            "logIndex": str(self.index),
                            "rootHash": b64(tiles.tree.root(count)),
                            "treeSize": str(count),
                            "hashes": [b64(step) for step in tiles.tree.inclusion(self.index, count)],
                            "checkpoint": {"envelope": tiles.checkpoint(count)},
                        },
                        "canonicalizedBody": b64(self.body),
                    }
                ],
                "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": b64(self.timestamp)}]},
            },
            "dsseEnvelope": {
                "payload": b64(self.statement),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": b64(self.signature), "keyid": ""}],
            },
        }


def log_in_v2(
    tiles: TimedTiles, stamper: Stamper, signer: Signer, statement: bytes, signature: bytes, moment: datetime
) -> V2Statement:
    """Log a signature over a statement; somebody else's entry goes in before it, so that there is a proof."""
    writer = Writer(signer)
    tiles.append(writer.filler(random.Random(len(tiles.times))), moment)
    body = writer.signed(pae(statement), signature)
    index = tiles.append(body, moment)
    return V2Statement(statement, signature, signer, tiles, index, body, stamper.stamp_data(signature, moment))
