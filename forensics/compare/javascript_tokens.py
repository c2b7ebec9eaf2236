"""Scripts for Node and the browser cut into tokens, in one pass that no input can make slow; nothing is executed.

Source: ECMA-262, chapter 12 (lexical grammar), as far as it matters for telling code from text. Where the grammar needs
the parser to tell a division from a regular expression, the token before decides, and a doubtful one is a division.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

NAME, STRING, PUNCT, OTHER = "name", "string", "punct", "other"
"""Kinds of tokens: names and keywords, string literals with their value, one sign each, numbers and expressions."""
Token = tuple[str, str]

MAX_REGEX: Final = 200
"""Characters of a regular expression; what is longer is read as signs."""

# Possessive throughout: each piece is consumed once, and what is left open ends with its line or the file.
_PLAIN = re.compile(
    r"""(?P<space>[\s\ufeff]++|//[^\n\r\u2028\u2029]*+|/\*(?s:.*?)(?:\*/|\Z)|\A\#![^\n]*+)
    |(?P<name>[A-Za-z_$\u00aa-\uffff](?:[\w$\u200c\u200d]|\\u\{?[0-9A-Fa-f]+\}?)*+)
    |(?P<string>"[^"\\\n\r]*+(?:\\(?s:.)[^"\\\n\r]*+)*+"?|'[^'\\\n\r]*+(?:\\(?s:.)[^'\\\n\r]*+)*+'?)
    |(?P<other>\.?[0-9][\w.]*+)
    |(?P<punct>(?s:.))""",
    re.VERBOSE,
)
_TEMPLATE = re.compile(r"(?:[^`\\$]++|\\(?s:.)|\$(?!\{))*+")
_REGEX = re.compile(
    rf"/(?![*/])(?:[^/\\\[\n\r]|\\[^\n\r]|\[(?:[^\]\\\n\r]|\\[^\n\r]){{0,{MAX_REGEX}}}\]){{1,{MAX_REGEX}}}+/\w*+"
)
_BEFORE_REGEX = frozenset(
    ("return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "throw", "new", "instanceof", "yield",
     "await")
)  # fmt: skip
_ESCAPE = re.compile(r"\\(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(\r\n|(?s:.)))")
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r": "", "\r\n": ""}


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the tokens of *text* in order; white space and comments are left out. Never raises."""
    at, end = 0, len(text)
    previous: Token = (PUNCT, ";")
    braces: list[int] = []  # for each open `${`, how many braces are open inside it
    while at < end:
        if text[at] == "/" and _regex_may_follow(previous) and (found := _REGEX.match(text, at)):
            previous = (OTHER, found.group())
            yield previous
            at = found.end()
            continue
        match = _PLAIN.match(text, at)
        assert match is not None
        at = match.end()
        kind = match.lastgroup or PUNCT
        if kind == "space":
            continue
        value = match.group()
        closes = kind == PUNCT and value == "}" and bool(braces) and braces[-1] == 0
        if kind == STRING:
            previous = (STRING, unescaped(value[1:].removesuffix(value[0])))
        elif kind == NAME:
            previous = (NAME, unescaped(value))
        elif closes or value == "`":
            if closes:
                braces.pop()
            found = _TEMPLATE.match(text, at)
            assert found is not None
            at = found.end()
            previous = (STRING, unescaped(found.group()))
            if text.startswith("${", at):
                yield previous
                braces.append(0)
                at += 2
                previous = (PUNCT, "+")  # what follows is joined to the text before
            else:
                at += 1
            yield previous
            continue
        else:
            previous = (kind, value)
            if braces and kind == PUNCT and value in "{}":
                braces[-1] += 1 if value == "{" else -1
        yield previous


def unescaped(text: str) -> str:
    """Return a string literal's text or a name with its escapes resolved."""
    return _ESCAPE.sub(_resolved, text) if "\\" in text else text


def _resolved(match: re.Match[str]) -> str:
    digits = match.group(1) or match.group(2) or match.group(3)
    if digits:
        number = int(digits, 16)
        return chr(number) if number < 0x110000 else "\ufffd"
    return _SHORT.get(match.group(4), match.group(4))


def _regex_may_follow(previous: Token) -> bool:
    """Whether a slash after *previous* begins a regular expression for sure."""
    kind, value = previous
    if kind == NAME:
        return value in _BEFORE_REGEX
    return kind == PUNCT and value in "(,=:[!&|?{;^~<>%*"
