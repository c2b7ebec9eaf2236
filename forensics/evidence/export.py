"""Handing a case over: out as one reproducible zip, in again with suspicion."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from forensics.evidence import bag
from forensics.evidence.case import META, Case
from forensics.evidence.durable import sync_directory
from forensics.evidence.imports import FOLDER
from forensics.evidence.manifest import digest_of, is_temporary
from forensics.evidence.meta import MAX_BYTES, CaseMeta, dump_meta, load_meta
from forensics.evidence.store import MAX_FILES, ZIP_ERRORS, ZipStore
from forensics.model.errors import DamagedCase, EvidenceError, ForeignCase, HostileInput, UsageError

MAX_TOTAL_BYTES = 32 * 2**30
"""Largest case, in bytes, that is imported."""
MAX_RATIO = 200
"""Largest ratio of unpacked to packed bytes of a file in a zip, beyond `_FREE_BYTES`."""
_FREE_BYTES = 2**20
_CHUNK = 2**20
# The zip format knows no time zone and no time before 1980; one fixed time makes two exports the same bytes.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_ALREADY_PACKED = (".gz", ".bundle", ".parquet", ".whl", ".zip")


def export_case(case: Case, target: Path, *, redact: bool = False) -> None:
    """Write *case* to the zip *target*, the same bytes every time.

    With *redact*, imports, options and local paths of the responder are left out, the tables that rest on them too,
    and the copy says so. Raises UsageError when the case is still collecting, EvidenceError when the disk refuses.
    """
    if not case.meta.complete:
        raise UsageError(f"The case {case.path} is not finished.", advice="Finish the collection, or seal it first.")
    meta = _redacted(case.meta) if redact else case.meta
    name = ""
    try:
        handle, name = tempfile.mkstemp(dir=target.absolute().parent, prefix=".new-", suffix=".zip")
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for path, content in _contents(case, meta, redact=redact):
                    _add(archive, f"{meta.id}/{path}", content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
        sync_directory(target.absolute().parent)
    except OSError as error:
        raise EvidenceError(
            f"{target} could not be written: {error.strerror}.",
            meaning="The case is as it was; nothing was written to that place.",
            advice="Name a file in a folder that is there and can be written to.",
        ) from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


def _redacted(meta: CaseMeta) -> CaseMeta:
    # A sealed case is sealed by its digest; the redacted copy has another, and must not claim the old seal.
    problems = tuple(_without_paths(one) for one in meta.problems)
    return replace(meta, options={}, problems=problems, redacted=True, sealed_at=None, sealed_with=())


def _without_paths(text: str) -> str:
    import re

    return re.sub(r"(?<![\w:/])(?:~|[A-Za-z]:)?[/\\](?:[^\s/\\'\"]+[/\\])+[^\s'\",;]*", "(local path)", text)


def _contents(case: Case, meta: CaseMeta, *, redact: bool) -> Iterator[tuple[str, bytes | tuple[Case, str]]]:
    """Yield every file of the exported bag in order: its path, and its bytes or where they are read."""
    names = [name for name in case.store.names() if name.startswith("data/") and not is_temporary(name)]
    if not redact:
        tags = [name for name in case.store.names() if name in {*bag.TAG_FILES, *bag.SIGNATURES}]
        for name in sorted(names + tags):
            yield name, (case, name)
        return
    names = [name for name in names if not name.startswith((FOLDER, "data/tables/"))]
    described = dump_meta(meta)
    payload = {name: digest_of(case.store, name) for name in names if name != META}
    payload[META] = (bag.sha256(described), len(described))
    for name, content in sorted(bag.tag_files(meta, payload).items()):
        yield name, content
    for name in sorted(names):
        yield name, described if name == META else (case, name)


def _add(archive: zipfile.ZipFile, name: str, content: bytes | tuple[Case, str]) -> None:
    info = zipfile.ZipInfo(name, _ZIP_TIME)
    info.create_system = 3
    info.external_attr = 0o100600 << 16
    info.compress_type = zipfile.ZIP_STORED if name.endswith(_ALREADY_PACKED) else zipfile.ZIP_DEFLATED
    if isinstance(content, bytes):
        archive.writestr(info, content)
        return
    case, path = content
    window = case.store.window(path)
    if window is None:
        archive.writestr(info, case.store.read(path) or b"")
        return
    descriptor, offset, info.file_size = window
    try:
        with archive.open(info, "w") as out:
            for start in range(0, info.file_size, _CHUNK):
                out.write(os.pread(descriptor, min(_CHUNK, info.file_size - start), offset + start))
    finally:
        os.close(descriptor)


def import_case(archive: Path, into: Path) -> Case:
    """Unpack the zipped case *archive* into the new directory *into* and open it; on failure nothing is left there.

    The bytes are not verified: `verify_bag` does that. Raises ForeignCase for a zip that holds no case or names outside
    it, DamagedCase for one that cannot be read, HostileInput beyond a limit, UsageError when *into* exists,
    EvidenceError when it cannot be written.
    """
    if into.exists():
        raise UsageError(f"{into} exists already.", advice="Name a directory that does not exist yet.")
    store = ZipStore(archive)
    _check(store)
    load_meta(store.read(META, MAX_BYTES) or b"")
    parent = into.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=parent, prefix=".import-"))
    try:
        _unpack(store, work)
        work.replace(into)
        sync_directory(parent)
    except OSError as error:
        raise EvidenceError(f"{into} could not be written: {error.strerror}.") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Case.open(into)


def _check(store: ZipStore) -> None:
    """Judge the members before anything is unpacked; the sizes they declare are enforced while unpacking."""
    members = store.members
    if len(members) > MAX_FILES:
        raise HostileInput(f"{store.path.name} holds more than {MAX_FILES:,} files.")
    if sum(info.file_size for info in members.values()) > MAX_TOTAL_BYTES:
        raise HostileInput(f"{store.path.name} unpacks to more than {MAX_TOTAL_BYTES:,} bytes.")
    folded: set[str] = set()
    for name, info in members.items():
        kind = (info.external_attr >> 16) & 0o170000
        if kind not in {0, 0o100000}:
            raise ForeignCase(f"{name!r} in {store.path.name} is a link or a special file.")
        if info.flag_bits & 1:
            raise ForeignCase(f"{name!r} in {store.path.name} is encrypted.")
        if info.file_size > _FREE_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise HostileInput(f"{name!r} in {store.path.name} unpacks to more than {MAX_RATIO} times its size.")
        if name.casefold() in folded:
            raise ForeignCase(f"{name!r} in {store.path.name} is there twice, in upper and lower case.")
        folded.add(name.casefold())
    for name in members:
        if any(name.startswith(f"{other}/") for other in _parents(name) & set(members)):
            raise ForeignCase(f"{name!r} in {store.path.name} lies inside a file.")


def _parents(name: str) -> set[str]:
    parts = name.split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts))}


def _unpack(store: ZipStore, work: Path) -> None:
    with zipfile.ZipFile(store.path) as archive:
        for name, info in store.members.items():
            target = work / name
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                with archive.open(info) as packed, target.open("xb") as file:
                    _copy(packed, file, info.file_size, name)
            except ZIP_ERRORS as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise  # the disk's, not the zip's
                raise DamagedCase(f"{name} in {store.path.name} cannot be read: {error}.") from None
    for folder in ("files", "git", "imports", "tables"):
        (work / "data" / folder).mkdir(exist_ok=True, mode=0o700)


def _copy(packed: IO[bytes], file: IO[bytes], size: int, name: str) -> None:
    left = size
    while piece := packed.read(_CHUNK):
        left -= len(piece)
        if left < 0:
            raise HostileInput(f"{name!r} unpacks to more than it declares.")
        file.write(piece)
    file.flush()
    os.fsync(file.fileno())
