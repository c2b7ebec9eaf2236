"""Finding an identity in a log entry without reading the entry.

A text inside bytes that are base64-encoded shows up in one of three forms, by where it falls in the groups of three
bytes. Rekor v2 holds a certificate as base64 in JSON, so three searches of the raw entry tell whether a name can be in
it. Rekor v1 holds base64 of JSON of base64 of PEM; the outer two are undone, the third is searched as it is.

What is found is only a candidate: the entry is then read and compared. What is *not* found must be impossible, so a
form is used only in the parts that every way of writing it shares: no `+`, `/` or padding, for which the other alphabet
has other characters; and an entry with a backslash, which may spell any character differently, is always read.
Source: RFC 4648 sections 4 and 5, RFC 8259 section 7 (escapes).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass

from forensics.model.errors import EvidenceError
from forensics.transparency.encoding import decode_base64
from forensics.transparency.matching import Literal, Matcher, Sought, Text

MIN_FORM = 6
"""A form of fewer characters is found everywhere."""

_PLAIN = re.compile(rb"[A-Za-z0-9]+")
_BEGIN_PEM = 68  # characters of base64 that the two lines around a certificate take at least


@dataclass(frozen=True, slots=True)
class Needle:
    """What to search raw bytes for. *forms*: any of them in base64 of bytes that hold the text.

    *digest*: the hex digits, for v1, which writes digests so. *shortest*: how long a string of v1 must be to hold it.
    """

    forms: tuple[bytes, ...]
    digest: bytes | None
    shortest: int


def forms_of(piece: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return the three forms in which base64 shows *piece*, each cut to what every way of writing it shares.

    None where one of them would be too short to be worth searching for. Source: RFC 4648 section 4.
    """
    forms = [form for before in range(3) if (form := _form(piece, before)) is not None]
    return (forms[0], forms[1], forms[2]) if len(forms) == 3 else None


def needles_of(matcher: Matcher) -> tuple[Needle, ...] | None:
    """Return needles of which an entry that *matcher* matches must hold one; None where something has no literal."""
    needles: list[Needle] = []
    for sought in matcher.sought:
        of_one = _needles(sought)
        if of_one is None:
            return None
        needles += of_one
    return tuple(dict.fromkeys(needles))


class V1Search:
    """Tells which Rekor v1 entries (JSON) can hold what one of *needles* stands for, and must be read."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        needles = tuple(needles)
        texts = [needle for needle in needles if needle.digest is None]
        self._digests = [needle.digest for needle in needles if needle.digest is not None]
        self._forms = [form for needle in texts for form in needle.forms]
        self._shortest = min((needle.shortest for needle in texts), default=0)

    def candidate(self, body: bytes) -> bool:
        """Return whether the entry *body* must be read."""
        if b"\\" in body:
            return True
        if self._digests:
            lower = body.lower()
            if any(value in lower for value in self._digests):
                return True
        if self._forms:
            for text in body.split(b'"'):
                if len(text) >= self._shortest and _in_pem(text, self._forms):
                    return True
        return False


def _in_pem(text: bytes, forms: list[bytes]) -> bool:
    try:
        pem = decode_base64(text)
    except EvidenceError:
        return False  # nor could it be read
    flat = pem.replace(b"\n", b"")
    if flat.count(b" ") > 2 or b"\t" in flat or b"\r" in flat:
        flat = flat.translate(None, b" \t\r")
    return any(form in flat for form in forms)


def _needles(sought: Sought) -> list[Needle] | None:
    """The needles of which one must be found: the alternatives of the longest part that has only literals."""
    parts: list[list[Needle]] = []
    if sought.digest is not None:
        form = _form(bytes.fromhex(sought.digest), 0)
        if form is not None:
            parts.append([Needle((form,), sought.digest.encode(), 0)])
    texts: list[tuple[Text, ...]] = [texts for _, texts in sought.claims]
    texts += [tuple(Literal(value) for value in values) for _, values in sought.extensions]
    if sought.subject is not None:
        texts.insert(0, (sought.subject,))
    for alternatives in (*texts, sought.issuers):
        needles = [_of_text(text) for text in alternatives]
        known = [needle for needle in needles if needle is not None]
        if known and len(known) == len(needles):
            parts.append(known)
    return parts[0] if parts else None


def _of_text(text: Text) -> Needle | None:
    if not isinstance(text, Literal) or text.ignore_case:
        return None
    piece = text.text.encode("utf-8", "surrogatepass")
    forms = forms_of(piece)
    # A string that holds it: PEM around base64 of a certificate that is longer than the piece, in base64 again.
    return None if forms is None else Needle(forms, None, _BEGIN_PEM + len(piece) * 16 // 9)


def _form(piece: bytes, before: int) -> bytes | None:
    """What base64 makes of *piece* after *before* bytes of which nothing is known: its longest plain part."""
    encoded = base64.b64encode(bytes(before) + piece)
    first = (before * 8 + 5) // 6  # the first character that only the piece decides
    last = (before + len(piece)) * 8 // 6
    runs = _PLAIN.findall(encoded[first:last])
    longest = max(runs, key=len, default=b"")
    return longest if len(longest) >= MIN_FORM else None
