"""From an object as it was read to a verified attestation. Bad input is an outcome here, never an exception."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from forensics.attestation.bundle import parse_bundle, version_problem
from forensics.attestation.certificate import read_signer
from forensics.attestation.checks import (
    EXPECTATIONS,
    FORMAT,
    LIBRARY,
    NOT_THE_LIBRARYS,
    nothing_to_check,
    run_steps,
    status_of,
)
from forensics.attestation.checks_body import message_digest
from forensics.attestation.checks_content import matching_subject
from forensics.attestation.context import Context, Expected, failed, not_checked, passed
from forensics.attestation.depth import within_depth
from forensics.attestation.library import Library, reads_periods_otherwise, refusal
from forensics.attestation.npm import listing_problem
from forensics.attestation.pep740 import parse_attestation
from forensics.attestation.predicate import build_facts, disagreements
from forensics.attestation.raw import RawAttestation
from forensics.attestation.registry_keys import RegistryKeys
from forensics.attestation.statement import Statement, is_statement_type, parse_statement
from forensics.attestation.trust import TrustRoot
from forensics.model.attestation import (
    Attestation,
    Check,
    CheckResult,
    LogEntry,
    Publisher,
    Verification,
    VerificationStatus,
)
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.model.identity import Identity
from forensics.model.times import from_seconds
from forensics.transparency.der import CertificateParts

_BY_KEY = frozenset({"certificate-chain", "certificate-validity", "sct", "set", "checkpoint"})
"""Steps that need a key of the trust root; where they say it is unknown, sigstore-python lacks it too."""


Work = Generator[None, None, Attestation]
"""An attestation on its way: stops after it was read, and after sigstore-python judged it. See `in_step`."""


class Evaluator:
    """Verifies attestations under one trust root; keys and sigstore-python's verifier are loaded once, on first use.

    *independent*: make every public-key operation here even where sigstore-python already found it to hold. Without
    it, an attestation that sigstore-python accepts costs its own operations and our comparisons only.
    """

    def __init__(self, root: TrustRoot, *, independent: bool = False) -> None:
        self.root = root
        self.independent = independent
        self._library = Library(root)

    def pep740(
        self,
        data: Any,
        *,
        publisher: Publisher | None = None,
        filename: str | None = None,
        sha256: str | None = None,
        evidence: tuple[str, ...] = (),
    ) -> Attestation:
        """Return the PEP 740 attestation *data* (parsed JSON), every step checked.

        *publisher*, *filename* and *sha256* (hex) are what the index says; *evidence* the observations it came in.
        Never raises for bad input: an object that cannot be read has a failed `format`.
        """
        return finished(self.expecting(Expected(publisher, filename, sha256), data, evidence))

    def expecting(self, expected: Expected, data: Any, evidence: tuple[str, ...] = ()) -> Work:
        """Return the work on the PEP 740 attestation *data*: as `pep740`, with what the index says in one object."""
        return self._evaluate(data, parse_attestation, expected, evidence)

    def bundle(
        self,
        data: Any,
        *,
        filename: str | None = None,
        sha256: str | None = None,
        evidence: tuple[str, ...] = (),
        keys: RegistryKeys | None = None,
    ) -> Attestation:
        """Return the Sigstore bundle *data* (parsed JSON), every step checked. See `pep740`.

        *keys* are the registry keys that count for a bundle that names a key instead of carrying a certificate.
        """
        return finished(self.expecting_bundle(Expected(None, filename, sha256, keys=keys), data, evidence))

    def expecting_bundle(self, expected: Expected, data: Any, evidence: tuple[str, ...] = ()) -> Work:
        """Return the work on the Sigstore bundle *data*: as `bundle`, with what is expected in one object."""
        return self._evaluate(data, parse_bundle, expected, evidence)

    def npm(
        self, data: Any, expected: Expected, evidence: tuple[str, ...] = (), *, stated: str | None = None
    ) -> Attestation:
        """Return the bundle *data* from npm's list of attestations, every step checked. See `pep740`.

        Its parameters are those of `expecting_npm`.
        """
        return finished(self.expecting_npm(expected, data, evidence, stated=stated))

    def expecting_npm(
        self, expected: Expected, data: Any, evidence: tuple[str, ...] = (), *, stated: str | None = None
    ) -> Work:
        """Return the work on the bundle *data* from npm's list of attestations.

        *expected* names the version by package URL and SHA-512 and brings the registry's keys; *stated* is the
        predicate type under which the registry lists the bundle.
        """
        return self._evaluate(data, parse_bundle, expected, evidence, partial(_listing_problem, stated))

    def _evaluate(
        self,
        data: Any,
        parse: Callable[[Any], RawAttestation],
        expected: Expected,
        evidence: tuple[str, ...],
        form: Callable[[RawAttestation, Statement | None], str] | None = None,
    ) -> Work:
        digest = digest_of(data)
        if digest is None:
            reason = "the object is nested too deeply, or is not JSON."
            return unreadable(reason, hashlib.sha256(b"").hexdigest(), self.root, expected.publisher, evidence)
        try:
            raw = parse(data)
        except (MalformedEvidence, HostileInput) as error:
            return unreadable(f"{error}.", digest, self.root, expected.publisher, evidence)
        statement, problem = _read_statement(raw)
        problem = problem or version_problem(raw)
        if form is not None:
            problem = problem or form(raw, statement)
        context = Context(raw, self.root, expected, statement, *_read_certificate(raw))
        yield
        wanted_digest = message_digest(context) if raw.payload is None else None
        refused = refusal(raw, wanted_digest) or reads_periods_otherwise(context)
        verdict = "" if refused else self._library.judge(raw, wanted_digest)
        yield
        if not refused and not verdict and not self.independent:
            context = replace(context, proven=True)
        own = run_steps(context)
        checks = [_format_check(raw, problem), *own, _library_check(refused, verdict, own)]
        return _attestation(context, checks, digest, evidence)


def finished(work: Work) -> Attestation:
    """Return what comes of *work* by itself."""
    return in_step([work])[0]


def in_step(works: Sequence[Work]) -> list[Attestation]:
    """Return what comes of each of *works*, in order: all are read, then all judged, then all explained.

    Each stage runs through code of its own, which a processor's caches do not hold together: a sixth of the time of an
    attestation goes when a stage meets many in a row.
    """
    found: dict[int, Attestation] = {}
    while len(found) < len(works):
        for index, work in enumerate(works):
            if index in found:
                continue
            try:
                next(work)
            except StopIteration as end:
                found[index] = end.value
    return [found[index] for index in range(len(works))]


def unreadable(
    reason: str, digest: str, root: TrustRoot, publisher: Publisher | None = None, evidence: tuple[str, ...] = ()
) -> Attestation:
    """Return the attestation that stands for an object that cannot be read: `format` failed, status invalid."""
    verification = Verification(VerificationStatus.INVALID, nothing_to_check(reason), root.sha256)
    return Attestation(digest, "", None, None, None, publisher, None, verification, evidence)


def digest_of(data: Any) -> str | None:
    """Return the SHA-256, in hex, of *data* as JSON with sorted keys and no spaces; None where it cannot be written.

    That is how an attestation is told from another, however the answer it came in was spaced.
    """
    if not within_depth(data):
        return None
    try:
        return hashlib.sha256(msgspec.json.encode(data, order="deterministic")).hexdigest()
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass  # integers beyond 64 bits and lone surrogates: the slower writer takes them
    try:
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return None
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read_statement(raw: RawAttestation) -> tuple[Statement | None, str]:
    if raw.payload is None or not is_statement_type(raw.payload_type):
        return None, ""
    try:
        statement = parse_statement(raw.payload)
    except MalformedEvidence as error:
        return None, str(error)
    if not raw.media_type and len(statement.subjects) != 1:
        return statement, f"the statement has {len(statement.subjects)} subjects; PEP 740 allows exactly one"
    return statement, ""


def _listing_problem(stated: str | None, raw: RawAttestation, statement: Statement | None) -> str:
    return listing_problem(raw, stated, statement.predicate_type if statement else None)


def _read_certificate(raw: RawAttestation) -> tuple[CertificateParts | None, Identity | None]:
    try:
        return read_signer(raw.certificate) if raw.certificate is not None else (None, None)
    except (MalformedEvidence, HostileInput):
        return None, None


def _format_check(raw: RawAttestation, problem: str) -> Check:
    if problem:
        return failed(FORMAT, f"{problem}.")
    what = f"a Sigstore bundle ({raw.media_type})" if raw.media_type else "a PEP 740 attestation"
    more = f" with {len(raw.entries)} log entries, of which the first counts" if len(raw.entries) > 1 else ""
    return passed(FORMAT, f"{what}{more}.")


def _library_check(refused: str, verdict: str, own: list[Check]) -> Check:
    """sigstore-python's decision; a no that rests on a key neither side knows is no decision."""
    if refused:
        return not_checked(LIBRARY, f"sigstore-python decides nothing here: {refused}.")
    ours = [check for check in own if check.name not in NOT_THE_LIBRARYS and check.result is CheckResult.FAIL]
    if not verdict:
        if ours:
            names = ", ".join(check.name for check in ours)
            return passed(LIBRARY, f"sigstore-python accepts it, but our own steps do not ({names}): our own error?")
        return passed(LIBRARY, "sigstore-python accepts it.")
    mine = [check for check in own if check.name not in EXPECTATIONS and check.result is CheckResult.FAIL]
    if mine:
        return failed(LIBRARY, f"sigstore-python refuses it: {verdict}.")
    open_ = [check for check in own if check.result is CheckResult.NOT_CHECKED and check.name in _BY_KEY]
    unknown = [check for check in open_ if "unknown" in check.detail]
    if unknown:
        names = ", ".join(check.name for check in unknown)
        return not_checked(LIBRARY, f"sigstore-python cannot decide with keys it does not know ({names}): {verdict}.")
    return failed(LIBRARY, f"sigstore-python refuses it, but our own steps do not, our own error?: {verdict}.")


def _attestation(context: Context, checks: list[Check], digest: str, evidence: tuple[str, ...]) -> Attestation:
    statement, raw = context.statement, context.raw
    subject = matching_subject(context) or (statement.subjects[0] if statement else None)
    sha256 = subject.digests.get("sha256") if subject else (raw.digest.hex() if raw.digest else None)
    verification = Verification(status_of(checks, context), tuple(checks), context.root.sha256)
    build = build_facts(statement) if statement else None
    return Attestation(
        digest=digest,
        predicate_type=statement.predicate_type if statement else "",
        subject_name=subject.name if subject else None,
        subject_sha256=sha256,
        identity=context.identity,
        publisher=context.expected.publisher,
        log_entry=_log_entry(context, checks),
        verification=verification,
        evidence=evidence,
        subject_sha512=subject.digests.get("sha512") if subject else None,
        registry_key=raw.key_hint if raw.certificate is None else None,
        build=build,
        disagreements=disagreements(statement, build, context.identity) if statement else (),
    )


def _log_entry(context: Context, checks: list[Check]) -> LogEntry | None:
    entry = context.raw.entry
    if entry is None:
        return None
    results = {check.name: check.result for check in checks}
    # A promise that does not verify signs no time.
    signed = entry.promise is not None and entry.integrated and results["set"] is not CheckResult.FAIL
    try:
        integrated = from_seconds(entry.integrated or 0) if signed else None
    except ValueError:
        integrated = None
    try:
        checkpoint = context.checkpoint
    except (MalformedEvidence, HostileInput):
        checkpoint = None
    return LogEntry(
        log_id=entry.log_id.hex(),
        index=entry.index,
        kind=entry.type,
        integrated_at=integrated,
        tree_size=entry.proof.size if entry.proof else None,
        origin=checkpoint.origin if checkpoint else None,
    )
