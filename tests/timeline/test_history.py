"""One ordered history from many witnesses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.model.checked import Checked, NotChecked
from forensics.model.event import Lane, TimeKind
from forensics.model.release import History, Mention
from forensics.sources.supplements import NamedFile, StatedTime
from forensics.timeline.events import events_of, removal_statement
from forensics.timeline.history import build_history
from forensics.timeline.ordering import order_releases
from tests.timeline.histories import PROJECT, at, gathered, index_file, release, supplements
from tests.timeline.test_lines import versions

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WHEEL = "demo-1.0.1-py3-none-any.whl"


def test_an_undated_release_stands_after_the_version_below_it() -> None:
    dated = [release("1.0.0", 1), release("2.0.0", 2), release("1.0.2", 3)]
    order = [r.version for r in order_releases([release("1.0.1"), release("0.9"), *dated, release("1.0.3")])]
    assert order == ["0.9", "1.0.0", "1.0.1", "2.0.0", "1.0.2", "1.0.3"]


@given(
    st.dictionaries(versions | st.text(max_size=4), st.none() | st.integers(0, 5), max_size=15),
    st.randoms(use_true_random=False),
)
def test_every_release_once_in_one_order_however_it_came(days: dict[str, int | None], random) -> None:  # type: ignore[no-untyped-def]
    releases = [release(version, day) for version, day in days.items()]
    ordered = order_releases(releases)
    assert sorted(r.version for r in ordered) == sorted(days)
    published = [r.published for r in ordered if r.published is not None]
    assert published == sorted(published)
    shuffled = list(releases)
    random.shuffle(shuffled)
    if len({str(v) for v in days}) == len(days) and not _equal_versions(list(days)):
        assert [r.version for r in order_releases(shuffled)] == [r.version for r in ordered]


def _equal_versions(names: list[str]) -> bool:
    from forensics.model.versions import PEP440

    keys = [PEP440.key(name) for name in names]
    return any(a == b for i, a in enumerate(keys) for b in keys[:i])


def built(index=None, more=None) -> History:  # type: ignore[no-untyped-def]
    return build_history(PROJECT, index or gathered([]), more or supplements(), {}, NOW)


def test_spellings_of_one_version_are_one_release() -> None:
    more = supplements()
    more.files.append(NamedFile("demo-1.0.1.tar.gz", "v1.0.1", "b" * 64, evidence=("o-e",)))
    history = built(gathered([index_file(WHEEL, "1.0.1")]), more)
    (only,) = history.releases
    assert (only.version, only.listed) == ("1.0.1", True)
    assert [(a.filename, a.listed) for a in only.artifacts] == [("demo-1.0.1.tar.gz", False), (WHEEL, True)]


def test_trailing_zeros_are_versions_of_their_own() -> None:
    history = built(gathered([index_file("demo-1.0.tar.gz", "1.0"), index_file("demo-1.0.0.tar.gz", "1.0.0", 1)]))
    assert [r.version for r in history.releases] == ["1.0", "1.0.0"]


def test_a_release_that_only_an_export_names_was_removed_at_an_unknown_time() -> None:
    more = supplements()
    more.files.append(NamedFile(WHEEL, "1.0.1", "b" * 64, uploaded_at=at(1), evidence=("o-e",)))
    (only,) = built(more=more).releases
    assert only.listed is False
    assert isinstance(only.removed, NotChecked)
    assert (only.published, only.published_by) == (at(1), TimeKind.COPIED.value)
    assert isinstance(only.artifacts[0].provenance, NotChecked)
    assert set(only.evidence) == {"o-e", "o-i"}, "the export that names it and the index that does not"


def test_two_supplements_that_differ_about_a_digest_are_both_kept() -> None:
    more = supplements()
    more.files += [
        NamedFile(WHEEL, "1.0.1", "a" * 64, evidence=("o-1",)),
        NamedFile(WHEEL, "1.0.1", "b" * 64, evidence=("o-2",)),
    ]
    (found,) = built(more=more).contradictions
    assert (found.first, found.second, found.evidence) == ("a" * 64, "b" * 64, ("o-1", "o-2"))


def test_agreeing_supplements_lend_each_other_evidence() -> None:
    more = supplements()
    more.files += [
        NamedFile(WHEEL, "1.0.1", "a" * 64, evidence=("o-1",)),
        NamedFile(WHEEL, "1.0.1", "a" * 64, uploaded_at=at(1), evidence=("o-2",)),
    ]
    history = built(more=more)
    assert history.contradictions == ()
    (artifact,) = history.releases[0].artifacts
    assert (artifact.uploaded_at, set(artifact.evidence)) == (at(1), {"o-1", "o-2"})


def test_an_import_that_contradicts_the_index_is_kept_beside_it() -> None:
    more = supplements()
    more.files.append(NamedFile(WHEEL, "1.0.1", "b" * 64, evidence=("o-e",)))
    history = built(gathered([index_file(WHEEL, "1.0.1")]), more)
    (found,) = history.contradictions
    assert (found.first, found.second) == ("a" * 64, "b" * 64)
    assert history.releases[0].artifacts[0].sha256 == "a" * 64


@pytest.mark.parametrize("what", ["removed", "quarantined"])
def test_the_responders_word_comes_before_a_write_ups(what: str) -> None:
    more = supplements()
    for kind, verb, day, source in (
        (TimeKind.STATED_BY_LEAD, "reports", 1, "a blog"),
        (TimeKind.STATED_BY_RESPONDER, "states", 2, "ticket 7"),
    ):
        more.times.append(StatedTime("1.0.1", what, at(day), kind, source, ("o-" + verb,)))
        more.mention(
            "1.0.1", source, f"{verb} that it was {what} at {at(day).isoformat().replace('+00:00', 'Z')}", ("o",)
        )
    more.mention("1.0.1", "someone else", "states that it was published at 2026-01-01T00:00:00Z", ("o",))
    (only,) = built(more=more).releases
    assert only.removed == Checked(at(2), ("o-states",))
    assert removal_statement(only) == (TimeKind.STATED_BY_RESPONDER, "ticket 7")


def test_a_listed_release_is_not_removed_whatever_is_stated() -> None:
    more = supplements()
    more.times.append(StatedTime("1.0.1", "removed", at(2), TimeKind.STATED_BY_RESPONDER, "x", ("o",)))
    (only,) = built(gathered([index_file(WHEEL, "1.0.1")]), more).releases
    assert only.removed == Checked(None)
    assert removal_statement(only) is None


def test_events_are_sorted_and_say_whose_word_they_are() -> None:
    stated = Mention("ticket 7", "states that it was removed at 2026-01-03T00:00:00Z", ("o-m",))
    more = supplements()
    more.files.append(NamedFile("demo-1.0.2.tar.gz", "1.0.2", "b" * 64, uploaded_at=at(1.5), evidence=("o-e",)))
    more.times.append(StatedTime("1.0.2", "removed", at(2), TimeKind.STATED_BY_RESPONDER, "ticket 7", ("o-f",)))
    more.mentions["1.0.2"] = [stated]
    events = events_of(built(gathered([index_file(WHEEL, "1.0.1", 1)]), more))
    assert [(e.at, e.what, e.version, e.kind) for e in events] == [
        (at(1), "uploaded", "1.0.1", TimeKind.ASSERTED_BY_INDEX),
        (at(1.5), "uploaded", "1.0.2", TimeKind.COPIED),
        (at(2), "removed", "1.0.2", TimeKind.STATED_BY_RESPONDER),
    ]
    assert all(e.evidence for e in events)
    assert "ticket 7" in events[-1].detail
    assert {e.lane for e in events} == {Lane.INDEX}


def test_a_version_that_only_a_time_dates_has_its_publication_as_an_event() -> None:
    more = supplements()
    more.times.append(StatedTime("1.0.2", "published", at(1), TimeKind.STATED_BY_LEAD, "a blog", ("o-f",)))
    more.mention("1.0.2", "a blog", "names it", ("o-f",))
    event, difference = events_of(built(more=more))
    assert (event.at, event.what, event.kind) == (at(1), "published", TimeKind.STATED_BY_LEAD)
    assert (difference.what, difference.subject) == ("sources differ", "existence")


def test_a_place_from_one_supplement_and_a_digest_from_another_make_one_file() -> None:
    more = supplements()
    more.files += [
        NamedFile(WHEEL, "1.0.1", None, uploaded_at=at(1), path="/packages/x", evidence=("o-1",)),
        NamedFile(WHEEL, "1.0.1", "a" * 64, evidence=("o-2",)),
        NamedFile("demo-1.0.1.tgz", "1.0.1", None, evidence=("o-3",), sha512="c" * 128),
    ]
    history = built(more=more)
    wheel = next(a for a in history.releases[0].artifacts if a.filename == WHEEL)
    assert (wheel.sha256, wheel.path, set(wheel.evidence)) == ("a" * 64, "/packages/x", {"o-1", "o-2"})
    assert next(a for a in history.releases[0].artifacts if a is not wheel).sha512 == "c" * 128


def test_every_supplement_is_held_against_the_index() -> None:
    more = supplements()
    more.files += [
        NamedFile(WHEEL, "1.0.1", "a" * 64, evidence=("o-1",)),
        NamedFile(WHEEL, "1.0.1", "b" * 64, evidence=("o-2",)),
        NamedFile(WHEEL, "1.0.1", "b" * 64, evidence=("o-3",)),
    ]
    (found,) = built(gathered([index_file(WHEEL, "1.0.1")]), more).contradictions
    assert (found.first, found.second) == ("a" * 64, "b" * 64)
    assert "o-2" in found.evidence
