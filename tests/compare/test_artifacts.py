"""Artifacts against each other, against a commit and against an sdist."""

from __future__ import annotations

from forensics.compare.artifact_source import Learnt, against_sdist, against_tree
from forensics.compare.artifacts import compare_contents, counterpart, slot
from forensics.model.checked import Checked, NotChecked
from forensics.model.contents import PROCESS, Contents
from forensics.model.release import Artifact
from forensics.model.source import SourceTree
from tests.compare.making import Files, blob, sdist_contents, tree, wheel_contents
from tests.signals.histories import release

CODE: Files = {"thing/__init__.py": b"x = 1\n", "thing/sub/core.py": b"y = 2\n", "thing/data.txt": b"words\n"}


def _paths(contents: Contents, source: SourceTree) -> list[tuple[str, bool]]:
    return [(one.path, one.differs) for one in against_tree(contents, source)]


def test_two_versions_are_compared_by_path_without_version() -> None:
    old = wheel_contents({**CODE, "thing/gone.py": b""}, "1.0")
    new = wheel_contents({**CODE, "thing/data.txt": b"other\n", "thing/more.py": b"import subprocess\n"}, "1.1")
    diff = compare_contents(old, new)
    assert [c.path for c in diff.added] == ["thing/more.py"]
    assert [c.path for c in diff.removed] == ["thing/gone.py"]
    assert [c.path for c in diff.changed] == ["*.dist-info/RECORD", "thing/data.txt"]
    assert diff.added[0].reaches == (PROCESS,)
    assert diff.surface == ()


def test_dependencies_by_name() -> None:
    old = wheel_contents(CODE, metadata=b"Requires-Dist: a>=1\nRequires-Dist: b; extra == 'x'\n")
    new = wheel_contents(
        CODE, metadata=b"Requires-Dist: A (>=2)\nRequires-Dist: c_d[e]>1\nRequires-Dist: f; extra == 'x'\n"
    )
    assert compare_contents(old, new).dependencies == ("c-d",)


def test_a_commit_explains_files_wherever_the_build_put_them() -> None:
    assert _paths(wheel_contents(CODE), tree(CODE)) == []
    assert _paths(wheel_contents(CODE), tree({f"src/{path}": data for path, data in CODE.items()})) == []
    assert _paths(wheel_contents(CODE), tree({f"python/lib/{path}": data for path, data in CODE.items()})) == []
    assert _paths(sdist_contents(CODE), tree(CODE)) == []
    renamed = {path.replace("thing/", "lib/"): data for path, data in CODE.items()}
    assert _paths(wheel_contents(CODE), tree(renamed)) == []


def test_what_differs_and_what_is_not_there() -> None:
    inside = {**CODE, "thing/sub/core.py": b"y = 3\n", "thing/new.py": b"z = 1\n", "thing/empty.py": b""}
    nested = tree({f"src/{path}": data for path, data in CODE.items()})
    assert _paths(wheel_contents(inside), nested) == [("thing/new.py", False), ("thing/sub/core.py", True)]


def test_what_builds_make_is_no_mismatch_unless_it_does_more() -> None:
    made = {**CODE, "thing/_version.py": b"version = '1.0'\n", "setup.cfg": b"[egg_info]\n"}
    made |= {"thing.egg-info/SOURCES.txt": b"x", "thing.egg-info/not-zip-safe": b"\n"}
    assert _paths(sdist_contents(made), tree(CODE)) == []
    armed = {**made, "thing/_version.py": b"import socket\n", "thing.egg-info/run.py": b"x = 1\n"}
    assert _paths(sdist_contents(armed), tree(CODE)) == [("thing.egg-info/run.py", False), ("thing/_version.py", False)]


def test_what_runs_at_start_must_lie_where_the_commit_has_it() -> None:
    hook = b"import thing\n"
    source = tree({**CODE, "tests/data/thing.pth": hook, "tests/data/plain.py": b"q = 1\n"})
    inside = {**CODE, "thing.pth": hook, "thing/plain.py": b"q = 1\n"}
    assert _paths(wheel_contents(inside), source) == [("thing.pth", False)]


def test_links_and_submodules_of_a_commit() -> None:
    files = tree(CODE).files
    linked = SourceTree("c", (*files, ("thing/link.txt", "120000", blob(b"../x")), ("vendor", "160000", "d" * 40)))
    inside = sdist_contents({**CODE, "vendor/a.py": b"v = 1\n", "vendored/b.py": b"v = 2\n"})
    assert _paths(inside, linked) == [("vendored/b.py", False)]


def test_only_line_endings() -> None:
    crlf = {path: data.replace(b"\n", b"\r\n") for path, data in CODE.items()}
    assert _paths(wheel_contents(crlf), tree(CODE)) == []


def test_a_wheel_against_its_sdist() -> None:
    wheel = wheel_contents({**CODE, "thing/only.py": b"o = 1\n", "thing/only.txt": b"o\n"})
    assert [one.path for one in against_sdist(wheel, sdist_contents(CODE))] == ["thing/only.py"]


def test_learning_what_builds_always_do() -> None:
    learnt = Learnt()
    inside = {**CODE, "thing/made-1.2.3.py": b"m = 1\n", "thing/static/app.aa.js": b"a"}
    learnt.take(against_tree(wheel_contents(inside), tree(CODE)))
    later = {
        **CODE,
        "thing/made-1.2.4.py": b"m = 2\n",
        "thing/static/app.bb.js": b"b",
        "thing/static/app.py": b"c = 1\n",
    }
    new = learnt.new(against_tree(wheel_contents(later), tree(CODE)))
    assert [one.path for one in new] == ["thing/static/app.py"], "code is learnt by path, other files by folder"
    assert learnt.releases == 1


def test_counterparts_by_tags_then_kind() -> None:
    def wheel_of(tags: str, known: bool = True) -> Artifact:
        held = Checked(wheel_contents(CODE)) if known else NotChecked("x", "artifact")
        name = f"thing-1.0-{tags}.whl"
        return Artifact(name, "wheel", None, None, None, True, Checked(()), contents=held)

    linux, windows = wheel_of("cp311-cp311-manylinux_2_28_x86_64"), wheel_of("cp311-cp311-win_amd64")
    assert slot(linux) == "wheel cp311-cp311-manylinux_2_28_x86_64"
    both = release("1.0", None, files=[windows, linux])
    assert counterpart(linux, both) is linux
    assert counterpart(wheel_of("py3-none-any"), both) is windows
    assert counterpart(linux, release("1.0", None, files=[wheel_of("py3-none-any", known=False)])) is None
