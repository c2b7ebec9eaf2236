"""What the site has beyond the pages of this folder: an order, pages made from the code, and links that hold.

Pages of commands are made from the command line itself, those of the API and of frames from docstrings, at every build:
they cannot be out of date. A page that is added to the folder appears by itself; one that is not there is left out.
"""

from __future__ import annotations

import inspect
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = {
    "README.md": "overview.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages of the project's top folder, and what they are called on the site."""

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Start", ("overview.md", "getting-started.md", "concepts.md")),
    ("Commands", ("commands.md", "commands/*")),
    ("Notebooks", ("api.md", "frames.md")),
    ("What it looks at", ("signals/README.md", "signals/*")),
    ("Guides", ("exposure.md", "log.md", "sweep.md", "report.md")),
    (
        "Trust in it",
        ("evidence-format.md", "reliability.md", "calibration.md", "evaluation.md", "conformance.md", "testing.md"),
    ),
    ("Decisions", ("adr/README.md", "adr/*")),
    ("Project", ("contributing.md", "dependencies.md", "security.md", "changelog.md")),
)
"""The order of the pages. `folder/*` is every other page of a folder; what nothing names is under More."""

_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are not files of this folder, and put all into their order."""
    made = {name: (ROOT / there).read_text("utf-8") for there, name in OUTSIDE.items()}
    made |= dict(command_pages()) | {"api.md": api_page(), "frames.md": frames_page()}
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    config.nav = _nav([file.src_uri for file in files if file.is_documentation_page()])
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let links to files of the repository lead to their page; those without a page become plain text."""
    home = next((there for there, name in OUTSIDE.items() if name == page.file.src_uri), None)
    base = "" if home else posixpath.join("docs", posixpath.dirname(page.file.src_uri))
    parts = _CODE.split(markdown)
    for number in range(0, len(parts), 2):
        parts[number] = _LINK.sub(lambda match: _link(match, base, page.file.src_uri, files), parts[number])
    return "".join(parts)


def _link(match: re.Match[str], base: str, page: str, files: Any) -> str:
    image, text, target, anchor = match.groups()
    there = posixpath.normpath(posixpath.join(base, target))
    there = OUTSIDE.get(there, there.removeprefix("docs/"))
    if files.get_file_from_path(there) is None and files.get_file_from_path(f"{there}/README.md") is not None:
        there = f"{there}/README.md"
    if files.get_file_from_path(there) is None and not (ROOT / "docs" / there).exists() and (ROOT / there).exists():
        return f"{text}"
    return f"{image}[{text}]({posixpath.relpath(there, posixpath.dirname(page) or '.')}{anchor or ''})"


def _nav(pages: list[str]) -> list[Any]:
    left = sorted(set(pages) - {"index.md"})
    nav: list[Any] = [{"Home": "index.md"}]
    for title, wanted in SECTIONS:
        named = [one for one in wanted if one in left]
        folders = [one.removesuffix("*") for one in wanted if one.endswith("*")]
        named += [one for one in left if one not in named and one.startswith(tuple(folders or ["\0"]))]
        left = [one for one in left if one not in named]
        if named:
            nav.append({title: named})
    return [*nav, {"More": left}] if left else nav


def command_pages() -> Iterator[tuple[str, str]]:
    """Yield a page for each command: its help, and that of each command below it, as the command line prints it."""
    import typer.main

    from forensics.cli import make_app

    top: Any = typer.main.get_command(make_app())
    for name, command in top.commands.items():
        parts = [(name,), *((name, below) for below in getattr(command, "commands", {}))]
        lines = [line for words in parts for line in _help(words)]
        lines += ["As this version prints it. More in [Commands](../commands.md)."]
        yield f"commands/{name}.md", "\n".join(lines)


def _help(words: tuple[str, ...]) -> Iterator[str]:
    from typer.testing import CliRunner

    from forensics.cli import make_app

    done = CliRunner().invoke(make_app(), [*words, "--help"], env={"COLUMNS": "96", "NO_COLOR": "1"})
    if done.exit_code:
        raise RuntimeError(f"{' '.join(words)} --help exits with {done.exit_code}: {done.output}")
    yield from (f"{'#' * len(words)} forensics {' '.join(words)}", "", "```text", done.output.strip("\n"), "```", "")


def api_page() -> str:
    """Return the page of the API: functions, then classes with what they have, from their docstrings."""
    import forensics
    from forensics import graph, notebook
    from forensics.model import errors
    from forensics.notebook.hunt import LogAnswer
    from forensics.report.pictures import Picture, Pictures

    lines = ["# Python API", "", inspect.cleandoc(forensics.__doc__ or ""), ""]
    for name in sorted(n for n in forensics.__all__ if not n.startswith("_")):
        lines += [f"## forensics.{name}", "", *_function(name, getattr(forensics, name)), ""]
    classes = (notebook.CaseView, notebook.Conclusion, notebook.ReleaseView, notebook.Releases, notebook.Difference,
               notebook.LogView, LogAnswer, notebook.Exposed, Picture, Pictures, graph.Graph, graph.Pivots)  # fmt: skip
    for one in classes:
        lines += [f"## {one.__name__}", "", _doc(one), "", *_members(one)]
    tree = (errors.__doc__ or "").partition("\n\n")
    return "\n".join([*lines, "## Errors", "", tree[0], "", "```text", tree[2].rstrip(), "```", ""])


def _members(one: type) -> Iterator[str]:
    for name, member in vars(one).items():
        if name.startswith("_"):
            continue
        if type(member).__name__ == "Frame":
            yield from (f"### {one.__name__}.{name}", "", f"A frame; its columns are under [{name}](frames.md#{name}).")
            yield from ("", member.__doc__.partition("\n")[0], "")
        elif callable(member):
            yield from (f"### {one.__name__}.{name}", "", *_function(name, member), "")
        elif (doc := getattr(member, "__doc__", None)) and isinstance(member, property | _cached()):
            yield from (f"### {one.__name__}.{name}", "", inspect.cleandoc(doc), "")


def _cached() -> type:
    from functools import cached_property

    return cached_property


def _function(name: str, function: Any) -> Iterator[str]:
    signature = str(inspect.signature(function)).replace("(self, ", "(").replace("(self)", "()")
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature)  # annotations are strings until somebody asks
    yield from ("```python", f"{name}{signature}", "```", "", _doc(function))


def _doc(thing: Any) -> str:
    return inspect.cleandoc(thing.__doc__ or "")


def frames_page() -> str:
    """Return the page of frames: the columns of each, with type and meaning."""
    from forensics.notebook.columns import ABOUT, described

    lines = ["# Frames and their columns", "", "Every column may be null. Times are UTC.", ""]
    for name, about in ABOUT.items():
        rows = [f"| `{column}` | {kind} | {meaning} |" for column, (kind, meaning) in described(name).items()]
        lines += [f"## {name}", "", about, "", "| column | type | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)
