"""The rows about lockfiles."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.row import Row
from bench.timing import alternate
from tests.sources import lock_corpus

SOUGHT, VERSIONS = "sought-thing", ["1.0.0", "1.0.1", "1.0.2"]


def search_ratio(quick: bool) -> float:
    """Searching 1,000 lockfiles of all kinds, half of which name the project, against reading every one of them."""
    from forensics.model.project import Ecosystem
    from forensics.sources.lockfiles.find import find_lockfiles
    from forensics.sources.lockfiles.match import Wanted, examine_files
    from forensics.sources.lockfiles.read import read_lockfile

    with tempfile.TemporaryDirectory() as folder:
        lock_corpus.write(Path(folder), 100 if quick else 1000, SOUGHT, VERSIONS)
        found, _ = find_lockfiles([Path(folder)])
        files: Sequence[tuple[str, str]] = [(f.path, f.kind) for f in found]
        wanted = [Wanted(ecosystem, SOUGHT, "1.0.1", ()) for ecosystem in Ecosystem]

        def search() -> None:
            examine_files(wanted, files, workers=1)

        def read_all() -> None:
            for path, kind in files:
                read_lockfile(Path(path).read_bytes(), kind)

        ours, naive = alternate([search, read_all], 1 if quick else 3)
        return ours / naive


LOCK_ROWS = (Row("search 1,000 lockfiles for a release / read every one of them", 0.7, False, search_ratio),)
