"""`forensics case …`: the evidence itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forensics.cli import case_seal
from forensics.model.errors import UsageError

if TYPE_CHECKING:
    from forensics.evidence.case import Case

DAMAGED_EXIT = 4
AskOption = Annotated[
    bool, typer.Option("--ask", help="Then ask the transparency log and the file store about what is named anew.")
]
CaseArgument = Annotated[str, typer.Argument(metavar="CASE", help="A case by path or name.")]
app = typer.Typer(
    help="List, show, verify, seal, import, add to and export cases.", no_args_is_help=True, rich_markup_mode=None
)


def _open(case: str) -> Case:
    from forensics.evidence.case import Case
    from forensics.evidence.library import find_case

    return Case.open(find_case(case))


@app.command("list")
def list_cases(json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List your cases and the built-in ones, reconstructions labelled as such."""
    from forensics.evidence.library import list_cases as every_case
    from forensics.model.text import visible
    from forensics.model.times import to_iso

    rows = [
        {
            "name": c.name,
            "project": c.project,
            "state": c.state if not c.problem else "unreadable",
            "created_at": to_iso(c.created_at) if c.created_at else None,
            "builtin": c.builtin,
            "reconstruction": bool(c.reconstruction) or c.builtin,
            "path": str(c.path),
            "problem": c.problem,
        }
        for c in every_case()
    ]
    if json_output:
        import json

        typer.echo(json.dumps({"schema": "forensics/cases/1", "cases": rows}, indent=2))
        return
    if not rows:
        typer.echo("There are no cases yet. `forensics timeline PROJECT` makes one.")
    for row in rows:
        origin = ", built in" if row["builtin"] else ""
        kind = f"reconstruction{origin}" if row["reconstruction"] else str(row["state"])
        problem = f": {visible(str(row['problem']))}" if row["problem"] else ""
        typer.echo(f"{visible(str(row['name']))}  {visible(str(row['project'] or '?'))}  {kind}{problem}")


@app.command("show")
def show(
    case: CaseArgument,
    observation: Annotated[
        str | None, typer.Argument(metavar="OBSERVATION", help="Print the bytes of this observation, as received.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a case holds, or the bytes of one observation.

    A file or a pipe gets the bytes as they came; a terminal gets lines on which nothing hides.
    """
    opened = _open(case)
    if observation is not None:
        _show_bytes(opened.bytes_of(observation))
        return
    from forensics.evidence.meta import dump_meta

    if json_output:
        typer.echo(dump_meta(opened.meta).decode(), nl=False)
        return
    _show(opened)


def _show_bytes(data: bytes) -> None:
    """Print an answer: as it came for a program, and so that no terminal obeys it for a person."""
    import sys

    from forensics.model.text import visible

    if not sys.stdout.isatty():
        sys.stdout.buffer.write(data)
        return
    for line in data.decode("utf-8", "backslashreplace").split("\n"):
        typer.echo(visible(line))


def _show(case: Case) -> None:
    from forensics.model.text import visible
    from forensics.model.times import to_utc

    meta = case.meta
    lines = [
        f"case       {meta.id}",
        f"project    {meta.project}",
        f"state      {meta.state}" + (f", sealed {to_utc(meta.sealed_at)}" if meta.sealed_at else ""),
        f"collected  {to_utc(meta.created_at)}"
        + (f" to {to_utc(meta.closed_at)}" if meta.closed_at else ", not finished"),
        f"tool       {meta.tool}",
        f"trust root sha256 {meta.trust_root_sha256}",
        f"digest     {case.digest() if meta.complete else 'none until it is complete'}",
        *([f"label      {meta.reconstruction}"] if meta.reconstruction else []),
        *(
            [f"cut off    {meta.cut_bytes:,} bytes of unfinished answers, when a killed collection went on"]
            if meta.cut_bytes
            else []
        ),
        *(f"problem    {problem}" for problem in meta.problems),
        *(f"git        data/git/{name}.bundle, which git clones" for name in case.git_names()),
        *(f"import     {i.name} ({i.kind}) from {i.source}" for i in case.imports()),
    ]
    for line in lines:
        typer.echo(visible(line))
    typer.echo("")
    for seen in case.observations():
        outcome = str(seen.status) if seen.status is not None else visible(seen.problem or "added by hand")
        typer.echo(visible(f"{seen.id}  {to_utc(seen.at)}  {outcome:>5}  {seen.size:>9}  {seen.method} {seen.url}"))


@app.command("verify")
def verify(
    case: CaseArgument,
    trust_root: Annotated[
        Path | None, typer.Option("--trust-root", metavar="FILE", help="Vouch for the case's own trust root.")
    ] = None,
    digest: Annotated[
        str | None, typer.Option("--digest", metavar="SHA256", help="The digest that `case seal` printed.")
    ] = None,
    signer: Annotated[
        str | None, typer.Option("--signer", metavar="IDENTITY", help="Who must have signed the seal, by exact name.")
    ] = None,
) -> None:
    """Hash every file again, recompute the tables, check the seal, and name what is wrong. Exit 4 when anything is."""
    from forensics.evidence.library import find_case

    raise typer.Exit(0 if verify_case(find_case(case), trust_root, digest, signer) else DAMAGED_EXIT)


def verify_case(
    path: Path, trust_root: Path | None = None, digest: str | None = None, signer: str | None = None
) -> bool:
    """Verify the case at *path*, print what is wrong, and return whether nothing is."""
    from forensics.cli.common import Ask, trust_root_bytes
    from forensics.investigation.case_check import check_case
    from forensics.model.text import visible

    named = trust_root_bytes(Ask(None, trust_root=trust_root))
    found = check_case(path, trust_root=named, digest=digest, signer=signer)
    lines = [f"{damage.path}: {damage.what}" for damage in found.damages]
    lines += found.problem.diagnostics().split("\n") if found.problem else []
    lines += [f"data/tables/{name}.parquet: does not follow from the evidence in this case" for name in found.forged]
    if not found.damages and not found.forged and not found.problem:
        lines.append(f"{path}: intact. Every file is as recorded, and the tables follow from the evidence.")
    lines += [f"{check.name}: {check.result.value}: {check.detail}" for check in found.seal]
    for line in lines:
        typer.echo(visible(line))
    return found.valid


def case_doc(path: Path, trust_root: Path | None = None) -> tuple[dict[str, Any], bool]:
    """Return the same as it stands in `forensics/verify/1`, and whether nothing is wrong."""
    from forensics.attestation.present import unreadable_as_json
    from forensics.cli.common import Ask, trust_root_bytes
    from forensics.investigation.case_check import check_case
    from forensics.model.errors import ForensicsError
    from forensics.model.text import visible

    try:
        found = check_case(path, trust_root=trust_root_bytes(Ask(None, trust_root=trust_root)))
    except ForensicsError as error:
        return unreadable_as_json(str(path), str(error)), False
    row = {
        "file": visible(str(path)),
        "kind": "case",
        "status": "valid" if found.valid else "invalid",
        "finished": found.finished,
        "damage": [{"file": visible(one.path), "what": visible(one.what)} for one in found.damages],
        "not_following": [f"data/tables/{visible(name)}.parquet" for name in found.forged],
        "checks": [{"name": c.name, "result": c.result.value, "detail": visible(c.detail)} for c in found.seal],
        "attestations": [],
    }
    return row | ({"reason": visible(str(found.problem))} if found.problem else {}), found.valid


app.command("seal")(case_seal.seal)
app.command("root")(case_seal.root)


@app.command("import")
def import_(
    case: Annotated[
        str, typer.Argument(metavar="CASE|ARCHIVE", help="A case to add files to, or a zipped case alone.")
    ],
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE…", help="Files to add to the case.")] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="What the files are; by their content otherwise.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Where the files are from; their names otherwise.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Name for the unpacked archive.")] = None,
    ask: AskOption = False,
) -> None:
    """Add files that name releases to a case, or unpack a zipped case into your cases.

    \b
    KIND is one of
      export         rows of PyPI's public table distribution_metadata
                     (JSON lines, CSV or Parquet): files, digests, places
                     in the file store, upload times, upload clients
      hashes         `sha256  filename` lines, as sha256sum writes them
      requirements   pins with --hash
      lockfile       of uv, Poetry, PDM, Pipenv, npm, pnpm or Yarn, or a
                     pylock.toml: versions that existed, with digests
      conda-forge    a feedstock's recipe, or JSON lines of its history with
                     version and sdist_sha256: an independent witness
      indicators     published indicators: prose, tables or lists in which
                     hashes, file names and versions stand
      rekor-rows     rows of Rekor's public mirror (JSON lines, CSV or
                     Parquet): log entries to look up, digests of files
      rekor-monitor  lines of rekor-monitor's output: entries to look up
      osv            OSV records: one, a list, JSON lines, or the zip of a
                     whole ecosystem, for work without a network
      facts          TOML with [[fact]] tables
      lead           a lead file of a public incident
      snapshot       what the index said in an earlier case of the
                     project: name that case in place of a file
    """
    if not files:
        if kind or source or ask:
            raise UsageError("No FILE is named to add.", advice="`forensics case import CASE FILE…` adds files.")
        _unpack(case, name)
        return
    if name:
        raise UsageError("--name is for an archive that is unpacked, and a FILE is named to add to a case.")
    from forensics.sources.supplements import KINDS

    if kind is not None and kind not in KINDS:
        raise UsageError(f"--kind {kind!r} is not one of {', '.join(KINDS)}.")
    opened = _open(case)
    _add_files(opened, files, kind, source)
    _follow_up(opened, ask=ask)


def _add_files(case: Case, files: list[Path], kind: str | None, source: str | None) -> None:
    """Add *files* to *case* and say so, earlier cases last. All are read, and their kinds told, before any is added."""
    from forensics.sources.supplements import detect_kind

    earlier = [path for path in files if kind in {None, "snapshot"} and _is_case(path)]
    read = [(path, _read(path)) for path in files if path not in earlier]
    chosen = [(path, data, kind or detect_kind(path.name, data)) for path, data in read]
    for path, data, what in chosen:
        added = case.add_import(path.name, data, kind=what, source=source or f"file {path.name}")
        typer.echo(f"Added {added.name} as {what}: {added.observation.id}")
    for path in earlier:
        from forensics.investigation.earlier import import_earlier

        added = import_earlier(case, path)
        typer.echo(f"Added {added.name} as snapshot: {added.observation.id}")


def _is_case(path: Path) -> bool:
    """Whether *path* is a case, as a directory or zipped; advisories of a whole ecosystem are a zip, too."""
    from forensics.evidence.store import open_store
    from forensics.model.errors import ForeignCase

    if path.is_dir() or path.suffix != ".zip":
        return path.is_dir()
    try:
        open_store(path)
    except ForeignCase:
        return False
    return True


def _follow_up(case: Case, *, ask: bool) -> None:
    """Look up what was added, if the user wants that; the tables follow from the evidence either way."""
    if ask:
        from forensics.cli.common import look_up

        look_up(case)
    else:
        renew_tables(case)


def renew_tables(case: Case) -> None:
    """Tables follow from the evidence: make them again, or take them away when the trust root is not ours to judge."""
    from forensics.cli.common import Ask, trust_root_bytes
    from forensics.investigation import Investigation
    from forensics.model.errors import NoSuchProject, UntrustedRoot

    if not case.table_names():
        return
    try:
        investigation = Investigation.reopen(case.path, trust_root=trust_root_bytes(Ask(None)))
        investigation.keep_tables(investigation.analyse())
    except (UntrustedRoot, NoSuchProject):
        case.write_tables({})


def _unpack(archive: str, name: str | None) -> None:
    from forensics.evidence.export import import_case
    from forensics.evidence.library import find_case, home

    path = find_case(archive)
    if path.is_dir():
        raise UsageError(
            f"{path} is a directory, and there is nothing to unpack.", advice="Name the files to add to it."
        )
    target = home() / (name or path.name.removesuffix(".zip"))
    typer.echo(f"Unpacked into {import_case(path, target).path}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None


@app.command("add")
def add(
    case: CaseArgument,
    source: Annotated[str, typer.Option("--source", help="Who says so: a link, a ticket, a person.")],
    removed: Annotated[
        list[str] | None,
        typer.Option("--removed", metavar="VERSION=TIME", help="When the index removed a version (UTC)."),
    ] = None,
    published: Annotated[
        list[str] | None,
        typer.Option("--published", metavar="VERSION=TIME", help="When a version was published (UTC)."),
    ] = None,
    digest: Annotated[
        list[str] | None,
        typer.Option("--hash", metavar="FILENAME=DIGEST", help="The digest of a file: SHA-256, for npm SHA-512."),
    ] = None,
    link: Annotated[
        list[str] | None, typer.Option("--link", metavar="VERSION=URL", help="Something to look at.")
    ] = None,
    ask: AskOption = False,
) -> None:
    """Add facts known by hand, each with its source."""
    from forensics.cli.common import hash_facts
    from forensics.model.project import parse_project

    if not (removed or published or digest or link):
        raise UsageError("Nothing to add.", advice="Give --removed, --published, --hash or --link.")
    opened = _open(case)
    facts = [*_facts(removed, published, link), *hash_facts(digest, parse_project(opened.meta.project))]
    for fact in facts:
        added = opened.add_fact(fact, source=source)
        typer.echo(f"Added {fact['kind']} of {fact['version']}: {added.observation.id}")
    _follow_up(opened, ask=ask)


def _facts(removed: list[str] | None, published: list[str] | None, link: list[str] | None) -> list[dict[str, str]]:
    """Check every fact before any is written, so that nothing is added half."""
    from forensics.cli.common import pairs
    from forensics.model.times import to_iso
    from forensics.sources.supplements import exact_time

    facts: list[dict[str, str]] = []
    for kind, values in (("removed", removed), ("published", published)):
        for version, time in pairs(values, f"--{kind}", "VERSION=TIME").items():
            try:
                facts.append({"kind": kind, "version": version, "at": to_iso(exact_time(time))})
            except ValueError:
                raise UsageError(
                    f"--{kind} {version}={time}: not a time.", advice="Write 2024-12-05T09:15:00Z."
                ) from None
    facts += [{"kind": "link", "version": v, "url": url} for v, url in pairs(link, "--link", "VERSION=URL").items()]
    return facts


@app.command("export")
def export(
    case: CaseArgument,
    target: Annotated[Path, typer.Argument(metavar="FILE.zip", help="Where to write the zipped case.")],
    redact: Annotated[
        bool, typer.Option("--redact", help="Leave out imports, paths and options of the responder.")
    ] = False,
) -> None:
    """Write a case as one zip file that reads anywhere."""
    from forensics.evidence.export import export_case

    export_case(_open(case), target, redact=redact)
    typer.echo(f"Wrote {target}")
