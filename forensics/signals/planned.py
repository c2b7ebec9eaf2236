"""Signals of the catalogue whose source this version does not collect: listed, explained, and always not checked."""

from __future__ import annotations

from forensics.model.finding import Family, Severity
from forensics.signals.registry import Signal

_L, _M, _H, _D = Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.DECISIVE


def _planned(
    id: str,  # noqa: A002 - the word of the catalogue
    title: str,
    family: Family,
    severities: tuple[Severity, ...],
    needs: tuple[str, ...],
    missing: str,
) -> Signal:
    return Signal(id, title, family, severities, needs, (), missing=missing)


_GIT = "the repository is not collected by this version"
_ARTIFACT = "artifact contents are not compared by this version"
_NPM = "npm is not collected by this version"
_EXPORT = "upload clients are not compared by this version"

SIGNALS: tuple[Signal, ...] = (
    _planned(
        "unattested-trusted-publish",
        "Trusted publisher, attestation missing",
        Family.TRUST,
        (_M,),
        ("packument",),
        _NPM,
    ),
    _planned(
        "workflow-risk-increased", "New static findings in the workflow file", Family.TRUST, (_M,), ("git",), _GIT
    ),
    _planned(
        "artifact-differs-from-source",
        "Files differ from the attested commit",
        Family.SOURCE,
        (_H, _L),
        ("artifact", "git"),
        _ARTIFACT,
    ),
    _planned(
        "wheel-differs-from-sdist",
        "The wheel holds files that the sdist does not explain",
        Family.SOURCE,
        (_H,),
        ("artifact",),
        _ARTIFACT,
    ),
    _planned(
        "run-not-successful",
        "The publishing job did not succeed, yet the file is there",
        Family.SOURCE,
        (_D, _L),
        ("CI",),
        "CI runs are not collected by this version",
    ),
    _planned(
        "fleet-burst",
        "One run or account published many packages at once",
        Family.TIME,
        (_M,),
        ("index", "log"),
        "other projects are not collected by this version",
    ),
    _planned(
        "exec-surface-added",
        "New code that runs at import or install",
        Family.CONTENT,
        (_H, _M),
        ("artifact",),
        _ARTIFACT,
    ),
    _planned("size-jump", "Unpacked size far above the cohort's", Family.CONTENT, (_L,), ("artifact",), _ARTIFACT),
    _planned("upload-tool-changed", "Another upload client", Family.PEOPLE, (_L,), ("export",), _EXPORT),
    _planned(
        "publisher-account-changed",
        "Another publishing account",
        Family.PEOPLE,
        (_M, _L),
        ("packument", "journal"),
        "accounts are not collected by this version",
    ),
    _planned(
        "attestation-vanished",
        "An attestation seen before is gone",
        Family.HINDSIGHT,
        (_L,),
        ("case", "log"),
        "earlier cases are not compared by this version",
    ),
)
