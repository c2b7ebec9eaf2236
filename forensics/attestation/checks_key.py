"""Steps about the key of a registry: which one signed, who vouches for it, and whether it counted at that time.

Sources: npm's publish attestation v0.1 and registry signatures; npm/pacote `lib/registry.js`; Sigstore's
`sigstore_bundle.proto`, PublicKeyIdentifier.
"""

from __future__ import annotations

from datetime import datetime

from forensics.attestation.context import Context, failed, not_checked, passed
from forensics.attestation.registry_keys import ATTESTATIONS, RegistryKey
from forensics.model.attestation import Check, CheckResult
from forensics.model.errors import MalformedEvidence
from forensics.model.times import to_minute

NAMED_KEY = "named-key"
REGISTRY_KEY = "registry-key"
KEY_VALIDITY = "key-validity"


def check_named_key(context: Context) -> Check:
    """Step `named-key`: the bundle carries no certificate, so that the key which the user named takes its place.

    What the bundle calls the key says nothing: the signature decides. Such a key has no period of validity; a
    timestamp that does not verify fails all the same. Source: `sigstore_bundle.proto`, PublicKeyIdentifier.
    """
    key = context.expected.key
    assert key is not None
    if context.raw.certificate is not None:
        return failed(NAMED_KEY, "the bundle carries a certificate: it was not signed with the named key alone.")
    if problems := [outcome for outcome in context.timestamps if isinstance(outcome, str)]:
        return failed(NAMED_KEY, "; ".join(problems) + ".")
    return passed(NAMED_KEY, f"the key {key.key_id}, {key.vouched_by}.")


def check_registry_key(context: Context) -> Check:
    """Step `registry-key`: the bundle names one key, and somebody vouches for that key.

    An id that is not known is not checked: our keys may be old, or the bundle is none of a registry. Where material or
    envelope names a known key, the other must name it too: npm writes both, and elsewhere the envelope's id is
    anything. Source: npm's publish attestation v0.1, "Verification".
    """
    hint, stated, keys = context.raw.key_hint or "", context.raw.key_id, context.expected.keys
    known = context.registry_key is not None or (keys is not None and keys.find(stated, ATTESTATIONS) is not None)
    if hint != stated and known:
        return failed(REGISTRY_KEY, f"the material names the key {hint[:100]!r}, the envelope {stated[:100]!r}.")
    if not hint:
        return not_checked(REGISTRY_KEY, "the bundle names no key.")
    return judge_key(hint, context.registry_key)


def check_key_validity(context: Context) -> Check:
    """Step `key-validity`: every signed time verifies and lies within the period that the registry's key counts for.

    Source: npm/pacote `lib/registry.js`, which compares with the time of the log.
    """
    key = context.registry_key
    if key is None:
        return not_checked(KEY_VALIDITY, "the period of an unknown key is not known.")
    if problems := [outcome for outcome in context.timestamps if isinstance(outcome, str)]:
        return failed(KEY_VALIDITY, "; ".join(problems) + ".")
    if not context.times:
        return not_checked(KEY_VALIDITY, "nothing signs a time that the log's keys at hand can confirm.")
    checks = [judge_period(key, moment, f"{who} signed the time") for who, moment in context.times]
    return next((check for check in checks if check.result is CheckResult.FAIL), checks[0])


def judge_key(key_id: str, key: RegistryKey | None) -> Check:
    """Return step `registry-key` for a signature that names *key_id*, which is *key* if it is known at all."""
    if not key_id:
        return failed(REGISTRY_KEY, "the signature names no key.")
    if key is None:
        return not_checked(REGISTRY_KEY, f"unknown registry key {key_id[:100]}.")
    try:
        assert key.public.loaded
    except MalformedEvidence as error:
        return not_checked(REGISTRY_KEY, f"the registry key {key_id[:100]} cannot be read: {error}.")
    if not key.vouched_by:
        return not_checked(
            REGISTRY_KEY, f"nobody but the registry itself vouches for the key {key_id[:100]}, unknown to us."
        )
    return passed(REGISTRY_KEY, f"the registry key {key_id[:100]}, {key.vouched_by}.")


def judge_period(key: RegistryKey, moment: datetime, what: str) -> Check:
    """Return step `key-validity` for *key* at *moment*; *what* begins the sentence, up to the time."""
    until = f"before {to_minute(key.end)}" if key.end else "without end"
    since = f"from {to_minute(key.start)}" if key.start else ""
    window = ", ".join(filter(None, (since, until)))
    if not key.covers(moment):
        return failed(KEY_VALIDITY, f"{what} {to_minute(moment)}, when the key did not count ({window}).")
    return passed(KEY_VALIDITY, f"{what} {to_minute(moment)}, when the key counted ({window}).")
