"""Whom to look for in a log, and whether an entry is theirs.

A responder knows a name, an issuer, a repository id, a digest, a key: each `Sought` says what must hold together, and
`Matcher` compares entries with all of them at once. Sources: sigstore/fulcio docs/oid-info.md for the claims; the
configuration of rekor-monitor for what responders look for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from forensics.model.claims import BY_OID, CLAIMS
from forensics.model.errors import EvidenceError, UsageError
from forensics.transparency.entries import EntryView, Verifier
from forensics.transparency.expressions import Expression
from forensics.transparency.extract import CertificateNames, extension_text, names_of

FIELDS = frozenset(claim.field for claim in CLAIMS)
MAX_LITERAL = 4096


@dataclass(frozen=True, slots=True)
class Literal:
    """A text to find: all of a value if *exact*, else anywhere in it; *ignore_case* compares casefolded."""

    text: str
    exact: bool = True
    ignore_case: bool = False

    def __post_init__(self) -> None:
        if not 0 < len(self.text) <= MAX_LITERAL:
            raise UsageError(f"a text of {len(self.text)} characters cannot be looked for")

    def found_in(self, value: str) -> bool:
        """Return whether *value* is, or holds, this text."""
        text = self.text
        if self.ignore_case:
            text, value = text.casefold(), value.casefold()
        return text == value if self.exact else text in value


Text = Literal | Expression


@dataclass(frozen=True, slots=True)
class Sought:
    """What to look for. Every part that is given must hold of one certificate, or of the entry for digest and key.

    *issuers*: any of them. *claims*: for each field of `model.identity.Identity`, any of its texts. *extensions*: for
    each object identifier, any of its values, exactly. *digest* and *fingerprint* in hex. *label* is the caller's.
    """

    label: str
    subject: Text | None = None
    issuers: tuple[Text, ...] = ()
    claims: tuple[tuple[str, tuple[Text, ...]], ...] = ()
    extensions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    digest: str | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        unknown = [name for name, _ in self.claims if name not in FIELDS]
        if unknown:
            raise UsageError(f"no claim of a certificate is called {unknown[0]!r}")
        if not (self.subject or self.issuers or self.claims or self.extensions or self.digest or self.fingerprint):
            raise UsageError(f"{self.label!r} says nothing to look for")

    @property
    def of_certificate(self) -> bool:
        """Whether a certificate has to be opened to tell."""
        return bool(self.subject or self.issuers or self.claims or self.extensions)


@dataclass(frozen=True, slots=True)
class Match:
    """Something sought that an entry holds.

    *what* is `subject`, `issuer`, the field of a claim, an object identifier, `digest` or `fingerprint`, and *value*
    what the entry says there; *subject* and *issuer* are the certificate's, where there is one.
    """

    sought: Sought
    what: str
    value: str
    subject: str | None = None
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """What came of one entry: its matches, and why some of it could not be judged."""

    matches: tuple[Match, ...] = ()
    unreadable: tuple[str, ...] = ()


def subject(text: str, *, exact: bool = True, issuer: str | None = None) -> Sought:
    """Return what finds certificates with this subject alternative name, of *issuer* if it is given."""
    return Sought(text, Literal(text, exact), (Literal(issuer),) if issuer else ())


def email(address: str) -> Sought:
    """Return what finds certificates for this e-mail address; capitals make no difference.

    That takes reading every entry: `subject` finds one way of writing it several times faster.
    """
    return Sought(address, Literal(address, exact=True, ignore_case=True))


def expression(pattern: str, *, issuer: str | None = None) -> Sought:
    """Return what finds certificates with a name, and an issuer, in which these expressions are found."""
    return Sought(pattern, Expression(pattern), (Expression(issuer),) if issuer else ())


def claim(name: str, *values: str) -> Sought:
    """Return what finds certificates whose claim *name* has any of *values*.

    *name* is a field of Identity, also with dashes as in Fulcio's documentation. Raises UsageError for another.
    """
    field = name.replace("-", "_")
    return Sought(f"{name}={'|'.join(values)}", claims=((field, tuple(Literal(value) for value in values)),))


def digest(value: str) -> Sought:
    """Return what finds entries that state this digest, with or without the algorithm before a colon.

    Raises UsageError for what is not hex.
    """
    return Sought(value, digest=_hex(value))


def fingerprint(value: str) -> Sought:
    """Return what finds entries signed by the key or certificate with this SHA-256, in hex. Raises UsageError."""
    return Sought(value, fingerprint=_hex(value))


class Matcher:
    """Compares entries with everything sought."""

    def __init__(self, sought: Iterable[Sought]) -> None:
        self.sought = tuple(sought)
        if not self.sought:
            raise UsageError("nothing to look for")
        self._of_certificate = tuple(each for each in self.sought if each.of_certificate)
        self._of_entry = tuple(each for each in self.sought if not each.of_certificate)

    def match(self, view: EntryView) -> Matched:
        """Return what of all that is sought the entry *view* holds, and what could not be read; nothing is raised."""
        unreadable: list[str] = []
        matches = [match for each in self._of_entry if (match := _entry_match(each, view))]
        if self._of_certificate:
            for verifier in view.verifiers:
                for certificate in verifier.certificates:
                    self._certificate(view, verifier, certificate, matches, unreadable)
        return Matched(tuple(matches), tuple(unreadable))

    def _certificate(
        self, view: EntryView, verifier: Verifier, certificate: bytes, matches: list[Match], unreadable: list[str]
    ) -> None:
        try:
            names = names_of(certificate)
        except EvidenceError as error:
            unreadable.append(error.what)
            return
        for each in self._of_certificate:
            try:
                match = _certificate_match(each, names, certificate)
                if match and _entry_holds(each, view, verifier):
                    matches.append(match)
            except EvidenceError as error:
                unreadable.append(error.what)


def _entry_match(sought: Sought, view: EntryView) -> Match | None:
    holder = next((each for each in view.verifiers if _entry_holds(sought, view, each)), None)
    if holder is None and (sought.fingerprint or not _entry_holds(sought, view, None)):
        return None
    what = "digest" if sought.digest else "fingerprint"
    certificate = holder.certificates[0] if holder and holder.certificates else None
    return Match(sought, what, sought.digest or sought.fingerprint or "", *_holder(certificate))


def _entry_holds(sought: Sought, view: EntryView, verifier: Verifier | None) -> bool:
    if sought.digest is not None and not any(each.value == sought.digest for each in view.digests):
        return False
    return sought.fingerprint is None or (verifier is not None and sought.fingerprint in verifier.fingerprints)


def _holder(certificate: bytes | None) -> tuple[str | None, str | None]:
    if certificate is None:
        return None, None
    try:
        names = names_of(certificate)
    except EvidenceError:
        return None, None
    return (names.names[0] if names.names else None), names.issuer


def _certificate_match(sought: Sought, names: CertificateNames, certificate: bytes) -> Match | None:
    found: tuple[str, str] | None = None
    name = names.names[0] if names.names else None
    if sought.subject is not None:
        name = next(filter(sought.subject.found_in, names.names), None)
        if name is None:
            return None
        found = ("subject", name)
    if sought.issuers:
        issuer = names.issuer
        if issuer is None or not any(text.found_in(issuer) for text in sought.issuers):
            return None
        found = found or ("issuer", issuer)
    tests: list[tuple[str, str | None, Callable[[str], bool]]] = [
        *((field, names.claims.get(field), _any_of(texts)) for field, texts in sought.claims),
        *((oid, _extension(names, certificate, oid), values.__contains__) for oid, values in sought.extensions),
    ]
    for what, value, holds in tests:
        if value is None or not holds(value):
            return None
        found = found or (what, value)
    return Match(sought, *(found or ("subject", "")), name, names.issuer)


def _any_of(texts: tuple[Text, ...]) -> Callable[[str], bool]:
    return lambda value: any(text.found_in(value) for text in texts)


def _extension(names: CertificateNames, certificate: bytes, oid: str) -> str | None:
    known = BY_OID.get(oid)
    return names.claims.get(known.field) if known else extension_text(certificate, oid)


def _hex(value: str) -> str:
    text = value.rpartition(":")[2].lower()
    try:
        bytes.fromhex(text)
    except ValueError as error:
        raise UsageError(f"{value!r} is not a digest in hex") from error
    if not 32 <= len(text) <= 128 or not text.isalnum():
        raise UsageError(f"{value!r} is not a digest in hex")
    return text
