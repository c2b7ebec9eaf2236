"""`forensics verify`: attestations, bundles, provenance objects, npm documents and cases, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from forensics.attestation.context import Expected
    from forensics.attestation.evaluate import Evaluator
    from forensics.attestation.files import FileVerification
    from forensics.attestation.registry_keys import RegistryKeys
    from forensics.attestation.trust import TrustRoot

_SUFFIXES = (".provenance", ".attestation", ".publish.attestation", ".slsa.attestation", ".sigstore", ".json", ".jsonl")
_INVALID = 4


def verify(
    files: Annotated[
        list[Path], typer.Argument(help="Attestations, bundles, provenance objects, npm documents or cases.")
    ],
    artifact: Annotated[
        Path | None, typer.Option("--artifact", help="The file that the attestations should be about.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="Its SHA-256 in hex, where the file is not at hand.")
    ] = None,
    trust_root: Annotated[
        Path | None, typer.Option("--trust-root", help="A trusted_root.json you vouch for; Sigstore's by default.")
    ] = None,
    npm_keys: Annotated[
        Path | None,
        typer.Option("--npm-keys", help="A file of npm registry keys you vouch for, beside those that are shipped."),
    ] = None,
    identity: Annotated[
        str | None, typer.Option("--identity", help="The subject alternative name that every certificate must carry.")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option("--issuer", help="The token issuer (a URL) that every certificate must name.")
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="A public key in PEM: bundles without certificate must be signed with it."),
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Verify attestations, Sigstore bundles, PEP 740 provenance objects, npm documents or cases, check by check.

    Of npm: a registry's list of attestations, and packuments or version documents, whose registry signatures count.

    Exit code 0: all valid. 4: one is invalid, not by the expected signer, cannot be read, or cannot be verified with
    the keys at hand.
    Valid says who signed, where and when. It does not say that a release is clean.
    """
    _check_arguments(files, sha256, artifact, trust_root, npm_keys, key)
    cases = [path for path in files if path.is_dir() or path.suffix == ".zip"]
    documents = [path for path in files if path not in cases]
    signer = _signer(identity, issuer, key, cases)
    found = _verify_documents(documents, artifact, sha256, trust_root, npm_keys, signer) if documents else _Documents()
    valid = found.valid
    if json_output:
        from forensics.cli.case import case_doc

        about = {case: case_doc(case, trust_root) for case in cases}
        valid = valid and all(fine for _, fine in about.values())
        rows = found.rows | {case: row for case, (row, _) in about.items()}
        document = {"schema": "forensics/verify/1", "trust_root": found.root and found.root.sha256}
        _print_json({**document, "files": [rows[path] for path in dict.fromkeys(files)]})
    else:
        if found.root is not None:
            _print_text(found.texts, found.root.name, found.root.is_lab)
        for case in cases:
            from forensics.cli.case import verify_case

            valid = verify_case(case, trust_root) and valid
    if not valid:
        raise typer.Exit(_INVALID)


@dataclass(slots=True)
class _Documents:
    """What came of the files that are no cases: rows of the JSON by file, lines of text, and the root that counted."""

    valid: bool = True
    rows: dict[Path, dict[str, Any]] = field(default_factory=dict)
    texts: list[list[tuple[str, str]]] = field(default_factory=list)
    root: TrustRoot | None = None


def _check_arguments(files: list[Path], sha256: str | None, *named: Path | None) -> None:
    from forensics.model.errors import UsageError
    from forensics.model.text import visible

    for path in (*files, *(each for each in named if each)):
        if not path.exists():
            raise UsageError(f"there is no file {visible(str(path))}")
    for option in named:
        if option is not None and not option.is_file():
            raise UsageError(f"{visible(str(option))} is not a file")
    if sha256 is not None and (len(sha256) != 64 or not all(digit in "0123456789abcdefABCDEF" for digit in sha256)):
        raise UsageError("--sha256 takes 64 hexadecimal digits")


def _signer(identity: str | None, issuer: str | None, key: Path | None, cases: list[Path]) -> Expected:
    """Who must have signed. Raises UsageError where that cannot be asked, MalformedEvidence for a file without key."""
    from forensics.attestation.context import Expected
    from forensics.attestation.registry_keys import load_named_key
    from forensics.model.errors import UsageError

    if key is not None and (identity is not None or issuer is not None):
        raise UsageError("--key is for bundles without certificate, --identity and --issuer are for certificates")
    signer = Expected(
        identity=identity, issuer=issuer, key=load_named_key(key.read_bytes()) if key is not None else None
    )
    if signer.about_signer and cases:
        raise UsageError("a case is by many signers: --identity, --issuer and --key are for attestations and bundles")
    return signer


def _verify_documents(
    documents: list[Path],
    artifact: Path | None,
    sha256: str | None,
    trust_root: Path | None,
    npm_keys: Path | None,
    signer: Expected,
) -> _Documents:
    """Verify each document, in order."""
    from forensics.attestation.evaluate import Evaluator
    from forensics.attestation.present import as_json, as_text, unreadable_as_json, unreadable_as_text
    from forensics.attestation.registry_keys import keys_for, load_registry_keys
    from forensics.attestation.trust import default_root, vouch
    from forensics.model.attestation import VerificationStatus
    from forensics.model.errors import ForensicsError

    named = trust_root.read_bytes() if trust_root else None
    root = vouch(named, named, bare=signer.key is not None) if named is not None else default_root()
    evaluator = Evaluator(root, independent=True)
    keys = keys_for(root, named=load_registry_keys(npm_keys.read_bytes()) if npm_keys else None)
    all_of_them = _Documents(root=root)
    for path in documents:
        try:
            found, about = _verify_one(path, artifact, sha256, evaluator, keys, signer)
        except (ForensicsError, OSError) as error:
            all_of_them.valid = False
            all_of_them.rows[path] = unreadable_as_json(str(path), str(error))
            all_of_them.texts.append(unreadable_as_text(str(path), str(error)))
            continue
        all_of_them.valid = all_of_them.valid and found.status is VerificationStatus.VALID
        all_of_them.rows[path] = as_json(found)
        all_of_them.texts.append(as_text(found, about))
    return all_of_them


def _verify_one(
    path: Path,
    artifact: Path | None,
    sha256: str | None,
    evaluator: Evaluator,
    keys: RegistryKeys,
    signer: Expected,
) -> tuple[FileVerification, str]:
    """The verification of one document, and what it was compared with, for a reader."""
    from forensics.attestation.files import MAX_FILE, verify_document
    from forensics.model.errors import HostileInput, MalformedEvidence

    if path.stat().st_size > MAX_FILE:
        raise HostileInput(f"a file of {path.stat().st_size} bytes; the limit is {MAX_FILE}")
    beside = None if artifact is not None or sha256 is not None else _beside(path)
    about, name, digest = "no artifact: nothing says which file it should be about", None, sha256
    sha512 = None
    if (file := artifact or beside) is not None:
        name, actual, sha512 = file.name, _digest(file, "sha256"), _digest(file, "sha512")
        about = f"{file.name}, which lies beside it" if beside else file.name
        digest = sha256 or actual
        if sha256 is not None and actual != sha256.lower():
            raise MalformedEvidence(f"{file.name} has the SHA-256 {actual}, not the one given with --sha256")
    elif sha256 is not None:
        about = f"the SHA-256 {sha256.lower()}"
    found = verify_document(
        path.read_bytes(),
        name=str(path),
        evaluator=evaluator,
        sha256=digest and digest.lower(),
        artifact_name=name,
        sha512=sha512,
        keys=keys,
        signer=signer,
    )
    return found, about


def _beside(path: Path) -> Path | None:
    """The artifact that the file is named after, if it lies beside it."""
    name = path.name
    while (shorter := _without_suffix(name)) != name:
        name = shorter
        candidate = path.with_name(name) if name else path
        if candidate != path and candidate.is_file():
            return candidate
    return None


def _without_suffix(name: str) -> str:
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def _digest(path: Path, algorithm: str) -> str:
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _print_json(document: dict[str, object]) -> None:
    import json

    typer.echo(json.dumps(document, indent=2, ensure_ascii=True))


def _print_text(texts: list[list[tuple[str, str]]], root: str, is_lab: bool) -> None:
    """Print lines of (style, text): plain into a pipe, with rich's colours on a terminal unless NO_COLOR is set."""
    import sys

    note = " (a reconstruction's, not Sigstore's: it proves nothing about the world)" if is_lab else ""
    lines = [*(line for text in texts for line in text), ("dim", f"Trust root: {root}{note}")]
    if not sys.stdout.isatty():
        typer.echo("\n".join(text for _, text in lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=False)
    for style, text in lines:
        console.print(Text(text, style=style))
