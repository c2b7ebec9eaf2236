"""rekor-monitor's files: the identities it found, the checkpoints it saw, how far it had come.

Source: sigstore/rekor-monitor pkg/identity (LogEntry) and pkg/util/file. Each function is from text to values or back;
reading files is the caller's. Lines of output are written too; the files in which it keeps how far it came are its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from forensics.model.claims import CLAIMS
from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency.checkpoint import Checkpoint, parse_checkpoint
from forensics.transparency.matching import Match
from forensics.transparency.monitor import MonitoredValue

MAX_LINE = 1 << 20

_OIDS = {claim.field: claim.oid for claim in CLAIMS}
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


@dataclass(frozen=True, slots=True)
class FoundIdentity:
    """One line of output: an entry that matched. Texts are empty where the match is of another kind.

    *matched* is the monitored value in the form that rekor-monitor gives it; None for lines of the text form.
    """

    index: int
    uuid: str = ""
    cert_subject: str = ""
    issuer: str = ""
    fingerprint: str = ""
    subject: str = ""
    oid: str = ""
    extension_value: str = ""
    matched: dict[str, Any] | None = None


def found_identity(match: Match, value: MonitoredValue, index: int, uuid: str = "") -> FoundIdentity:
    """Return the line for *match* of the monitored *value* in the entry at the (global) *index*."""
    matched = dict(sorted({"type": value.type, **dict(value.content)}.items()))
    if value.type == "certIdentity":
        return FoundIdentity(index, uuid, match.subject or "", match.issuer or "", matched=matched)
    if value.type == "fingerprint":
        return FoundIdentity(index, uuid, fingerprint=match.value, matched=matched)
    if value.type == "subject":
        return FoundIdentity(index, uuid, subject=match.value, matched=matched)
    oid = _OIDS.get(match.what, match.what)
    return FoundIdentity(index, uuid, oid=oid, extension_value=match.value, matched=matched)


def text_line(found: FoundIdentity) -> str:
    """Return the line of the text form, without its newline: what there is, parted by spaces, in a fixed order."""
    parts = (found.cert_subject, found.issuer, found.fingerprint, found.subject, str(found.index), found.uuid,
             found.oid, found.extension_value)  # fmt: skip
    return " ".join(part.replace("\n", "\\n") for part in parts if part.strip())


def json_line(found: FoundIdentity) -> str:
    """Return the line of the JSON form, without its newline, as Go writes it."""
    value = {
        "MatchedIdentity": found.matched,
        "CertSubject": found.cert_subject,
        "Issuer": found.issuer,
        "Fingerprint": found.fingerprint,
        "Subject": found.subject,
        "Index": found.index,
        "UUID": found.uuid,
        "OIDExtension": [int(arc) for arc in found.oid.split(".")] if found.oid else None,
        "ExtensionValue": found.extension_value,
    }
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)


def parse_line(line: str) -> FoundIdentity:
    """Return what a line of either form says; of the text form only what can be told apart for certain.

    In the text form nothing says which kind of match a line is, and values may hold spaces: the index, the UUID and the
    object identifier are recognised, and a name before them is kept as the certificate's subject or the fingerprint.
    Raises MalformedEvidence for a line of neither form, HostileInput for one of more than 1 MiB.
    """
    if len(line) > MAX_LINE:
        raise HostileInput(f"a line of {len(line)} characters; the limit is {MAX_LINE}")
    return _parse_json(line) if line.startswith("{") else _parse_text(line)


def read_checkpoints(text: str) -> list[str]:
    """Return the checkpoints of a log info file, oldest first: each line is one, its newlines written as `\\n`.

    They are signed notes for Rekor v1, bare bodies for v2: `last_checkpoint` tells them apart. Source: pkg/util/file.
    """
    return [line.replace("\\n", "\n") for line in text.splitlines() if line.strip()]


def last_checkpoint(text: str) -> Checkpoint | tuple[str, int, bytes] | None:
    """Return the last checkpoint of a log info file: parsed where it is signed, else (origin, size, root).

    None for an empty file. Neither was verified. Raises MalformedEvidence for a last line that is no checkpoint,
    HostileInput for an oversized one.
    """
    lines = read_checkpoints(text)
    if not lines:
        return None
    if "\n\n" in lines[-1]:
        return parse_checkpoint(lines[-1])
    # The body alone: signed by nobody, so any line of a signature will do to have it read by the same rules.
    bare = parse_checkpoint(lines[-1].rstrip("\n") + "\n\n— unsigned AAAAAAAA\n")
    return bare.origin, bare.size, bare.root


def read_metadata(text: str) -> int:
    """Return the index up to which identities were searched, from an identity metadata file: `{"latestIndex": N}`.

    It is the end of the last search that was finished, and the next one began with it. Raises MalformedEvidence.
    Source: pkg/util/file (WriteMatchedIdentityEntries), cmd/common.go (LoopLogs).
    """
    try:
        latest = json.loads(text)["latestIndex"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedEvidence("identity metadata that cannot be read") from error
    if type(latest) is not int or latest < 0:
        raise MalformedEvidence("identity metadata whose index is none")
    return latest


def _parse_json(line: str) -> FoundIdentity:
    try:
        value = json.loads(line)
        texts = [value.get(name, "") for name in _TEXTS]
        oid = ".".join(map(str, value.get("OIDExtension") or []))
        index, matched = value["Index"], value.get("MatchedIdentity")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedEvidence("a line of output that cannot be read") from error
    if type(index) is not int or not all(isinstance(text, str) for text in texts):
        raise MalformedEvidence("a line of output with values of the wrong type")
    uuid, cert_subject, issuer, fingerprint, subject, extension_value = texts
    known = matched if isinstance(matched, dict) else None
    return FoundIdentity(index, uuid, cert_subject, issuer, fingerprint, subject, oid, extension_value, known)


_TEXTS = ("UUID", "CertSubject", "Issuer", "Fingerprint", "Subject", "ExtensionValue")


def _parse_text(line: str) -> FoundIdentity:
    words = line.split(" ")
    places = [place for place, word in enumerate(words) if word.isascii() and word.isdigit() and len(word) < 20]
    if not places:
        raise MalformedEvidence("a line of output without an index")
    place = places[0] if places[0] == 0 else places[-1]
    before, after = words[:place], words[place + 1 :]
    uuid = after.pop(0) if after and len(after[0]) in (64, 80) and "." not in after[0] else ""
    oid = after.pop(0) if after and after[0].replace(".", "").isdigit() and "." in after[0] else ""
    subject = before[0] if len(before) == 2 else " ".join(before)
    issuer = before[1] if len(before) == 2 else ""
    return FoundIdentity(int(words[place]), uuid, subject, issuer, oid=oid, extension_value=" ".join(after))
