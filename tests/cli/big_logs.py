"""What is planted in logs of 100,000 entries, and the installed command run over them."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import COMMAND, environment
from tests.lab.pki import Authority
from tests.lab.tiles_log import Writer, writer

SIZE = 100_000
SAN = "https://github.com/acme/wanted/.github/workflows/release.yml@refs/tags/v1.2.3"
OTHER = "https://github.com/acme/wanted/.github/workflows/nightly.yml@refs/heads/main"
BY_NAME = (0, 255, 256, 65_536, 99_999)
BY_EXPRESSION = (*BY_NAME, 40_000)
DIGEST_AT = 77_777
UNPARSABLE = 60_000
SOUGHT = {
    "literal": (("--identity", SAN), BY_NAME),
    "regex": (("--identity-regex", "acme/wan.ed/"), BY_EXPRESSION),
    "extension": (("--claim", "source-repository-identifier=700000999"), BY_EXPRESSION),
    "digest": (("--digest", hashlib.sha256(b"their wheel").hexdigest()), (DIGEST_AT,)),
}
EVERYTHING = ("--identity", SAN, "--identity", OTHER, *SOUGHT["digest"][0])
ALL = tuple(sorted((*BY_EXPRESSION, DIGEST_AT)))


@dataclass(frozen=True)
class Planted:
    """Who is looked for, and a stranger who logged a digest that is."""

    authority: Authority
    own: Writer
    nightly: Writer
    stranger: Writer

    def of(self, index: int) -> tuple[Writer, bytes]:
        """Who signed the entry at *index*, and what."""
        if index == DIGEST_AT:
            return self.stranger, b"their wheel"
        return (self.own if index in BY_NAME else self.nightly), b"release %d" % index


def plant() -> Planted:
    """Return the same people with new keys."""
    authority = Authority()
    own, nightly = (writer(authority, 999, san=name) for name in (SAN, OTHER))
    return Planted(authority, own, nightly, writer(authority, 5))


def run(home: Path, env: dict[str, str], *words: object, code: int = 0) -> str:
    line = [str(COMMAND), "log", *map(str, words)]
    done = subprocess.run(
        line, env=environment(home, env), cwd=home, capture_output=True, encoding="utf-8", check=False, timeout=500
    )
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout


def document(home: Path, env: dict[str, str], *words: object, code: int = 0) -> dict[str, Any]:
    (log,) = json.loads(run(home, env, *words, "--json", code=code))["logs"]
    return dict(log)


def indices(log: dict[str, Any]) -> list[int]:
    return [entry["index"] for entry in log["entries"]]


def spans(log: dict[str, Any]) -> list[tuple[int, int]]:
    return [(gap["begin"], gap["end"]) for gap in log["not_proved"]]
