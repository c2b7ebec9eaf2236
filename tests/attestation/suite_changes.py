"""How the cases of Sigstore's conformance suite differ from a good bundle. See `suite_cases`."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import rfc8785
from attestation_kit import flip
from suite_kit import INTOTO, V1, V2, Bundle, Maker, Presented, about, changed, entry_of, material, proof_of, stamps_of

from tests.lab.rekor import b64
from tests.lab.timestamping import Stamper

Made = Bundle | Presented
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)


def mutant(kind: str, change: Callable[[Bundle], object], statement: bytes | None = None) -> Callable[[Maker], Made]:
    return lambda maker: changed(maker.sealed(kind, statement), change)


def as_version(number: str) -> Callable[[Bundle], None]:
    """An older media type, with the certificate where that version has it."""

    def change(bundle: Bundle) -> None:
        bundle["mediaType"] = f"application/vnd.dev.sigstore.bundle+json;version={number}"
        if number != "0.3":
            material(bundle)["x509CertificateChain"] = {"certificates": [material(bundle).pop("certificate")]}

    return change


def as_first_version(bundle: Bundle) -> None:
    as_version("0.1")(bundle)
    del entry_of(bundle)["inclusionProof"]


def managed(maker: Maker, bundle: Bundle, key: bytes | None = None) -> Presented:
    return Presented(bundle, maker.trusted(), None, None, key or maker.pem)


def without_promise(bundle: Bundle) -> Bundle:
    return changed(
        bundle, lambda b: entry_of(b).pop("inclusionPromise"), lambda b: entry_of(b).update(integratedTime="0")
    )


def log_ends(maker: Maker, late: timedelta) -> Presented:
    bundle, root = maker.sealed(V1), maker.trusted()
    root["tlogs"][0]["publicKey"]["validFor"]["end"] = maker.second(late)
    return Presented(bundle, root)


def stamper_ends(maker: Maker, late: timedelta) -> Presented:
    bundle, root = maker.sealed(V2), maker.trusted()
    root["timestampAuthorities"][0]["validFor"]["end"] = maker.second(late)
    return Presented(bundle, root)


def stamped_by(maker: Maker, stamper: Stamper) -> Presented:
    """A bundle with the timestamp of another authority, which the trust root names."""
    maker.stamper, root = stamper, maker.trusted()
    chain = [{"rawBytes": b64(each)} for each in (stamper.der, *stamper.authority.chain)]
    root["timestampAuthorities"][0]["certChain"]["certificates"] = chain
    return Presented(maker.sealed(V2), root)


def stamped(maker: Maker, make: Callable[[bytes], list[dict[str, str]]]) -> Bundle:
    bundle = maker.sealed(V2)
    stamps_of(bundle)[:] = make(base64.b64decode(bundle["messageSignature"]["signature"]))
    return bundle


def late_stamp(maker: Maker) -> Bundle:
    bundle = maker.sealed(INTOTO, about())
    signature = base64.b64decode(bundle["dsseEnvelope"]["signatures"][0]["sig"])
    stamps_of(bundle).append(maker.stamp(signature, HOUR))
    return bundle


def entry_of_another(maker: Maker, kind: str, one: bytes | None, two: bytes | None, same_signer: bool) -> Bundle:
    """The bundle over *one* with the log entry of that over *two*: another signature, and perhaps another signer."""
    signer = maker.signer() if same_signer else None
    first, second = maker.sealed(kind, one, signer=signer), maker.sealed(kind, two, signer=signer)
    return changed(first, lambda b: material(b).update(tlogEntries=material(second)["tlogEntries"]))


def with_content_of(maker: Maker, kind: str, statement: bytes | None, *, same_signer: bool) -> Bundle:
    """A bundle with the signature and the timestamps of another: the certificate's key did not make it."""
    signer = maker.signer() if same_signer else None
    first, second = (maker.sealed(kind, statement, signer=signer) for _ in range(2))
    content = "dsseEnvelope" if statement else "messageSignature"
    stamps = material(second)["timestampVerificationData"]
    return changed(
        first,
        lambda b: b.update({content: second[content]}),
        lambda b: material(b).update(timestampVerificationData=stamps),
    )


def with_key_in_body(maker: Maker) -> Bundle:
    """A bundle whose log entry names another certificate than the one that signed."""

    def change(bundle: Bundle) -> None:
        body = json.loads(base64.b64decode(entry_of(bundle)["canonicalizedBody"]))
        body["spec"]["signature"]["publicKey"]["content"] = b64(maker.signer().pem)
        entry_of(bundle)["canonicalizedBody"] = b64(rfc8785.dumps(body))

    return changed(maker.sealed(V1), change)


def checkpoint_of_another(maker: Maker) -> Bundle:
    first, second = maker.sealed(V1), maker.sealed(V1)
    return changed(first, lambda b: proof_of(b).update(checkpoint=proof_of(second)["checkpoint"]))


def note(bundle: Bundle, change: Callable[[list[str]], list[str]]) -> None:
    checkpoint = proof_of(bundle)["checkpoint"]
    checkpoint["envelope"] = "\n".join(change(checkpoint["envelope"].split("\n")))


def signed_with_hint(lines: list[str]) -> list[str]:
    return [*lines[:4], resigned(lines[4], 0), *lines[5:]]


def signed_wrongly(lines: list[str]) -> list[str]:
    return [*lines[:4], resigned(lines[4], -1), *lines[5:]]


def twice_from_origin(lines: list[str]) -> list[str]:
    return [*lines[:4], resigned(lines[4], 0), *lines[4:]]


def resigned(line: str, place: int) -> str:
    head, _, encoded = line.rpartition(" ")
    return f"{head} {flip(encoded, place)}"


def flip_in(holder: dict[str, Any], name: str) -> None:
    holder[name] = flip(holder[name])


def corrupt(hashes: list[str]) -> None:
    hashes[0] = b64(hashlib.sha256(base64.b64decode(hashes[0])).digest())
