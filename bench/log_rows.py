"""The rows of the performance table about transparency logs; `bench.rows` has the others and runs them all.

The naive side is what a script would do with the standard library and `cryptography`: decode the JSON, load the
certificate, ask it for its extensions.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Iterable

from cryptography import x509

from bench import log_corpus
from bench.row import Row
from bench.timing import alternate

_FULCIO = "1.3.6.1.4.1.57264.1."


def _sizes(quick: bool) -> tuple[int, int, int]:
    """Entries for us, entries for the naive side, rounds."""
    return (256 * 20, 1000, 3) if quick else (256 * 80, 4000, 9)


def _names(certificate: x509.Certificate) -> tuple[list[str], dict[str, bytes]]:
    names, claims = [], {}
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            names = [name.value for name in extension.value if isinstance(name.value, str)]
        elif extension.oid.dotted_string.startswith(_FULCIO):
            claims[extension.oid.dotted_string] = extension.value.value
    return names, claims


def _naive_v2(bodies: Iterable[bytes]) -> int:
    hits = 0
    for body in bodies:
        verifier = json.loads(body)["spec"]["hashedRekordV002"]["signature"]["verifier"]
        raw = base64.b64decode(verifier["x509Certificate"]["rawBytes"])
        hits += log_corpus.WANTED in _names(x509.load_der_x509_certificate(raw))[0]
    return hits


def _naive_v1(bodies: Iterable[bytes]) -> int:
    hits = 0
    for encoded in bodies:
        spec = json.loads(base64.b64decode(encoded))["spec"]
        pem = spec["signatures"][0]["verifier"] if "signatures" in spec else spec["signature"]["publicKey"]["content"]
        hits += log_corpus.WANTED in _names(x509.load_pem_x509_certificate(base64.b64decode(pem)))[0]
    return hits


class _Memory:
    """A reader of a log that lies in memory."""

    def __init__(self, bundles: list[bytes], levels: list[list[bytes]], note: bytes) -> None:
        self._bundles, self._levels, self._note = bundles, levels, note

    async def tile(self, level: int, index: int, width: int) -> bytes:
        return b"".join(self._levels[8 * level][256 * index : 256 * index + width])

    async def entries(self, index: int, width: int) -> bytes:
        return self._bundles[index]

    async def checkpoint(self) -> bytes:
        return self._note


def _log(corpus: log_corpus.Corpus) -> tuple[_Memory, str]:
    """A reader of *corpus* and its checkpoint, unsigned but for form's sake."""
    bodies = corpus.bodies
    levels = [[hashlib.sha256(b"\x00" + body).digest() for body in bodies]]
    while len(levels[-1]) > 1:
        level = levels[-1]
        pairs = zip(level[::2], level[1::2], strict=False)
        levels.append([hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs])
    levels += [[] for _ in range(80 - len(levels))]
    size = len(bodies)
    assert size & (size - 1) == 0, "a tree that is not full needs more than this to have a root"
    root = next(level[0] for level in reversed(levels) if level)
    note = f"log.bench.example\n{size}\n{base64.b64encode(root).decode()}\n\n— log.bench.example AAAAAAAA\n"
    return _Memory(corpus.bundles, levels, note.encode()), note


def v2_against_hashing(quick: bool) -> float:
    """A literal scan of v2 tiles, every leaf hash and the root checked, against one SHA-256 pass over the bundles."""
    from forensics.transparency.checkpoint import parse_checkpoint
    from forensics.transparency.matching import Matcher, subject
    from forensics.transparency.ranges import Span
    from forensics.transparency.scan import scan_bundles

    corpus = log_corpus.v2(2**12 if quick else 2**14)
    reader, note = _log(corpus)
    bundles, matcher = corpus.bundles, Matcher([subject(log_corpus.WANTED)])
    checkpoint = parse_checkpoint(note)
    span = Span(0, len(corpus.bodies))

    def ours() -> None:
        result = asyncio.run(scan_bundles(reader, matcher, span, checkpoint=checkpoint))
        assert result.coverage.complete
        assert len(result.hits) == -(-(span.end - 17) // 1000)

    def theirs() -> None:
        for bundle in bundles:
            hashlib.sha256(bundle).digest()

    mine, other = alternate([ours, theirs], 3 if quick else 15)
    return mine / other


def v2_against_naive(quick: bool) -> float:
    """The same scan without hashing against `json` and `cryptography`."""
    from forensics.transparency.matching import Matcher, subject
    from forensics.transparency.scan import Scanner

    count, few, rounds = _sizes(quick)
    corpus = log_corpus.v2(count)
    bundles, scanner = corpus.bundles, Scanner(Matcher([subject(log_corpus.WANTED)]))

    def ours() -> None:
        hits = [scanner.bundle(data, 256 * at, 256, hashing=False).hits for at, data in enumerate(bundles)]
        assert sum(map(len, hits)) == -(-(count - 17) // 1000)

    return _per_entry(ours, count, lambda: _naive_v2(corpus.bodies[:few]), few, rounds)


def v1_against_naive(quick: bool) -> float:
    """A literal scan of v1 entries against `json` and `cryptography`."""
    from forensics.transparency.matching import Matcher, subject
    from forensics.transparency.ranges import Span
    from forensics.transparency.scan import scan_bodies

    count, few, rounds = _sizes(quick)
    corpus = log_corpus.v1(count)
    matcher, span = Matcher([subject(log_corpus.WANTED)]), Span(0, count)

    def ours() -> None:
        result = scan_bodies(enumerate(corpus.bodies), matcher, span, shard="bench")
        assert len(result.hits) == -(-(count - 17) // 1000)

    return _per_entry(ours, count, lambda: _naive_v1(corpus.bodies[:few]), few, rounds)


def v2_identities(quick: bool) -> float:
    """Every identity of v2 entries against `json` and `cryptography`."""
    from forensics.transparency.entries import Generation, parse_entry
    from forensics.transparency.extract import names_of

    count, few, rounds = _sizes(quick)
    bodies = log_corpus.v2(count).bodies

    def ours() -> None:
        for body in bodies:
            certificate = parse_entry(body, Generation.V2).certificate
            assert certificate is not None
            names_of(certificate)

    return _per_entry(ours, count, lambda: _naive_v2(bodies[:few]), few, rounds)


def v1_identities(quick: bool) -> float:
    """Every identity of v1 entries against `json` and `cryptography`."""
    from forensics.transparency.entries import Generation, decode_body, parse_entry
    from forensics.transparency.extract import names_of

    count, few, rounds = _sizes(quick)
    bodies = log_corpus.v1(count).bodies

    def ours() -> None:
        for body in bodies:
            certificate = parse_entry(decode_body(body), Generation.V1).certificate
            assert certificate is not None
            names_of(certificate)

    return _per_entry(ours, count, lambda: _naive_v1(bodies[:few]), few, rounds)


def _per_entry(ours: Callable[[], object], count: int, theirs: Callable[[], object], few: int, rounds: int) -> float:
    """How many times faster an entry is for us."""
    mine, other = alternate([ours, theirs], rounds)
    return (other / few) / (mine / count)


LOG_ROWS: tuple[Row, ...] = (
    Row("scan v2 for literals, all hashes checked / one SHA-256 pass", 3.0, False, v2_against_hashing),
    Row("scan v2 for literals, no hashing / json + cryptography", 20.0, True, v2_against_naive),
    Row("scan v1 for literals / json + cryptography", 6.0, True, v1_against_naive),
    Row("extract every identity of v2 / json + cryptography", 3.0, True, v2_identities),
    Row("extract every identity of v1 / json + cryptography", 3.0, True, v1_identities),
)


def main() -> None:
    """Measure these rows alone: `python -m bench.log_rows`."""
    for row in LOG_ROWS:
        ratio = row.measure(False)
        print(f"{'holds ' if row.holds(ratio) else 'FAILS '} {row.name}: {ratio:.2f} (budget {row.budget})", flush=True)


if __name__ == "__main__":
    main()
