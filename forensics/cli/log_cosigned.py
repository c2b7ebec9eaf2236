"""What `log check` says of witnesses: whose lines stand under the checkpoints of a log, and what they are worth."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from forensics.sources.checkpoints_prove import Cosigned
    from forensics.transparency.cosignature import Cosignature, Witness


def cosigned_lines(cosigned: Sequence[Cosigned], witnesses: Iterable[Witness], listed: int) -> list[str]:
    """Return one line for each verified cosignature, the first *listed* of them, and each wrong one with its note.

    Lines of keys that nobody named are counted; a witness that was named and cosigned nothing is told.
    """
    from forensics.transparency.cosignature import Standing
    from forensics.transparency.note import note_text

    verified = [one for one in cosigned if one.line.standing is Standing.VERIFIED]
    lines = [f"  cosigned     {_of(one)} by {one.line.witness} at {one.line.time}" for one in verified[:listed]]
    if len(verified) > listed:
        lines.append(f"  cosigned     and {len(verified) - listed} times more, of smaller trees")
    unknown = Counter(_key(one.line) for one in cosigned if one.line.standing is Standing.UNKNOWN)
    lines += [
        f"  unknown      {name} signed under {count}; no --witness has this key" for name, count in unknown.items()
    ]
    heard = {(one.line.witness, one.line.hint) for one in cosigned}
    lines += [f"  no line      of {one.name} under any" for one in witnesses if (one.name, one.hint) not in heard]
    for one in cosigned:
        if one.line.standing is Standing.WRONG:
            lines.append(f"  WRONG COSIGNATURE  of {_of(one)} by {_key(one.line)}: {one.line.reason}")
            lines += [f"      {line}" for line in note_text(one.checkpoint.note).splitlines()]
    return lines


def cosigned_doc(one: Cosigned) -> dict[str, Any]:
    """Return a cosignature as it stands in the JSON; the note is added where the line is wrong."""
    from forensics.transparency.cosignature import Standing
    from forensics.transparency.note import note_text

    line = one.line
    plain: dict[str, Any] = {
        "size": one.checkpoint.size,
        "root": one.checkpoint.root.hex(),
        "witness": line.witness,
        "key_hash": line.hint.hex(),
        "standing": line.standing.value,
        "time": line.time.isoformat() if line.time else None,
    }
    if line.standing is Standing.WRONG:
        plain |= {"reason": line.reason, "note": note_text(one.checkpoint.note)}
    return plain


def _of(one: Cosigned) -> str:
    return f"{one.checkpoint.size} entries"


def _key(line: Cosignature) -> str:
    return f"{line.witness}+{line.hint.hex()}"
