"""Wheels against the sdist of the same release."""

from __future__ import annotations

from dataclasses import replace

from forensics.model.checked import Checked, NotChecked
from forensics.model.finding import Family, Severity
from forensics.model.release import Release
from tests.compare.making import Files, wheel_contents
from tests.signals.boxes import PACKAGE, UNREAD, boxed, past
from tests.signals.histories import judged

ID = "wheel-differs-from-sdist"
MORE = {**PACKAGE, "thing.pth": b"import thing.core\n"}


def test_code_that_only_the_wheel_has() -> None:
    hit = judged([*past(), boxed(6, MORE, sdist=PACKAGE, source=MORE)]).hit("1.0.6", ID)
    assert (hit.family, hit.severity) == (Family.SOURCE, Severity.HIGH)
    assert hit.observed.startswith("thing.pth in thing-1.0.6-py3-none-any.whl can run")
    assert "learnt from 6 earlier releases" in hit.expected
    assert "o-bytes" in hit.evidence


def test_silent_where_the_sdist_explains_it() -> None:
    found = judged([*past(), boxed(6, MORE)])
    assert found.silent("1.0.6", ID)
    nested = {f"src/{path}": data for path, data in MORE.items() if "/" in path} | {"thing.pth": MORE["thing.pth"]}
    assert judged([*past(), boxed(6, MORE, sdist=nested)]).silent("1.0.6", ID)


def test_silent_for_what_cannot_run_and_for_compiled_sources() -> None:
    text = {**PACKAGE, "thing/more.txt": b"x"}
    assert judged([*past(), boxed(6, text, sdist=PACKAGE)]).silent("1.0.6", ID)
    native = {**PACKAGE, "thing/fast.cpython-311-x86_64-linux-gnu.so": b"\x7fELF"}
    assert judged([*past(), boxed(6, native, sdist={**PACKAGE, "thing/fast.c": b"int x;"})]).silent("1.0.6", ID)
    assert judged([*past(), boxed(6, native, sdist=PACKAGE)]).finding("1.0.6", ID) is not None


def test_what_builds_always_add_is_learnt() -> None:
    made = {**PACKAGE, "thing/made.py": b"x = 1\n"}
    earlier = past(wheel=made, sdist=PACKAGE)
    assert judged([*earlier, boxed(6, {**made, "thing/made.py": b"x = 2\n"}, sdist=PACKAGE)]).silent("1.0.6", ID)


COMPILED: Files = {**PACKAGE, "thing/core.cpython-311-x86_64-linux-gnu.so": b"\x7fELF"}


def _also_compiled(made: Release, compiled: Files | NotChecked) -> Release:
    """The release with a wheel for one platform beside the one for all."""
    (wheel,) = (a for a in made.artifacts if a.kind == "wheel")
    name = wheel.filename.replace("py3-none-any", "cp311-cp311-manylinux_2_17_x86_64")
    contents = compiled if isinstance(compiled, NotChecked) else Checked(wheel_contents(compiled), ("o-bytes",))
    return replace(made, artifacts=(*made.artifacts, replace(wheel, filename=name, contents=contents)))


def test_compiled_wheels_are_usual_where_earlier_compiled_ones_say_so() -> None:
    last = _also_compiled(boxed(6), COMPILED)
    assert judged([*(_also_compiled(one, COMPILED) for one in past()), last]).silent("1.0.6", ID)
    more = _also_compiled(boxed(6), {**COMPILED, "thing/extra.cpython-311-x86_64-linux-gnu.so": b"\x7fELF"})
    hit = judged([*(_also_compiled(one, COMPILED) for one in past()), more]).hit("1.0.6", ID)
    assert hit.observed.startswith("thing/extra.cpython-311-x86_64-linux-gnu.so in thing-1.0.6-cp311")


def test_wheels_for_all_platforms_do_not_tell_what_is_usual_in_compiled_ones() -> None:
    last = _also_compiled(boxed(6), COMPILED)
    found = judged([*(_also_compiled(one, UNREAD) for one in past()), last]).unchecked("1.0.6", ID)
    assert found is not None
    assert "no earlier release could be compared" in found.reason


def test_the_first_compiled_wheel_of_a_project_is_not_usual() -> None:
    hit = judged([*past(), _also_compiled(boxed(6), COMPILED)]).hit("1.0.6", ID)
    assert "thing/core.cpython-311-x86_64-linux-gnu.so" in hit.observed


def test_not_checked() -> None:
    assert judged([*past(), boxed(6, sdist=UNREAD)]).unchecked("1.0.6", ID) == UNREAD
    assert judged([*past(), boxed(6, UNREAD)]).unchecked("1.0.6", ID) == UNREAD
    last = boxed(6)
    alone = replace(last, artifacts=tuple(a for a in last.artifacts if a.kind == "wheel"))
    found = judged([*past(), alone]).unchecked("1.0.6", ID)
    assert found is not None
    assert "no sdist" in found.reason
    only = replace(last, artifacts=tuple(a for a in last.artifacts if a.kind == "sdist"))
    assert judged([*past(), only]).silent("1.0.6", ID)
