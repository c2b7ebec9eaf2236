"""Read an artifact: every member's size and digests, when it can run, and what is odd. Nothing is unpacked to disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from forensics.compare.archive_entry import LIMITS, ArchiveLimits, Entry, Notes, Unreadable, check_name
from forensics.compare.archive_metadata import check_record, commands_of, dependencies_of, hooks_of, layout_of
from forensics.compare.archive_runs import runs_of
from forensics.compare.archive_tar import read_tar
from forensics.compare.archive_zip import read_zip
from forensics.compare.javascript_reach import read_script
from forensics.compare.python_reach import MAX_SOURCE, CodeFacts, read_code, read_pth
from forensics.model.contents import Contents, Member, Runs
from forensics.model.errors import HostileInput, MalformedEvidence

_ZIP, _GZIP, _BZIP = (".whl", ".zip", ".egg"), (".tar.gz", ".tgz"), (".tar.bz2", ".tbz2")
_METADATA = frozenset({"METADATA", "RECORD", "PKG-INFO", "pyproject.toml", "package.json", "entry_points.txt"})
_PROGRAM = (b"\x7fELF", b"MZ", b"#!", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_SCRIPTS = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx")
_TYPES = (".d.ts", ".d.mts", ".d.cts")
_READERS: dict[str, Callable[[bytes], CodeFacts | None]] = {
    "python": read_code,
    "pth": read_pth,
    "script": read_script,
}
_REMEMBERED = 20_000
_remembered: dict[tuple[str, str], CodeFacts | None] = {}
"""What files could touch, by kind and SHA-256, in this process: releases of a project share most of their files."""


@dataclass(slots=True)
class _Reading:
    """What one pass over an archive gathers."""

    members: dict[str, Member] = field(default_factory=dict)
    code: dict[str, CodeFacts | None] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    programs: list[str] = field(default_factory=list)


def read_contents(data: bytes, filename: str, limits: ArchiveLimits = LIMITS) -> Contents:
    """Return the contents of the archive *data*; its kind is told by *filename*.

    Raises MalformedEvidence for what cannot be read, or is of a kind that is not; HostileInput beyond a limit.
    """
    notes = Notes(limits, len(data))
    reading = _Reading()
    for path, entry in _files(data, filename, notes):
        if path in reading.members:
            notes.add("the same name twice; the last one is installed", path)
        _take(reading, path, entry, notes)
    if not reading.members:
        notes.add("the archive holds no file")
    _note_collisions(reading.members, notes)
    kind = _kind(filename)
    root = _root(reading.members) if kind in {"sdist", "npm"} else ""
    texts = {path[len(root) :]: text for path, text in reading.texts.items()}
    if kind == "wheel":
        check_record(texts, reading.members, notes)
    code = {path[len(root) :]: facts for path, facts in reading.code.items()}
    runs = runs_of(code, layout_of(kind, texts), [path[len(root) :] for path in reading.programs])
    for path, facts in reading.code.items():
        if facts and facts.problem and runs[path[len(root) :]] not in {Runs.NEVER, Runs.CALLED}:
            notes.add(f"{facts.problem}, though it runs {runs[path[len(root) :]].value}", path)
    return Contents(
        members=tuple(_final(m, runs[p[len(root) :]], reading.code[p]) for p, m in sorted(reading.members.items())),
        problems=notes.lines(),
        dependencies=dependencies_of(kind, texts),
        hooks=hooks_of(kind, texts, code),
        commands=commands_of(kind, texts),
        root=root,
    )


def read_texts(
    data: bytes, filename: str, wanted: Callable[[str], bool], limit: int, limits: ArchiveLimits = LIMITS
) -> dict[str, bytes]:
    """Return the bytes of members whose path is *wanted* and whose size is at most *limit*. Raises as `read_contents`.

    At most `limits.kept` bytes in all.
    """
    notes = Notes(limits, len(data))
    found: dict[str, bytes] = {}
    total = 0
    for path, entry in _files(data, filename, notes):
        if entry.unreadable or entry.size > limit or total + entry.size > limits.kept or not wanted(path):
            continue
        try:
            found[path] = b"".join(entry.chunks)
        except Unreadable:
            continue
        total += len(found[path])
    return found


def _files(data: bytes, filename: str, notes: Notes) -> Iterator[tuple[str, Entry]]:
    """Yield the regular files with the path that each stands for; everything else is noted."""
    if len(data) > notes.limits.packed:
        raise HostileInput(f"The archive is larger than {notes.limits.packed:,} bytes.")
    for entry in _entries(data, filename, notes):
        path = check_name(entry.name, notes)
        if entry.kind == "link":
            notes.add("link", entry.name)
        elif entry.kind == "device":
            notes.add("device or other special file", entry.name)
        elif entry.kind == "file" and path is None:
            notes.add("file without a name", entry.name)
        elif entry.kind == "file" and path is not None:
            yield path, entry


def _entries(data: bytes, filename: str, notes: Notes) -> Iterator[Entry]:
    name = filename.lower()
    if name.endswith(_ZIP):
        return read_zip(data, notes)
    if name.endswith(_GZIP):
        return read_tar(data, notes)
    if name.endswith(_BZIP):
        return read_tar(data, notes, bzip=True)
    raise MalformedEvidence(
        f"Files such as {filename[-40:]!r} are not read: only wheels, eggs, zip and tar archives are."
    )


def _take(reading: _Reading, path: str, entry: Entry, notes: Notes) -> None:
    """Read one file: digests always, its text where it is code or metadata."""
    name = path.rpartition("/")[2]
    sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % entry.size, usedforsecurity=False)
    kept: list[bytes] | None = [] if entry.size <= notes.limits.kept else None
    head, size = b"", 0
    try:
        if entry.unreadable:
            raise Unreadable(entry.unreadable)
        for chunk in entry.chunks:
            head = head or chunk[:8]
            size += len(chunk)
            sha256.update(chunk)
            blob.update(chunk)
            if kept is not None and size <= notes.limits.kept:
                kept.append(chunk)
    except Unreadable as error:
        notes.add(f"a member that cannot be read, for {error}", path)
        reading.members[path] = Member(path, entry.size, "", "", Runs.NEVER)
        reading.code[path] = None
        return
    text = b"".join(kept) if kept is not None else None
    reading.members[path] = Member(
        path, size, sha256.hexdigest(), blob.hexdigest(), Runs.NEVER, (), _lf_blob(text, blob.hexdigest())
    )
    reading.code[path] = _facts(name, text, sha256.hexdigest())
    if head.startswith(_PROGRAM):
        reading.programs.append(path)
    if name in _METADATA and text is not None and path.count("/") <= 1:
        reading.texts[path] = text


def _lf_blob(text: bytes | None, blob: str) -> str | None:
    """Return the git blob id after CRLF became LF, where that is another one: git stores text so by default."""
    if text is None or b"\r\n" not in text or b"\0" in text[:8000]:
        return None
    plain = text.replace(b"\r\n", b"\n")
    changed = hashlib.sha1(b"blob %d\0" % len(plain) + plain, usedforsecurity=False).hexdigest()
    return changed if changed != blob else None


def _facts(name: str, text: bytes | None, sha256: str) -> CodeFacts | None:
    """Return what a file of this *name* could touch; None for what is no code. *text* is None where it is too large."""
    kind = _code_kind(name)
    if kind is None or (kind == "pth" and text is None):
        return None
    if text is None:
        larger = f"larger than {MAX_SOURCE:,} bytes" if kind == "python" else "larger than what is kept to be read"
        return CodeFacts(problem=larger)
    if (kind, sha256) in _remembered:
        return _remembered[kind, sha256]
    facts = _READERS[kind](text)
    if not (facts and facts.problem):  # a problem may be one of memory at that moment
        if len(_remembered) >= _REMEMBERED:
            _remembered.clear()
        _remembered[kind, sha256] = facts
    return facts


def _code_kind(name: str) -> str | None:
    if name.endswith((".py", ".pyw")):
        return "python"
    if name.endswith(".pth"):
        return "pth"
    return "script" if name.endswith(_SCRIPTS) and not name.endswith(_TYPES) else None


def _final(member: Member, runs: Runs, facts: CodeFacts | None) -> Member:
    return Member(
        member.path, member.size, member.sha256, member.blob, runs, facts.reaches if facts else (), member.lf_blob
    )


def _note_collisions(members: dict[str, Member], notes: Notes) -> None:
    """Note names that are one file where case or Unicode form does not count, and files that are also directories."""
    import unicodedata

    seen: dict[str, str] = {}
    for path in members:
        folded = unicodedata.normalize("NFKC", path).casefold() if not path.isascii() else path.lower()
        if folded in seen:
            notes.add("names that are the same where case does not count", path)
        seen[folded] = path
    for path in members:
        at = path.find("/")
        while at >= 0:
            if path[:at] in members:
                notes.add("name that is a file and a directory", path[:at])
            at = path.find("/", at + 1)


def _kind(filename: str) -> str:
    name = filename.lower()
    if name.endswith(".whl"):
        return "wheel"
    return "npm" if name.endswith(".tgz") else "egg" if name.endswith(".egg") else "sdist"


def _root(members: dict[str, Member]) -> str:
    """Return the one directory around everything, with its slash; empty when there is none."""
    tops = {path.partition("/")[0] for path in members}
    if len(tops) == 1 and all("/" in path for path in members):
        return f"{tops.pop()}/"
    return ""


def logical(path: str, root: str = "") -> str:
    """Return *path* in a form that does not change with the version: no root, no version in metadata directories."""
    inside = path[len(root) :] if root and path.startswith(root) else path
    return re.sub(r"^[^/][^/-]*-[^/]*(\.(?:dist-info|data)/)", r"*\1", inside)
