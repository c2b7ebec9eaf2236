"""What each column of each frame means: the one source of docstrings, of `columns()` and of the page on the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from forensics.timeline.tables import SCHEMAS, frame_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

_EVIDENCE = "Ids of the observations that the row rests on."
_VERSION = "The release."
_FILE = "Name of the file."

ABOUT: dict[str, str] = {
    "releases": "One row for each release that any source names, in order of publication.",
    "artifacts": "One row for each file of each release.",
    "publications": "One row for each release of which the index says how it was published (npm).",
    "attestations": "One row for each attestation that was observed, with what its verification came to.",
    "identities": "One row for each claim of each signing certificate: who signed, from where.",
    "builds": "One row for each claim of each SLSA predicate: what the signer says about the build.",
    "registry_signatures": "One row for each signature of the registry over a version (npm).",
    "events": "What happened when, each time with whose word it is.",
    "observations": "Every exchange with a source and every imported file: what the evidence consists of.",
    "not_checked": "What nobody knows, why, and what would tell. Of the project, of files, and of signals.",
    "verdicts": "One row for each release: what the signals come to, now and at publication.",
    "findings": "One row for each signal that fired on a release.",
    "waves": "One row for each run of flagged releases of one line, with its exposure window.",
    "pivots": "One row for each signature, unattested file and telling file inside a suspect: what it is found by.",
    "exposure": "One row for each place in a lockfile or manifest that names a suspect, surest first.",
    "log_entries": "One row for each entry of a transparency log that the case holds, with its signer.",
}
"""What the rows of each frame are."""

MEANINGS: dict[str, dict[str, str]] = {
    "releases": {
        "version": _VERSION,
        "published": "First upload, UTC.",
        "published_by": "Whose word the time of publication is.",
        "listed": "Whether the index shows it; null when the index could not be asked.",
        "removed": "When it left the index, where anybody says so.",
        "removed_reason": "Why no time of removal is known.",
        "yanked": "Whether it is yanked or deprecated.",
        "yanked_reason": "In whose words.",
        "files": "How many files are known.",
        "mentions": "How many other sources than the index name it.",
        "evidence": _EVIDENCE,
    },
    "artifacts": {
        "version": _VERSION,
        "filename": _FILE,
        "kind": "sdist, wheel, tarball and so on.",
        "sha256": "Lower-case hex; null where nobody states it.",
        "size": "Bytes.",
        "uploaded_at": "UTC, by the word of the index.",
        "listed": "Whether the index lists the file.",
        "provenance": "attested, absent (observed to be), or not observed.",
        "provenance_reason": "Why it was not observed.",
        "attestations": "How many were observed.",
        "path": "Path in the index's file store.",
        "upload_client": "What the uploader said it was.",
        "evidence": _EVIDENCE,
        "sha512": "The same, SHA-512 (npm).",
    },
    "publications": {
        "version": _VERSION,
        "account": "Account that published it.",
        "email": "Its address, as the index states it.",
        "trusted_publisher": "Trusted publisher that the index states, in place of a person.",
        "approver": "Account that approved a staged publication.",
        "reason": "Why nothing is known of who published it.",
        "stated_provenance": "Predicate type of the attestation that the index says it holds.",
        "client": "What the publisher's program said it was.",
        "runtime": "What it said it ran on.",
        "git_head": "Commit, by the publisher's word.",
        "hooks": "Scripts that run when others install it.",
        "requirements": "Packages that it requires.",
        "unpacked_size": "Bytes, as the index states them.",
        "file_count": "Files, as the index states them.",
        "deprecated": "In whose words it is deprecated.",
        "evidence": _EVIDENCE,
    },
    "attestations": {
        "version": _VERSION,
        "filename": _FILE,
        "digest": "SHA-256 of the attestation as it was read.",
        "predicate_type": "What kind of statement it is.",
        "status": "valid, invalid or not checked. Valid says who, where and when; never that a release is clean.",
        "signed_at": "Time signed by the log; where the log signs none, the start of the certificate.",
        "log_id": "Which log, by the SHA-256 of its key.",
        "log_index": "Global index of the entry.",
        "log_origin": "Name of the log on its checkpoint.",
        "publisher_kind": "Publisher that the index states, unsigned.",
        "subject_sha256": "Digest of the file that the statement is about.",
        "evidence": _EVIDENCE,
        "subject_sha512": "The same, SHA-512 (npm).",
        "registry_key": "Id of the registry's key, where that signed in place of a certificate.",
    },
    "identities": {
        "version": _VERSION,
        "filename": _FILE,
        "digest": "Digest of the attestation, as in attestations.",
        "claim": "Name of the claim, such as build_trigger or source_repository_identifier.",
        "value": "What the certificate says.",
    },
    "builds": {
        "version": _VERSION,
        "filename": _FILE,
        "digest": "Digest of the attestation, as in attestations.",
        "claim": "Name of the claim of the predicate.",
        "value": "What the predicate says; the certificate is the better witness.",
    },
    "registry_signatures": {
        "purl": "The version that was signed for.",
        "integrity": "The digest that was signed.",
        "registry_key": "Id of the key.",
        "published": "Time of publication that the registry states, unsigned.",
        "status": "valid, invalid or not checked.",
        "evidence": _EVIDENCE,
    },
    "events": {
        "at": "UTC.",
        "kind": "Whose word the time is: signed by the log, asserted by the index, claimed by git and so on.",
        "lane": "repository, CI and certificate, transparency log, index or advisory.",
        "what": "What happened.",
        "version": "The release it is about, if one.",
        "subject": "The file, commit or advisory.",
        "detail": "More about it.",
        "evidence": _EVIDENCE,
    },
    "observations": {
        "id": "Recomputable from what was asked, when, and what came.",
        "method": "HTTP method, or IMPORT and the like.",
        "url": "What was asked.",
        "at": "UTC.",
        "status": "HTTP status; null when no answer came or for an import.",
        "sha256": "Of the answer as received.",
        "size": "Bytes.",
        "media_type": "As the source stated it.",
        "problem": "Why no answer came.",
    },
    "not_checked": {
        "subject": "project, a file, or a release.",
        "what": "What could not be checked: a source, provenance, or a signal by its id.",
        "reason": "Why.",
        "needs": "What would tell.",
        "evidence": _EVIDENCE,
    },
}
"""Columns of the tables of a case. A test holds them to `timeline.tables.SCHEMAS`."""

JUDGED: dict[str, dict[str, tuple[str, str]]] = {
    "verdicts": {
        "version": ("str", _VERSION),
        "published": ("datetime", "First upload, UTC."),
        "listed": ("bool", "Whether the index shows it; null when it could not be asked."),
        "removed": ("datetime", "When it left the index, where anybody says so."),
        "door": ("str", "How it came in; unknown is a value."),
        "verdict": ("str", "With everything that is known today."),
        "at_publish": ("str", "With what was knowable within the hour; a lower bound."),
        "line": ("str", "The release line."),
        "predecessor": ("str", "The release that it was measured against."),
        "findings": ("int", "How many signals fired."),
        "not_checked": ("int", "How many signals could not be computed."),
        "reasons": ("list[str]", "What the verdict follows from, in words."),
        "evidence": ("list[str]", _EVIDENCE),
    },
    "findings": {
        "version": ("str", _VERSION),
        "signal": ("str", "Its id; `forensics signals ID` explains it."),
        "family": ("str", "What its evidence is about."),
        "severity": ("str", "low, medium, high or decisive."),
        "confidence": ("str", "How sure the observation is."),
        "observed": ("str", "What was seen."),
        "expected": ("str", "What was seen before."),
        "benign_if": ("list[str]", "What would explain it."),
        "note": ("str", "What else a reader should know."),
        "at_publish": ("bool", "Whether it was knowable within an hour of publication."),
        "evidence": ("list[str]", _EVIDENCE),
    },
    "waves": {
        "wave": ("int", "Number, in order of time."),
        "line": ("str", "The release line."),
        "releases": ("list[str]", "The flagged releases."),
        "last_good": ("str", "The nearest release before that is not flagged."),
        "last_good_not_checked": ("int", "How many of its signals could not be computed."),
        "first_good": ("str", "The nearest release after that is not flagged."),
        "first_good_not_checked": ("int", "How many of its signals could not be computed."),
        "installable_from": ("datetime", "UTC; null when nobody knows."),
        "installable_until": ("datetime", "UTC; null when nothing says that it ended."),
        "from_source": ("str", "Whose word the beginning is."),
        "until_source": ("str", "Whose word the end is."),
        "open_reason": ("str", "Why there is no end."),
    },
    "pivots": {
        "version": ("str", "The release; null for what only the log knows."),
        "filename": ("str", "The file; `archive!path` for a file inside one."),
        "log_index": ("int", "Global index of the log entry."),
        "identity": ("str", "Issuer, repository id, owner id and workflow of the signer."),
        "run": ("str", "The CI run, with its attempt."),
        "commit": ("str", "The commit that the build claims."),
        "workflow_digest": ("str", "Git blob id of the workflow file."),
        "payload": ("str", "SHA-256 of the file, or of the file inside."),
        "evidence": ("list[str]", _EVIDENCE),
    },
    "exposure": {
        "file": ("str", "The lockfile or manifest."),
        "kind": ("str", "Which tool wrote it."),
        "where": ("str", "Where in it."),
        "match": ("str", "hash, version, version with another hash, or range: the surest first."),
        "version": ("str", "The suspect."),
        "verdict": ("str", "Its verdict; for a range suspicious at most."),
        "named": ("str", "What the file says."),
        "note": ("str", "What else a reader should know."),
        "installable_from": ("datetime", "UTC; null when nobody knows."),
        "installable_until": ("datetime", "UTC; null when nothing says that it ended."),
        "overlap": ("bool", "Whether it was pinned while it could be installed, by git; null when nobody knows."),
    },
    "log_entries": {
        "log_index": ("int", "Global index; on logs of Rekor v2 the index in that log."),
        "log": ("str", "The log, by the SHA-256 of its key."),
        "signed_at": ("datetime", "Time signed by the log; where it signs none, the start of the certificate."),
        "verified": ("bool", "Whether it is in a log of the trust root and verifies; null when not checked."),
        "version": ("str", "The release; null where the statement could not be rebuilt."),
        "filename": ("str", "The file that was signed; null where it could not be rebuilt."),
        "sha256": ("str", "Digest of that file, where it is known."),
        "in_index": ("bool", "Whether the index lists the file; null when that is not known."),
        "subject": ("str", "Subject alternative name of the certificate."),
        "issuer": ("str", "Who vouched for the signer."),
        "repository": ("str", "Source repository, owner/name."),
        "repository_id": ("str", "Its number, which renaming does not change."),
        "workflow": ("str", "Path of the workflow file."),
        "ref": ("str", "Git ref of the build."),
        "trigger": ("str", "What started it."),
        "run": ("str", "The CI run, with its attempt."),
        "commit": ("str", "The commit that the build claims."),
        "evidence": ("list[str]", _EVIDENCE),
    },
}
"""Columns of the frames that follow from the judgement, the graph and the log: type and meaning."""


def described(name: str) -> dict[str, tuple[str, str]]:
    """Return type and meaning of each column of the frame *name*. Raises UsageError, naming those there are."""
    if name in JUDGED:
        return JUDGED[name]
    if name not in SCHEMAS:
        from forensics.model.errors import UsageError

        raise UsageError(f"There is no frame {name!r}.", meaning="", advice=f"There are {', '.join(ABOUT)}.")
    return {column: (kind, MEANINGS.get(name, {}).get(column, "")) for column, kind in SCHEMAS[name].items()}


def docstring(name: str) -> str:
    """Return what a person reads about the frame *name*: its rows, then one line for each column."""
    lines = [f"{column} ({kind}): {meaning}" for column, (kind, meaning) in described(name).items()]
    return "\n".join([ABOUT[name], "", *lines])


def columns(name: str) -> pl.DataFrame:
    """Return the columns of the frame *name* as a frame: column, type, meaning. Raises UsageError."""
    rows = [(column, kind, meaning) for column, (kind, meaning) in described(name).items()]
    return frame_of(rows, {"column": "str", "type": "str", "meaning": "str"})


def judged_frame(name: str, rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Return *rows* as the frame *name* of JUDGED."""
    return frame_of(rows, {column: kind for column, (kind, _) in JUDGED[name].items()})
