#!/usr/bin/env python3
"""Speaks the protocol of Sigstore's conformance suite, and asks `forensics verify`.

Source: sigstore/sigstore-conformance, docs/cli_protocol.md. Exit 0: verified. 1: not. A digest or the SHA-256 of the
file is handed on, never its name: the suite's statements may call the artifact anything.

`--staging` takes the trust root that sigstore-python carries for Sigstore's staging instance, or keeps from an earlier
refresh; nothing is fetched. `--trusted-root` goes before it. Without either, the production root counts that
`forensics` has.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_DIGEST = re.compile(r"sha256:([0-9a-fA-F]{64})")


def main(arguments: list[str]) -> int:
    """Carry out one command of the protocol and return its exit code."""
    options = _parser().parse_args(arguments)
    if options.command == "sign-bundle":
        print("forensics signs nothing: run the suite with --skip-signing", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        root = options.trusted_root or (_staging_root(Path(folder)) if options.staging else None)
        wanted = {
            "--sha256": _sha256(options.artifact),
            "--identity": options.certificate_identity,
            "--issuer": options.certificate_oidc_issuer,
            "--key": options.key,
            "--trust-root": root,
        }
        given = [part for name, value in wanted.items() if value is not None for part in (name, str(value))]
        return 1 if subprocess.run([_forensics(), "verify", options.bundle, *given], check=False).returncode else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    sign, verify = commands.add_parser("sign-bundle"), commands.add_parser("verify-bundle")
    for command in (sign, verify):
        command.add_argument("--staging", action="store_true")
        command.add_argument("--bundle", required=True)
        command.add_argument("--trusted-root", type=Path)
        command.add_argument("artifact", metavar="FILE_OR_DIGEST")
    sign.add_argument("--identity-token")
    sign.add_argument("--in-toto", action="store_true")
    sign.add_argument("--signing-config")
    for option in ("--certificate-identity", "--certificate-oidc-issuer", "--key"):
        verify.add_argument(option)
    return parser


def _sha256(artifact: str) -> str:
    """The digest that is meant: what is no digest, or is the name of a file, is a file."""
    digest = _DIGEST.fullmatch(artifact)
    if digest is not None and not Path(artifact).exists():
        return digest[1].lower()
    with Path(artifact).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _staging_root(folder: Path) -> Path:
    from sigstore.models import ClientTrustConfig

    path = folder / "trusted_root.json"
    path.write_text(ClientTrustConfig.staging(offline=True).trusted_root._inner.to_json(), encoding="utf-8")
    return path


def _forensics() -> str:
    """The command installed beside this interpreter, else the one on the path."""
    beside = Path(sys.executable).with_name("forensics")
    return str(beside) if beside.exists() else "forensics"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
