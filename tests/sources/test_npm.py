"""What npm's registry says, and what its silence means, from the wire to the document."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from forensics.model.checked import Checked, NotChecked
from forensics.model.errors import NoSuchProject
from forensics.model.event import TimeKind
from forensics.model.project import parse_project
from forensics.model.publication import Account, Requirement, Uploader
from forensics.model.release import Door, ProjectStatus, Release
from forensics.sources.npm import repository_url, version_of
from tests.sources.npm_kit import ALICE, ROBOT, Registry, analysed, investigation, tarball
from tests.sources.tiny import FAST, Tiny


def by_version(releases: tuple[Release, ...]) -> dict[str, Release]:
    return {release.version: release for release in releases}


def uploader(release: Release) -> Uploader:
    assert isinstance(release.publication, Checked)
    assert isinstance(release.publication.value.uploader, Checked)
    return release.publication.value.uploader.value


def test_a_packument_tells_who_published_what_and_when(tiny: Tiny, tmp_path: Path) -> None:
    registry = Registry(tiny)
    registry.release("1.0.0", 1, ALICE, gitHead="a" * 40, dependencies={"left": "^1.0.0", "odd": "git+ssh://x/y.git"})
    staged = {**ROBOT, "approver": {"name": "bob", "email": "bob@demo.example"}}
    registry.release("1.1.0", 2, staged, scripts={"postinstall": "node x.js", "test": "true"}, deprecated="use 2")
    registry.put()
    analysis, document = analysed(tiny, tmp_path / "case")
    first, second = analysis.history.releases
    assert uploader(first) == Uploader(Account("alice", "alice@demo.example"))
    assert uploader(second) == Uploader(
        Account("GitHub Actions", "npm-oidc-no-reply@github.com"), "github", Account("bob", "bob@demo.example")
    )
    assert isinstance(first.publication, Checked)
    assert isinstance(second.publication, Checked)
    told = first.publication.value
    assert (told.client, told.runtime, told.git_head) == ("npm/10.8.2", "node/22.1.0", "a" * 40)
    assert told.requirements == (Requirement("left", "^1.0.0"), Requirement("odd", "git+ssh://x/y.git"))
    assert second.publication.value.hooks == (("postinstall", "node x.js"),)
    assert any("deprecated it: use 2" in mention.text for mention in second.mentions)
    assert first.published is not None
    assert first.published.isoformat() == "2026-01-01T12:00:00+00:00"
    (artifact,) = first.artifacts
    assert (artifact.filename, artifact.kind, artifact.sha256) == ("demo-1.0.0.tgz", "tarball", None) or artifact.sha256
    assert artifact.sha512 is not None
    assert len(artifact.sha512) == 128
    assert document["project"]["latest"] == "1.1.0"
    assert all(e for r in document["releases"] for e in [r["evidence"]])


def test_time_remembers_what_versions_forgot(tiny: Tiny, tmp_path: Path) -> None:
    registry = Registry(tiny)
    for number in range(4):
        registry.release(f"1.0.{number}", number + 1, ALICE)
    registry.forget("1.0.2")
    registry.put()
    analysis, document = analysed(tiny, tmp_path / "case")
    gone = by_version(analysis.history.releases)["1.0.2"]
    assert gone.listed is False
    assert gone.published is not None
    assert isinstance(gone.removed, NotChecked)
    assert isinstance(gone.publication, NotChecked)
    assert [m.source for m in gone.mentions] == ["npm registry"]
    (row,) = [r for r in document["releases"] if r["version"] == "1.0.2"]
    assert "release-removed" in {s["id"] for s in row["signals"]}
    assert row["door"] == "unknown"


def test_a_project_unpublished_as_a_whole_says_when(tiny: Tiny, tmp_path: Path) -> None:
    registry = Registry(tiny)
    registry.time["unpublished"] = {
        "name": "demo", "time": "2026-01-09T08:00:00.000Z", "tags": {"latest": "1.0.1"}, "versions": ["1.0.0", "1.0.1"],
    }  # fmt: skip
    registry.put(versions=None, **{"dist-tags": None})
    analysis, _ = analysed(tiny, tmp_path / "case")
    assert [r.version for r in analysis.history.releases] == ["1.0.0", "1.0.1"]
    for release in analysis.history.releases:
        assert isinstance(release.removed, Checked)
        assert release.removed.value is not None
        assert release.removed.value.isoformat() == "2026-01-09T08:00:00+00:00"
    gone = [e for e in analysis.events if e.what == "removed"]
    assert {(e.kind, e.detail) for e in gone} == {
        (TimeKind.ASSERTED_BY_INDEX, "removed from the index, by npm registry")
    }


def test_a_placeholder_of_the_security_team_is_no_release(tiny: Tiny, tmp_path: Path) -> None:
    registry = Registry(tiny)
    registry.release("1.0.0", 1, ALICE)
    registry.release("0.0.1-security", 5, {"name": "npm", "email": "npm@npmjs.example"})
    registry.forget("1.0.0")
    registry.put()
    analysis, _ = analysed(tiny, tmp_path / "case")
    assert analysis.history.status is ProjectStatus.QUARANTINED
    (release,) = analysis.history.releases
    assert release.version == "1.0.0"
    assert any("placeholder 0.0.1-security" in m.text for m in release.mentions)


DOORS = [
    (ROBOT, True, Door.TRUSTED_ATTESTED),
    (ROBOT, False, Door.TRUSTED_UNATTESTED),
    (ALICE, True, Door.TOKEN_ATTESTED),
    (ALICE, False, Door.TOKEN),
    (None, False, Door.UNKNOWN),
    (None, True, Door.UNKNOWN),
]


@pytest.mark.parametrize(("user", "attested", "door"), DOORS)
def test_doors(tiny: Tiny, tmp_path: Path, user: dict[str, Any] | None, attested: bool, door: Door) -> None:
    """The attestations endpoint is dead here: what the packument states of them still tells the door."""
    registry = Registry(tiny)
    registry.release("1.0.0", 1, user, attested=attested)
    registry.put()
    analysis, document = analysed(tiny, tmp_path / "case")
    assert [a.door for a in analysis.assessments] == [door]
    file = document["releases"][0]["files"][0]
    assert file["provenance"] == ("not observed" if attested or user is None else "absent")
    if attested:
        assert "HTTP 404 for a version of which the registry states attestations" in file["provenance_reason"]


@pytest.mark.parametrize(
    ("times", "word"),
    [
        ({"1.0.0": "2026-01-01T00:00:00+00:00", "1.0.1": "2026-01-01T00:00:01+00:00"}, "times of its own making"),
        (None, "states no times"),
    ],
)
def test_a_mirror_says_nothing_about_times_accounts_and_removals(
    tiny: Tiny, tmp_path: Path, times: dict[str, str] | None, word: str
) -> None:
    registry = Registry(tiny)
    registry.release("1.0.0", 1)
    registry.release("1.0.1", 2)
    registry.put(time=times)
    analysis, document = analysed(tiny, tmp_path / "case")
    rows = {row["what"]: row["reason"] for row in document["not_checked"]}
    assert word in rows["publication times"]
    assert word in rows["removed versions"]
    assert "2 of 2 versions" in rows["publishing accounts"]
    assert [r.published for r in analysis.history.releases] == [None, None]
    assert {a.door for a in analysis.assessments} == {Door.UNKNOWN}
    assert {f["provenance"] for r in document["releases"] for f in r["files"]} == {"not observed"}
    assert document["verdict"] in {"undetermined", "ordinary"}


@pytest.mark.parametrize("name", ["npm:demo", "npm:@team/demo"])
def test_a_scoped_name_is_one_segment(tiny: Tiny, tmp_path: Path, name: str) -> None:
    registry = Registry(tiny, name.removeprefix("npm:"))
    registry.release("1.0.0", 1, ALICE, attested=True)
    registry.put()
    analysis, _ = analysed(tiny, tmp_path / "case", name)
    assert [a.filename for a in analysis.history.releases[0].artifacts] == ["demo-1.0.0.tgz"]
    asked = [path for path in tiny.asked if "attestations" in path]
    assert asked == [f"/-/npm/v1/attestations/{name.removeprefix('npm:').replace('/', '%2f')}@1.0.0"]


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        ({}, 403, "HTTP 403"),
        ({}, 500, "status 500"),
        (b"<html>", 200, "not JSON"),
        ([], 200, "not a packument"),
        ({"name": "demo"}, 200, "not a packument"),
        ({"name": "other", "versions": {}}, 200, "is about other, not demo"),
        (b"[" * 1000, 200, "nested"),
    ],
)
def test_no_answer_is_not_no_project(tiny: Tiny, tmp_path: Path, body: Any, status: int, word: str) -> None:
    tiny.put("/demo", body, status)
    tiny.put("/osv/v1/query", {})
    analysis, document = analysed(tiny, tmp_path / "case")
    assert analysis.history.releases == ()
    assert analysis.history.unasked is not None
    assert word in analysis.history.unasked.reason
    assert document["verdict"] == "undetermined"


def test_404_is_no_such_project(tiny: Tiny, tmp_path: Path) -> None:
    tiny.put("/demo", {"error": "Not found"}, 404)
    made = investigation(tiny, tmp_path / "case")
    with pytest.raises(NoSuchProject):
        made.analyse(workers=1)


@pytest.mark.parametrize(
    "entry",
    [
        {"dist": None, "_npmUser": 3, "scripts": [], "dependencies": 7},
        {"dist": {"tarball": 3, "integrity": ["x"], "unpackedSize": -1, "signatures": {}}, "_npmUser": {"name": 5}},
        {"dist": {"tarball": "http://[bad", "integrity": "sha512-!!!! sha512-AAAA"}, "maintainers": "x"},
        {"dist": {"tarball": "https://h/..%2f..%2fetc.tgz", "attestations": "yes"}, "repository": {"url": 9}},
        7,
    ],
)
def test_entries_of_any_shape_are_read_as_far_as_they_go(tiny: Tiny, tmp_path: Path, entry: Any) -> None:
    registry = Registry(tiny)
    registry.release("1.0.0", 1, ALICE)
    registry.versions["1.0.1"] = entry
    registry.time["1.0.1"] = "not a time"
    registry.put()
    analysis, _ = analysed(tiny, tmp_path / "case")
    odd = by_version(analysis.history.releases)["1.0.1"]
    assert odd.listed
    assert [a.filename for a in odd.artifacts] == ["demo-1.0.1.tgz"]
    assert isinstance(odd.artifacts[0].provenance, NotChecked)


def test_a_replay_asks_nobody_and_says_the_same(tiny: Tiny, tmp_path: Path) -> None:
    registry = Registry(tiny)
    for number in range(6):
        registry.release(f"1.0.{number}", number + 1, ROBOT)
    registry.put()
    _, document = analysed(tiny, tmp_path / "case")
    asked = len(tiny.asked)
    from forensics.investigation import Investigation
    from forensics.report.build import build_document

    again = build_document(Investigation.reopen(tmp_path / "case").analyse(workers=1))
    assert again == document
    assert len(tiny.asked) == asked


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ({"type": "git", "url": "git+https://github.com/a/b.git"}, "https://github.com/a/b.git"),
        ("a/b", "https://github.com/a/b"),
        ("gitlab:a/b", "https://gitlab.com/a/b"),
        ("git@github.com:a/b.git", "https://github.com/a/b.git"),
        ("git+ssh://git@github.com/a/b.git", "https://github.com/a/b.git"),
        ("git://github.com/a/b.git", "https://github.com/a/b.git"),
        ({"url": 3}, None),
        (None, None),
    ],
)
def test_repository_fields(written: Any, url: str | None) -> None:
    assert repository_url(written) == url


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("demo-1.0.0.tgz", "1.0.0"),
        ("demo-1.0.0-beta.1.tgz", "1.0.0-beta.1"),
        ("demo-x.tgz", None),
        ("other-1.0.0.tgz", None),
        ("demo-1.0.0.zip", None),
    ],
)
def test_the_version_in_a_tarballs_name(filename: str, version: str | None) -> None:
    assert version_of(filename, parse_project("npm:@team/demo")) == version


def test_tarballs_are_kept_when_they_have_the_stated_digest(tiny: Tiny, tmp_path: Path) -> None:
    registry = Registry(tiny, "@team/demo")
    for number in range(5):
        extra = {"index.js": f"exports.n = {number}\n"}
        registry.release(f"1.0.{number}", number + 1, ALICE, data=tarball("@team/demo", f"1.0.{number}", extra))
    registry.put()
    tiny.put("/@team/demo/-/demo-1.0.4.tgz", tarball("@team/demo", "1.0.4", {"index.js": "evil()\n"}))
    tiny.put("/@team/demo/-/demo-1.0.3.tgz", {}, 404)
    analysis, document = analysed(tiny, tmp_path / "case", "npm:@team/demo")
    found = {r.version: r.artifacts[0] for r in analysis.history.releases}
    good = found["1.0.2"]
    assert isinstance(good.contents, Checked)
    assert {m.path for m in good.contents.value.members} == {"package/package.json", "package/index.js"}
    assert good.sha256 == hashlib.sha256(tarball("@team/demo", "1.0.2", {"index.js": "exports.n = 2\n"})).hexdigest()
    assert isinstance(found["1.0.4"].contents, NotChecked)
    assert "other bytes than the stated SHA-512" in found["1.0.4"].contents.reason
    assert isinstance(found["1.0.3"].contents, NotChecked)
    assert "HTTP 404" in found["1.0.3"].contents.reason
    (difference,) = analysis.history.contradictions
    assert difference.about == "SHA-512 of demo-1.0.4.tgz as the file store gives it"
    assert difference.first == found["1.0.4"].sha512 != difference.second
    assert any("demo-1.0.4.tgz" in problem for problem in document["case"]["problems"])


def test_who_published_is_shown_wherever_a_release_is(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from forensics.cli.terminal import print_timeline
    from forensics.report.affected import blocks
    from forensics.report.html import render_html
    from forensics.report.markdown import render_markdown

    registry = Registry(tiny)
    for number in range(6):
        registry.release(f"1.0.{number}", number + 1, ROBOT)
    stranger = {"name": "mal<b>lory", "email": "m@elsewhere.example"}
    registry.release("1.0.6", 20, stranger, scripts={"postinstall": "node x.js"}, deprecated="do not use")
    registry.tags["next"] = "1.0.6"
    registry.put()
    analysis, document = analysed(tiny, tmp_path / "case")
    (row,) = [r for r in document["releases"] if r["version"] == "1.0.6"]
    assert row["publication"] is not None
    assert row["publication"]["account"] == "mal<b>lory"
    assert row["publication"]["hooks"] == ["postinstall: node x.js"]
    assert {s["id"] for s in row["signals"]} >= {"door-changed", "publisher-account-changed", "exec-surface-added"}
    (installable,) = document["installable_now"]
    assert installable["how"] == ["listed", "latest", "dist-tag next", "deprecated, still installable"]
    html, markdown = render_html(document), render_markdown(document)
    assert "mal&lt;b&gt;lory" in html
    assert "mal<b>lory" not in html
    assert "lory" in markdown
    digest = analysis.history.releases[-1].artifacts[0].sha512
    assert digest is not None
    assert digest in html
    (block,) = [b for b in blocks(document) if b.id == "integrity"]
    assert block.text == f"{registry.versions['1.0.6']['dist']['integrity']}  demo-1.0.6.tgz"
    frames = analysis.tables()
    assert frames["publications"].filter(version="1.0.6").row(0, named=True)["account"] == "mal<b>lory"
    assert frames["artifacts"].filter(version="1.0.6").row(0, named=True)["sha512"] == digest
    monkeypatch.setenv("COLUMNS", "200")
    print_timeline(document, everything=True, shown=document["releases"], where="case")
    printed = capsys.readouterr().out
    assert "published by mal<b>lory <m@elsewhere.example>" in printed
    assert re.search(r"1\.0\.3 .* GitHub Actions ", printed), "a column"


def test_a_digest_that_somebody_kept_names_the_tarball_of_a_removed_version(tiny: Tiny, tmp_path: Path) -> None:
    from forensics.cli.common import hash_facts
    from forensics.model.errors import UsageError
    from forensics.report.recovery import recovery_doc

    registry = Registry(tiny)
    for number in range(4):
        registry.release(f"1.0.{number}", number + 1, ALICE)
    kept = registry.versions["1.0.2"]["dist"]["integrity"]
    registry.forget("1.0.2")
    registry.put()
    made = investigation(tiny, tmp_path / "case")
    (fact,) = hash_facts([f"demo-1.0.2.tgz={kept}"], made.project)
    assert hash_facts([f"demo-1.0.2.tgz={fact['sha512']}"], made.project) == [fact]
    for wrong in ("demo-1.0.2.tgz=" + "a" * 64, f"other-1.0.2.tgz={kept}", f"demo-1.0.2.tgz={kept[:-4]}"):
        with pytest.raises(UsageError, match=r"not a tarball of demo with a SHA-512"):
            hash_facts([wrong], made.project)
    made.case.add_fact(fact, source="a lockfile")
    made.look_up(limits=FAST)
    analysis = made.analyse(workers=1)
    gone = by_version(analysis.history.releases)["1.0.2"]
    assert [(a.filename, a.kind, a.sha512, a.listed) for a in gone.artifacts] == [
        ("demo-1.0.2.tgz", "tarball", fact["sha512"], False)
    ]
    assert {m.source for m in gone.mentions} == {"npm registry", "a lockfile"}
    assert any("/rekor/" in path for path in tiny.asked), "the log is asked about it"
    document = recovery_doc(analysis, "1.0.2")
    assert document["listed"] is False
    (file,) = document["files"]
    assert (file["sha512"], file["outcome"]) == (fact["sha512"], "not known")


def test_diff_puts_the_publishers_side_by_side(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from forensics.cli import make_app

    registry = Registry(tiny)
    registry.release("1.0.0", 1, {**ROBOT, "approver": {"name": "bob"}})
    registry.release("1.0.1", 2, ALICE)
    registry.put()
    investigation(tiny, tmp_path / "case")
    monkeypatch.setenv("COLUMNS", "200")
    words = ["diff", "npm:demo", "1.0.0", "1.0.1", "--case", str(tmp_path / "case"), "--offline"]
    printed = CliRunner().invoke(make_app(), words).stdout
    robot = "GitHub Actions <npm-oidc-no-reply@github.com> (trusted publisher github), approved by bob"
    assert f"Published by {robot} → alice <alice@demo.example>" in printed
