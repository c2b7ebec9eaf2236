"""Where the bytes of a case lie: a directory, or the same thing zipped, read in place."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Protocol

from forensics.model.errors import DamagedCase, EvidenceError, ForeignCase, HostileInput

MAX_FILES = 200_000
"""Most files in a case."""
MAX_FILE_BYTES = 2 * 2**30
"""Largest file of a case that is read into memory, in bytes."""
ZIP_ERRORS = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    IndexError,
    OverflowError,
)
"""What zipfile raises for archives that are broken, encrypted or packed in a way it does not know."""
_LOCAL_HEADER = struct.Struct("<4s2B4HL2L2H")


class Store(Protocol):
    """Read access to the files of a case, by their path in the bag (`data/case.json`)."""

    path: Path

    def read(self, name: str, limit: int = MAX_FILE_BYTES) -> bytes | None:
        """Return the content of a file, None when there is none.

        Raises HostileInput beyond *limit* bytes, ForeignCase for a link or what is no name, DamagedCase for a member
        of a zip that cannot be read.
        """

    def names(self) -> list[str]:
        """Return the path of every file, sorted."""

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, None when there is none."""

    def window(self, name: str) -> tuple[int, int, int] | None:
        """Return an open descriptor, and offset and length (bytes) of a file in it, when it lies there as it is.

        Who called closes the descriptor. Raises DamagedCase when the file lies outside of the archive.
        """


def open_store(path: Path) -> Store:
    """Return the store at *path*; raises ForeignCase when it is neither a directory nor a zip with a case inside."""
    if path.is_dir():
        return DirectoryStore(path)
    return ZipStore(path)


class DirectoryStore:
    """A case in a directory. Links are not followed: they would let a case name files of the reader."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _open(self, name: str) -> int | None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        *directories, last = PurePosixPath(name).parts
        try:
            for part in directories:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            file = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=descriptor)
        except (FileNotFoundError, NotADirectoryError):
            if self._is_link(name):
                raise ForeignCase(f"The case has a link in {name!r} where a file belongs.") from None
            return None
        except (OSError, ValueError) as error:
            what = "is a link or cannot be opened" if isinstance(error, OSError) else "is not a name"
            raise ForeignCase(f"{name!r} in the case {what}.") from None
        finally:
            os.close(descriptor)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise ForeignCase(f"{name!r} in the case is not a regular file.")
        return file

    def _is_link(self, name: str) -> bool:
        here = self.path
        for part in PurePosixPath(name).parts:
            here = here / part
            if here.is_symlink():
                return True
        return False

    def read(self, name: str, limit: int = MAX_FILE_BYTES) -> bytes | None:
        """See `Store`."""
        descriptor = self._open(name)
        if descriptor is None:
            return None
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise HostileInput(f"{name!r} in the case is larger than {limit:,} bytes.")
        return data

    def names(self) -> list[str]:
        """See `Store`. Raises ForeignCase for links and special files, HostileInput for too many files."""
        found: list[str] = []
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            with os.scandir(self.path / folder) as entries:
                for entry in entries:
                    name = f"{folder}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name + "/")
                    elif entry.is_file(follow_symlinks=False):
                        found.append(name)
                    else:
                        raise ForeignCase(f"{name!r} in the case is a link or a special file.")
            if len(found) + len(waiting) > MAX_FILES:
                raise HostileInput(f"The case holds more than {MAX_FILES:,} files.")
        return sorted(found)

    def size(self, name: str) -> int | None:
        """See `Store`."""
        descriptor = self._open(name)
        if descriptor is None:
            return None
        try:
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def window(self, name: str) -> tuple[int, int, int] | None:
        """See `Store`."""
        descriptor = self._open(name)
        return None if descriptor is None else (descriptor, 0, os.fstat(descriptor).st_size)


class ZipStore:
    """A case in a zip, read in place. Its members lie in one top-level folder, or in none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.members = self._listed()

    def _listed(self) -> dict[str, zipfile.ZipInfo]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                infos = archive.infolist()
        except ZIP_ERRORS as error:
            raise ForeignCase(f"{self.path} is neither a case directory nor a zipped case: {error}.") from None
        if len(infos) > MAX_FILES:
            raise HostileInput(f"{self.path} holds more than {MAX_FILES:,} files.")
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            # zipfile cuts names at a null byte and turns separators; the name as written is the one to judge.
            if not safe_name(info.orig_filename):
                raise ForeignCase(f"{self.path} holds {info.filename[:120]!r}, which is no name inside a case.")
            if info.filename in members:
                raise ForeignCase(f"{self.path} holds {info.filename[:120]!r} twice.")
            members[info.filename] = info
        prefix = _prefix(list(members))
        files = {name.removeprefix(prefix): info for name, info in members.items() if not info.is_dir()}
        if "data/case.json" not in files:
            raise ForeignCase(f"{self.path} is a zip without a case in it.")
        return files

    def read(self, name: str, limit: int = MAX_FILE_BYTES) -> bytes | None:
        """See `Store`."""
        info = self.members.get(name)
        if info is None:
            return None
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(info) as file:
                data = file.read(limit + 1)
        except ZIP_ERRORS as error:
            raise DamagedCase(f"{name} in {self.path.name} cannot be read: {error}.") from None
        if len(data) > limit:
            raise HostileInput(f"{name!r} in the case is larger than {limit:,} bytes.")
        return data

    def names(self) -> list[str]:
        """See `Store`."""
        return sorted(self.members)

    def size(self, name: str) -> int | None:
        """See `Store`."""
        info = self.members.get(name)
        return None if info is None else info.file_size

    def window(self, name: str) -> tuple[int, int, int] | None:
        """See `Store`: only for a member that is stored, not compressed."""
        info = self.members.get(name)
        if info is None or info.compress_type != zipfile.ZIP_STORED:
            return None
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        head = os.pread(descriptor, _LOCAL_HEADER.size, info.header_offset)
        end = os.fstat(descriptor).st_size
        if len(head) == _LOCAL_HEADER.size and head[:4] == b"PK\x03\x04":
            fields = _LOCAL_HEADER.unpack(head)
            start = info.header_offset + _LOCAL_HEADER.size + fields[-2] + fields[-1]
            if start + info.file_size <= end:
                return descriptor, start, info.file_size
        os.close(descriptor)
        raise DamagedCase(f"{name} in {self.path.name} lies outside the archive.")


def safe_name(name: str) -> bool:
    """Return whether *name* is a relative path that stays inside, on every system we know."""
    if not name or len(name) > 1000 or "\\" in name or "\0" in name or ":" in name.split("/")[0]:
        return False
    parts = name.removesuffix("/").split("/")
    return all(part not in {"", ".", ".."} and not any(ord(c) < 32 for c in part) for part in parts)


def _prefix(names: list[str]) -> str:
    """Return the one top-level folder, with its slash, in which a zip keeps the bag; empty when there is none."""
    if "data/case.json" in names or not names:
        return ""
    top = names[0].partition("/")[0] + "/"
    return top if all(name.startswith(top) for name in names) else ""


def require(store: Store, name: str, limit: int = MAX_FILE_BYTES) -> bytes:
    """Return the content of a file that every case has; raises DamagedCase when it is missing."""
    data = store.read(name, limit)
    if data is None:
        raise DamagedCase(f"The case has no {name}.")
    return data


def ensure_directory(path: Path) -> None:
    """Create a directory for the owner alone; raises EvidenceError when the disk refuses."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise EvidenceError(f"{path} could not be created: {error.strerror}.") from error
