"""Indicators as a STIX 2.1 bundle, for platforms that share them.

Objects, ids and times follow from the document alone: ids of observables are those of the standard, ids of the others
are UUIDs (version 5) of the case and what they are about, and every time is one of the document's.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

from forensics.model.document import Document, ReleaseDoc
from forensics.model.errors import UsageError
from forensics.model.finding import Verdict
from forensics.report.clean import clean
from forensics.report.indicators import INDICATOR, Indicator, indicators_of
from forensics.report.words import flagged, moment

_NAMESPACE = uuid.UUID("5f6a1c1e-5b0c-5c53-9c2b-2a1f6f0e9d11")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_CONFIDENCE = {Verdict.LIKELY_COMPROMISED.value: 85, Verdict.SUSPICIOUS.value: 50}


def render_stix(document: Document) -> str:
    """Return a bundle: one report, an indicator for each value to search for, and the releases and files behind them.

    Raises UsageError where the library `stix2` is not installed.
    """
    try:
        import stix2
    except ImportError:
        raise UsageError(
            "STIX needs the library stix2, which is not installed.",
            meaning="Nothing was written; every other format works without it.",
            advice="Install it with: pip install 'release-forensics[stix]'",
        ) from None
    shown = clean(document)
    objects = list(_Maker(shown, stix2).objects(indicators_of(document)))
    bundle = stix2.Bundle(objects=objects, id=_id("bundle", shown, ""), allow_custom=False)
    text: str = bundle.serialize(pretty=True, ensure_ascii=True)
    return text + "\n"


def _id(kind: str, shown: Document, about: str) -> str:
    name = f"{shown['case']['id']} {shown['project']['purl']} {about}"
    return f"{kind}--{uuid.uuid5(_NAMESPACE, name)}"


class _Maker:
    """Makes the objects of one bundle; every time is one that the document states."""

    def __init__(self, shown: Document, library: Any) -> None:
        self.shown = shown
        self.stix = library
        self.at = moment(shown["case"]["collected_at"])
        self.author = library.Identity(
            id=_id("identity", shown, "author"), created=self.at, modified=self.at, name="release-forensics",
            identity_class="system", description=shown["case"]["tool"],
        )  # fmt: skip
        self.common = {"created": self.at, "modified": self.at, "created_by_ref": self.author.id}

    def objects(self, indicators: list[Indicator]) -> Iterator[Any]:
        """Yield every object of the bundle, the report last."""
        yield self.author
        made = [*self._releases(), *(one for i in indicators if (one := self._indicator(i)) is not None)]
        # An observable that two releases share has one id and is one object.
        found = list({one.id: one for one in made}.values())
        yield from found
        yield self._report(found)

    def _releases(self) -> Iterator[Any]:
        for release in self.shown["releases"]:
            if not flagged(release["verdict"]):
                continue
            software = self.stix.Software(
                name=self.shown["project"]["name"], version=release["version"],
                vendor=self.shown["project"]["ecosystem"],
            )  # fmt: skip
            files = [
                self.stix.File(name=file["filename"], hashes={"SHA-256": file["sha256"]}, size=file["size"])
                for file in release["files"]
                if file["sha256"] and _SHA256.fullmatch(file["sha256"])
            ]
            yield software
            yield from files
            seen = moment(release["published"]) or self.at
            yield self.stix.ObservedData(
                id=_id("observed-data", self.shown, release["version"]), first_observed=seen,
                last_observed=max(filter(None, (seen, moment(release["removed"])))), number_observed=1,
                object_refs=[software.id, *(file.id for file in files)], labels=self._labels(release), **self.common,
            )  # fmt: skip

    def _labels(self, release: ReleaseDoc) -> list[str]:
        return [release["verdict"], f"door-{release['door']}", *(signal["id"] for signal in release["signals"])]

    def _indicator(self, one: Indicator) -> Any:
        pattern = _pattern(one)
        if one.role != INDICATOR or pattern is None:
            return None
        known = one.verdict == Verdict.LIKELY_COMPROMISED.value or not one.verdict
        about = "; ".join(filter(None, (self.shown["case"]["label"], *one.where, *one.versions)))
        return self.stix.Indicator(
            id=_id("indicator", self.shown, f"{one.type} {one.value}"), name=f"{one.type} {one.value}"[:300],
            description=f"{about}. Evidence: {' '.join(one.evidence)}"[:4000], pattern=pattern, pattern_type="stix",
            valid_from=moment(one.first_seen) or self.at, confidence=_CONFIDENCE.get(one.verdict, 50),
            indicator_types=["malicious-activity" if known else "anomalous-activity"], **self.common,
        )  # fmt: skip

    def _report(self, objects: list[Any]) -> Any:
        shown = self.shown
        text = [shown["case"]["label"] or "", *(sentence["text"] for sentence in shown["sentences"])]
        references = [{"source_name": "advisory", "external_id": a["id"]} for a in shown["advisories"]]
        return self.stix.Report(
            id=_id("report", shown, "report"), name=shown["headline"], description="\n".join(filter(None, text)),
            published=self.at, report_types=["indicator"], object_refs=[self.author.id, *(one.id for one in objects)],
            external_references=references, **self.common,
        )  # fmt: skip


def _pattern(one: Indicator) -> str | None:
    """Return the pattern of an indicator; None for what no pattern can say, or what a quote could break out of."""
    if one.type in {"sha256", "sha256-inside"} and _SHA256.fullmatch(one.value):
        return f"[file:hashes.'SHA-256' = '{one.value}']"
    if one.type == "domain" and _DOMAIN.fullmatch(one.value):
        return f"[domain-name:value = '{one.value}']"
    if one.type == "filename" and re.fullmatch(r"[A-Za-z0-9._+!~@-]{1,200}", one.value):
        return f"[file:name = '{one.value}']"
    return None
