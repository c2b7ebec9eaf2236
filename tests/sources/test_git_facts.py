"""Tags by learnt patterns, version bumps, trees from a chain: also of output that nobody meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.model.errors import BadAnswer
from forensics.sources.git_facts import tags_by_version
from forensics.sources.git_read import (
    Ref,
    Trees,
    moment,
    pack_trees,
    read_bumps,
    read_listing,
    read_log,
    read_refs,
    version_in_subject,
)

A, B, C = "a" * 40, "b" * 40, "c" * 40


def _tags(*names: str) -> dict[str, Ref]:
    return {f"refs/tags/{name}": Ref(f"refs/tags/{name}", A) for name in names}


@pytest.mark.parametrize(
    "pattern", ["v{}", "{}", "thing-{}", "thing-v{}", "release-{}", "release/{}", "thing@{}", "{}-final", "rel_{}"]
)
def test_the_pattern_is_learnt_from_the_tags(pattern: str) -> None:
    versions = [f"1.{n}.0" for n in range(6)]
    tags = _tags(*(pattern.format(v) for v in versions), "nightly", "before-rewrite-2")
    assert {ref.name for ref in tags_by_version(tags, [*versions, "1.6.0"], "thing").values()} >= {
        f"refs/tags/{pattern.format(v)}" for v in versions
    }


def test_versions_are_compared_not_spelt() -> None:
    found = tags_by_version(_tags("v1.0", "v1.1.0rc1", "v2.0.0"), ["1.0.0", "1.1.0rc1", "2"], "thing")
    assert {v: r.name for v, r in found.items()} == {
        "1": "refs/tags/v1.0",
        "1.1rc1": "refs/tags/v1.1.0rc1",
        "2": "refs/tags/v2.0.0",
    }
    assert tags_by_version(_tags("release_1_2_3"), ["1.2.3"], "thing")["1.2.3"].name == "refs/tags/release_1_2_3"


def test_tags_of_a_neighbour_in_the_same_repository_do_not_count() -> None:
    ours = [f"thing-v1.0.{n}" for n in range(9)]
    found = tags_by_version(_tags(*ours, "other-v1.0.9", "other-v1.0.8"), [f"1.0.{n}" for n in range(10)], "thing")
    assert "1.0.9" not in found
    assert found["1.0.8"].name == "refs/tags/thing-v1.0.8"


def test_a_new_pattern_with_the_name_of_the_project_counts_at_once() -> None:
    tags = _tags(*(f"v1.0.{n}" for n in range(20)), "my.thing-1.1.0")
    assert "1.1" in tags_by_version(tags, [*(f"1.0.{n}" for n in range(20)), "1.1.0"], "my-thing")


@pytest.mark.parametrize(
    ("subject", "version"),
    [
        ("Release 1.2.3", "1.2.3"),
        ("v1.2.3", "1.2.3"),
        ("1.2.3", "1.2.3"),
        ("Bump version to 1.2.3", "1.2.3"),
        ("chore(release): 1.2.3 (#12)", "1.2.3"),
        ("Bump version from 1.2.2 to 1.2.3", "1.2.3"),
        ("chore: prepare release v2.0.0rc1", "2.0.0rc1"),
        ("Bump requests from 2.31.0 to 2.32.0", None),
        ("Fix #12", None),
        ("Support Python 3.13", None),
        ("", None),
    ],
)
def test_versions_in_messages(subject: str, version: str | None) -> None:
    assert version_in_subject(subject) == version


def test_versions_in_patches() -> None:
    printed = f'\0{A}\n+version = "1.2.3"\n\0{B}\n+__version__ = "1.2.2"\n+    version="1.2.2",\n+requires-version-x\n'
    assert read_bumps(printed.encode()) == {"1.2.3": [A], "1.2.2": [B, B]}
    assert read_bumps(f'\0{A}\n+  "version": "2.0.0-beta.1",\n'.encode())
    assert read_bumps(b'+version = "9.9.9"\n') == {}


def test_trees_come_from_a_listing_and_differences() -> None:
    listing = f"100644 blob {A}\tx.py\x00100755 blob {B}\td/y.sh\0".encode()
    changes = (
        f"{B}\0:100644 100644 {A} {C} M\0x.py\0:000000 120000 {'0' * 40} {A} A\0link\0"
        f"{C}\0:100755 000000 {B} {'0' * 40} D\0d/y.sh\0"
    ).encode()
    trees = Trees(pack_trees(A, listing, changes))
    assert [trees.get(sha).files for sha in (A, B, C)] == [  # type: ignore[union-attr]
        (("d/y.sh", "100755", B), ("x.py", "100644", A)),
        (("d/y.sh", "100755", B), ("link", "120000", A), ("x.py", "100644", C)),
        (("link", "120000", A), ("x.py", "100644", C)),
    ]
    assert trees.get("d" * 40) is None
    assert Trees(pack_trees("", b"", b"")).get(A) is None


@given(st.binary(max_size=300))
def test_no_output_breaks_the_readers(printed: bytes) -> None:
    for read in (read_listing, read_refs, read_log, read_bumps):
        read(printed)
    Trees(pack_trees(A, printed, printed)).get(B)
    with pytest.raises(BadAnswer):
        Trees(b"x " + printed)
    with pytest.raises(BadAnswer):
        Trees(b"- " + b"9" * 5000 + b" 0\n")


@given(st.text(max_size=60))
def test_no_name_and_no_message_breaks_the_learning(text: str) -> None:
    version_in_subject(text)
    moment(text)
    tags_by_version({f"refs/tags/{text}": Ref(f"refs/tags/{text}", A)}, [text, "1.0"], text)


@pytest.mark.timeout(5)
def test_messages_and_patches_are_read_in_time() -> None:
    for text in ("release " * 40 + "x", "to to to " * 30 + "!", "bump: " + "-:/" * 60, "1." * 200, "1" + "rc" * 60):
        version_in_subject(text)
        read_bumps(f"\0{A}\n+version = {text}\n+{'version ' * 30}\n".encode())
        tags_by_version({"refs/tags/x": Ref(f"refs/tags/{text}", A), f"refs/tags/{text}": Ref("x", A)}, [text], "x")
