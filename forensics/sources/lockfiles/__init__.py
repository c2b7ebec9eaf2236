"""Lockfiles and manifests of both ecosystems: which version of what was fixed, with which digests, or allowed."""

from forensics.sources.lockfiles.read import (
    KINDS,
    MANIFESTS,
    PATHSPECS,
    UNREAD,
    Mentions,
    kind_of_content,
    kind_of_name,
    read_lockfile,
)
from forensics.sources.lockfiles.records import Lockfile, Pin, Requirement

__all__ = [
    "KINDS",
    "MANIFESTS",
    "PATHSPECS",
    "UNREAD",
    "Lockfile",
    "Mentions",
    "Pin",
    "Requirement",
    "kind_of_content",
    "kind_of_name",
    "read_lockfile",
]
