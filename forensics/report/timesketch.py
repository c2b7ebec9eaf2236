"""Events for timelines: CSV for whoever has a spreadsheet, JSON lines for Timesketch.

Source: Timesketch's guide on importing JSON and CSV. `message`, `datetime` and `timestamp_desc` are required;
`timestamp` is in microseconds; any further field can be searched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from forensics.model.document import Document, EventDoc
from forensics.report.cells import table
from forensics.report.clean import clean
from forensics.report.words import flagged, moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = (
    "time",
    "whose_word",
    "lane",
    "release",
    "what",
    "subject",
    "detail",
    "verdict",
    "signals",
    "evidence",
    "note",
)


def render_csv(document: Document) -> str:
    """Return every event of *document* as CSV, with the verdict and signals of its release."""
    shown = clean(document)
    judged = _judged(shown)
    rows = (
        (e["at"], e["kind"], e["lane"], e["version"], e["what"], e["subject"], e["detail"],
         *_verdict(e, judged), " ".join(e["evidence"]), shown["case"]["label"])
        for e in shown["events"]
    )  # fmt: skip
    return table(COLUMNS, rows)


def render_timesketch(document: Document) -> str:
    """Return every event of *document* as one JSON object a line, for Timesketch and plaso's neighbourhood."""
    shown = clean(document)
    return "".join(json.dumps(row, ensure_ascii=True) + "\n" for row in _rows(shown))


def _rows(shown: Document) -> Iterator[dict[str, Any]]:
    judged, project = _judged(shown), shown["project"]
    for event in shown["events"]:
        at = moment(event["at"])
        if at is None:  # never in a document of ours
            continue
        verdict, signals = _verdict(event, judged)
        about = " ".join(filter(None, (project["name"], event["version"], event["what"], event["subject"])))
        row: dict[str, Any] = {
            "message": about + (f": {event['detail']}" if event["detail"] else ""),
            "datetime": at.isoformat(),
            "timestamp": (at - _EPOCH) // timedelta(microseconds=1),
            "timestamp_desc": f"{event['what']}, {event['kind']}",
            "data_type": f"forensics:{event['lane']}:{event['what']}".lower().replace(" ", "_"),
            "source_short": "FORENSICS",
            "source_long": event["kind"],
            "package": project["purl"],
            "version": event["version"] or "",
            "subject": event["subject"] or "",
            "verdict": verdict,
            "evidence": " ".join(event["evidence"]),
            "case": shown["case"]["id"],
        }
        if shown["case"]["label"]:
            row["reconstruction"] = shown["case"]["label"]
        tags = [verdict, *signals.split()] if verdict and flagged(verdict) else []
        if tags:
            row["tag"] = tags
        yield row


def _judged(shown: Document) -> dict[str, tuple[str, str]]:
    return {
        release["version"]: (release["verdict"], " ".join(signal["id"] for signal in release["signals"]))
        for release in shown["releases"]
    }


def _verdict(event: EventDoc, judged: dict[str, tuple[str, str]]) -> tuple[str, str]:
    return judged.get(event["version"] or "", ("", ""))
