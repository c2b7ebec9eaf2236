"""Signed notes: a text and the signatures under it.

Source: C2SP signed-note. A note is a text that ends in a newline, an empty line, and one or more lines
`— <key name> base64(<4-byte key hint> || <signature>)`, each ending in a newline; the dash is U+2014.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from forensics.model.errors import HostileInput, MalformedEvidence
from forensics.transparency.keys import PublicKey

MAX_NOTE_SIZE = 1 << 20
MAX_SIGNATURES = 100  # the specification asks readers to bear 16 and lets them refuse more
_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: the name of the key, the first four bytes of its id, and the signature."""

    name: str
    hint: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """The signed text, up to and with its last newline, and its signatures in the order of the note."""

    text: str
    signatures: tuple[NoteSignature, ...]


def parse_note(raw: str) -> Note:
    """Return the note written as *raw*.

    Raises MalformedEvidence for anything the specification does not allow, HostileInput for a note of more than
    1 MiB or 100 signatures. Source: C2SP signed-note, "Format".
    """
    if len(raw) > MAX_NOTE_SIZE:
        raise HostileInput(f"a note of {len(raw)} characters; the limit is {MAX_NOTE_SIZE}")
    if _CONTROL.search(raw):
        raise MalformedEvidence("a note with control characters")
    # The last empty line parts text and signatures: a text may hold empty lines, the signatures never do.
    text, separator, block = raw.rpartition("\n\n")
    if not separator or not text:
        raise MalformedEvidence("a note without an empty line between its text and its signatures")
    if not block.endswith("\n"):
        raise MalformedEvidence("a note without a signature line that ends in a newline")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise HostileInput(f"a note with {len(lines)} signatures; the limit is {MAX_SIGNATURES}")
    return Note(text + "\n", tuple(_signature(line) for line in lines))


def note_text(note: Note) -> str:
    """Return *note* as it is written: what `parse_note` reads it from. Source: C2SP signed-note."""
    lines = (f"— {one.name} {base64.b64encode(one.hint + one.signature).decode()}\n" for one in note.signatures)
    return f"{note.text}\n{''.join(lines)}"


def signers(note: Note, keys: Iterable[PublicKey]) -> list[PublicKey]:
    """Return those of *keys* that signed *note*: the hint is the key's and the signature verifies.

    A line with a known hint and a wrong signature does not count. Names are the caller's to compare.
    Source: C2SP signed-note, "Verifying".
    """
    message = note.text.encode()
    found = []
    for key in keys:
        lines = [line for line in note.signatures if line.hint in (key.key_id[:4], key.sha256[:4])]
        if any(key.verifies(line.signature, message) for line in lines):
            found.append(key)
    return found


def _signature(line: str) -> NoteSignature:
    if not line.startswith(_DASH):
        raise MalformedEvidence("a signature line that does not begin with an em dash and a space")
    name, separator, encoded = line[len(_DASH) :].partition(" ")
    if not separator or not name or "+" in name or name.split() != [name]:
        raise MalformedEvidence("a signature line without a valid key name")
    try:
        value = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedEvidence("a signature line that is not base64") from error
    if len(value) < 5:  # four bytes of hint and at least one of signature
        raise MalformedEvidence("a signature line that is too short")
    return NoteSignature(name, value[:4], value[4:])
