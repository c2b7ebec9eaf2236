"""The one template environment: autoescape on, undefined names are errors, filters that put words on values."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from forensics.model.times import to_iso
from forensics.report import words
from forensics.report.clean import linkable


@cache
def environment() -> Environment:
    """Return the environment of every template of the report."""
    made = Environment(
        loader=PackageLoader("forensics.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        {
            "t": time_markup,
            "span": words.span,
            "size": words.size,
            "vclass": words.verdict_class,
            "vwords": words.verdict_words,
            "sclass": words.severity_class,
            "letter": words.letter,
            "door": words.door_words,
            "publisher": words.publisher_words,
            "predicate": words.predicate_words,
            "unremoved": words.unremoved,
            "soft": soft,
        }
    )
    made.tests.update({"numbered": _numbered, "begins": str.startswith})
    made.globals.update(
        {"plural": words.plural, "offset": words.offset, "moment": words.moment, "families": words.FAMILIES}
    )
    return made


def _numbered(anchor: str) -> bool:
    """Whether an anchor is that of a row that has a number and no other name."""
    kind, _, number = anchor.partition("-")
    return kind in {"event", "tie"} and number.isdigit()


def asset(name: str) -> str:
    """Return a style or script of our own, with line ends as they are in the repository."""
    loader = environment().loader
    if loader is None:  # pragma: no cover - set above
        raise RuntimeError("no loader")
    return loader.get_source(environment(), name)[0].replace("\r\n", "\n")


def time_markup(text: str | None, none: str = "not known") -> Markup:
    """Return a time as an element that sorts and reads aloud well, or why there is none."""
    at = words.moment(text)
    if at is None:
        return Markup('<span class="unknown">{}</span>').format(text or none)
    day, _, clock = words.when(text).partition(" ")
    return Markup('<time datetime="{}">{} <b>{}</b></time>').format(to_iso(at), day, clock)


def link(url: str | None, hosts: frozenset[str]) -> Markup:
    """Return *url* as a link where it may be one, else as text."""
    if linkable(url, hosts):
        return Markup('<a class="out" href="{}" rel="noreferrer noopener external">{}</a>').format(url, soft(url or ""))
    return Markup('<span class="url">{}</span>').format(soft(url or ""))


def soft(text: str) -> Markup:
    """Return *text* with places to break after slashes, dots and the like, so that it fits a narrow screen."""
    safe = str(escape(text))
    for mark in ("/", "_", "@", "?", "="):
        safe = safe.replace(mark, mark + "<wbr>")
    return Markup(safe)  # noqa: S704 - escaped above
