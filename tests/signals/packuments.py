"""Histories of npm: releases of one tarball each, with what a packument states of their publication."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.identity import Identity
from forensics.model.project import parse_project
from forensics.model.publication import Account, Publication, Uploader
from forensics.model.release import Release
from forensics.signals.engine import judge
from tests.signals.histories import START, Judged, artifact, attestation, day, history, identity, release

ROBOT = Uploader(Account("GitHub Actions", "npm-oidc-no-reply@github.com"), "github")
ALICE = Uploader(Account("alice", "alice@team.example"))
MIRROR = NotChecked("the entry does not say who published it: a mirror", "packument", ("o-mirror",))
TEAM = (Account("alice", "alice@team.example"), Account("bob", "bob@team.example"))


def published(
    version: str,
    at: datetime | None,
    by: Uploader | NotChecked = ALICE,
    *,
    attested: Identity | bool | NotChecked = False,
    listed: bool = True,
    **stated: Any,
) -> Release:
    """Return a release of one tarball; *stated* are further fields of its publication."""
    name = f"thing-{version}.tgz"
    who = identity() if attested is True else attested
    if isinstance(who, NotChecked):
        provenance: Any = who
    else:
        provenance = [attestation(who, at, name)] if isinstance(who, Identity) else ()
    file = replace(artifact(name, at, provenance), kind="tarball", upload_client=stated.get("client"))
    uploader: Outcome[Uploader] = by if isinstance(by, NotChecked) else Checked(by, (f"o-{version}",))
    kind = "https://slsa.dev/provenance/v1" if attested is not False else None
    publication = Publication(uploader, Checked(kind), **{"maintainers": TEAM, **stated})
    base = release(version, at, files=[file], listed=listed)
    return replace(base, publication=Checked(publication, (f"o-{version}",)))


def row(count: int, by: Uploader | NotChecked = ALICE, first: int = 0, start: float = 0, **more: Any) -> list[Release]:
    """Return *count* releases a week apart, from patch number *first* on."""
    return [published(f"1.0.{first + n}", day(start + 7 * n), by, **more) for n in range(count)]


def judged_npm(releases: Iterable[Release]) -> Judged:
    """Judge a history of npm made of *releases*."""
    return Judged(judge(replace(history(releases), project=parse_project("npm:thing"))))


__all__ = ["ALICE", "MIRROR", "ROBOT", "START", "TEAM", "judged_npm", "published", "row"]
