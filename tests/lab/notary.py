"""Who signs and logs in a world: the authority, the registry's keys, both generations of Rekor, the timestamps.

``log = "v2"`` in an identity: what npm hands out is logged in Rekor v2 and timestamped. An attestation of PyPI's index
has nowhere to put a timestamp, so what that index serves is logged in v1 always, and in v2 besides. A log-only entry
is in the log that its identity names, and in no other.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.lab.attest import SignedStatement, pae, publish_statement, sign_and_log
from tests.lab.claims import Claims
from tests.lab.npm_attest import NpmStatement, provenance_statement, sign_provenance, sign_publish
from tests.lab.npm_keys import RegistryKeys
from tests.lab.pki import Authority, Signer
from tests.lab.rekor import RekorLog
from tests.lab.scenario import Scenario
from tests.lab.timestamping import Stamper
from tests.lab.trust import trusted_root
from tests.lab.v2_attest import TimedTiles, V2Statement, log_in_v2

Subject = tuple[str, str, str]
"""Name, version and SHA-512 in hex."""


class Notary:
    """Fresh keys of everybody who signs. ``tiles`` is there only where a scenario names Rekor v2."""

    def __init__(self, scenario: Scenario) -> None:
        self.authority = Authority()
        self.keys = RegistryKeys()
        self.log = RekorLog()
        self.stamper = Stamper(Authority("tsa.lab.example", ExtendedKeyUsageOID.TIME_STAMPING))
        changes = [*(row.identity for row in scenario.release), *(row.identity for row in scenario.log_only)]
        named = {scenario.identity.log, *(change.log for change in changes)}
        self.tiles = TimedTiles() if "v2" in named else None

    def trusted_root(self) -> dict[str, Any]:
        """The trust root that vouches for all of them but the registry."""
        root = trusted_root(self.authority, self.log, (self.stamper.authority, self.stamper.der))
        if self.tiles is not None:
            root["tlogs"].append(self.tiles.log.in_trust_root())
        return root

    def file(
        self, signer: Signer, claims: Claims, name: str, data: bytes, moment: datetime, *, served: bool = True
    ) -> SignedStatement | V2Statement:
        """A publish attestation of PyPI; ``served``: the index hands it out."""
        digest = hashlib.sha256(data).hexdigest()
        statement = publish_statement(name, digest)
        if claims.log == "v2" and not served:
            return self._in_v2(signer, statement, signer.sign(pae(statement)), moment)
        made = sign_and_log(self.log, signer, claims.san, statement, digest, moment)
        if claims.log == "v2":
            self._in_v2(signer, statement, made.signature, moment)
        return made

    def version(self, signer: Signer, claims: Claims, subject: Subject, moment: datetime) -> NpmStatement | V2Statement:
        """The provenance of an npm version."""
        if claims.log == "v2":
            statement = provenance_statement(subject, claims, moment)
            return self._in_v2(signer, statement, signer.sign(pae(statement)), moment)
        return sign_provenance(self.log, signer, self.authority.chain, claims, subject, moment)

    def accepted(self, subject: Subject, moment: datetime) -> NpmStatement:
        """The registry's own attestation that it accepted a version; always in v1, as npm's is."""
        return sign_publish(self.log, self.keys.at(moment), subject, moment)

    def _in_v2(self, signer: Signer, statement: bytes, signature: bytes, moment: datetime) -> V2Statement:
        assert self.tiles is not None
        return log_in_v2(self.tiles, self.stamper, signer, statement, signature, moment)
