"""Results about two objects live as long as both, and no longer: one process looks at thousands of projects."""

from __future__ import annotations

import gc
from weakref import ref

from forensics.compare.artifacts import compare_contents
from forensics.compare.memo import once_for_both
from forensics.model.contents import Contents, Member, Runs


class Large:
    """Something that allows weak references."""


def test_each_two_objects_are_looked_at_once() -> None:
    calls: list[tuple[Large, Large]] = []
    look = once_for_both(lambda one, other: calls.append((one, other)))
    one, other = Large(), Large()
    for _ in range(3):
        look(one, other)
    assert calls == [(one, other)]
    look(other, one)
    look(one, one)
    assert calls == [(one, other), (other, one), (one, one)]


def test_a_new_object_never_gets_the_result_of_one_that_is_gone() -> None:
    seen: list[int] = []
    look = once_for_both(lambda one, other: len(seen))
    lasting = Large()
    for turn in range(200):  # freed objects give their places, and so their ids, to later ones
        seen.append(turn)
        assert look(Large(), lasting) == turn + 1
        assert look(lasting, Large()) == turn + 1


def test_a_comparison_goes_with_the_contents() -> None:
    def contents(digest: str) -> Contents:
        return Contents((Member("a.py", 1, digest, "", Runs.IMPORT),))

    before, after = contents("0" * 64), contents("1" * 64)
    difference = compare_contents(before, after)
    assert compare_contents(before, after) is difference
    gone = ref(after)
    del after
    gc.collect()
    assert gone() is None
    again = compare_contents(before, contents("1" * 64))
    assert again == difference
    assert again is not difference
