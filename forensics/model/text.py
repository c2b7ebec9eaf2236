"""Outside text made safe to look at: what hides is shown, what could be clicked is defanged."""

from __future__ import annotations

import re
from collections.abc import Collection

# Controls (C0, DEL, C1), every format character (Cf), every space but U+0020, line and paragraph separators,
# surrogates, and the letters and marks that draw nothing. Source: Unicode 15.1 general categories and
# Default_Ignorable_Code_Point; UTR 36 and CVE-2021-42574 for why.
_HIDDEN_RANGES = (
    "\x00-\x1f\x7f-\xa0\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u1680"
    "\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ud800-\udfff"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
HIDDEN = re.compile(f"[{_HIDDEN_RANGES}]")
"""One character that draws nothing, reorders its neighbours, or passes for a plain space."""

_STACKED = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4,}")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://([^\s/?#\"'<>`|\\]*)")
_WWW = re.compile(r"(?<![\w.-])(www)\.(?=\w)", re.IGNORECASE)


def visible(text: str) -> str:
    r"""Return *text* with every character that hides or reorders shown as an escape such as `\u202e`.

    That is: control characters (also newline and tab), bidi embeddings, overrides and isolates, zero-width and other
    format characters, spaces other than U+0020, lone surrogates, and combining marks stacked four deep or more.
    """
    if text.isascii() and text.isprintable():
        return text
    return _STACKED.sub(_escaped, HIDDEN.sub(_escaped, text))


def _escaped(match: re.Match[str]) -> str:
    return "".join(
        _SHORT.get(char) or (f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}")
        for char in match.group()
    )


def defang_text(text: str, allowed: Collection[str] = ()) -> str:
    """Return prose with every URL in it such that nothing makes it a link (`hxxps://evil[.]example`); `www.` as well.

    URLs of *allowed* hosts (lower case, without port) stay as they are. One with a user name in it, or of another
    scheme than http and https, is never allowed.
    """
    if "://" in text:
        text = _URL.sub(lambda match: _defanged(match, allowed), text)
    return _WWW.sub(r"\1[.]", text) if "www." in text.lower() else text


def host_of(url: str) -> str | None:
    """Return the lower-case host name of an http(s) URL without user name, else None."""
    match = _URL.match(url)
    if match is None or match.group(1).lower() not in {"http", "https"} or "@" in match.group(2):
        return None
    return re.sub(r":\d*$", "", match.group(2)).lower() or None


def _defanged(match: re.Match[str], allowed: Collection[str]) -> str:
    if host_of(match.group()) in allowed:
        return match.group()
    scheme, host = match.groups()
    broken = re.sub("tt", "xx", scheme, flags=re.IGNORECASE)
    separator = "://" if broken != scheme else "[:]//"
    return broken + separator + host.replace(".", "[.]")
