"""Which repository is asked, on whose word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from forensics.model.checked import Checked, NotChecked
from forensics.model.endpoints import resolve_endpoints
from forensics.model.release import ProjectStatus
from forensics.sources.git_url import home_of
from forensics.sources.index import Index, IndexFile, ProvenanceAnswer
from forensics.sources.pypi import links_of
from tests.lab import build_world
from tests.lab.world import World

PUBLIC = resolve_endpoints()


@pytest.fixture(scope="module")
def transfer() -> World:
    return build_world("repository-transfer")


def _index(world: World | None = None, *links: str) -> Checked[Index]:
    files = [
        IndexFile(s.filename, s.release.version, "wheel", None, None, s.uploaded, False, None, None, Checked("x"), ())
        for s in (world.files if world else ())
    ]
    return Checked(Index(True, ProjectStatus.ACTIVE, tuple(files), (), None, (), ("o-index",), (), links))


def _provenance(world: World) -> dict:
    return {s.filename: Checked(ProvenanceAnswer(s.filename, s.provenance, None)) for s in world.files}


def test_certificates_lead_and_a_transfer_is_followed_by_its_id(transfer: World) -> None:
    home = home_of(_index(transfer, "https://github.com/else/where"), _provenance(transfer), PUBLIC)
    assert isinstance(home, Checked)
    assert home.value.url == "https://github.com/example-collective/tidewheel"
    assert home.value.ids == {"702114873"}
    assert home.value.names == {"example-author/tidewheel", "example-collective/tidewheel"}
    assert home.value.commits[0] == transfer.git.commits["3.3.0"], "newest first"


def test_one_foreign_release_does_not_turn_us_away() -> None:
    world = build_world("repository-transfer")
    newest = [s for s in world.files if s.release.version == "3.3.0"]
    other = build_world("self-serve-hotfix").files[-1]
    answers = _provenance(world) | {
        s.filename: Checked(ProvenanceAnswer(s.filename, other.provenance, None)) for s in newest
    }
    home = home_of(_index(world), answers, PUBLIC)
    assert isinstance(home, Checked)
    assert home.value.url.endswith("/tidewheel")


def test_the_template_replaces_the_host(transfer: World) -> None:
    endpoints = resolve_endpoints({"git": "http://127.0.0.1:9/git/{owner}/{repo}"})
    home = home_of(_index(transfer), _provenance(transfer), endpoints)
    assert isinstance(home, Checked)
    assert home.value.url == "http://127.0.0.1:9/git/example-collective/tidewheel"


def test_without_certificates_the_index_names_it() -> None:
    home = home_of(_index(None, "https://docs.example", "https://www.github.com/team/thing.git"), {}, PUBLIC)
    assert isinstance(home, Checked)
    assert (home.value.url, home.value.named_by) == ("https://github.com/team/thing", "the index's project page")
    assert home.evidence == ("o-index",)


@pytest.mark.parametrize(
    "link",
    [
        "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "ext::sh -c x", "https://github.com/",
        "https://github.com/sponsors/someone", "https://github.com/--upload-pack=x/y", "https://github.com/../x",
        "https://github.com:8080/a/b", "https://user:pw@github.com/a/b", "https://github.com.evil.example/a/b",
        "https://github.com/a/b\nc", "https://[::1]/a/b", "https://github.com/a/$(id)", "git@github.com:a/b", "\x00",
    ],
)  # fmt: skip
def test_what_is_no_repository_of_a_forge_is_not_asked(link: str) -> None:
    home = home_of(_index(None, link), {}, PUBLIC)
    assert isinstance(home, NotChecked)
    assert home.reason == "neither a certificate nor the index names a repository at a known forge"


def test_nobody_is_asked_for_a_case_without_the_service(transfer: World) -> None:
    none = replace(PUBLIC, urls={k: v for k, v in PUBLIC.urls.items() if k != "git"})
    assert isinstance(home_of(_index(transfer), _provenance(transfer), none), NotChecked)
    assert isinstance(home_of(NotChecked("the index was silent", "index"), {}, PUBLIC), NotChecked)


def test_links_that_name_the_source_come_first() -> None:
    links = links_of({"Docs": "https://d", "Source": "https://s", "x": 7}, "https://h")
    assert links == ("https://s", "https://h", "https://d")
    assert links_of(None, None) == links_of([], 7) == ()
