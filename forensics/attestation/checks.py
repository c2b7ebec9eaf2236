"""The steps of a verification, in order, and what they come to.

Every step runs, whatever the others found. Sources of each step: `checks_certificate`, `checks_log`, `checks_body`,
`checks_content`; the order follows Sigstore's client specification section 4.
"""

from __future__ import annotations

from collections.abc import Callable

from forensics.attestation.checks_body import check_log_body
from forensics.attestation.checks_certificate import (
    check_chain,
    check_identity,
    check_issuer,
    check_sct,
    check_usage,
    check_validity,
)
from forensics.attestation.checks_content import check_publisher, check_signature, check_subject
from forensics.attestation.checks_key import (
    KEY_VALIDITY,
    NAMED_KEY,
    REGISTRY_KEY,
    check_key_validity,
    check_named_key,
    check_registry_key,
)
from forensics.attestation.checks_log import check_checkpoint, check_inclusion, check_set
from forensics.attestation.context import Context, failed, not_checked
from forensics.model.attestation import Check, CheckResult, VerificationStatus

LIBRARY = "sigstore-python"
FORMAT = "format"
STEPS: dict[str, Callable[[Context], Check]] = {
    "certificate-chain": check_chain,
    "certificate-usage": check_usage,
    "certificate-validity": check_validity,
    "sct": check_sct,
    "set": check_set,
    "inclusion": check_inclusion,
    "checkpoint": check_checkpoint,
    "signature": check_signature,
    "log-body": check_log_body,
    "subject": check_subject,
    "publisher": check_publisher,
}
"""The steps between `format` and `sigstore-python`, in order of report."""

_WITHOUT_CERTIFICATE = {
    name: step for name, step in STEPS.items() if not name.startswith("certificate-") and name != "sct"
}
KEY_STEPS = {REGISTRY_KEY: check_registry_key, KEY_VALIDITY: check_key_validity, **_WITHOUT_CERTIFICATE}
"""The same for what a registry's key signed: the key in place of the certificate."""

NAMED_KEY_STEPS = {NAMED_KEY: check_named_key, **_WITHOUT_CERTIFICATE}
"""The same where the user named the one key that may have signed."""

SIGNER_STEPS = {"identity": check_identity, "issuer": check_issuer}
"""Steps that are there only where the caller says who must have signed."""

NAMES = (FORMAT, *STEPS, LIBRARY)
KEY_NAMES = (FORMAT, *KEY_STEPS, LIBRARY)
EXPECTATIONS = frozenset({"subject", "publisher", NAMED_KEY, *SIGNER_STEPS})
"""Steps that compare with what the caller expects, of which sigstore-python is told nothing."""

NOT_THE_LIBRARYS = EXPECTATIONS | {"checkpoint"}
"""Steps whose failure sigstore-python does not look for: those, and a checkpoint's size and origin."""


def run_steps(context: Context) -> list[Check]:
    """Return the outcome of every step for *context*, in order. Never raises: a step that breaks has failed."""
    expected = context.expected
    steps = STEPS if context.raw.certificate is not None else KEY_STEPS
    if expected.key is not None:
        steps = NAMED_KEY_STEPS
    wanted = {"identity": expected.identity, "issuer": expected.issuer}
    steps = steps | {name: step for name, step in SIGNER_STEPS.items() if wanted[name] is not None}
    return [guarded(name, step, context) for name, step in steps.items()]


def nothing_to_check(reason: str) -> tuple[Check, ...]:
    """Return all steps of an object that cannot be read: `format` failed for *reason*, the others not checked."""
    rest = (not_checked(name, "the object cannot be read.") for name in (*STEPS, LIBRARY))
    return (failed(FORMAT, reason), *rest)


def status_of(checks: list[Check], context: Context) -> VerificationStatus:
    """Return what *checks* of *context* come to.

    Invalid if one failed. Valid if chain, timestamp of the certificate log, signature, log body, and the promise or
    the proof with its checkpoint hold, and sigstore-python accepts the attestation or decides nothing about its kind.
    A registry key that somebody vouches for, with its period, takes the place of the chain. So does a key that the user
    named: with it, what was never logged can be valid. An envelope must be found to be about what is expected. Else not
    checked.
    """
    results = {check.name: check.result for check in checks}
    if CheckResult.FAIL in results.values():
        return VerificationStatus.INVALID
    logged = context.raw.entry is not None
    if NAMED_KEY in results:
        wanted = [NAMED_KEY, "signature", *(["log-body"] if logged else [])]
    elif REGISTRY_KEY in results:
        wanted = [REGISTRY_KEY, KEY_VALIDITY, "signature", "log-body"]
    else:
        wanted = ["certificate-chain", "certificate-usage", "signature", "log-body"]
        if results[LIBRARY] is not CheckResult.PASS:  # then we decide, and by more
            wanted += ["certificate-validity", "sct"]
    if context.raw.payload is not None and context.expected.about_subject:
        wanted.append("subject")
    held = all(results[name] is CheckResult.PASS for name in wanted)
    proof = results["inclusion"] is results["checkpoint"] is CheckResult.PASS
    in_log = proof or results["set"] is CheckResult.PASS or (NAMED_KEY in results and not logged)
    return VerificationStatus.VALID if held and in_log else VerificationStatus.NOT_CHECKED


def guarded(name: str, step: Callable[[Context], Check], context: Context) -> Check:
    """Return the outcome of *step*, called *name*, for *context*; one that breaks has failed. Never raises."""
    try:
        return step(context)
    except Exception as error:  # native parsers on an attacker's bytes: what they raise is this step's outcome
        return failed(name, f"the step could not be carried out ({type(error).__name__}).")
