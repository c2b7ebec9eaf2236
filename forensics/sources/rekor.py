"""Rekor v1: entries and searches over its REST API. Sources: sigstore/rekor openapi.yaml, pkg/api/{entries,index}.go.

An entry that is asked for by its id is matched with the answer by the leaf hash of the body, never by what the server
calls it. The search index is best effort ("may be incomplete"): that it finds nothing is never absence by itself.
The log's keys come from the trust root; the server is not asked for them.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forensics.attestation.entry import LoggedEntry, read_entry
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import BadAnswer, HostileInput, MalformedEvidence, UsageError
from forensics.sources.interface import Witness, items, mapping, text

if TYPE_CHECKING:
    from forensics.evidence.client import Answer, Client

AT_ONCE = 10
"""Entries in one retrieval, which is all that the log allows."""
MAX_FOUND = 20_000
"""Longest answer of a search that is read; the log gives it in one piece."""
NONSENSE = "https://release-forensics.invalid/no/such/workflow.yml@refs/heads/probe"
"""A subject that nothing was ever signed with. A log that finds it does not look at subjects."""

_ENTRY_ID = re.compile(r"(?:[0-9a-f]{16})?[0-9a-f]{64}")
_PREFIX = {40: "sha1", 64: "sha256", 128: "sha512"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the entries that could be fetched, and for each other one why not."""

    entries: tuple[LoggedEntry, ...]
    missed: tuple[NotChecked, ...] = ()


class Rekor:
    """One log. Searches go through *ask*; entries, which never change, through *kept*, which may remember longer."""

    def __init__(self, ask: Client, url: str, witness: Witness, kept: Client | None = None) -> None:
        self.ask = ask
        self.kept = kept or ask
        self.api = f"{url}/api/v1"
        self.witness = witness

    async def search(self, query: dict[str, Any]) -> Outcome[tuple[str, ...]]:
        """Return the ids (64 or 80 hex digits, sorted) that the index finds for *query*, one of the `by_…` below."""
        outcome = await self._json(self.ask.post(f"{self.api}/index/retrieve", json=query))
        if isinstance(outcome, NotChecked):
            return outcome
        rows = outcome.value
        if not isinstance(rows, list) or len(rows) > MAX_FOUND:
            return self._miss("the log's answer to a search is not a list of entries", outcome.evidence)
        ids = {row.lower() for row in rows if isinstance(row, str)}
        if len(ids) != len(set(map(str, rows))) or not all(_ENTRY_ID.fullmatch(one) for one in ids):
            return self._miss("the log's answer to a search names ids that are none", outcome.evidence)
        return Checked(tuple(sorted(ids)), outcome.evidence)

    async def entries(self, ids: Sequence[str]) -> Found:
        """Return the entries with the *ids*, in that order, fetched in tens. An id given twice is fetched once."""
        wanted = list(dict.fromkeys(one.lower() for one in ids))
        found: list[LoggedEntry] = []
        missed: list[NotChecked] = []
        for start in range(0, len(wanted), AT_ONCE):
            some = await self._retrieve(wanted[start : start + AT_ONCE])
            found += some.entries
            missed += some.missed
        return Found(tuple(found), tuple(missed))

    async def find(self, query: dict[str, Any], known: frozenset[str] = frozenset()) -> Outcome[Found]:
        """Search and fetch. Entries whose leaf hash is among *known* are not fetched again."""
        ids = await self.search(query)
        if isinstance(ids, NotChecked):
            return ids
        found = await self.entries([one for one in ids.value if one[-64:] not in known])
        return Checked(found, ids.evidence)

    async def at_index(self, index: int) -> Outcome[LoggedEntry | None]:
        """Return the entry at the global *index*, None where the log answers that it has none there."""
        url = f"{self.api}/log/entries?logIndex={index}"
        return await self._one(url, lambda entry: entry.raw.index == index, f"entry {index}")

    async def by_id(self, entry_id: str) -> Outcome[LoggedEntry | None]:
        """Return the entry with *entry_id* (64 or 80 hex digits), None where the log answers that it has none.

        Raises UsageError for what is no such id.
        """
        wanted = entry_id.lower()
        if not _ENTRY_ID.fullmatch(wanted):
            raise UsageError(f"{entry_id!r} is not the id of a log entry.", advice="It has 64 or 80 hex digits.")
        url = f"{self.api}/log/entries/{wanted}"
        return await self._one(url, lambda entry: _same(entry, wanted), f"entry {wanted[-64:][:16]}…")

    async def searches_subjects(self) -> Outcome[bool]:
        """Return whether the log searches by subject (rekor 1.5.4 and newer), by asking for one that nobody has."""
        outcome = await self.witness.ask(self.ask.post(f"{self.api}/index/retrieve", json=by_subject(NONSENSE)), "log")
        if isinstance(outcome, NotChecked):
            return outcome
        answer = outcome.value
        if 400 <= answer.status < 500:
            return Checked(False, outcome.evidence)
        try:
            rows = answer.json() if answer.status == 200 else None
        except (BadAnswer, HostileInput):
            rows = None
        if not isinstance(rows, list):
            return self._miss(f"the log answered a probe with HTTP {answer.status} and no list", outcome.evidence)
        return Checked(not rows, outcome.evidence)

    async def json(self, path: str) -> Outcome[Any]:
        """Return the JSON of a GET under the API, or why there is none."""
        return await self._json(self.ask.get(f"{self.api}/{path}"))

    async def _retrieve(self, ids: list[str]) -> Found:
        call = self.kept.post(f"{self.api}/log/entries/retrieve", json={"entryUUIDs": ids})
        outcome = await self._json(call)
        if isinstance(outcome, NotChecked):
            return Found((), tuple(outcome for _ in ids))
        found: dict[str, LoggedEntry] = {}
        for row in items(outcome.value, AT_ONCE):
            for entry in self._read(mapping(row), outcome.evidence):
                found.setdefault(entry.uuid, entry)
        got = [found[one[-64:]] for one in ids if one[-64:] in found and _same(found[one[-64:]], one)]
        names = {entry.uuid for entry in got}
        reason = "the log's index names entry {}…, but the log did not return it"
        missed = [self._miss(reason.format(one[-64:][:16]), outcome.evidence) for one in ids if one[-64:] not in names]
        return Found(tuple(got), tuple(missed))

    def _read(self, row: dict[str, Any], evidence: tuple[str, ...]) -> Iterable[LoggedEntry]:
        for name, data in row.items():
            try:
                yield read_entry(name, data, tuple(filter(None, evidence)))  # unrecorded answers have no id
            except (MalformedEvidence, HostileInput) as error:
                self._miss(f"the log returned an entry that cannot be read: {error}", evidence)

    async def _one(self, url: str, wanted: Any, name: str) -> Outcome[LoggedEntry | None]:
        outcome = await self.witness.ask(self.kept.get(url), "log")
        if isinstance(outcome, NotChecked):
            return outcome
        if outcome.value.status == 404:
            return Checked(None, outcome.evidence)
        decoded = self._decoded(outcome.value, outcome.evidence)
        if isinstance(decoded, NotChecked):
            return decoded
        read = list(self._read(mapping(decoded.value), outcome.evidence))
        if len(read) != 1 or not wanted(read[0]):
            return self._miss(f"the log returned something else than {name}", outcome.evidence)
        return Checked(read[0], outcome.evidence)

    async def _json(self, call: Any) -> Outcome[Any]:
        outcome = await self.witness.ask(call, "log")
        return outcome if isinstance(outcome, NotChecked) else self._decoded(outcome.value, outcome.evidence)

    def _decoded(self, answer: Answer, evidence: tuple[str, ...]) -> Outcome[Any]:
        if answer.status != 200:
            return self._miss(f"the log answered HTTP {answer.status}{_message(answer)}", evidence)
        try:
            return Checked(answer.json(), evidence)
        except (BadAnswer, HostileInput) as error:
            return self._miss(error.what, evidence)

    def _miss(self, reason: str, evidence: tuple[str, ...]) -> NotChecked:
        return self.witness.miss(reason, "log", evidence)


def _same(entry: LoggedEntry, wanted: str) -> bool:
    """Whether *entry* is the one with the id *wanted*: by the body's hash, and by the shard where both name one."""
    shards = {one[:-64] for one in (entry.entry_id, wanted)} - {""}
    return entry.uuid == wanted[-64:] and len(shards) < 2


def _message(answer: Answer) -> str:
    try:
        words = text(mapping(answer.json()).get("message"), 120)
    except (BadAnswer, HostileInput):
        words = None
    return f" ({words})" if words else ""


def by_hash(digest: str) -> dict[str, str]:
    """Return the query for a digest: `sha256:…`, `sha512:…`, `sha1:…`, or the bare hex of one of these lengths.

    Raises UsageError for anything else. Finds artifacts, payloads, envelopes, and signers by the digest of their PEM.
    """
    prefix, colon, value = digest.strip().lower().rpartition(":")
    known = _PREFIX.get(len(value))
    if not re.fullmatch(r"[0-9a-f]+", value) or known is None or (colon and prefix != known):
        raise UsageError(
            f"{digest!r} is not a digest that the log can search for.",
            advice="Write sha256:, sha512: or sha1: and the hex digits.",
        )
    return {"hash": f"{known}:{value}"}


def by_email(address: str) -> dict[str, str]:
    """Return the query for an e-mail address in a certificate; raises UsageError for what is not one."""
    if not re.fullmatch(r"[^@\s:/]{1,256}@[^@\s:/]{1,256}", address):
        raise UsageError(f"{address!r} is not an e-mail address.", advice="For a workflow's URI use --subject.")
    return {"email": address}


def by_subject(name: str) -> dict[str, str]:
    """Return the query for a certificate's whole subject alternative name; raises UsageError above 512 characters."""
    if not 1 <= len(name) <= 512:
        raise UsageError("A subject has 1 to 512 characters.")
    return {"subject": name}


def by_public_key(pem: str) -> dict[str, Any]:
    """Return the query for a signer's public key or certificate, in PEM; anything else in *pem* is not sent.

    Raises UsageError where there is neither. The index knows signers of `hashedrekord` entries alone by their key.
    Source: sigstore/rekor pkg/api/index.go (the key is hashed as its canonical PEM).
    """
    content = base64.b64encode(_canonical(pem)).decode()
    return {"publicKey": {"format": "x509", "content": content}}


def _canonical(pem: str) -> bytes:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        if "-----BEGIN CERTIFICATE-----" in pem:
            return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.PEM)
        key = load_pem_public_key(pem.encode())
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(
            "There is no public key or certificate in PEM to search for.",
            meaning="Nothing was sent to the log.",
            advice="It begins with -----BEGIN PUBLIC KEY----- or -----BEGIN CERTIFICATE-----.",
        ) from None
