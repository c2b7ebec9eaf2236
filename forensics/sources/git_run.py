"""The `git` program on a short leash: no configuration but ours, no hooks, no prompts, two protocols, caps on all.

A repository is hostile input. Nothing of it is checked out, and nothing in it can name a program to run: git reads
neither system nor user configuration here, and the repositories it works on are bare and of our own making.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forensics.evidence.wire import scrub
from forensics.model.errors import BadAnswer, Unreachable, UsageError
from forensics.sources.program import TooLarge, end, talk

NETWORK_SECONDS = 600.0
LOCAL_SECONDS = 120.0
MAX_OUTPUT_BYTES = 64 * 2**20
"""Most that one command may print."""
_MAX_WORDS = 4000
_STALL_SECONDS = 30
_WATCH_SECONDS = 0.1
_KEPT = ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE")
"""What the user's environment may say about the way out; everything else is ours."""

_HARMLESS_FLAWS = (
    "zeroPaddedFilemode", "missingSpaceBeforeDate", "missingSpaceBeforeEmail", "missingEmail", "missingNameBeforeEmail",
    "badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "duplicateEntries", "gitmodulesMissing",
    "gitmodulesParse", "gitmodulesUrl", "gitmodulesName", "gitmodulesBlob", "missingTaggerEntry", "badTagName",
)  # fmt: skip
"""What old repositories have everywhere and what cannot harm a bare one; anything else refuses the whole transfer."""

_SETTINGS = (
    "protocol.allow=never",
    "protocol.version=2",
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=/bin/false",
    "core.symlinks=false",
    "core.pager=cat",
    "credential.helper=",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.fsckObjects=true",
    "fetch.writeCommitGraph=false",
    "fetch.unpackLimit=1",
    "transfer.bundleURI=false",
    "http.followRedirects=false",
    f"http.lowSpeedTime={_STALL_SECONDS}",
    "http.lowSpeedLimit=1",
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
    "i18n.logOutputEncoding=UTF-8",
    *(f"fetch.fsck.{flaw}=ignore" for flaw in _HARMLESS_FLAWS),
)


class NoGit(Unreachable):
    """The `git` program is not installed."""

    default_advice = "Install git, then run the same command with --refresh."


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left: its exit code, what it printed, and its complaints, scrubbed and cut."""

    code: int
    out: bytes
    words: str


@dataclass(slots=True)
class Git:
    """The program, working below *scratch*, an empty directory of ours. *protocols* are those it may speak.

    `Git.find` looks for the program.
    """

    program: str
    scratch: Path
    protocols: tuple[str, ...] = ("https", "http")
    seconds: float = NETWORK_SECONDS
    _repository: Path = field(init=False)

    def __post_init__(self) -> None:
        self._repository = self.scratch / "repository.git"

    @classmethod
    def find(cls, scratch: Path, protocols: tuple[str, ...] = ("https", "http")) -> Git:
        """Return the program that the PATH names; raises NoGit when there is none."""
        program = shutil.which("git")
        if program is None:
            raise NoGit("the git program is not installed")
        return cls(program, scratch, protocols)

    @property
    def repository(self) -> Path:
        """Where the bare repository is, once made."""
        return self._repository

    def size(self) -> int:
        """Return how many bytes the repository takes."""
        total = 0
        for folder, _, names in os.walk(self._repository):
            for name in names:
                with contextlib.suppress(OSError):
                    total += (Path(folder) / name).lstat().st_size
        return total

    async def make_repository(self) -> None:
        """Make an empty bare repository in place of an earlier one, without templates and so without hooks.

        Raises BadAnswer when git cannot, and as `local` does.
        """
        shutil.rmtree(self._repository, ignore_errors=True)
        done = await self.local("init", "--quiet", "--bare", "--template=", str(self._repository), inside=False)
        if done.code:
            raise BadAnswer(f"git cannot make a repository: {done.words}")

    async def local(
        self, *arguments: str, stdin: bytes = b"", limit: int = MAX_OUTPUT_BYTES, inside: bool = True
    ) -> Done:
        """Run a command that needs nobody. It could not reach anyone: no protocol is allowed.

        Raises TooLarge when it prints more than *limit* bytes, Unreachable when it takes longer than LOCAL_SECONDS.
        """
        return await self._run(arguments, stdin, limit, LOCAL_SECONDS, (), None, inside=inside)

    async def remote(
        self, *arguments: str, stdin: bytes = b"", limit: int = MAX_OUTPUT_BYTES, largest: int | None = None,
        inside: bool = True,
    ) -> Done:  # fmt: skip
        """Run a command that talks to the server. *largest* is how big the repository may grow, in bytes.

        Raises TooLarge and Unreachable as `local` does, after `seconds`.
        """
        return await self._run(arguments, stdin, limit, self.seconds, self.protocols, largest, inside=inside)

    def _environment(self, protocols: Sequence[str]) -> dict[str, str]:
        kept = {name: value for name in _KEPT if (value := os.environ.get(name))}
        home = self.scratch / "home"
        home.mkdir(exist_ok=True)
        return {
            **kept,
            "PATH": os.pathsep.join((str(Path(self.program).parent), "/usr/bin", "/bin")),
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "LC_ALL": "C",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "GIT_SSH_COMMAND": "/bin/false",
            "GIT_PROTOCOL_FROM_USER": "0",
            "GIT_ALLOW_PROTOCOL": ":".join(protocols) or "none",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_CEILING_DIRECTORIES": str(self.scratch),
        }

    async def _run(
        self, arguments: Sequence[str], stdin: bytes, limit: int, seconds: float, protocols: Sequence[str],
        largest: int | None, *, inside: bool,
    ) -> Done:  # fmt: skip
        settings = [part for one in (*_SETTINGS, *(f"protocol.{p}.allow=always" for p in protocols))
                    for part in ("-c", one)]  # fmt: skip
        where = [f"--git-dir={self._repository}"] if inside else []
        process = await asyncio.create_subprocess_exec(
            self.program, "--no-pager", *settings, *where, *arguments,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=self._environment(protocols), cwd=self.scratch, start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(seconds):
                watch = asyncio.ensure_future(self._watch(largest)) if largest is not None else None
                try:
                    out, words = await talk(process, stdin, limit, watch, "git")
                finally:
                    if watch:
                        watch.cancel()
        except TimeoutError:
            raise Unreachable(f"git {arguments[0]} was stopped after {seconds:g} seconds") from None
        finally:
            await end(process)
        return Done(process.returncode or 0, out, complaint(words))

    async def _watch(self, largest: int) -> None:
        """Raise TooLarge once the repository is larger than *largest* bytes."""
        while self.size() <= largest:
            await asyncio.sleep(_WATCH_SECONDS)
        raise TooLarge(f"the repository is larger than {largest // 2**20} MiB")


def complaint(words: bytes) -> str:
    """Return what git complained about, on one line without credentials and control characters."""
    lines = [line.strip() for line in words.decode("utf-8", "replace").splitlines()]
    kept = [line for line in lines if line and not line.startswith(("remote: Counting", "remote: Compressing"))]
    return scrub("; ".join(kept))[:_MAX_WORDS]


_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^\.|\.$|/$|^/|\.lock(/|$)")


def is_ref(name: str) -> bool:
    """Return whether git would take *name* as the full name of a ref, and so take it as nothing else in a refspec.

    Source: git-check-ref-format(1). Nor is a name with a part that begins with a dash: it would read as an option.
    """
    return name.startswith("refs/") and not _BAD_REF.search(name) and "/-" not in name and len(name) <= 1000


def checked_commit(sha: str) -> str:
    """Return *sha* in lower case if it is a full object name, SHA-1 or SHA-256; raises UsageError otherwise."""
    if not re.fullmatch(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", sha):
        raise UsageError(f"{sha[:80]!r} is not the full name of a git object.")
    return sha.lower()
