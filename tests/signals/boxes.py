"""Releases with contents and with the tree of their commit, for the signals about artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.contents import Contents
from forensics.model.release import Artifact, Release
from forensics.model.source import Reachability, SourceFacts, SourceTree
from tests.compare.making import Files, sdist_contents, tree, wheel_contents
from tests.signals.histories import USUAL, day, release

PACKAGE: Files = {
    "thing/__init__.py": b'"""Thing."""\n',
    "thing/core.py": b"VALUE = 1\n",
    "thing/words.txt": b"a\n" * 500,
}
UNREAD = NotChecked("the file store answered HTTP 404", "artifact", ("o-404",))


def boxed(
    number: int,
    wheel: Files | NotChecked = PACKAGE,
    sdist: Files | NotChecked | None = None,
    source: Files | NotChecked | None = None,
    *,
    metadata: bytes = b"Metadata-Version: 2.1\nName: thing\n",
    attested: bool = True,
) -> Release:
    """Return release `1.0.<number>`, one a week; sdist and commit hold what the wheel holds unless told otherwise."""
    version = f"1.0.{number}"
    plain = PACKAGE if isinstance(wheel, NotChecked) else wheel
    sdist = plain if sdist is None else sdist
    made = release(version, day(7 * number), USUAL if attested else None)
    held: Mapping[str, Outcome[Contents]] = {
        "whl": _held(wheel if isinstance(wheel, NotChecked) else wheel_contents(wheel, version, metadata=metadata)),
        "gz": _held(sdist if isinstance(sdist, NotChecked) else sdist_contents(sdist, version, metadata=metadata)),
    }
    files = tuple(_with(artifact, held) for artifact in made.artifacts)
    facts = _facts(version, source if isinstance(source, NotChecked) else tree(plain if source is None else source))
    return replace(made, artifacts=files, source=Checked(replace(facts, attested=attested), (f"o-git-{version}",)))


def _held(contents: Contents | NotChecked) -> Outcome[Contents]:
    return contents if isinstance(contents, NotChecked) else Checked(contents, ("o-bytes",))


def _with(artifact: Artifact, held: Mapping[str, Outcome[Contents]]) -> Artifact:
    kind = "wheel" if artifact.filename.endswith(".whl") else "sdist"
    return replace(artifact, kind=kind, contents=held[artifact.filename.rpartition(".")[2]])


def _facts(version: str, files: SourceTree | NotChecked) -> SourceFacts:
    known = files if isinstance(files, NotChecked) else Checked(files, (f"o-tree-{version}",))
    place = Checked(Reachability.DEFAULT_BRANCH, ("o-git",))
    return SourceFacts(f"v{version}", "c" * 40, day(0), None, "c" * 40, place, known, Checked(None))


def past(count: int = 6, **more: object) -> list[Release]:
    """Return *count* ordinary releases `1.0.0`, …"""
    return [boxed(number, **more) for number in range(count)]  # type: ignore[arg-type]
