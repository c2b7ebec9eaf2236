"""How a project or a case on the command line becomes an investigation, and an investigation a document."""

from __future__ import annotations

import functools
import gc
import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forensics.model.errors import UsageError
from forensics.model.text import visible

if TYPE_CHECKING:
    from forensics.evidence.case import Case
    from forensics.evidence.client import Limits
    from forensics.investigation import Analysis, Investigation
    from forensics.model.document import Document
    from forensics.model.endpoints import Endpoints
    from forensics.model.project import Project
    from forensics.sources.files import FileOptions
    from forensics.sweep.engine import Engine

PER_SECOND = 100.0
"""Requests a second to one host: the index answers provenance from its cache, and evidence must be saved quickly."""

Prepare = Callable[["Investigation"], bool]
"""Adds to a case before it is filled, and says whether it did."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the common options say: where the evidence is or comes from, and how to get it."""

    project: str | None
    case: str | None = None
    offline: bool = False
    refresh: bool = False
    trust_root: Path | None = None
    endpoint: list[str] | None = None
    concurrency: int = 16
    max_wait: float = 60.0
    line: list[str] | None = None
    quiet: bool = False
    verbose: bool = False
    reconstruction: str | None = None
    cache: bool = True
    files: str = "suspects"
    max_file: int = 64
    max_files: int = 512
    also: tuple[str, ...] = ()
    repository: str | None = None
    compare_with: tuple[Path, ...] = ()
    timeout: float = 30.0

    def limits(self) -> Limits:
        """Return the bounds of a collection. A request has four times the patience for one silence, a host as much."""
        from forensics.evidence.client import Limits

        return Limits(
            connect_seconds=min(10.0, self.timeout),
            read_seconds=self.timeout,
            total_seconds=4 * self.timeout,
            lost_seconds=4 * self.timeout,
            concurrency=self.concurrency,
            max_wait_seconds=self.max_wait,
            per_second=PER_SECOND,
        )


def _print_version(wanted: bool) -> None:
    if wanted:
        from forensics._version import __version__

        typer.echo(f"release-forensics {__version__}")
        raise typer.Exit(0)


def version_option(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Reconstruct the release timeline of a package from attestations and logs, and flag what changed."""


def pairs(values: list[str] | None, option: str, form: str = "KEY=VALUE") -> dict[str, str]:
    """Return options of the *form* `KEY=VALUE` as a mapping; raises UsageError for one without `=`."""
    found: dict[str, str] = {}
    for value in values or []:
        key, equals, rest = value.partition("=")
        if not equals or not key:
            raise UsageError(f"{option} {value!r} is not of the form {form}.")
        found[key] = rest
    return found


def hash_facts(values: list[str] | None, project: Project | None) -> list[dict[str, str]]:
    """Return a fact for each `FILENAME=DIGEST` of *values*: SHA-256, or for a tarball of npm SHA-512 or its integrity.

    Every digest is checked before any is written. Without *project* the names are PyPI's. Raises UsageError.
    """
    from forensics.attestation.registry_signature import sha512_of_integrity
    from forensics.model.project import Ecosystem, Project
    from forensics.sources.ecosystems import package_index
    from forensics.sources.interface import hex_digest

    project = project or Project(Ecosystem.PYPI, "")
    npm = project.ecosystem is Ecosystem.NPM
    facts: list[dict[str, str]] = []
    for filename, value in pairs(values, "--hash", "FILENAME=DIGEST").items():
        version = package_index(project.ecosystem).version_of(filename, project)
        sha256, sha512 = hex_digest(value), hex_digest(value, 128) or sha512_of_integrity(value)
        if version is None or not (sha512 if npm else sha256):
            what = f"a tarball of {project.name} with a SHA-512" if npm else "a wheel or sdist name with a SHA-256"
            raise UsageError(f"--hash {filename}={value}: not {what}.")
        digest = {"sha512": sha512 or ""} if npm else {"sha256": sha256 or ""}
        facts.append({"kind": "hash", "version": version, "filename": filename, **digest})
    return facts


def endpoints_from(ask: Ask) -> Endpoints:
    """Return the endpoints in force: flags, environment, `forensics.toml` in the current directory, defaults.

    Raises UsageError for a service that nobody knows and for an address that is none.
    """
    from forensics.model.endpoints import SERVICES, resolve_endpoints

    flags = pairs(ask.endpoint, "--endpoint", "KEY=URL")
    unknown = set(flags) - {service.key for service in SERVICES}
    if unknown:
        keys = ", ".join(service.key for service in SERVICES)
        raise UsageError(f"--endpoint {sorted(unknown)[0]}=… names no service; there are {keys}.")
    config = _config()
    if config:
        # The directory may be a checkout of the very package: what it says must not pass without a word.
        named = ", ".join(f"{key} {url}" for key, url in sorted(config.items()))
        note(ask, f"forensics.toml of this directory names services: {named}")
    return resolve_endpoints(flags, os.environ, config)


def _config() -> Mapping[str, str]:
    path = Path("forensics.toml")
    if not path.is_file():
        return {}
    import tomllib

    from forensics.model.endpoints import SERVICES

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("endpoints", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"forensics.toml cannot be read: {error}.") from None
    known = [service.key for service in SERVICES]
    for key, url in table.items() if isinstance(table, dict) else [("endpoints", table)]:
        if key not in known or not isinstance(url, str):
            # Passed over, it would send the question to the public service instead.
            raise UsageError(
                f"forensics.toml: {key!r} under [endpoints] is not one of {', '.join(known)} with a URL in quotes."
            )
    return {str(key): str(url) for key, url in table.items()}


def trust_root_bytes(ask: Ask) -> bytes | None:
    """Return the trust root that the user named, by flag or environment; raises UsageError when it cannot be read."""
    named = ask.trust_root or (Path(v) if (v := os.environ.get("FORENSICS_TRUST_ROOT")) else None)
    if named is None:
        return None
    try:
        return named.read_bytes()
    except OSError as error:
        raise UsageError(f"The trust root {named} cannot be read: {error.strerror}.") from None


def crew_for(
    engine: str | None, scheduler: str | None, workers: int | None, default: str | None = None
) -> Engine | None:
    """Return the engine that the options name, *default* where they name none; None for neither. Raises UsageError."""
    from forensics.sweep.engine import engine_for

    name = engine or ("pool" if workers is not None and scheduler is None else default)
    if name is None and scheduler is None:
        return None
    return engine_for(name or "dask", scheduler=scheduler, workers=workers)


def note(ask: Ask, text: str) -> None:
    """Print a note to stderr, every character that is not plainly visible made so; nothing when asked to be quiet."""
    if not ask.quiet:
        print(visible(text), file=sys.stderr)


def tell_cut(ask: Ask, case: Case) -> None:
    """Say that an unfinished answer was cut off *case* when this command opened it for collecting, if one was."""
    if case.cut_bytes:
        note(
            ask,
            f"An earlier collection was killed while it wrote: {case.cut_bytes:,} bytes of an unfinished answer were "
            "cut off the case. Everything before them is intact; what was unfinished is asked again when it is needed.",
        )


def investigate(ask: Ask, prepare: Prepare | None = None) -> tuple[Investigation, Analysis]:
    """Find or make the case that *ask* means, fill it if it may and must be, and analyse it.

    *prepare* may add to the case first, and says whether it did: what was added is then looked up in the log. A case
    that this call made for a project that does not exist is taken away again.
    """
    from forensics.cli.progress import Reporter
    from forensics.investigation import find_or_start
    from forensics.model.errors import NoSuchProject
    from forensics.model.project import parse_project

    project = parse_project(ask.project) if ask.project else None
    files, repository = file_options(ask), repository_named(ask.repository)
    lines = pairs(ask.line, "--line", "PREFIX=LINE")
    found = find_or_start(
        project,
        case=ask.case,
        endpoints=functools.cache(lambda: endpoints_from(ask)),
        offline=ask.offline,
        refresh=ask.refresh,
        trust_root=trust_root_bytes(ask),
        options={"project": ask.project},
        reconstruction=ask.reconstruction,
    )
    if found.note:
        note(ask, found.note)
    added = prepare(found.investigation) if prepare else False
    look_up = added and not found.collect and not ask.offline
    with Reporter(quiet=ask.quiet, verbose=ask.verbose) as reporter:
        limits = ask.limits()
        if found.collect:
            found.investigation.collect(
                limits=limits,
                fresh_after=found.fresh_after,
                files=files,
                repository=repository,
                progress=reporter.progress,
                say=reporter.say,
            )
            tell_cut(ask, found.investigation.case)
        elif look_up:
            found.investigation.look_up(limits=limits, progress=reporter.progress, say=reporter.say)
        try:
            analysis = found.investigation.analyse(lines=lines, progress=reporter.progress)
        except NoSuchProject:
            found.discard()
            raise
    if found.collect or look_up:
        found.investigation.keep_tables(analysis)
    return found.investigation, analysis


def repository_named(text: str | None) -> str | None:
    """Return the repository that the user names: an http(s) URL, or the absolute path of a directory that is there.

    Raises UsageError for anything else.
    """
    if text is None:
        return None
    if "://" not in text:
        path = Path(text).expanduser()
        if path.is_dir():
            return str(path.resolve())
        raise UsageError(
            f"--repository {text!r} is neither an http(s) URL nor a directory.",
            advice="Write it as https://forge.example/owner/name, or name a clone on this machine.",
        )
    from forensics.model.endpoints import checked_url

    return checked_url(text, "--repository")


def file_options(ask: Ask) -> FileOptions:
    """Return whose artifacts to fetch; raises UsageError for another word than none, suspects or all."""
    from forensics.sources.files import FileOptions, FilePolicy

    try:
        policy = FilePolicy(ask.files)
    except ValueError:
        raise UsageError(f"--files {ask.files!r} is not one of {', '.join(FilePolicy)}.") from None
    return FileOptions(policy, ask.max_file * 2**20, ask.max_files * 2**20, ask.also)


def document_of(ask: Ask) -> tuple[Document, Path]:
    """Return the document of what *ask* means, and where its case lies; from the cache if nothing changed since."""
    from forensics.evidence import cache

    cache.believe(ask.cache)
    known = None if ask.compare_with else _remembered(ask)
    if known is not None:
        return known
    from forensics.report.build import build_document

    investigation, analysis = investigate(ask, _compared(ask.compare_with) if ask.compare_with else None)
    gc.freeze()  # what was analysed stays to the end: the collector need not walk it again and again
    document = build_document(analysis)
    if investigation.case.meta.complete and ask.cache:
        import msgspec

        cache.put(_key(investigation.case, investigation.root.sha256, ask), msgspec.json.encode(document))
    return document, investigation.case.path


def _compared(cases: tuple[Path, ...]) -> Prepare:
    def prepare(investigation: Investigation) -> bool:
        from forensics.evidence.library import find_case
        from forensics.investigation.earlier import import_earlier

        before = len(investigation.case.imports())
        for case in cases:
            import_earlier(investigation.case, find_case(str(case)))
        return len(investigation.case.imports()) > before

    return prepare


def _remembered(ask: Ask) -> tuple[Document, Path] | None:
    """Return the document of a complete case that was analysed before, if the case is named and nothing is to be asked.

    Every byte of the case is hashed again: a changed case is another case.
    """
    if not ask.cache or ask.case is None or ask.refresh:
        return None
    from forensics.attestation.trust import vouch
    from forensics.evidence import cache
    from forensics.evidence.case import Case
    from forensics.evidence.library import find_case
    from forensics.model.errors import ForensicsError
    from forensics.model.project import parse_project

    try:
        case = Case.open(find_case(ask.case))
        if not case.meta.complete or (ask.project and str(parse_project(ask.project)) != case.meta.project):
            return None
        root = vouch(case.trust_root(), named=trust_root_bytes(ask)).sha256
        stored = cache.get(_key(case, root, ask))
    except ForensicsError:
        return None  # the long way says what is wrong
    if stored is None:
        return None
    import msgspec

    document: Document = msgspec.json.decode(stored)
    return document, case.path


def _key(case: Case, root: str, ask: Ask) -> str:
    """What a document follows from: the case, the trust root and who named it, and the lines of the user's choice."""
    from forensics.evidence import cache

    named = trust_root_bytes(ask)
    vouched = hashlib.sha256(named).hexdigest() if named is not None else "shipped"
    return cache.key_of("document", case.digest(check=True), root, vouched, *sorted(ask.line or []))


def look_up(case: Case, *, quiet: bool = False) -> None:
    """Ask the log about what was added to *case* since it was collected. Raises UsageError for a case without a log."""
    from forensics.cli.progress import Reporter
    from forensics.evidence.client import Limits
    from forensics.investigation import Investigation

    if "rekor" not in case.meta.endpoints:
        raise UsageError(f"The case {case.path} was begun without a transparency log.", advice="Start a new case.")
    investigation = Investigation.reopen(case.path, trust_root=trust_root_bytes(Ask(None)))
    with Reporter(quiet=quiet, verbose=False) as reporter:
        investigation.look_up(limits=Limits(per_second=PER_SECOND), progress=reporter.progress, say=reporter.say)
    investigation.keep_tables(investigation.analyse())
