"""Names and claims in a certificate as text, read by one rule wherever a certificate is read.

A scan that finds a name which the verification then reads otherwise, or the other way round, would miss somebody.
"""

from __future__ import annotations

from forensics.model.claims import USERNAME_OID
from forensics.model.errors import MalformedEvidence
from forensics.transparency import der

OTHER_NAME, EMAIL, DNS, URI = 0xA0, 0x81, 0x82, 0x86
"""Tags of the kinds of GeneralName that Fulcio issues. Source: RFC 5280 section 4.2.1.6."""


def general_name(tag: int, content: bytes) -> str | None:
    """Return the text of the GeneralName with this *tag* and *content* (DER, without the header).

    None for a kind that Fulcio does not issue, and for what is not UTF-8. Of an OtherName only Fulcio's user name is
    read. Source: RFC 5280 section 4.2.1.6.
    """
    if tag == OTHER_NAME:
        return _username(content)
    if tag not in (EMAIL, DNS, URI):
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def claim_text(value: bytes, *, encoded: bool) -> str | None:
    """Return the text of a claim, in either encoding: issuers have mixed them up before. None for what is no text.

    *encoded*: it should be a UTF8String (DER). An empty one is two bytes that could be a raw text as well.
    Source: sigstore/fulcio docs/oid-info.md.
    """
    text = der.utf8_string(value)
    if text is not None and (text or encoded):
        return text
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _username(content: bytes) -> str | None:
    """An OtherName of Fulcio's type .7: [0] EXPLICIT UTF8String. Source: RFC 5280 section 4.2.1.6."""
    try:
        kind, value = list(der.children(content, 0, len(content)))
        if kind[0] != der.OBJECT_IDENTIFIER or der.oid_text(content[kind[2] : kind[3]]) != USERNAME_OID:
            return None
    except (MalformedEvidence, ValueError):
        return None
    return der.utf8_string(content[value[2] : value[3]]) if value[0] == OTHER_NAME else None
