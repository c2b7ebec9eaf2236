"""Reads a rendered page the way a test needs it: elements, attributes and text, with the standard library's parser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Page(HTMLParser):
    """Every start tag with its attributes, the text, and the raw contents of style and script."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    raw: dict[str, list[str]] = field(default_factory=dict)
    _inside: str | None = None

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in {"style", "script"}:
            self._inside = tag
            self.raw.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside][-1] += data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def with_attribute(self, name: str) -> list[str]:
        """Return the values of an attribute, in order of appearance."""
        return [attrs[name] or "" for _, attrs in self.tags if name in attrs]

    def shape(self) -> set[tuple[str, str]]:
        """Return which attributes occur on which elements."""
        return {(tag, name) for tag, attrs in self.tags for name in attrs} | {(tag, "") for tag, _ in self.tags}


def read(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    return page
