"""Suspects beside what they are measured against: the text of what differs, the telling files first, every byte read
in a worker."""

from __future__ import annotations

from dataclasses import replace

from forensics.compare import beside as module
from forensics.compare.artifact_text import MAX_LINES
from forensics.compare.beside import beside, texts_of
from forensics.compare.releases import compare_releases
from forensics.model.checked import Checked
from forensics.model.release import Artifact, Release
from forensics.model.source import NO_SOURCE
from tests.compare.making import Files, sdist, sdist_contents, wheel, wheel_contents
from tests.signals.histories import day, release

OLD: Files = {
    "thing/__init__.py": b"x = 1\n",
    "thing/a.py": b"a = 1\n",
    "thing/z.py": b"z = 1\n",
    "thing/words.txt": b"w\n",
}
NEW: Files = {
    "thing/__init__.py": b"x = 2\n",
    "thing/a.py": b"a = 2\n",
    "thing/z.py": b"import subprocess\nz = 2\n",
    "thing/words.txt": b"".join(b"line %d\n" % n for n in range(MAX_LINES + 50)),
    "thing.pth": b"import thing\n",
}


def two(version: str, files: Files, store: dict[str, bytes]) -> Release:
    """Return a release of a wheel and an sdist whose bytes are in *store*."""
    made = release(version, day(float(version[-1])))
    artifacts: list[Artifact] = []
    for artifact, data, contents in zip(
        made.artifacts,
        (sdist(files, version), wheel(files, version)),
        (sdist_contents(files, version), wheel_contents(files, version)),
        strict=True,
    ):
        digest = f"{version} {artifact.filename}"
        store[digest] = data
        artifacts.append(replace(artifact, sha256=digest, contents=Checked(contents, (f"o-{digest}",))))
    return replace(made, artifacts=tuple(artifacts))


def test_what_runs_early_and_what_newly_reaches_comes_first() -> None:
    store: dict[str, bytes] = {}
    comparison = compare_releases(two("1.0", OLD, store), two("1.1", NEW, store))
    _, texts = texts_of(comparison, store.get)
    paths = [text.path for text in texts if "dist-info" not in text.path]  # the .pth has thing/__init__.py run, too
    assert paths == ["thing.pth", "thing/__init__.py", "thing/z.py", "thing/a.py", "thing/words.txt"]
    z = next(text for text in texts if text.path == "thing/z.py")
    assert z.lines == ("@@ -1,2 +1,3 @@", "-z = 1", "+import subprocess", "+z = 2", " ")
    words = next(text for text in texts if text.path == "thing/words.txt")
    assert len(words.lines) == MAX_LINES
    assert words.left_out > 0


def test_bytes_that_are_gone_are_said_and_not_guessed() -> None:
    store: dict[str, bytes] = {}
    comparison = compare_releases(two("1.0", OLD, store), two("1.1", NEW, store))
    texts = texts_of(comparison, lambda digest: None if digest.startswith("1.1") else store[digest])
    assert {text.reason for pair in texts for text in pair} == {"its bytes could not be read"}


def test_many_suspects_are_compared_and_the_first_are_spelt_out(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(module, "MOST_SPELT_OUT", 1)
    store: dict[str, bytes] = {}
    first = two("1.0", OLD, store)
    found = beside([(first, two("1.1", NEW, store)), (first, two("1.2", OLD, store))], NO_SOURCE, store.get)
    assert list(found) == ["1.1", "1.2"]
    assert found["1.1"].texts is not None
    assert [len(texts) > 0 for texts in found["1.1"].texts] == [True, True]
    assert found["1.2"].texts is None
