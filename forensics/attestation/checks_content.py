"""Steps about the content: signature, subject, publisher.

Sources: DSSE v1 ("protocol"), PEP 740 ("Attestation verification"), the Python Packaging User Guide on file names of
wheels and sdists, sigstore/fulcio docs/oid-info.md.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

from forensics.attestation.checks_body import message_digest
from forensics.attestation.checks_certificate import without_certificate
from forensics.attestation.context import Context, Expected, failed, not_checked, passed
from forensics.attestation.npm import same_purl
from forensics.attestation.statement import Subject, pae
from forensics.model.attestation import Check, Publisher
from forensics.model.identity import Identity

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
_GOOGLE_ISSUER = "https://accounts.google.com"


def check_signature(context: Context) -> Check:
    """Step `signature`: the signer's key signed the envelope (its PAE), or the message with the known digest.

    The signer is the certificate, or the key in its place: the one the user named, or the registry's.

    Source: DSSE v1, "Signature definition"; Sigstore's client specification section 4.5.
    """
    name = "signature"
    raw, signer = context.raw, "the certificate's key"
    if context.registry_key is not None:
        signer = "the named key" if context.expected.key is not None else "the registry's key"
    elif (missing := without_certificate(context, name)) is not None:
        return missing
    if raw.signatures != 1:
        return failed(name, f"the envelope carries {raw.signatures} signatures; exactly one is allowed.")
    # With sigstore-python's yes the key is not even loaded: it checked this signature with this certificate's key.
    key = None if context.proven else context.public_key
    if key is None and not context.proven:
        return failed(name, f"{signer} cannot be read.")
    if raw.payload is None:
        return _message_signature(context, key, signer)
    if key is None or context.signed(key, raw.signature, partial(pae, raw.payload_type, raw.payload)):
        return passed(name, f"{signer} signed the statement of {len(raw.payload)} bytes.")
    return failed(name, f"{signer} did not sign this statement of {len(raw.payload)} bytes.")


def check_subject(context: Context) -> Check:
    """Step `subject`: the statement is about the file that the index names, by name and SHA-256.

    File names are compared as parsed wheel and sdist names, other names as they are; a version of npm by its package
    URL and SHA-512. Not checked where the caller knows neither. Sources: PEP 740, "Attestation verification"; npm's
    publish attestation v0.1.
    """
    name, expected = "subject", context.expected
    if not expected.about_subject:
        return not_checked(name, "no file name and no digest to compare with.")
    if context.raw.payload is None:
        return _message_subject(context)
    if context.statement is None:
        return not_checked(name, "the payload is not a statement that can be read.")
    if (subject := matching_subject(context)) is not None:
        return passed(name, f"the statement is about {subject.name!r}{_short(subject)}.")
    first = context.statement.subjects[0]
    more = len(context.statement.subjects) - 1
    stated = f"{first.name!r}{_short(first)}" + (f" and {more} more" if more else "")
    digests = {"sha256": expected.sha256, "sha512": expected.sha512}
    short = [f" ({algorithm} {digest[:12]}…)" for algorithm, digest in digests.items() if digest]
    wanted = f"{expected.purl or expected.filename or 'a file'}" + "".join(short)
    return failed(name, f"the statement is about {stated}, not about {wanted!r}.")


def check_publisher(context: Context) -> Check:
    """Step `publisher`: the index's publisher configuration is the identity in the certificate.

    The environment counts only where the certificate carries one and the configuration names one. Kinds that this
    version does not know are not checked. Sources: PEP 740, "Provenance objects"; PyPI's trusted publisher models.
    """
    name, publisher, identity = "publisher", context.expected.publisher, context.identity
    if publisher is None:
        return not_checked(name, "no publisher to compare with.")
    if identity is None:
        return not_checked(name, "there is no certificate that can be read.")
    compare = {"GitHub": _github, "GitLab": _gitlab, "Google": _google}.get(publisher.kind)
    if compare is None:
        return not_checked(name, f"publishers of the kind {publisher.kind!r} are not known to this version.")
    problems = compare(publisher, identity)
    if problems:
        return failed(name, f"the index's {publisher.kind} publisher is not the certificate's: {'; '.join(problems)}.")
    return passed(name, f"the certificate is that of the index's {publisher.kind} publisher.")


def matching_subject(context: Context) -> Subject | None:
    """Return the subject of the statement that fits what is expected, None where none does."""
    expected, statement = context.expected, context.statement
    for subject in statement.subjects if statement else ():
        if _name_fits(subject, expected) and _digests_fit(subject, expected):
            return subject
    return None


def _name_fits(subject: Subject, expected: Expected) -> bool:
    if expected.purl is not None:
        return same_purl(subject.name, expected.purl)
    return expected.filename is None or same_filename(subject.name, expected.filename)


def _digests_fit(subject: Subject, expected: Expected) -> bool:
    wanted = {"sha256": expected.sha256, "sha512": expected.sha512}
    return all(subject.digests.get(name) == value.lower() for name, value in wanted.items() if value is not None)


def same_filename(one: str, other: str) -> bool:
    """Return whether two names are of the same file: equal, or equal as parsed wheel or sdist names."""
    return one == other or ((parsed := _parsed(one)) is not None and parsed == _parsed(other))


@lru_cache(maxsize=4096)
def _parsed(name: str) -> tuple[object, ...] | None:
    from packaging.utils import parse_sdist_filename, parse_wheel_filename

    try:
        if name.endswith(".whl"):
            return parse_wheel_filename(name)
        return parse_sdist_filename(name) if name.endswith((".tar.gz", ".zip")) else None
    except ValueError:
        return None


def _short(subject: Subject) -> str:
    for algorithm in ("sha256", "sha512"):
        if digest := subject.digests.get(algorithm):
            return f" ({algorithm} {digest[:12]}…)"
    return ""


def _message_signature(context: Context, key: PublicKeyTypes | None, signer: str) -> Check:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    name, digest = "signature", message_digest(context)
    if digest is None or len(digest) != 32:
        return not_checked(name, "neither the caller nor the bundle names the SHA-256 of what was signed.")
    if key is None:
        return passed(name, f"{signer} signed the digest {digest.hex()[:12]}….")
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return not_checked(name, "a signature over a digest is checked for ECDSA keys only.")
    try:
        key.verify(context.raw.signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return failed(name, f"{signer} did not sign the digest {digest.hex()[:12]}….")
    return passed(name, f"{signer} signed the digest {digest.hex()[:12]}….")


def _message_subject(context: Context) -> Check:
    name, wanted, stated = "subject", context.expected.sha256, context.raw.digest
    if wanted is None or stated is None:
        return not_checked(name, "a bare message names no file, and there are not two digests to compare.")
    if stated.hex() != wanted.lower():
        return failed(name, f"the bundle is about the digest {stated.hex()[:12]}…, not about {wanted[:12]}….")
    return passed(name, f"the bundle is about the digest {stated.hex()[:12]}….")


def _github(publisher: Publisher, identity: Identity) -> list[str]:
    """Repository without regard to case, as GitHub has it, and the file name of the workflow."""
    problems = _differs("issuer", _GITHUB_ISSUER, _without_path(identity.oidc_issuer))
    uri = identity.source_repository_uri or f"https://github.com/{identity.github_workflow_repository}"
    repository = publisher.get("repository") or ""
    problems += _differs("repository", f"https://github.com/{repository}".lower(), uri.lower())
    problems += _differs("workflow", f".github/workflows/{publisher.get('workflow')}", identity.workflow)
    holder = (identity.workflow_repository or "").lower()
    problems += _differs("workflow's repository", repository.lower(), holder)
    return problems + _environment(publisher, identity)


def _gitlab(publisher: Publisher, identity: Identity) -> list[str]:
    """Project path without regard to case, and the path of the CI file; the issuer is the host of the project."""
    issuer = identity.oidc_issuer or ""
    repository = publisher.get("repository") or ""
    problems = _differs("repository", f"{issuer}/{repository}".lower(), (identity.source_repository_uri or "").lower())
    problems += _differs("workflow file", publisher.get("workflow_filepath") or "", identity.workflow)
    return problems + _environment(publisher, identity)


def _google(publisher: Publisher, identity: Identity) -> list[str]:
    problems = _differs("issuer", _GOOGLE_ISSUER, identity.oidc_issuer)
    return problems + _differs("e-mail", publisher.get("email") or "", identity.subject_alternative_name)


def _environment(publisher: Publisher, identity: Identity) -> list[str]:
    wanted, stated = publisher.get("environment"), identity.deployment_environment
    if not wanted or not stated:
        return []
    return _differs("environment", wanted.lower(), stated.lower())


def _differs(what: str, wanted: str, stated: str | None) -> list[str]:
    return [] if wanted == stated else [f"{what} {wanted!r} against {stated!r}"]


def _without_path(issuer: str | None) -> str | None:
    """GitHub's issuer without the name of an enterprise, which it may end in."""
    return _GITHUB_ISSUER if issuer and issuer.startswith(_GITHUB_ISSUER + "/") else issuer
