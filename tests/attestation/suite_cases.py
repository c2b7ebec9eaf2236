"""The cases of Sigstore's conformance suite under the suite's own names: how each is made, and what must refuse it.

A name that ends in `_fail` must not verify. The step is the one that has to see it: empty where no step fails and the
bundle cannot be verified with the keys at hand, ROOT where the trust root cannot be used, FILE where the file cannot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import CertificateBuilder
from lab_bundles import MOMENT
from suite_changes import (
    HOUR,
    YEAR,
    Made,
    as_first_version,
    as_version,
    checkpoint_of_another,
    corrupt,
    entry_of_another,
    flip_in,
    late_stamp,
    log_ends,
    managed,
    mutant,
    note,
    signed_with_hint,
    signed_wrongly,
    stamped,
    stamped_by,
    stamper_ends,
    twice_from_origin,
    with_content_of,
    with_key_in_body,
    without_promise,
)
from suite_kit import (
    DSSE,
    DSSE_V2,
    INTOTO,
    V1,
    V2,
    Maker,
    Presented,
    about,
    changed,
    entry_of,
    material,
    proof_of,
    stamps_of,
)

from tests.lab.pki import Authority, spki
from tests.lab.rekor import b64
from tests.lab.timestamping import Stamper

ROOT, FILE, USAGE = "the trust root", "the file", "the question"
CASES: dict[str, tuple[Callable[[Maker], Made], str | None]] = {}


def _case(name: str, refused_by: str | None = None) -> Callable[[Callable[[Maker], Made]], Callable[[Maker], Made]]:
    def kept(make: Callable[[Maker], Made]) -> Callable[[Maker], Made]:
        CASES[name] = (make, refused_by)
        return make

    return kept


def _add(name: str, make: Callable[[Maker], Made], refused_by: str | None = None) -> None:
    CASES[name] = (make, refused_by)


_add("happy-path", lambda maker: maker.sealed(V1))
_add("happy-path-v0.1", mutant(V1, as_first_version))
_add("happy-path-v0.2", mutant(V1, as_version("0.2")))
_add("happy-path-v0.3", mutant(V1, as_version("0.3")))
_add("happy-path-v0.3-new-mediaType", lambda maker: maker.sealed(V1))
_add("happy-path-intoto-in-dsse-v3", lambda maker: maker.sealed(DSSE, about()))
_add("intoto-with-custom-trust-root", lambda maker: maker.sealed(INTOTO, about()))
_add("dsse-with-hashedrekord-happy-path", lambda maker: maker.sealed(V1, about()))
_add("rekor2-happy-path", lambda maker: maker.sealed(V2))
_add("rekor2-dsse-happy-path", lambda maker: maker.sealed(DSSE_V2, about()))
_add("rekor2-timestamp-with-embedded-cert", lambda maker: maker.sealed(V2))


# The file and its versions

_add("bundle-malformed-json_fail", lambda maker: Presented('{"mediaType": ', maker.trusted()), FILE)
_add("bundle-unknown-version_fail", mutant(V1, as_version("99.9")), "format")
_add(
    "bundle-empty-certificate-chain_fail",
    mutant(V1, lambda b: (as_version("0.2")(b), material(b)["x509CertificateChain"].update(certificates=[]))),
    "format",
)
_add(
    "bundle-invalid-base64-signature_fail",
    mutant(V1, lambda b: b["messageSignature"].update(signature="!no base64!")),
    "format",
)
_add("bundle-negative-log-index_fail", mutant(V1, lambda b: entry_of(b).update(logIndex="-1")), "format")
_add(
    "intoto-missing-inclusion-proof_fail",
    mutant(INTOTO, lambda b: entry_of(b).pop("inclusionProof"), about()),
    "format",
)
_add("rekor2-no-inclusion-proof_fail", mutant(V2, lambda b: entry_of(b).pop("inclusionProof")), "format")
_add("invalid-inclusion-proof_fail", mutant(V1, lambda b: proof_of(b).pop("checkpoint")), "format")
_add(
    "inclusion-promise-missing-v0.1_fail",
    mutant(V1, lambda b: (as_first_version(b), entry_of(b).pop("inclusionPromise"))),
    "format",
)
_add(
    "dsse-statement-missing-type_fail",
    lambda maker: managed(maker, maker.sealed(V2, about(kind=None), keyed=True)),
    "format",
)
_add(
    "dsse-statement-unknown-type_fail",
    lambda maker: managed(maker, maker.sealed(V2, about(kind="https://in-toto.io/Statement/v2"), keyed=True)),
    "format",
)
_add("dsse-payload-is-no-statement_fail", lambda maker: maker.sealed(V1, b"{}", payload_type="text/json"), "")


# The certificate

_add(
    "bundle-from-wrong-instance_fail", lambda maker: Presented(maker.sealed(V1), Maker().trusted()), "certificate-chain"
)


@_case("bundle-with-root-cert_fail", "identity")
def _with_root(maker: Maker) -> Made:
    """The suite's is somebody else's; the root in it is passed over, as in npm's own bundles of 2023."""
    chain = [{"rawBytes": b64(each)} for each in maker.authority.chain]
    bundle = changed(
        maker.sealed(V1),
        as_version("0.2"),
        lambda b: material(b)["x509CertificateChain"]["certificates"].extend(chain),
    )
    return Presented(bundle, maker.trusted(), identity="https://github.com/sigstore-conformance/beacon")


@_case("invalid-ct-key_fail", "sct")
def _other_ct_key(maker: Maker) -> Made:
    root, other = maker.trusted(), ec.generate_private_key(ec.SECP256R1())
    root["ctlogs"][0]["publicKey"]["rawBytes"] = b64(spki(other))
    return Presented(maker.sealed(V1), root)


@_case("trust-root-ctlog-ended-before-the-certificate_fail", "sct")
def _ct_log_ended(maker: Maker) -> Made:
    bundle, root = maker.sealed(V1), maker.trusted()
    root["ctlogs"][0]["publicKey"]["validFor"]["end"] = maker.second(-HOUR)
    return Presented(bundle, root)


@_case("sct-duplicate-intermediate-name")
def _same_name(maker: Maker) -> Made:
    """An authority of the same name with another key stands first in the trust root."""
    root = maker.trusted()
    decoy = {**root["certificateAuthorities"][0]}
    decoy["certChain"] = {"certificates": [{"rawBytes": b64(each)} for each in Authority().chain]}
    root["certificateAuthorities"].insert(0, decoy)
    return Presented(maker.sealed(V1), root)


@_case("bundle-with-sct-with-extensions")
def _sct_extensions(maker: Maker) -> Made:
    maker.authority.sct_extensions = bytes.fromhex("0000050001020304")
    return maker.sealed(V1)


_add("integrated-time-in-future_fail", lambda maker: maker.sealed(V1, late=YEAR), "certificate-validity")
for _name in ("intoto-expired-certificate_fail", "intoto-set-outside-signing-cert-validity_fail"):
    _add(_name, lambda maker: maker.sealed(INTOTO, about(), late=HOUR), "certificate-validity")


# The log

_add(
    "set-invalid-signature_fail",
    mutant(V1, lambda b: flip_in(entry_of(b)["inclusionPromise"], "signedEntryTimestamp")),
    "set",
)
_add("inclusion-proof-corrupted-hash_fail", mutant(V1, lambda b: corrupt(proof_of(b)["hashes"])), "inclusion")
_add("checkpoint-wrong-roothash_fail", lambda maker: checkpoint_of_another(maker), "checkpoint")
_add("checkpoint-bad-keyhint_fail", mutant(V1, lambda b: note(b, signed_with_hint)), "checkpoint")
_add("invalid-checkpoint-signature_fail", mutant(V1, lambda b: note(b, signed_wrongly)), "checkpoint")
_add("rekor2-checkpoint-no-matching-signature_fail", mutant(V2, lambda b: note(b, signed_with_hint)), "checkpoint")
_add(
    "rekor2-checkpoint-missing-log-signature_fail",
    mutant(V2, lambda b: note(b, lambda lines: [*lines[:4], ""])),
    "checkpoint",
)
for _number, _line in enumerate(("origin", "size", "root-hash")):
    _add(
        f"rekor2-checkpoint-missing-{_line}_fail",
        mutant(V2, lambda b, at=_number: note(b, lambda lines: lines[:at] + lines[at + 1 :])),
        "checkpoint",
    )
_WITNESS = "— witness.example " + b64(b"\x01\x02\x03\x04" + bytes(72))
_add("rekor2-checkpoint-cosigned", mutant(V2, lambda b: note(b, lambda lines: [*lines[:-1], _WITNESS, ""])))
_add(
    "rekor2-checkpoint-origin-not-first",
    mutant(V2, lambda b: note(b, lambda lines: [*lines[:4], _WITNESS, *lines[4:]])),
)
_add(
    "rekor2-checkpoint-multiple-cosigs",
    mutant(V2, lambda b: note(b, lambda lines: [*lines[:4], _WITNESS, lines[4], _WITNESS.replace("s.e", "s2.e"), ""])),
)
_add("rekor2-checkpoint-two-sigs-from-origin", mutant(V2, lambda b: note(b, twice_from_origin)))
_add(
    "rekor2-checkpoint-two-sigs-cosigned",
    mutant(V2, lambda b: note(b, lambda lines: [*twice_from_origin(lines)[:-1], _WITNESS, ""])),
)


@_case("trust-root-tlog-validity-end-inclusive")
def _log_ends_then(maker: Maker) -> Made:
    return log_ends(maker, timedelta())


@_case("trust-root-tlog-ended-before-the-entry_fail", "set")
def _log_ended_before(maker: Maker) -> Made:
    return log_ends(maker, timedelta(seconds=-1))


@_case("trust-root-tlog-missing-validity-start_fail", ROOT)
def _log_without_start(maker: Maker) -> Made:
    bundle, root = maker.sealed(V1), maker.trusted()
    root["tlogs"][0]["publicKey"]["validFor"] = {"end": maker.second(YEAR)}
    return Presented(bundle, root)


# Entries of something else

_add("signature-mismatch_fail", lambda maker: with_content_of(maker, V1, None, same_signer=False), "log-body")
_add("wrong-material_fail", lambda maker: Presented(maker.sealed(V1), maker.trusted(), artifact=b"another"), "subject")
_add(
    "wrong-hashedrekord-artifact_fail",
    lambda maker: entry_of_another(maker, V1, about(note="one"), about(note="two"), True),
    "log-body",
)
_add("wrong-hashedrekord-cert-and-sig_fail", lambda maker: entry_of_another(maker, V1, None, None, False), "log-body")
_add("wrong-hashedrekord-entry_fail", lambda maker: entry_of_another(maker, V1, None, about(), False), "log-body")
_add("cve-2022-36056-swapped-tlog-entry_fail", lambda maker: entry_of_another(maker, V1, None, None, False), "log-body")
_add("incorrect-public-key_fail", lambda maker: with_key_in_body(maker), "log-body")
_add(
    "intoto-log-entry-mismatch_fail",
    lambda maker: entry_of_another(maker, INTOTO, about(), about(note="two"), False),
    "log-body",
)
_add(
    "message-digest-mismatch_fail",
    mutant(V1, lambda b: flip_in(b["messageSignature"]["messageDigest"], "digest")),
    "subject",
)
for _prefix, _kind in (("dsse", DSSE), ("dsse-with-hashedrekord", V1), ("rekor2-dsse", DSSE_V2)):
    _add(
        f"{_prefix}-mismatch-envelope_fail",
        lambda maker, kind=_kind: entry_of_another(maker, kind, about(note="one"), about(note="two"), True),
        "log-body",
    )
    _add(
        f"{_prefix}-mismatch-sig_fail",
        lambda maker, kind=_kind: entry_of_another(maker, kind, about(), about(), True),
        "log-body",
    )
    _add(
        f"{_prefix}-invalid-sig_fail",
        lambda maker, kind=_kind: with_content_of(maker, kind, about(), same_signer=False),
        "signature",
    )


# Timestamps

_add("rekor2-no-timestamp_fail", mutant(V2, lambda b: stamps_of(b).clear()), "")
_add(
    "rekor2-timestamp-payload-mismatch_fail",
    lambda maker: stamped(maker, lambda sig: [maker.stamp(b"another")]),
    "certificate-validity",
)
_add(
    "rekor2-timestamp-with-incorrect-time_fail",
    lambda maker: stamped(maker, lambda sig: [maker.stamp(sig, HOUR)]),
    "certificate-validity",
)
_add(
    "rekor2-multiple-timestamps-one-outside-cert-validity_fail",
    lambda maker: stamped(maker, lambda sig: [maker.stamp(sig), maker.stamp(sig, HOUR)]),
    "certificate-validity",
)
_add(
    "rekor2-timestamp-outside-tsa-cert-validity_fail",
    lambda maker: stamped(maker, lambda sig: [maker.stamp(sig, 40 * YEAR)]),
    "certificate-validity",
)
_add("intoto-tsa-timestamp-outside-cert-validity_fail", lambda maker: late_stamp(maker), "certificate-validity")


@_case("rekor2-timestamp-untrusted-tsa-with-embedded-cert_fail", "")
def _other_stamper(maker: Maker) -> Made:
    maker.stamper = Stamper()
    return maker.sealed(V2)


@_case("rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail", "")
def _other_silent_stamper(maker: Maker) -> Made:
    maker.stamper = Stamper(embeds=False)
    return maker.sealed(V2)


@_case("rekor2-timestamp-without-embedded-cert")
def _silent_stamper(maker: Maker) -> Made:
    return stamped_by(maker, Stamper(embeds=False))


@_case("rekor2-timestamp-with-expired-cert-chain")
def _expired_stamper(maker: Maker) -> Made:
    """Its certificates were valid when it stamped, and are not any more."""
    return stamped_by(maker, Stamper(_Expired("expired.example")))


class _Expired(Authority):
    def _builder(self, name: str, issuer: Any, key: Any, start: datetime, end: datetime) -> CertificateBuilder:
        return super()._builder(name, issuer, key, start, min(end, MOMENT + timedelta(days=1)))


@_case("trust-root-tsa-validity-end-inclusive")
def _stamper_ends_then(maker: Maker) -> Made:
    return stamper_ends(maker, timedelta())


@_case("rekor2-timestamp-outside-trust-root-tsa-validity_fail", "certificate-validity")
def _stamper_ended(maker: Maker) -> Made:
    return stamper_ends(maker, timedelta(seconds=-1))


@_case("rekor2-timestamp-wrong-tsa-validity-borrow_fail", ROOT)
def _borrowed_from_nobody(maker: Maker) -> Made:
    """The other authority in the trust root has no certificates: such a root is not used at all."""
    shown = stamper_ends(maker, timedelta(seconds=-1))
    other = {**shown.root["timestampAuthorities"][0], "certChain": {"certificates": []}}
    other["validFor"] = {"start": "2020-01-01T00:00:00Z"}
    shown.root["timestampAuthorities"].append(other)
    return shown


@_case("rekor2-timestamp-validity-of-a-namesake_fail", "certificate-validity")
def _borrowed_from_namesake(maker: Maker) -> Made:
    """The other authority bears the same names over other keys, and is trusted for the time."""
    shown = stamper_ends(maker, timedelta(seconds=-1))
    namesake = Stamper()
    chain = [{"rawBytes": b64(each)} for each in (namesake.der, *namesake.authority.chain)]
    other = {**shown.root["timestampAuthorities"][0], "certChain": {"certificates": chain}}
    other["validFor"] = {"start": "2020-01-01T00:00:00Z"}
    shown.root["timestampAuthorities"].append(other)
    return shown


# Managed keys


_add("managed-key-happy-path", lambda maker: managed(maker, maker.sealed(V1, keyed=True)))
_add(
    "intoto-canonical-log-entry",
    lambda maker: managed(maker, without_promise(maker.sealed(INTOTO, about(), keyed=True))),
)
_add("managed-key-no-key_fail", lambda maker: maker.sealed(V1, keyed=True), "identity")
_add("managed-key-wrong-key_fail", lambda maker: managed(maker, maker.sealed(V1, keyed=True), Maker().pem), "signature")
_add("managed-key-and-certificate_fail", lambda maker: managed(maker, maker.sealed(V1)), "named-key")
_add(
    "managed-key-and-client-identity_fail",
    lambda maker: replace(managed(maker, maker.sealed(V1, keyed=True)), identity="https://example.com/me"),
    USAGE,
)


@_case("managed-key-and-trusted-root")
def _bare_key(maker: Maker) -> Made:
    """Nothing but a key: no log entry, and a trust root that names nobody."""
    bundle = changed(maker.sealed(V1, keyed=True), lambda b: material(b).pop("tlogEntries"))
    return replace(managed(maker, bundle), root={"mediaType": maker.trusted()["mediaType"]})
