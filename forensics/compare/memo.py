"""Results about two large objects, worked out once and kept for as long as both live."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import finalize

A = TypeVar("A")
B = TypeVar("B")
R = TypeVar("R")


def once_for_both(function: Callable[[A, B], R]) -> Callable[[A, B], R]:
    """Return *function*, called once for each two objects; what it returned goes when either of them goes.

    Objects are told apart by identity: contents and trees have thousands of members, and equal ones are mostly the
    same. A cache that kept them would grow with every project that one process looks at. The result must not hold
    either object, and both must allow weak references.
    """
    known: dict[tuple[int, int], R] = {}
    pairs: dict[int, set[tuple[int, int]]] = {}

    def watch(one: object, pair: tuple[int, int]) -> None:
        if id(one) not in pairs:
            pairs[id(one)] = set()
            finalize(one, forget, id(one)).atexit = False
        pairs[id(one)].add(pair)

    def forget(number: int) -> None:
        for pair in pairs.pop(number):
            known.pop(pair, None)
            for other in pair:
                if other in pairs:
                    pairs[other].discard(pair)

    @wraps(function)
    def call(one: A, other: B) -> R:
        pair = (id(one), id(other))
        if pair not in known:
            known[pair] = function(one, other)
            watch(one, pair)
            watch(other, pair)
        return known[pair]

    return call
