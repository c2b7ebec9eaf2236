"""A case: one investigation's evidence, in a directory or zipped (RFC 8493 bag), hostile until checked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics._version import __version__
from forensics.evidence import bag
from forensics.evidence.durable import write_atomically
from forensics.evidence.imports import (
    FACTS,
    FOLDER,
    INDEX,
    MAX_INDEX_BYTES,
    Import,
    fact_line,
    index_line,
    read_facts,
    read_index,
    safe_import_name,
)
from forensics.evidence.manifest import digest_of, is_temporary, payload_digests, require_intact
from forensics.evidence.meta import MAX_BYTES, CaseMeta, closed, cut, dump_meta, load_meta, reopened
from forensics.evidence.store import DirectoryStore, Store, ensure_directory, open_store, require
from forensics.model.endpoints import Endpoints
from forensics.model.errors import CaseNotFound, DamagedCase, ForeignCase, ReadOnlyCase, UsageError
from forensics.model.observation import Observation
from forensics.model.project import Project
from forensics.model.times import to_iso

if TYPE_CHECKING:
    from forensics.evidence.archive import Archive

__all__ = ["Case", "CaseMeta", "Import"]

WARC = "data/http.warc.gz"
META = "data/case.json"
TRUST_ROOT = "data/trusted_root.json"
_MAX_TRUST_ROOT_BYTES = 16 * 2**20
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,120}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
Vouchers = Mapping[str, Callable[[bytes], bytes]]
"""By the name of the file, what makes it from the bytes of the manifest. See `bag.SIGNATURES`."""
_LIBRARIES = ("httpx", "httpx-aiohttp", "aiohttp", "sigstore", "pypi-attestations", "cryptography", "polars", "msgspec")


class Case:
    """An open case. `Case.create` makes one, `Case.open` opens a directory or a zip."""

    def __init__(self, store: Store, meta: CaseMeta, *, builtin: bool = False) -> None:
        self._store = store
        self._meta = meta
        self._builtin = builtin
        self.cut_bytes = 0
        """How many bytes of an unfinished exchange were cut off when this object opened the archive to append."""

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        project: Project,
        endpoints: Endpoints,
        trust_root: bytes,
        options: Mapping[str, Any] | None = None,
        reconstruction: str | None = None,
        now: datetime | None = None,
    ) -> Case:
        """Create a collecting case in the new directory *path*, dated *now* (UTC).

        Raises UsageError when something is there already, EvidenceError when the disk refuses.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise UsageError(f"{path} exists already.", advice="Name a directory that does not exist yet.")
        now = now or datetime.now(UTC)
        root = hashlib.sha256(trust_root).hexdigest()
        meta = CaseMeta(
            id=_case_id(project, now, root),
            project=str(project),
            created_at=now,
            tool=f"release-forensics {__version__}",
            libraries=_libraries(),
            endpoints=dict(endpoints.urls),
            trust_root_sha256=root,
            options=dict(options or {}),
            reconstruction=reconstruction,
        )
        data = _dumped(meta)
        for folder in ("files", "git", "imports", "tables"):
            ensure_directory(path / "data" / folder)
        write_atomically(path / TRUST_ROOT, trust_root)
        write_atomically(path / META, data)
        return cls(DirectoryStore(path), meta)

    @classmethod
    def open(cls, path: Path) -> Case:
        """Open the case at *path*, a directory or a zip, without verifying it.

        Raises CaseNotFound when nothing is there, ForeignCase when it is no case, DamagedCase for a broken one.
        """
        if not path.exists():
            raise CaseNotFound(f"There is no case at {path}.")
        store = open_store(path)
        data = store.read(META, MAX_BYTES)
        if data is None:
            raise ForeignCase(f"{path} holds no case.")
        from forensics.evidence.library import is_builtin

        return cls(store, load_meta(data), builtin=is_builtin(path))

    @property
    def path(self) -> Path:
        """Where the case lies: a directory or a zip."""
        return self._store.path

    @property
    def meta(self) -> CaseMeta:
        """What the case says about itself."""
        return self._meta

    @property
    def store(self) -> Store:
        """Read access to the files of the bag."""
        return self._store

    @property
    def writable(self) -> bool:
        """Whether it can be added to: a directory, not built in, not sealed."""
        return isinstance(self._store, DirectoryStore) and not self._builtin and self._meta.sealed_at is None

    def trust_root(self) -> bytes:
        """Return the `trusted_root.json` the case brings; a claim, until its digest is found among known ones.

        Raises DamagedCase when it is missing or not the one `case.json` names.
        """
        data = require(self._store, TRUST_ROOT, _MAX_TRUST_ROOT_BYTES)
        if hashlib.sha256(data).hexdigest() != self._meta.trust_root_sha256:
            raise DamagedCase("data/trusted_root.json is not the trust root that data/case.json names.")
        return data

    def archive(self) -> Archive:
        """Open the archive of exchanges: for appending while the case is collecting, else for reading. Close it."""
        from forensics.evidence.archive import Archive

        if self.writable and not self._meta.complete:
            archive = Archive.append_to(self.path / WARC, self._meta.created_at)
            self._note_cut(archive)
            return archive
        return self.reading_archive()

    def _note_cut(self, archive: Archive) -> None:
        if not archive.cut_bytes:
            return
        self.cut_bytes += archive.cut_bytes
        try:
            self._write_meta(cut(self._meta, archive.cut_bytes))
        except BaseException:
            archive.close()
            raise

    def reading_archive(self) -> Archive:
        """Open the archive of exchanges for reading, whatever the state of the case. Close it."""
        from forensics.evidence.archive import Archive

        window = self._store.window(WARC)
        if window is None:
            return Archive.of_bytes(self._store.read(WARC) or b"")
        return Archive.reading(*window, torn_ok=not self._meta.complete)

    def observations(self) -> list[Observation]:
        """Return every observation: exchanges in order, then imports, then facts."""
        with self.reading_archive() as archive:
            exchanges = archive.observations()
        return exchanges + [one.observation for one in self.imports()]

    def imports(self) -> list[Import]:
        """Return what was added by hand: files in order, then facts."""
        index = self._store.read(INDEX, MAX_INDEX_BYTES) or b""
        facts = self._store.read(FACTS, MAX_INDEX_BYTES) or b""
        return read_index(index, lambda name: require(self._store, FOLDER + name)) + read_facts(facts)

    def add_import(self, name: str, data: bytes, *, kind: str, source: str, now: datetime | None = None) -> Import:
        """Keep a file that the responder brings, with its kind and source; a complete case gets a new manifest.

        The same content is kept once; another content of the same name gets a name of its own. Raises ReadOnlyCase
        for a sealed, zipped or built-in case.
        """
        self._require_writable()
        digest = hashlib.sha256(data).hexdigest()
        known = [one for one in self.imports() if one.kind != "fact"]
        name = safe_import_name(name)
        for one in known:
            if (one.kind, one.source, one.observation.sha256) == (kind, source, digest):
                return one
        taken = {one.name for one in known} | {file.removeprefix(FOLDER) for file in self._store.names()}
        if name in taken and self._store.read(FOLDER + name) != data:
            name = f"{digest[:12]}-{name}"
        write_atomically(self.path / FOLDER / name, data)
        line = index_line(name, kind, source, now or datetime.now(UTC), data)
        write_atomically(self.path / INDEX, (self._store.read(INDEX, MAX_INDEX_BYTES) or b"") + line)
        self._reseal()
        return next(one for one in reversed(self.imports()) if one.name == name)

    def add_fact(self, fact: Mapping[str, Any], *, source: str, now: datetime | None = None) -> Import:
        """Keep one fact that the responder states, with its source. Raises ReadOnlyCase as `add_import` does."""
        self._require_writable()
        lines = self._store.read(FACTS, MAX_INDEX_BYTES) or b""
        line = fact_line(len(read_facts(lines)) + 1, fact, source, now or datetime.now(UTC))
        write_atomically(self.path / FACTS, lines + line)
        self._reseal()
        return self.imports()[-1]

    def save_file(self, sha256: str, data: bytes) -> None:
        """Keep an artifact under its SHA-256 (hex); raises DamagedCase when *data* does not have it."""
        self._require_writable()
        if not _DIGEST.fullmatch(sha256) or hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedCase(f"A downloaded file does not have the SHA-256 {sha256[:80]!r} that it should have.")
        if not (self.path / "data/files" / sha256).exists():
            write_atomically(self.path / "data/files" / sha256, data)

    def file(self, sha256: str) -> bytes | None:
        """Return the artifact with this SHA-256 (hex), or None; raises DamagedCase when its bytes have another."""
        if not _DIGEST.fullmatch(sha256):
            return None
        data = self._store.read(f"data/files/{sha256}")
        if data is not None and hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedCase(f"data/files/{sha256} does not have the digest it is named after.")
        return data

    def bytes_of(self, observation: str) -> bytes:
        """Return the bytes of one observation or import, as they came. Raises UsageError for an id that is not here."""
        for item in self.imports():
            if item.observation.id == observation:
                return item.read()
        if observation not in {seen.id for seen in self.observations()}:
            raise UsageError(
                f"The case holds no observation {observation!r}.", advice="`forensics case show CASE` lists them."
            )
        with self.reading_archive() as archive:
            return archive.body(observation)

    def save_git(self, name: str, data: bytes) -> None:
        """Keep a git bundle as `data/git/<name>.bundle`."""
        self._require_writable()
        write_atomically(self.path / "data/git" / f"{_checked_name(name)}.bundle", data)

    def git_names(self) -> list[str]:
        """Return the names of the git bundles."""
        return self._named("data/git/", ".bundle")

    def git(self, name: str) -> bytes:
        """Return a git bundle; raises DamagedCase when it is missing, UsageError for what cannot be a file's name."""
        return require(self._store, f"data/git/{_checked_name(name)}.bundle")

    def write_tables(self, tables: Mapping[str, bytes]) -> None:
        """Replace the derived tables by *tables*, Parquet by name; a complete case gets a new manifest."""
        self._require_writable()
        for name, data in tables.items():
            write_atomically(self.path / "data/tables" / f"{_checked_name(name)}.parquet", data)
        for name in set(self.table_names()) - set(tables):
            (self.path / "data/tables" / f"{name}.parquet").unlink()
        self._reseal()

    def table_names(self) -> list[str]:
        """Return the names of the derived tables."""
        return self._named("data/tables/", ".parquet")

    def table(self, name: str) -> bytes:
        """Return a derived table as Parquet, which is a claim until recomputed. Raises as `git` does."""
        return require(self._store, f"data/tables/{_checked_name(name)}.parquet")

    def reopen_for_collection(self) -> None:
        """Make a complete case collecting again. Raises ReadOnlyCase for a sealed, zipped or built-in one."""
        self._require_writable()
        self._write_meta(reopened(self._meta))  # first, so that a kill leaves "not finished" and not "damaged"
        for name in reversed(bag.TAG_FILES):
            (self.path / name).unlink(missing_ok=True)

    def finish(self, problems: Sequence[str], now: datetime | None = None) -> None:
        """Close the collection at *now* (UTC) with what could not be asked, and write the bag.

        Close the archive first: what is appended afterwards would be damage.
        """
        self._require_writable()
        self.rebag(closed(self._meta, tuple(problems), now or datetime.now(UTC)))

    def rebag(self, meta: CaseMeta, vouchers: Vouchers | None = None) -> None:
        """Write the tag files for *meta* and then *meta* itself, so that a kill in between leaves it unfinished.

        *vouchers* make the files that vouch for the manifest, before anything is written: what they raise changes
        nothing.
        """
        self._require_writable()
        data = _dumped(meta)
        for name in self._store.names():
            if is_temporary(name):
                (self.path / name).unlink()
        payload = payload_digests(self._store)
        payload[META] = (hashlib.sha256(data).hexdigest(), len(data))
        manifest = bag.tag_files(meta, payload)[bag.MANIFEST]
        signatures = {name: make(manifest) for name, make in (vouchers or {}).items()}
        for name in bag.SIGNATURES:
            (self.path / name).unlink(missing_ok=True)
        for name, content in {**signatures, **bag.tag_files(meta, payload, signatures)}.items():
            write_atomically(self.path / name, content)
        write_atomically(self.path / META, data)
        self._meta = meta

    def digest(self, *, check: bool = False) -> str:
        """Return a SHA-256 (hex) that names the content: that of the manifest, or `fingerprint` while collecting.

        Without *check* it is what the manifest claims; with *check* every file is re-hashed first, and DamagedCase
        raised for a difference. Anything kept outside the case under this name should be kept with *check*.
        """
        if not self._meta.complete:
            return self.fingerprint()
        if check:
            require_intact(self.path)
        return hashlib.sha256(require(self._store, bag.MANIFEST)).hexdigest()

    def fingerprint(self) -> str:
        """Return a SHA-256 (hex) over names and sizes, `case.json` and the end of the archive: cheap, not proof."""
        machine = hashlib.sha256()
        for name in self._store.names():
            if name.startswith("data/") and not is_temporary(name):
                size = self._store.size(name)
                small = size is not None and size <= 2**20 and name != WARC
                machine.update(f"{name} {size} {digest_of(self._store, name)[0] if small else '-'}\n".encode())
        with self.reading_archive() as archive:
            last = archive.observations()[-1:]
        machine.update(last[0].id.encode() if last else b"-")
        return machine.hexdigest()

    def _require_writable(self) -> None:
        if self.writable:
            return
        why = "is sealed" if self._meta.sealed_at else "is built in" if self._builtin else "is zipped"
        advice = "Start a new case." if self._meta.sealed_at else "Import it into a directory first: case import."
        raise ReadOnlyCase(f"The case {self.path} {why} and cannot be changed.", advice=advice)

    def _write_meta(self, meta: CaseMeta) -> None:
        write_atomically(self.path / META, _dumped(meta))
        self._meta = meta

    def _reseal(self) -> None:
        if self._meta.complete:
            self.rebag(self._meta)

    def _named(self, folder: str, suffix: str) -> list[str]:
        names = (name.removeprefix(folder) for name in self._store.names() if name.startswith(folder))
        return [name.removesuffix(suffix) for name in names if name.endswith(suffix) and "/" not in name]


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or ".." in name:
        raise UsageError(f"{name[:80]!r} cannot be the name of a file in a case.")
    return name


def _dumped(meta: CaseMeta) -> bytes:
    try:
        data = dump_meta(meta)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"The options of a case must be plain JSON: {error}.") from None
    if load_meta(data) != replace(meta, options=load_meta(data).options):
        raise UsageError("The case cannot be described: a field has a value that does not survive writing.")
    return data


def _case_id(project: Project, now: datetime, root: str) -> str:
    # Nothing of the responder goes into it: the id survives redaction.
    text = "\n".join((str(project), to_iso(now), root))
    name = re.sub(r"[^A-Za-z0-9]+", "-", str(project)).strip("-")[:80]
    return f"{name}-{now:%Y%m%dT%H%M%SZ}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _libraries() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
