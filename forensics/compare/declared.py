"""What two versions declare to their index side by side: hooks, native builds, and packages they newly require."""

from __future__ import annotations

from forensics.compare.artifacts import Surface, new_direct, new_hooks, new_names
from forensics.model.publication import Publication


def compare_declared(before: Publication, after: Publication) -> tuple[tuple[Surface, ...], tuple[str, ...]]:
    """Return the new executable surface that *after* declares, and the names that it newly requires."""
    old, new = declared_requirements(before), declared_requirements(after)
    surface = [Surface(f"new at install: {hook}") for hook in new_hooks(_hooks(before), _hooks(after))]
    surface += [Surface(f"the dependency {one}") for one in new_direct(old, new)]
    return tuple(surface), new_names(old, new)


def _hooks(publication: Publication) -> tuple[str, ...]:
    hooks = tuple(f"{name}: {command[:300]}" for name, command in publication.hooks)
    return (*hooks, *(["binding.gyp"] if publication.native_build else []))


def declared_requirements(publication: Publication) -> tuple[str, ...]:
    """Return what a version declares to require, as `name@range`; of an alias, the package that is installed."""
    return tuple(
        one.spec.removeprefix("npm:") if one.spec.startswith("npm:") else f"{one.name}@{one.spec}"[:500]
        for one in publication.requirements
    )
