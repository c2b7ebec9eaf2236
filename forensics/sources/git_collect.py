"""Collect a repository: what the server lists, what it gives out, and what follows from the objects that arrived."""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from forensics.model.checked import NotChecked
from forensics.model.errors import BadAnswer, EvidenceError, ForensicsError, Refused, SourceError, Unreachable
from forensics.sources import git_record as r
from forensics.sources.git_read import Ref, Trees, pack_trees, read_listing
from forensics.sources.git_record import Records
from forensics.sources.git_run import Done, Git, NoGit, checked_commit, is_ref
from forensics.sources.git_url import Home
from forensics.sources.git_workflows import GITHUB, read_workflows, wanted_blobs
from forensics.sources.program import TooLarge
from forensics.sources.workflow_lint import lint

SMALL_BYTES = 50 * 2**20
"""A repository up to this size is fetched whole and kept as a bundle; of a larger one, commits and trees."""
LARGE_BYTES = 2 * 2**30
MAX_LISTING = 32 * 2**20
MAX_REFS = 20_000
"""Branches and tags that are fetched; of more, only the default branch and tags with a number in them."""
MAX_COMMITS = 200
"""Attested commits that are asked for one by one, newest release first."""
MAX_PULLS = 2_000
"""Pull requests looked through, newest first, for a commit that no branch and no tag leads to."""
MAX_TREES = 1_500
MAX_VERSION_BLOBS = 5_000
VERSION_FILES = (
    "pyproject.toml", "setup.py", "setup.cfg", "package.json",
    *(f":(glob){where}{name}" for where in ("", "*/", "src/*/", "*/*/")
      for name in ("__init__.py", "_version.py", "version.py", "__version__.py", "__about__.py", "_about.py")),
)  # fmt: skip
"""Where a version is written down, as git pathspecs."""
_REF_FORMAT = "%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(*objecttype)%00%(taggerdate:unix)"
_LOG_FORMAT = "%H%x00%P%x00%at%x00%ct%x00%s"

Tick = Callable[[int, int], None]


@dataclass(slots=True)
class Collector:
    """Asks one repository and records every answer. *keep* stores a bundle in the case under a name.

    *local* allows the `file` protocol, for a path that the user named.
    """

    records: Records
    keep: Callable[[str, bytes], None]
    local: bool = False
    seconds: float = 600.0
    small_bytes: int = SMALL_BYTES

    async def collect(self, home: Home, tick: Tick | None = None) -> None:
        """Record what the repository says. What cannot be had is recorded with its reason; nothing is raised for it."""
        wanted = home.commits[:MAX_COMMITS]
        records = self.records
        about = "\n".join(sorted(wanted)).encode()
        if records.has(r.BUNDLE, home.url, about):
            return
        with tempfile.TemporaryDirectory(prefix="forensics-git-", ignore_cleanup_errors=True) as scratch:
            try:
                git = Git.find(Path(scratch), ("file",) if self.local else ("https", "http"))
                git.seconds = self.seconds
            except NoGit as error:
                records.miss(r.REFS, home.url, error)
                return
            await _Run(git, records, home, self.keep, self.small_bytes, tick).everything(wanted, about)


@dataclass(slots=True)
class _Run:
    """One collection in its own scratch directory."""

    git: Git
    records: Records
    home: Home
    keep: Callable[[str, bytes], None]
    small_bytes: int
    tick: Tick | None
    lean: bool = False
    done: int = 0

    async def everything(self, wanted: tuple[str, ...], about: bytes) -> None:
        """Ask step by step; while listing or fetching fails there is nothing to read. *about* names what was wanted."""
        with contextlib.suppress(ForensicsError):
            refs = read_listing(await self._recorded(r.REFS, self._list()))
            self._step()
            await self._recorded(r.FETCH, self._fetch(refs, wanted))
            self._step()
            for method, work in (
                (r.LOG, self._log),
                (r.TREES, partial(self._trees, wanted)),
                (r.WORKFLOWS, partial(self._workflows, wanted)),
                (r.BUMPS, self._bumps),
            ):
                with contextlib.suppress(ForensicsError):
                    await self._recorded(method, work())
                self._step()
            await self._recorded(r.BUNDLE, self._bundle(), about)

    async def _recorded(self, method: str, work: Awaitable[bytes], about: bytes = b"") -> bytes:
        try:
            body = await work
        except (SourceError, EvidenceError) as error:
            self.records.miss(method, self.home.url, error, about=about)
            raise
        self.records.put(method, self.home.url, body, about=about)
        return body

    def _step(self) -> None:
        self.done += 1
        if self.tick:
            self.tick(min(self.done, 6), 6)

    async def _list(self) -> bytes:
        patterns = ("HEAD", "refs/heads/*", "refs/tags/*", "refs/pull/*", "refs/merge-requests/*")
        done = await self.git.remote(
            "ls-remote", "--symref", "--", self.home.url, *patterns, limit=MAX_LISTING, inside=False
        )
        out = _checked(done, self.home.url).out
        if not any(name.startswith("refs/heads/") for name in read_listing(out)):
            # Git takes any page for the listing of an old-fashioned server, and finds nothing in it.
            raise BadAnswer(f"{self.home.url} lists no branch: an empty repository, or none at all")
        return out

    async def _fetch(self, refs: dict[str, Ref], wanted: tuple[str, ...]) -> bytes:
        """Fetch branches and tags, whole if small, else without file contents, and the wanted; return what arrived."""
        specs = specs_of(refs)
        try:
            await self._fetch_all(specs, self.small_bytes)
        except TooLarge:
            self.lean = True
            await self._fetch_all(specs, LARGE_BYTES)
        await self._commits(wanted, refs)
        return (await self._local("for-each-ref", f"--format={_REF_FORMAT}")).out

    async def _fetch_all(self, specs: list[str], largest: int) -> None:
        await self.git.make_repository()
        await self._local("config", "remote.origin.url", self.home.url)
        if self.lean:
            await self._local("config", "remote.origin.promisor", "true")
            await self._local("config", "remote.origin.partialclonefilter", "blob:none")
        if specs:
            _checked(await self._fetch_some(specs, largest), self.home.url)
        if self.git.size() > largest:  # arrived between two looks at its size
            raise TooLarge(f"the repository is larger than {largest // 2**20} MiB")

    async def _fetch_some(self, specs: Iterable[str], largest: int | None = LARGE_BYTES, *, bare: bool = False) -> Done:
        """Fetch by refspec; *bare*: commits only. Names go through stdin, so that none can read as an option."""
        filters = ("--filter=tree:0",) if bare else ("--filter=blob:none",) if self.lean else ()
        return await self.git.remote(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", *filters, "--stdin",
            "origin", stdin="".join(f"{spec}\n" for spec in specs).encode(), largest=largest,
        )  # fmt: skip

    async def _commits(self, wanted: tuple[str, ...], refs: dict[str, Ref]) -> None:
        """Ask for each attested commit that no branch and no tag leads to; look for it among pull requests."""
        missing = [sha for sha in wanted if not await self._reachable(sha)]
        for sha in missing:
            about, url = checked_commit(sha).encode(), self.home.url
            try:
                done = await self._fetch_some([f"{sha}:refs/attested/{sha}"])
            except (SourceError, EvidenceError) as error:
                self.records.miss(r.COMMIT, url, error, about=about)
                continue
            if done.code == 0:
                self.records.put(r.COMMIT, url, b"given out by id\n", about=about)
            elif re.search(r"not our ref|unadvertised object|couldn't find remote ref", done.words):
                self.records.put(r.COMMIT, url, done.words.encode(), about=about, status=404)
            else:
                self.records.miss(r.COMMIT, url, _trouble(done, url), about=about)
        if missing:
            await self._pulls(refs)

    async def _reachable(self, sha: str) -> bool:
        """Return whether a branch or a tag leads to *sha*."""
        done = await self.git.local("for-each-ref", "--count=1", f"--contains={sha}", "refs/heads/", "refs/tags/")
        return done.code == 0 and bool(done.out)

    async def _pulls(self, refs: dict[str, Ref]) -> None:
        """Fetch the commits of pull requests, newest first, so that the log tells which of them lead to what."""
        pulls = [name for name in refs if name.startswith(("refs/pull/", "refs/merge-requests/")) and is_ref(name)]
        pulls.sort(key=lambda name: (-pull_number(name), name))
        if pulls:
            done = await self._fetch_some([f"+{name}:{name}" for name in pulls[:MAX_PULLS]], bare=self.lean)
            if done.code:  # a pull request that vanished in between must not cost the rest
                await self._fetch_some(["+refs/pull/*:refs/pull/*"], bare=self.lean)

    async def _log(self) -> bytes:
        return (await self._local("log", "--all", "--topo-order", f"--format=tformat:{_LOG_FORMAT}")).out

    async def _trees(self, wanted: tuple[str, ...]) -> bytes:
        """Return the files of one tagged or attested commit, and how each of the others differs from the one before."""
        tags = await self._local("for-each-ref", "--sort=-creatordate", "--format=%(objectname) %(*objectname)",
                                 "refs/tags/")  # fmt: skip
        tagged = [line.split()[-1] for line in tags.out.decode().splitlines()][:MAX_TREES]
        chain = await self._present(dict.fromkeys([*wanted, *tagged]))
        if not chain:
            return pack_trees("", b"", b"")
        listing = await self._local("ls-tree", "-r", "-z", "--full-tree", chain[0])
        pairs = "".join(f"{new} {old}\n" for old, new in pairwise(chain)).encode()
        changes = await self._local("diff-tree", "--stdin", "-r", "--raw", "-z", "--no-abbrev", "--no-renames",
                                    "--always", stdin=pairs)  # fmt: skip
        return pack_trees(chain[0], listing.out, changes.out)

    async def _present(self, shas: Iterable[str]) -> list[str]:
        """Return those of *shas* that are commits and arrived, oldest first: neighbours differ least."""
        asked = "".join(f"{sha}\n" for sha in shas).encode()
        done = await self._local("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
        here = [line.split()[0] for line in done.out.decode().splitlines() if line.endswith(" commit")]
        if not here:
            return []
        names = "".join(f"{sha}\n" for sha in here).encode()
        done = await self._local("log", "--no-walk=sorted", "--reverse", "--format=tformat:%H", "--stdin", stdin=names)
        return list(dict.fromkeys(done.out.decode().split()))

    async def _workflows(self, wanted: tuple[str, ...]) -> bytes:
        """Return the workflow files of attested commits, and have those of GitHub Actions examined."""
        packed = self.records.read(r.TREES, self.home.url)
        if isinstance(packed, NotChecked):
            raise BadAnswer(f"the files of the attested commits are not known: {packed.reason}")
        trees = Trees(packed.value)
        blobs = wanted_blobs(filter(None, map(trees.get, wanted)), self.home.workflows)
        names = "".join(f"{blob}\n" for blob in blobs).encode()
        if self.lean and blobs:
            await self._fetch_blobs(names)
        printed = (await self._local("cat-file", "--batch", stdin=names)).out if blobs else b""
        files = read_workflows(printed)
        await lint(self.records, self.home.url, {b: data for b, data in files.items() if GITHUB.fullmatch(blobs[b])})
        return printed

    async def _bumps(self) -> bytes:
        """Return what commits on branches and tags add about a version to the files that state it."""
        scope = ("--branches", "--tags", "--no-merges")
        if self.lean:
            await self._version_blobs(scope)
        done = await self._local("log", *scope, "-p", "-U0", "--no-ext-diff", "--no-textconv", "--no-renames",
                                 "--no-color", "-G[Vv][Ee][Rr][Ss][Ii][Oo][Nn]", "--format=tformat:%x00%H", "--",
                                 *VERSION_FILES)  # fmt: skip
        return _version_lines(done.out)

    async def _version_blobs(self, scope: tuple[str, ...]) -> None:
        """Fetch the contents of version files in one go; they are all that a partial copy needs to tell versions."""
        raw = await self._local("log", *scope, "--raw", "--no-abbrev", "--no-renames", "--format=tformat:", "--",
                                *VERSION_FILES)  # fmt: skip
        blobs = {sha for line in raw.out.decode("utf-8", "replace").splitlines() if line.startswith(":")
                 for sha in line.split()[2:4] if sha.strip("0")}  # fmt: skip
        if len(blobs) > MAX_VERSION_BLOBS:
            raise TooLarge(f"its version files changed {len(blobs):,} times, more than are fetched one by one")
        if blobs:
            await self._fetch_blobs("".join(f"{b}\n" for b in sorted(blobs)).encode())

    async def _fetch_blobs(self, names: bytes) -> None:
        """Fetch the contents of files, named by blob id one a line, into a partial copy."""
        done = await self.git.remote(
            "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            "--filter=blob:none", "--stdin", "origin", stdin=names, largest=LARGE_BYTES,
        )  # fmt: skip
        _checked(done, self.home.url)

    async def _bundle(self) -> bytes:
        """Keep all objects as a bundle of the case, if they are all here; return its name and digest, or why not."""
        if self.lean:
            return f"none: the repository is larger than {self.small_bytes // 2**20} MiB\n".encode()
        any_ref = (await self._local("for-each-ref", "--count=1")).out
        if not any_ref:
            return b"none: the repository has no branch and no tag\n"
        made = self.git.scratch / "objects.bundle"
        await self._local("bundle", "create", "--quiet", str(made), "--all")
        data = made.read_bytes()
        made.unlink()
        name = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(self.home.url.rstrip("/").split("/")[-2:])).strip("-")[:60]
        name = f"{name or 'repository'}-{hashlib.sha256(self.home.url.encode()).hexdigest()[:8]}"
        self.keep(name, data)
        return f"{name}.bundle sha256:{hashlib.sha256(data).hexdigest()} {len(data)} bytes\n".encode()

    async def _local(self, *arguments: str, stdin: bytes = b"") -> Done:
        done = await self.git.local(*arguments, stdin=stdin)
        if done.code:
            raise BadAnswer(f"git {arguments[0]} cannot read what the repository sent: {done.words[:500]}")
        return done


def pull_number(name: str) -> int:
    """Return the number in the name of a pull request's ref; 0 for what no forge would write there."""
    number = name.split("/")[2]
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0


def specs_of(refs: dict[str, Ref]) -> list[str]:
    """Return the refspecs of branches and tags: by pattern, or name by name where there are more than MAX_REFS.

    Names are the server's: one that is no name of a ref could say something else in a refspec, and is left out.
    """
    ours = [name for name in refs if name.startswith(("refs/heads/", "refs/tags/"))]
    if len(ours) <= MAX_REFS:
        return ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    head = refs["HEAD"].symbolic if "HEAD" in refs else None
    few = [name for name in ours if name == head or (name.startswith("refs/tags/") and re.search(r"\d\.\d", name))]
    return [f"+{name}:{name}" for name in few if is_ref(name)][:MAX_REFS]


def _version_lines(printed: bytes) -> bytes:
    """Keep of a patch the commits and the added lines that speak of a version."""
    kept: list[bytes] = []
    commit = b""
    for line in printed.split(b"\n"):
        if line.startswith(b"\0"):
            commit = line
        elif line.startswith(b"+") and not line.startswith(b"+++") and len(line) < 300 and b"version" in line.lower():
            if commit:
                kept.append(commit)
                commit = b""
            kept.append(line)
    return b"\n".join(kept)


def _checked(done: Done, url: str) -> Done:
    if done.code:
        raise _trouble(done, url)
    return done


def _trouble(done: Done, url: str) -> SourceError:
    words = done.words[:600] or f"git ended with {done.code}"
    if re.search(r"redirect|returned error: 30", words):
        return Refused(f"{url} redirects elsewhere, and is not followed: {words}")
    if re.search(r"returned error: 40[0-9]|not found|Authentication|could not read Username|not exported", words):
        return Refused(f"{url} cannot be read: {words}")
    if "fsck" in words or "index-pack" in words or "invalid" in words:
        return BadAnswer(f"{url} sent objects that git refuses: {words}")
    return Unreachable(f"{url} did not answer git: {words}")
