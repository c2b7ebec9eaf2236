"""rekor-monitor's configuration, read as it is.

Source: sigstore/rekor-monitor README.md ("Configuration file format") and its packages identity, extensions and
notifications. Expressions are unanchored, extension values exact. What is not taken over is named, never passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from forensics.model.claims import BY_OID, CLAIMS
from forensics.model.errors import UsageError
from forensics.transparency.expressions import Expression
from forensics.transparency.matching import Sought

MAX_CONFIGURATION = 1 << 20
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,9})){1,30}", re.ASCII)
_TOP = ("startIndex", "endIndex", "monitoredValues", "outputIdentities", "outputIdentitiesFormat", "logInfoFile",
        "identityMetadataFile")  # fmt: skip
_NOTIFICATIONS = frozenset(
    {"githubIssue", "emailNotificationSMTP", "emailNotificationMailgun", "emailNotificationSendGrid"}
)
_VALUES = ("certIdentities", "subjects", "fingerprints", "oidMatchers")
_MATCHERS = ("fulcioExtensions", "oidExtensions", "customExtensions")
_ISSUERS = ("issuer", "issuer_v1")
_FULCIO = {claim.field.replace("_", "-"): claim.oid for claim in CLAIMS if claim.oid in BY_OID} | {
    "subject": next(claim.oid for claim in CLAIMS if claim.field == "token_subject")
}


@dataclass(frozen=True, slots=True)
class MonitoredValue:
    """One monitored value: its *type* in rekor-monitor's output, its own content there, and what to look for.

    A value with several alternatives is several things to look for.
    """

    type: str
    content: tuple[tuple[str, Any], ...]
    sought: tuple[Sought, ...]


@dataclass(frozen=True, slots=True)
class MonitorConfiguration:
    """What a configuration file asks for. Indices are None where it leaves them out; *notes* are for the user."""

    start_index: int | None
    end_index: int | None
    values: tuple[MonitoredValue, ...]
    output: str | None
    output_format: str
    log_info_file: str | None
    metadata_file: str | None
    notes: tuple[str, ...]

    @property
    def sought(self) -> tuple[Sought, ...]:
        """Everything to look for."""
        return tuple(each for value in self.values for each in value.sought)

    def value_of(self, sought: Sought) -> MonitoredValue | None:
        """Return the monitored value that *sought* is part of."""
        return next((value for value in self.values if sought in value.sought), None)


def parse_configuration(text: str) -> MonitorConfiguration:
    """Return what the YAML configuration *text* asks for.

    Raises UsageError for YAML that cannot be read, values of the wrong type, empty values and expressions that are not
    supported; unknown keys and what is not taken over are in the notes. Source: rekor-monitor, README.md.
    """
    document = _mapping(_yaml(text), "the configuration")
    notes = [f"{key}: notifications are not sent from here" for key in document if key in _NOTIFICATIONS]
    notes += _unknown(document, (*_TOP, *_NOTIFICATIONS), "")
    monitored = _mapping(document.get("monitoredValues"), "monitoredValues")
    notes += _unknown(monitored, _VALUES, "monitoredValues.")
    values = [
        *_certificates(monitored.get("certIdentities"), notes),
        *_subjects(monitored.get("subjects"), notes),
        *_fingerprints(monitored.get("fingerprints")),
        *_matchers(_mapping(monitored.get("oidMatchers"), "oidMatchers"), notes),
    ]
    output = _text(document.get("outputIdentities"), "outputIdentities")
    return MonitorConfiguration(
        _index(document.get("startIndex"), "startIndex"),
        _index(document.get("endIndex"), "endIndex"),
        tuple(values),
        output,
        _format(document.get("outputIdentitiesFormat"), output),
        _text(document.get("logInfoFile"), "logInfoFile"),
        _text(document.get("identityMetadataFile"), "identityMetadataFile"),
        tuple(notes),
    )


def _yaml(text: str) -> object:
    import yaml

    if len(text) > MAX_CONFIGURATION:
        raise UsageError(f"a configuration of {len(text)} characters; the limit is {MAX_CONFIGURATION}")
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise UsageError("a configuration with YAML aliases, which can grow without limit")
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"the configuration is not YAML that can be read: {error}") from error


def _certificates(found: object, notes: list[str]) -> Iterable[MonitoredValue]:
    for number, item in enumerate(_list(found, "certIdentities")):
        identity = _mapping(item, "certIdentities")
        notes += _unknown(identity, ("certSubject", "issuers"), f"certIdentities[{number}].")
        name = _filled(identity.get("certSubject"), "certSubject")
        issuers = tuple(_filled(issuer, "issuers") for issuer in _list(identity.get("issuers"), "issuers"))
        sought = Sought(name, Expression(name), tuple(Expression(issuer) for issuer in issuers))
        content = (("certSubject", name), ("issuers", list(issuers) or None))
        yield MonitoredValue("certIdentity", content, (sought,))


def _subjects(found: object, notes: list[str]) -> Iterable[MonitoredValue]:
    names = [_filled(item, "subjects") for item in _list(found, "subjects")]
    if names:
        notes.append("subjects: compared with the names of certificates; SSH and PGP keys are not opened")
    for name in names:
        yield MonitoredValue("subject", (("subject", name),), (Sought(name, Expression(name)),))


def _fingerprints(found: object) -> Iterable[MonitoredValue]:
    for item in _list(found, "fingerprints"):
        value = _filled(item, "fingerprints")
        yield MonitoredValue("fingerprint", (("fingerprint", value),), (Sought(value, fingerprint=value.lower()),))


def _matchers(found: dict[str, Any], notes: list[str]) -> Iterable[MonitoredValue]:
    notes += _unknown(found, _MATCHERS, "oidMatchers.")
    wanted: dict[str, dict[str, None]] = {}  # object identifier -> its values, each once, in order
    named = _mapping(found.get("fulcioExtensions"), "fulcioExtensions")
    notes += _unknown(named, tuple(_FULCIO), "fulcioExtensions.")
    for name, values in named.items():
        if name in _FULCIO:
            oids = [_FULCIO[name]] if name != "issuer" else [_FULCIO["issuer-v1"], _FULCIO["issuer"]]
            for oid in oids:
                wanted.setdefault(oid, {}).update(dict.fromkeys(_values(values, name)))
    for kind in ("oidExtensions", "customExtensions"):
        for number, item in enumerate(_list(found.get(kind), kind)):
            matcher = _mapping(item, kind)
            notes += _unknown(matcher, ("objectIdentifier", "extensionValues"), f"{kind}[{number}].")
            values = _values(matcher.get("extensionValues"), kind)
            wanted.setdefault(_oid(matcher.get("objectIdentifier")), {}).update(dict.fromkeys(values))
    for oid, texts in wanted.items():
        sought = Sought(f"{oid}={'|'.join(texts)}", extensions=((oid, tuple(texts)),))
        content = (("extensionValues", list(texts)), ("oid", [int(arc) for arc in oid.split(".")]))
        yield MonitoredValue("oidExtension", content, (sought,))


def _values(found: object, where: str) -> list[str]:
    values = [_filled(item, where) for item in _list(found, where)]
    if not values:
        raise UsageError(f"{where}: no values to look for")
    return values


def _oid(found: object) -> str:
    if isinstance(found, list) and all(type(arc) is int for arc in found):
        found = ".".join(map(str, found))
    if not isinstance(found, str) or not _OID.fullmatch(found):
        raise UsageError(f"objectIdentifier: {found!r} is not an object identifier")
    return found


def _format(found: object, output: str | None) -> str:
    text = _text(found, "outputIdentitiesFormat")
    if text is None:
        return "json" if (output or "").endswith(".json") else "text"
    if text not in ("text", "json"):
        raise UsageError(f"outputIdentitiesFormat: {text!r} is neither text nor json")
    return text


def _unknown(found: dict[str, Any], known: Iterable[str], where: str) -> list[str]:
    known = set(known)
    return [f"{where}{key}: unknown, not taken over" for key in found if key not in known]


def _mapping(found: object, where: str) -> dict[str, Any]:
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise UsageError(f"{where}: not a mapping of names to values")
    return found


def _list(found: object, where: str) -> list[Any]:
    if found is None:
        return []
    if not isinstance(found, list):
        raise UsageError(f"{where}: not a list")
    return found


def _text(found: object, where: str) -> str | None:
    if found is not None and not isinstance(found, str):
        raise UsageError(f"{where}: {found!r} is not a text")
    return found


def _filled(found: object, where: str) -> str:
    if type(found) in (int, float):  # YAML reads digits without quotes as numbers; Go's reader gives them back as text
        found = str(found)
    if not isinstance(found, str) or not found:
        raise UsageError(f"{where}: {found!r} is not a text, or is empty")
    return found


def _index(found: object, where: str) -> int | None:
    if found is None:
        return None
    if type(found) is not int or not 0 <= found < 2**63:
        raise UsageError(f"{where}: {found!r} is not an index")
    return found
