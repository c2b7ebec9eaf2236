"""How a version of npm was published, from its entry in the packument. Source: npm/cli; npm/registry docs."""

from __future__ import annotations

from typing import Any

from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.publication import Account, Publication, Requirement, Signature, Uploader
from forensics.sources.interface import items, mapping, text

NEEDS = "the registry's own packument"
HOOKS = ("preinstall", "install", "postinstall", "prepare")
"""Scripts that npm runs when somebody else installs a package; `prepare` for a dependency from git.

Source: npm's documentation, *scripts*, life cycle operations.
"""
_TABLES = ("dependencies", "optionalDependencies", "peerDependencies")
MAX_REQUIREMENTS = 2000


def publication_of(raw: dict[str, Any], *, own: bool, evidence: tuple[str, ...]) -> Outcome[Publication]:
    """Return what the entry *raw* of one version states.

    *own*: the document is the registry's own, with its times. Then, and only where the entry names who published it,
    a missing attestation is an observed absence.
    """
    dist, scripts = mapping(raw.get("dist")), mapping(raw.get("scripts"))
    uploader = _uploader(raw, evidence)
    publication = Publication(
        uploader=uploader,
        provenance=_provenance(dist, vouched=own and isinstance(uploader, Checked), evidence=evidence),
        client=_versioned("npm", raw.get("_npmVersion")),
        runtime=_versioned("node", raw.get("_nodeVersion")),
        git_head=text(raw.get("gitHead"), 64),
        hooks=tuple((name, command) for name in HOOKS if (command := text(scripts.get(name), 2000))),
        native_build=raw["gypfile"] if isinstance(raw.get("gypfile"), bool) else None,
        requirements=_requirements(raw),
        maintainers=tuple(a for one in items(raw.get("maintainers"), 500) if (a := account_of(one))),
        unpacked_size=_count(dist.get("unpackedSize")),
        file_count=_count(dist.get("fileCount")),
        deprecated=text(raw.get("deprecated"), 500) or None,
        signatures=tuple(s for one in items(dist.get("signatures"), 20) if (s := _signature(mapping(one)))),
        integrity=text(dist.get("integrity"), 2000),
    )
    return Checked(publication, evidence)


def account_of(value: Any) -> Account | None:
    """Return the account of an object with a name, or of a text `name <email>`; None for anything else."""
    if isinstance(value, str):
        name, _, rest = value[:600].partition("<")
        return Account(name.strip(), rest.partition(">")[0].strip() or None) if name.strip() else None
    found = mapping(value)
    named = text(found.get("name"), 300)
    return Account(named, text(found.get("email"), 300)) if named else None


def _uploader(raw: dict[str, Any], evidence: tuple[str, ...]) -> Outcome[Uploader]:
    block = mapping(raw.get("_npmUser"))
    account = account_of(block)
    if account is None:
        reason = "the entry does not say who published it: a mirror, or a publication of npm's first years"
        return NotChecked(reason, NEEDS, evidence)
    publisher = block.get("trustedPublisher")
    kind = (text(mapping(publisher).get("id"), 100) or "unnamed") if isinstance(publisher, dict) else None
    return Checked(Uploader(account, kind, account_of(block.get("approver"))), evidence)


def _provenance(dist: dict[str, Any], *, vouched: bool, evidence: tuple[str, ...]) -> Outcome[str | None]:
    """What is stated is believed from anyone, for it is followed and verified; silence only from who vouches."""
    stated = dist.get("attestations")
    if isinstance(stated, dict):
        kind = text(mapping(stated.get("provenance")).get("predicateType"), 300)
        return Checked(kind or "an attestation of unnamed kind", evidence)
    if vouched:
        return Checked(None, evidence)
    return NotChecked(
        "the answer carries neither attestations nor who published: a mirror, or a short form", NEEDS, evidence
    )


def _requirements(raw: dict[str, Any]) -> tuple[Requirement, ...]:
    found = [
        Requirement(name[:300], spec, table)
        for table in _TABLES
        for name, value in list(mapping(raw.get(table)).items())[:MAX_REQUIREMENTS]
        if (spec := text(value, 500)) is not None
    ]
    return tuple(sorted(found, key=lambda r: (_TABLES.index(r.kind), r.name)))


def _signature(block: dict[str, Any]) -> Signature | None:
    keyid, sig = text(block.get("keyid"), 200), text(block.get("sig"), 2000)
    return Signature(keyid, sig) if keyid and sig else None


def _versioned(program: str, value: Any) -> str | None:
    version = text(value, 100)
    return f"{program}/{version}" if version else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
