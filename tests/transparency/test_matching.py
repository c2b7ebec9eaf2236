from __future__ import annotations

import hashlib

import pytest

from forensics.model.errors import UsageError
from forensics.transparency.entries import EntryView, parse_entry
from forensics.transparency.expressions import Expression
from forensics.transparency.matching import (
    Literal,
    Matcher,
    Sought,
    claim,
    digest,
    email,
    expression,
    fingerprint,
    subject,
)
from tests.transparency.made import ARC, ISSUER, WORKFLOW, canonical, certificate, pem, spki, v1_value, v2_entry

PRINT = hashlib.sha256(certificate()).hexdigest()
DIGEST = hashlib.sha256(b"artifact")


def view(der: bytes = b"", body: bytes = b"") -> EntryView:
    return parse_entry(body or v2_entry(der or certificate(), DIGEST.digest()))


@pytest.mark.parametrize(
    ("sought", "what", "value"),
    [
        (subject(WORKFLOW), "subject", WORKFLOW),
        (subject("acme/demo", exact=False), "subject", WORKFLOW),
        (subject(WORKFLOW, issuer=ISSUER), "subject", WORKFLOW),
        (expression(r"/acme/.*@refs/tags/", issuer="githubusercontent"), "subject", WORKFLOW),
        (claim("source-repository-uri", "https://github.com/acme/demo"), "source_repository_uri", "https://github.com/acme/demo"),
        (claim("source_repository_identifier", "1", "700000001"), "source_repository_identifier", "700000001"),
        (Sought("issuer", issuers=(Literal(ISSUER),)), "issuer", ISSUER),
        (Sought("oid", extensions=((f"{ARC}20", ("push", "release")),)), f"{ARC}20", "release"),
        (Sought("key usage", extensions=(("2.5.29.17", ("x",)),)), None, None),
        (digest("sha256:" + DIGEST.hexdigest().upper()), "digest", DIGEST.hexdigest()),
        (Sought("print", fingerprint=PRINT), "fingerprint", PRINT),
        (subject("acme/demo"), None, None),
        (subject(WORKFLOW, issuer="https://elsewhere.example"), None, None),
        (claim("source_repository_identifier", "2"), None, None),
        (claim("deployment_environment", "pypi"), None, None),
        (digest("ab" * 32), None, None),
        (Sought("both", subject=Literal(WORKFLOW), digest="ab" * 32), None, None),
        (Sought("both", subject=Literal(WORKFLOW), digest=DIGEST.hexdigest()), "subject", WORKFLOW),
    ],
    ids=lambda value: value.label[:12] if isinstance(value, Sought) else "",  # keys are new in every process
)  # fmt: skip
def test_what_is_sought_is_found_where_it_is(sought: Sought, what: str | None, value: str | None) -> None:
    matches = Matcher([sought]).match(view()).matches
    assert [(match.what, match.value) for match in matches] == ([] if what is None else [(what, value)])
    for match in matches:
        assert (match.sought, match.subject, match.issuer) == (sought, WORKFLOW, ISSUER)


def test_an_address_is_found_however_it_is_capitalised() -> None:
    found = Matcher([email("alice@example.com")]).match(view(certificate("Alice@Example.com", (), True)))
    assert [match.value for match in found.matches] == ["Alice@Example.com"]


def test_a_bare_key_has_a_fingerprint_and_no_names() -> None:
    body = canonical(v1_value("hashedrekord", pem(spki(), "PUBLIC KEY"), DIGEST.hexdigest()))
    sought = [fingerprint(hashlib.sha256(spki()).hexdigest()), digest(DIGEST.hexdigest()), subject(WORKFLOW)]
    found = Matcher(sought).match(view(body=body))
    assert [(match.what, match.subject) for match in found.matches] == [("fingerprint", None), ("digest", None)]
    assert found.unreadable == ()


def test_what_cannot_be_read_or_judged_is_said() -> None:
    found = Matcher([subject(WORKFLOW)]).match(view(b"\x30\x03abc"))
    assert (found.matches, len(found.unreadable)) == ((), 1)
    assert Matcher([digest(DIGEST.hexdigest())]).match(view(b"\x30\x03abc")).matches[0].subject is None
    long = certificate("https://h/" + "a" * 5000)
    found = Matcher([expression("b"), subject("h/aaa", exact=False)]).match(view(long))
    assert [match.what for match in found.matches] == ["subject"]
    assert len(found.unreadable) == 1


def test_a_question_without_sense_is_refused() -> None:
    for wrong in (
        lambda: Matcher([]),
        lambda: Sought("nothing"),
        lambda: claim("no-such-claim", "x"),
        lambda: Literal(""),
        lambda: Literal("x" * 5000),
        lambda: digest("xyz"),
        lambda: digest("ab"),
        lambda: digest("ab " * 32),
        lambda: fingerprint("ab" * 65),
        lambda: Expression("("),
    ):
        with pytest.raises(UsageError):
            wrong()
