"""Checking a case against its manifests: every file whose bytes changed is named, and no other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forensics.evidence.bag import (
    INFO,
    MANIFEST,
    SIGNATURES,
    TAG_FILES,
    TAG_MANIFEST,
    manifest,
    parse_manifest,
    sha256,
    tag_files,
)
from forensics.evidence.meta import MAX_BYTES, CaseMeta, load_meta
from forensics.evidence.store import Store, open_store
from forensics.model.errors import DamagedCase, ForeignCase

NOT_FINISHED = "not finished"
"""The `what` of the only entry for a case that is still collecting."""
_MAX_TAG_BYTES = 256 * 2**20
_CHUNK = 2**20
_EPOCH = datetime.fromtimestamp(0, tz=UTC)


@dataclass(frozen=True, slots=True)
class Damage:
    """One file of a case that is not what was sealed: its path in the bag, and what is wrong with it."""

    path: str
    what: str

    @property
    def unfinished(self) -> bool:
        """Whether this only says that the case is still collecting."""
        return self.what == NOT_FINISHED


def digest_of(store: Store, name: str) -> tuple[str, int]:
    """Return SHA-256 and size in bytes of a file of a case, read in pieces; raises DamagedCase when it is missing."""
    window = store.window(name)
    if window is None:
        data = store.read(name)
        if data is None:
            raise DamagedCase(f"The case has no {name}.")
        return sha256(data), len(data)
    descriptor, offset, size = window
    machine, position = hashlib.sha256(), 0
    try:
        while position < size:
            piece = os.pread(descriptor, min(_CHUNK, size - position), offset + position)
            if not piece:
                break
            machine.update(piece)
            position += len(piece)
    finally:
        os.close(descriptor)
    return machine.hexdigest(), position


def payload_digests(store: Store) -> dict[str, tuple[str, int]]:
    """Return digest and size of every payload file by path. Temporary files of a killed writer do not count."""
    names = [name for name in store.names() if name.startswith("data/") and not is_temporary(name)]
    return {name: digest_of(store, name) for name in names}


def is_temporary(name: str) -> bool:
    """Return whether *name* is what a killed atomic write leaves behind."""
    return name.rpartition("/")[2].startswith(".new-")


def verify_bag(path: Path) -> list[Damage]:
    """Re-hash every file of the case at *path* and return what is not as it was sealed, sorted by path.

    A case that is still collecting gives one entry, `Damage("data/case.json", "not finished")`. Raises ForeignCase when
    *path* is no case at all. Source: RFC 8493 section 3.
    """
    store = open_store(path)
    names = store.names()
    if "data/case.json" not in names and not set(TAG_FILES) & set(names):
        raise ForeignCase(f"{path} holds no case.")
    meta = _meta(store)
    if meta is not None and not meta.complete:
        return [Damage("data/case.json", NOT_FINISHED)]
    actual = {name: digest_of(store, name) for name in names if name.startswith("data/")}
    tags = {name: store.read(name, _MAX_TAG_BYTES) for name in (*TAG_FILES, *SIGNATURES)}
    return sorted(_Check(meta, actual, tags, names).damages(), key=lambda damage: damage.path)


def _meta(store: Store) -> CaseMeta | None:
    try:
        data = store.read("data/case.json", MAX_BYTES)
        return load_meta(data) if data is not None else None
    except (DamagedCase, ForeignCase):
        return None


class _Check:
    """Compares the payload with the four tag files. Each tag file can be derived, so the odd one out is found."""

    def __init__(
        self,
        meta: CaseMeta | None,
        actual: Mapping[str, tuple[str, int]],
        tags: Mapping[str, bytes | None],
        names: list[str],
    ) -> None:
        self._actual = actual
        self._tags = tags
        self._names = names
        self._listed = parse_manifest(tags[TAG_MANIFEST] or b"")
        stated = meta.sealed_with if meta is not None else self._listed
        self._vouching = [name for name in SIGNATURES if name in stated]
        self._derived = self._derive(meta)

    def _derive(self, meta: CaseMeta | None) -> dict[str, bytes]:
        signatures = {name: data for name in self._vouching if (data := self._tags[name]) is not None}
        if meta is not None:
            return tag_files(meta, self._actual, signatures)
        # Without a readable case.json everything but the metadata of the bag still follows.
        blank = CaseMeta(id="-", project="", created_at=_EPOCH)
        derived = tag_files(blank, self._actual, signatures)
        del derived[INFO]
        return derived

    def damages(self) -> list[Damage]:
        expected = (*TAG_FILES, *self._vouching)
        found = [Damage(name, "missing") for name in expected if self._tags[name] is None]
        found += [
            Damage(name, "damaged") for name in expected if self._tags[name] is not None and not self._sound(name)
        ]
        found += self._payload()
        known = set(expected)
        found += [
            Damage(name, "not part of the case")
            for name in self._names
            if not name.startswith("data/") and name not in known
        ]
        return found

    def _sound(self, name: str) -> bool:
        """Return whether a tag file that is there is the one that was written."""
        data = self._tags[name]
        assert data is not None
        if name == TAG_MANIFEST:
            return self._tag_manifest_sound(data)
        if name in self._vouching:
            # Follows from nothing: where its line is not to be read, the tag manifest is what is damaged.
            return self._listed.get(name) in {None, sha256(data)} or self._misprinted(name, data)
        return sha256(data) == self._listed.get(name) or data == self._derived.get(name)

    def _tag_manifest_sound(self, data: bytes) -> bool:
        if data != manifest(self._listed) or set(self._listed) != {*TAG_FILES, *self._vouching} - {TAG_MANIFEST}:
            return False
        if any(self._misprinted(name, self._tags[name]) for name in self._vouching):
            return False
        for name, digest in self._listed.items():
            tag = self._tags[name]
            # A tag file that follows from the payload is right; then a digest that differs is the wrong one.
            if tag is not None and tag == self._derived.get(name) and sha256(tag) != digest:
                return False
        return True

    def _misprinted(self, name: str, data: bytes | None) -> bool:
        """Whether the listed digest is that of *data* but for a digit: no other bytes come that close by chance."""
        if data is None:
            return False
        return sum(a != b for a, b in zip(self._listed.get(name, ""), sha256(data), strict=False)) == 1

    def _payload(self) -> list[Damage]:
        derived = self._derived[MANIFEST]
        if sha256(derived) == self._listed.get(MANIFEST) or derived == self._tags[MANIFEST]:
            return []
        sealed = parse_manifest(self._tags[MANIFEST] or b"")
        if not sealed:
            return []  # the manifest itself is missing or damaged, and is named
        found = []
        for name in sorted({*sealed, *self._actual}):
            if name not in self._actual:
                found.append(Damage(name, "missing"))
            elif name not in sealed:
                found.append(Damage(name, "not part of the case"))
            elif self._actual[name][0] != sealed[name]:
                found.append(Damage(name, "damaged"))
        return found


def require_intact(path: Path) -> None:
    """Raise DamagedCase naming the damaged files of the case at *path*; a case still collecting passes."""
    damages = [damage for damage in verify_bag(path) if not damage.unfinished]
    if damages:
        named = ", ".join(f"{damage.path} ({damage.what})" for damage in damages[:20])
        more = f" and {len(damages) - 20} more" if len(damages) > 20 else ""
        raise DamagedCase(f"{path}: {named}{more}.")
