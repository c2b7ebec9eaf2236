"""Two identities side by side, claim by claim. Ids decide before names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from forensics.model.claims import PER_RELEASE_CLAIMS, label_of
from forensics.model.identity import Identity


class Change(StrEnum):
    """How one claim moved. `expected`: it differs with every release, such as commit and run."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    EXPECTED = "expected"


@dataclass(frozen=True, slots=True)
class ClaimDiff:
    """One claim before and after."""

    claim: str
    label: str
    before: str | None
    after: str | None
    change: Change


def diff_identities(before: Identity, after: Identity) -> tuple[ClaimDiff, ...]:
    """Return every claim that either side carries, in the order of Fulcio's specification.

    Symmetric: swapping the arguments swaps before and after, and added and removed.
    """
    old, new = before.claims(), after.claims()
    names = [name for name in Identity.__dataclass_fields__ if name in old or name in new]
    return tuple(
        ClaimDiff(name, label_of(name), old.get(name), new.get(name), _change(name, old.get(name), new.get(name)))
        for name in names
    )


def _change(name: str, before: str | None, after: str | None) -> Change:
    if before == after:
        return Change.SAME
    if name in PER_RELEASE_CLAIMS and before is not None and after is not None:
        return Change.EXPECTED if not _class_moved(name, before, after) else Change.CHANGED
    if before is None:
        return Change.ADDED
    return Change.REMOVED if after is None else Change.CHANGED


def _class_moved(name: str, before: str, after: str) -> bool:
    """A ref may change from tag to tag, not from or to a branch; a URI with its ref or its run, not with its path."""
    if name.endswith("_ref"):
        return _ref_moved(before, after)
    if name == "run_invocation_uri":
        return _before_run(before) != _before_run(after)
    if "@" in before or "@" in after:
        old_path, _, old_ref = before.partition("@")
        new_path, _, new_ref = after.partition("@")
        return old_path != new_path or _ref_moved(old_ref, new_ref)
    return False


def _before_run(uri: str) -> str | None:
    place, runs, _ = uri.partition("/actions/runs/")
    return place if runs else None


def _ref_moved(before: str, after: str) -> bool:
    return before != after and not (before.startswith("refs/tags/") and after.startswith("refs/tags/"))
