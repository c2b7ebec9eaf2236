"""Which bytes are wanted, and what becomes of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from forensics.evidence.client import Limits
from forensics.investigation import Investigation
from forensics.model.checked import Checked, NotChecked
from forensics.model.endpoints import resolve_endpoints
from forensics.model.finding import Assessment, Verdict
from forensics.model.release import Artifact, Door
from forensics.sources.files import FileOptions, FilePolicy, chosen_artifacts, file_url, wanted_files
from tests.compare.making import sdist, wheel
from tests.signals.histories import day, release
from tests.sources.tiny import FAST, Tiny, entry, investigation

PLACE = "/packages/aa/bb/" + "c" * 60 + "/"


def _artifact(name: str) -> Artifact:
    kind = "wheel" if name.endswith(".whl") else "sdist" if name.endswith((".tar.gz", ".zip")) else "other"
    digest = hashlib.sha256(name.encode()).hexdigest()
    return Artifact(name, kind, digest, 10, None, True, Checked(()), path=PLACE + name)


def _assessed(number: int, verdict: Verdict = Verdict.ORDINARY, *, listed: bool = True, line: str = "1") -> Assessment:
    version = f"{line}.0.{number}"
    made = release(version, day(number), files=[_artifact(f"t-{version}.tar.gz")], listed=listed)
    return Assessment(made, line, None, Door.UNKNOWN, verdict, verdict, (), (), ())


def _names(assessments: list[Assessment], **options: object) -> list[str]:
    found = wanted_files(assessments, FileOptions(**options))  # type: ignore[arg-type]
    return [file.version for file in found]


def test_the_latest_and_those_before_them() -> None:
    assert _names([_assessed(n) for n in range(12)]) == ["1.0.11", "1.0.10", "1.0.9", "1.0.8", "1.0.7", "1.0.6"]


def test_suspects_and_what_is_gone_come_first_and_are_no_ones_past() -> None:
    some = [_assessed(n) for n in range(20)]
    some[9] = _assessed(9, Verdict.SUSPICIOUS)
    some[10] = _assessed(10, listed=False)
    names = _names(some)
    assert names[:2] == ["1.0.10", "1.0.9"]
    assert names[2:7] == ["1.0.8", "1.0.7", "1.0.6", "1.0.5", "1.0.4"]
    assert names[7:] == ["1.0.19", "1.0.18", "1.0.17", "1.0.16", "1.0.15", "1.0.14"]


def test_a_line_without_a_past_takes_the_projects() -> None:
    some = [*[_assessed(n) for n in range(4)], _assessed(9, Verdict.SUSPICIOUS, line="2")]
    assert _names(some)[:4] == ["2.0.9", "1.0.3", "1.0.2", "1.0.1"]


def test_policies() -> None:
    some = [_assessed(n) for n in range(9)]
    assert _names(some, policy=FilePolicy.NONE) == []
    assert len(_names(some, policy=FilePolicy.ALL)) == 9


def test_one_sdist_and_a_wheel_of_each_sort() -> None:
    names = [
        "t-1-cp311-cp311-win_amd64.whl",
        "t-1-cp311-cp311-manylinux_2_28_x86_64.whl",
        "t-1.zip",
        "t-1.tar.gz",
        "t.exe",
    ]
    made = release("1", None, files=[_artifact(name) for name in names])
    assert [a.filename for a in chosen_artifacts(made)] == ["t-1.tar.gz", names[1]]
    assert len(chosen_artifacts(made, 8)) == 4
    both = replace(made, artifacts=(*made.artifacts, _artifact("t-1-py3-none-any.whl")))
    assert [a.filename for a in chosen_artifacts(both)] == ["t-1.tar.gz", "t-1-py3-none-any.whl", names[1]]
    nowhere = replace(made, artifacts=tuple(replace(a, path=None) for a in made.artifacts))
    assert chosen_artifacts(nowhere) == []


@pytest.mark.parametrize("name", ["..", "a/b", "", "a\\b", "a\x00", "x" * 301])
def test_only_paths_of_the_store(name: str) -> None:
    endpoints = resolve_endpoints()
    assert file_url(endpoints, PLACE + name) is None
    assert file_url(endpoints, "https://evil.example" + PLACE + "a") is None
    assert file_url(endpoints, PLACE + "a b#?.whl") == endpoints["files"] + PLACE + "a%20b%23%3F.whl"


def _index(tiny: Tiny, bodies: dict[str, bytes]) -> None:
    files = []
    for number, (name, body) in enumerate(bodies.items()):
        digest = hashlib.sha256(body).hexdigest()
        files.append(entry(name, day=number + 1, sha256=digest, provenance=None, size=len(body)))
        tiny.put(f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{name}", body)
    tiny.page(files)


GOOD = wheel({"demo/__init__.py": b"x = 1\n"})
SOURCE = sdist({"demo/__init__.py": b"x = 1\n"})
NAMES = ("demo-1.0.0.tar.gz", "demo-1.0.0-py3-none-any.whl")


def _stored(tiny: Tiny) -> list[str]:
    return [path for path in tiny.asked if path.startswith("/packages/")]


def test_bytes_are_kept_once_and_read_offline(tiny: Tiny, tmp_path: Path) -> None:
    _index(tiny, dict(zip(NAMES, (SOURCE, GOOD), strict=True)))
    made = investigation(tiny, tmp_path / "case")
    assert len(_stored(tiny)) == 2
    assert made.case.file(hashlib.sha256(GOOD).hexdigest()) == GOOD
    tiny.replies.clear()
    analysis = Investigation.reopen(tmp_path / "case").analyse(workers=1)
    for artifact in analysis.history.releases[0].artifacts:
        assert isinstance(artifact.contents, Checked)
        seen = {o.id: o for o in analysis.observations}
        assert [seen[i].sha256 for i in artifact.contents.evidence] == [artifact.sha256]
    made.look_up(limits=FAST)
    assert len(_stored(tiny)) == 2, "what is there is not asked for again"


def test_other_bytes_are_evidence_and_a_contradiction(tiny: Tiny, tmp_path: Path) -> None:
    _index(tiny, {NAMES[1]: GOOD})
    place = next(path for path in tiny.replies if path.startswith("/packages/"))
    tiny.put(place, GOOD + b"!")
    made = investigation(tiny, tmp_path / "case")
    analysis = made.analyse(workers=1)
    (found,) = analysis.history.contradictions
    assert (found.first, found.second) == (hashlib.sha256(GOOD).hexdigest(), hashlib.sha256(GOOD + b"!").hexdigest())
    artifact = analysis.history.releases[0].artifacts[0]
    assert isinstance(artifact.contents, NotChecked)
    assert "other bytes" in artifact.contents.reason
    assert any("stated SHA-256" in problem for problem in made.case.meta.problems)
    assert list((tmp_path / "case/data/files").iterdir()) == []
    with made.case.reading_archive() as archive:
        assert archive.body(artifact.contents.evidence[0]) == GOOD + b"!"


def test_a_store_that_does_not_answer_is_no_absence(tiny: Tiny, tmp_path: Path) -> None:
    _index(tiny, {NAMES[1]: GOOD})
    place = next(path for path in tiny.replies if path.startswith("/packages/"))
    tiny.put(place, {}, 404)
    analysis = investigation(tiny, tmp_path / "case").analyse(workers=1)
    contents = analysis.history.releases[0].artifacts[0].contents
    assert isinstance(contents, NotChecked)
    assert contents.reason == "the file store answered HTTP 404"
    assert contents.evidence
    status = next(s for s in analysis.history.sources if s.source == "file store")
    assert (status.asked, status.answered, status.problem) == (1, 0, contents.reason)


def test_limits_are_kept_and_what_they_left_is_named(tiny: Tiny, tmp_path: Path) -> None:
    _index(tiny, dict(zip(NAMES, (SOURCE, GOOD), strict=True)))
    made = investigation(tiny, tmp_path / "case", collect=False)
    made.collect(limits=Limits(per_second=1e9), files=FileOptions(total=len(SOURCE) + 1))
    assert len(_stored(tiny)) == 1
    (problem,) = [p for p in made.case.meta.problems if "were not fetched" in p]
    assert NAMES[1] in problem
    large = investigation(tiny, tmp_path / "large", collect=False)
    large.collect(limits=Limits(per_second=1e9), files=FileOptions(each=10))
    assert len(_stored(tiny)) == 1


def test_a_body_that_outgrows_its_stated_size_is_cut(tiny: Tiny, tmp_path: Path) -> None:
    digest = hashlib.sha256(GOOD).hexdigest()
    tiny.page([entry(NAMES[1], sha256=digest, provenance=None, size=10)])
    tiny.put(f"/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{NAMES[1]}", GOOD)
    made = investigation(tiny, tmp_path / "case", collect=False)
    made.collect(limits=Limits(per_second=1e9), files=FileOptions(each=100))
    assert made.case.meta.problems
    assert made.case.file(digest) is None


def test_none_asks_for_nothing(tiny: Tiny, tmp_path: Path) -> None:
    _index(tiny, {NAMES[1]: GOOD})
    made = investigation(tiny, tmp_path / "case", collect=False)
    made.collect(limits=FAST, files=FileOptions(policy=FilePolicy.NONE))
    assert _stored(tiny) == []


def test_a_hostile_archive_costs_its_own_reading(tiny: Tiny, tmp_path: Path) -> None:
    _index(tiny, dict(zip(NAMES, (b"no gzip", GOOD), strict=True)))
    analysis = investigation(tiny, tmp_path / "case").analyse(workers=1)
    broken, good = analysis.history.releases[0].artifacts
    assert isinstance(broken.contents, NotChecked)
    assert "demo-1.0.0.tar.gz could not be read" in broken.contents.reason
    assert broken.contents.evidence
    assert isinstance(good.contents, Checked)
