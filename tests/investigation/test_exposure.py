"""Exposure: exact over a thousand lockfiles of all kinds, and careful about what a match means."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forensics.investigation.exposure import Hit, Suspect, search
from forensics.model.errors import UsageError
from forensics.model.finding import Exposure, Verdict
from forensics.model.project import Project, parse_project
from forensics.sources.lockfiles.history import Commit, LockHistory, Span, spans_of
from forensics.sources.lockfiles.match import Matcher, Strength, Wanted, examine_files
from forensics.sources.lockfiles.records import MAX_BYTES
from tests.sources import lock_corpus

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
SOUGHT, BAD, VERSIONS = "sought-thing", ["1.0.1", "1.0.3"], ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.10"]


def suspect(project: Project, version: str, files: list[tuple[str, str]], end: int | None = 2) -> Suspect:
    window = Exposure(START, None if end is None else START + timedelta(hours=end), "the index", "a blog")
    return Suspect(project, version, Verdict.LIKELY_COMPROMISED, window, tuple(files), "case", ("o-1",))


def both_worlds() -> list[Suspect]:
    pypi, npm = parse_project(f"pypi:{SOUGHT}"), parse_project(f"npm:{SOUGHT}")
    found = []
    for version in BAD:
        sha256, sha512 = lock_corpus.sha256_of(SOUGHT, version), lock_corpus.sha512_of(SOUGHT, version)
        found.append(suspect(pypi, version, [(f"{SOUGHT}-{version}.tar.gz", f"sha256:{sha256}")]))
        found.append(suspect(npm, version, [(f"{SOUGHT}-{version}.tgz", f"sha512:{sha512}")]))
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_a_thousand_lockfiles_of_all_kinds(workers: int, tmp_path: Path) -> None:
    made = lock_corpus.write(tmp_path, 1000, SOUGHT, VERSIONS)
    report = search(both_worlds(), [tmp_path], workers=workers)
    expected = {str(m.path): m.version for m in made if m.version in BAD}
    assert {h.file: h.suspect.version for h in report.hits} == expected
    assert len(report.hits) == len(expected) > 150
    by_version = [h for h in report.hits if h.strength is not Strength.HASH]
    assert {h.strength for h in by_version} == {Strength.VERSION}
    assert {Path(h.file).parent.name for h in by_version} == {"berry"}, "all other formats state the digest"
    assert (report.lockfiles, report.manifests, report.unread) == (1000, 0, [])
    assert {h.suspect.project.ecosystem.value for h in report.hits} == {"pypi", "npm"}


def wanted(files: list[tuple[str, str]]) -> Wanted:
    project = parse_project("pypi:demo")
    return Wanted(project.ecosystem, project.name, "1.0.1", tuple(files))


A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("known", "lock", "strength", "note"),
    [
        ([("demo-1.0.1.tar.gz", A)], f"demo==1.0.1 --hash={A}", Strength.HASH, ""),
        ([("demo-1.0.1.tar.gz", A)], f"other==7 --hash={A}", Strength.HASH, "under another name or version"),
        ([("demo-1.0.1.tar.gz", A)], "Demo==v1.0.1", Strength.VERSION, "states no digest"),
        ([], f"demo==1.0.1 --hash={A}", Strength.VERSION, "the case knows no digest"),
        ([("demo-1.0.1.tar.gz", A)], f"demo==1.0.1 --hash={B}", Strength.OTHER_HASH, "none of those"),
        ([("demo-1.0.1.tar.gz", A)], f"demo==1.0.1 --hash=sha512:{'c' * 128}", Strength.VERSION, "of the kind"),
        (
            [("demo-1.0.1.tar.gz", A)],
            f"https://x/demo-1.0.1.tar.gz --hash={B}",
            Strength.OTHER_HASH,
            "demo-1.0.1.tar.gz",
        ),
        (
            [("demo-1.0.1.tar.gz", A)],
            f"https://x/demo-1.0.1-py3-none-any.whl --hash={B}",
            Strength.VERSION,
            "files that",
        ),
        ([], "demo>=1", Strength.RANGE, ""),
    ],
)
def test_how_surely_a_pin_names_a_release(
    known: list[tuple[str, str]], lock: str, strength: Strength, note: str
) -> None:
    (match,) = Matcher([wanted(known)]).examine(lock.encode(), "requirements").matches
    assert match.strength is strength
    assert note in match.note if note else not match.note


def test_another_version_is_no_match() -> None:
    for lock in ("demo==1.0.10", "demo==1.0.1.post1", "demon==1.0.1", "demo<1.0.1"):
        assert Matcher([wanted([])]).examine(lock.encode(), "requirements").matches == ()


def test_a_file_too_large_to_read_is_said_wherever_it_names_the_release(tmp_path: Path) -> None:
    large = tmp_path / "requirements.txt"
    large.write_bytes(b"# filler\n" * (MAX_BYTES // 9 + 2) + b"demo==1.0.1\n")
    (examined,) = examine_files([wanted([])], [(str(large), "requirements")])
    assert "more than 32 MiB" in examined.problem


@pytest.mark.timeout(20)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "uv.lock")
    with pytest.raises(UsageError, match="no regular file"):
        search([], [tmp_path / "uv.lock"])


def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    (one,) = examine_files([wanted([])], [(str(tmp_path / "gone.txt"), "requirements")])
    assert "cannot be read" in one.problem


@pytest.mark.parametrize(
    ("begin", "end", "window_end", "expected"),
    [(-5, -1, 2, False), (-5, 1, 2, True), (1, None, 2, True), (2, None, 2, False), (3, None, None, True),
     (None, None, 2, None)],
)  # fmt: skip
def test_whether_a_pin_stood_in_the_window(
    begin: int | None, end: int | None, window_end: int | None, expected: bool | None
) -> None:
    def at(hours: int | None) -> datetime | None:
        return None if hours is None else START + timedelta(hours=hours)

    one = suspect(parse_project("demo"), "1.0.1", [], window_end)
    span = Span(at(begin), "a" * 40, at(end), None, ())
    assert Hit("f", "uv.lock", "line 1", Strength.HASH, "demo 1.0.1", "", one, span).overlap is expected
    assert Hit("f", "uv.lock", "line 1", Strength.HASH, "demo 1.0.1", "", one).overlap is None


def chain(*commits: tuple[str, tuple[str, ...], str | None]) -> LockHistory:
    """Commits as (name, parents, blob at `f` or None for no change), an hour apart."""
    made = LockHistory()
    for hour, (sha, parents, blob) in enumerate(commits):
        made.commits.append(Commit(sha, parents, START + timedelta(hours=hour)))
        if blob is not None:
            made.changes[sha] = {"f": None if blob == "gone" else blob}
    return made


def test_stretches_of_a_history() -> None:
    line = chain(
        ("a", (), "bad"), ("b", ("a",), None), ("c", ("b",), "good"), ("d", ("c",), "bad"), ("e", ("d",), "gone")
    )
    found = [(s.start_commit, s.end_commit, s.held_by) for s in spans_of(line, "f", {"bad"})]
    assert found == [("a", "c", ()), ("d", "e", ())], "a pin that comes back is a stretch of its own"
    line.tips = {"refs/heads/old": "b", "refs/tags/v1": "d"}
    found = [(s.start_commit, s.end_commit, s.held_by) for s in spans_of(line, "f", {"bad"})]
    assert found == [("a", None, ("refs/heads/old",)), ("d", "e", ())], "a tag keeps nothing in use"


def test_a_merge_ends_the_stretch_of_the_branch_it_overrides() -> None:
    fork = chain(("a", (), "good"), ("b", ("a",), "bad"), ("c", ("a",), "better"), ("d", ("c", "b"), None))
    (one,) = spans_of(fork, "f", {"bad"})
    assert (one.start_commit, one.end_commit) == ("b", "d")
    joined = chain(
        ("a", (), "good"), ("b", ("a",), "bad"), ("c", ("a",), None), ("d", ("c", "b"), "bad"), ("e", ("d",), "x")
    )
    (one,) = spans_of(joined, "f", {"bad"})
    assert (one.start_commit, one.end_commit) == ("b", "e"), "a merge that takes it over goes on with it"
