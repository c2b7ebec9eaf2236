"""Steps about the transparency log: inclusion promise, inclusion proof, checkpoint.

Sources: Sigstore's client specification section 4.4, sigstore/rekor openapi.yaml (signed entry timestamp), RFC 9162
section 2.1.3, C2SP tlog-checkpoint and signed-note.
"""

from __future__ import annotations

import base64
from functools import partial

from forensics.attestation.context import Context, failed, not_checked, passed
from forensics.attestation.raw import RawEntry
from forensics.model.attestation import Check
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.model.times import from_seconds, to_minute
from forensics.transparency.keys import PublicKey
from forensics.transparency.merkle import leaf_hash, root_from_inclusion

NO_ENTRY = "there is no transparency log entry."


def promise_message(entry: RawEntry) -> bytes:
    """Return the bytes that Rekor v1's signed entry timestamp covers: RFC 8785 JSON of body, time, log id, index.

    Source: sigstore/rekor pkg/api/entries.go. All four values are ASCII or integers, so sorted keys and no spaces are
    all that RFC 8785 asks for.
    """
    body = base64.b64encode(entry.body).decode()
    return (
        f'{{"body":"{body}","integratedTime":{entry.integrated or 0},'
        f'"logID":"{entry.log_id.hex()}","logIndex":{entry.index}}}'
    ).encode()


def check_set(context: Context) -> Check:
    """Step `set`: the log's promise, its signed entry timestamp, verifies. See `promise_message`."""
    return context.promise


def check_promise(context: Context) -> Check:
    """Return the outcome of step `set`; the context keeps it, because signing times rest on it."""
    name, entry = "set", context.raw.entry
    if entry is None:
        return not_checked(name, NO_ENTRY)
    if entry.promise is None:
        return not_checked(name, f"the {entry.type} entry carries no inclusion promise.")
    key = context.root.log_keys.get(entry.log_id)
    if key is None:
        return not_checked(name, _unknown(entry))
    # sigstore-python looks at the promise only where there is a time.
    again = not entry.integrated or not found_by_hash(key, entry.log_id)
    if not context.signed(key.loaded, entry.promise, partial(promise_message, entry), again=again):
        return failed(name, f"the inclusion promise for entry {entry.index} is not signed by {key.name}.")
    moment = from_seconds(entry.integrated or 0)
    when = to_minute(moment)
    if entry.integrated and not key.covers(moment):
        return failed(name, f"{key.name} promised at {when}, for which the trust root does not trust its key.")
    return passed(name, f"{key.name} promised entry {entry.index} at {when}.")


def check_inclusion(context: Context) -> Check:
    """Step `inclusion`: the proof leads from the entry's body to its root. Source: RFC 9162 section 2.1.3.2."""
    name, entry = "inclusion", context.raw.entry
    if entry is None:
        return not_checked(name, NO_ENTRY)
    if entry.proof is None:
        return not_checked(name, f"the {entry.type} entry carries no inclusion proof.")
    proof = entry.proof
    try:
        root = root_from_inclusion(leaf_hash(entry.body), proof.index, proof.size, proof.hashes)
    except (MalformedEvidence, HostileInput) as error:
        return failed(name, f"{error}.")
    if root != proof.root:
        return failed(
            name, f"the proof leads to root {root.hex()[:16]}…, but the entry names {proof.root.hex()[:16]}…."
        )
    return passed(name, f"leaf {proof.index} is in the tree of {proof.size} with root {root.hex()[:16]}….")


def check_checkpoint(context: Context) -> Check:
    """Step `checkpoint`: the named log signed the proof's root and size under its own origin.

    An unknown log is not checked; a known one whose signature is missing or wrong fails.
    Source: C2SP tlog-checkpoint; Sigstore's client specification section 4.4.
    """
    name, entry = "checkpoint", context.raw.entry
    if entry is None or entry.proof is None:
        return not_checked(name, NO_ENTRY if entry is None else f"the {entry.type} entry carries no inclusion proof.")
    try:
        checkpoint = context.checkpoint
    except (MalformedEvidence, HostileInput) as error:
        return failed(name, f"the checkpoint cannot be read: {error}.")
    if checkpoint is None:
        return not_checked(name, "the inclusion proof carries no checkpoint.")
    problems = []
    if checkpoint.root != entry.proof.root:
        problems.append(f"its root {checkpoint.root.hex()[:16]}… is not the proof's {entry.proof.root.hex()[:16]}…")
    if checkpoint.size != entry.proof.size:
        problems.append(f"its size {checkpoint.size} is not the proof's {entry.proof.size}")
    key = context.root.log_keys.get(entry.log_id)
    if key is None:
        return failed(name, "; ".join(problems) + ".") if problems else not_checked(name, _unknown(entry))
    if not _signed_by(context, key, entry.log_id[:4]):
        problems.append(f"it carries no valid signature of {key.name} (key id {entry.log_id.hex()[:8]})")
    elif not any(
        line.name == checkpoint.log_name for line in checkpoint.note.signatures if line.hint == entry.log_id[:4]
    ):
        problems.append(f"its origin {checkpoint.origin!r} is not the name that signed it")
    if problems:
        return failed(name, "; ".join(problems) + ".")
    return passed(name, f"{checkpoint.origin!r} signed size {checkpoint.size} and the proof's root.")


def _signed_by(context: Context, key: PublicKey, hint: bytes) -> bool:
    checkpoint = context.checkpoint
    assert checkpoint is not None
    lines = [line for line in checkpoint.note.signatures if line.hint == hint]
    # sigstore-python decides by the first line with the hint; with several, each is looked at here.
    again = len(lines) > 1 or not found_by_hash(key, context.raw.entry.log_id if context.raw.entry else b"")
    return any(context.signed(key.loaded, line.signature, checkpoint.note.text.encode, again=again) for line in lines)


def found_by_hash(key: PublicKey, key_id: bytes) -> bool:
    """Return whether sigstore-python, too, found *key* under *key_id*: it knows keys by the hash of their SPKI only.

    Under any other id it tries every key of the trust root, and its yes does not say which one it was.
    """
    return key.sha256 == key_id


def _unknown(entry: RawEntry) -> str:
    return f"unknown log key id {entry.log_id.hex()}."
