"""Geometry of the identity lanes: which claim held which value over the history. Pure functions, numbers out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from forensics.model.document import Document, ReleaseDoc
from forensics.report.charts import GUTTER, MARGIN, WIDTH
from forensics.report.words import flagged, plural, verdict_class

MOST_SEGMENTS = 160
"""Stretches that one lane shows; where a claim changes more often than that, the lane says so in words."""

_LANES = (
    ("issuer", "token issuer"),
    ("source_repository_uri", "repository"),
    ("source_repository_identifier", "repository id"),
    ("source_repository_owner_identifier", "owner id"),
    ("workflow", "workflow"),
    ("ref_class", "kind of ref"),
    ("build_trigger", "trigger"),
    ("runner_environment", "runner"),
    ("deployment_environment", "environment"),
    ("subject_alternative_name", "name"),
)
_ALWAYS = frozenset({"source_repository_uri", "workflow", "ref_class", "build_trigger", "runner_environment"})
_ROW, _TOP, _LETTER = 24, 40, 6.1


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of releases in which a claim had one value. `letter` names the value where the text does not fit."""

    x: float
    width: float
    css: str
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class IdentityLane:
    """One claim over the whole history: its values by letter, the commonest first."""

    name: str
    y: float
    segments: tuple[Segment, ...]
    values: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Tip:
    """A flagged release above the lanes."""

    x: float
    width: float
    css: str
    label: str
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class IdentityChart:
    """All lanes, and the flagged releases as columns through them."""

    width: int
    height: float
    lanes: tuple[IdentityLane, ...]
    tips: tuple[Tip, ...]
    first: str
    last: str


def identity_lanes(shown: Document, raw: Document) -> IdentityChart | None:
    """Return the lanes of *shown*, the cleaned copy of *raw*; None where no release is known.

    *raw* tells whether a release without a signer was attested, unattested or not observed.
    """
    releases = shown["releases"]
    if not releases:
        return None
    groups: dict[str, int] = {}
    for number, publisher in enumerate(raw["publishers"]):
        for version in publisher["versions"]:
            groups.setdefault(version, number)
    whose = [groups.get(release["version"]) for release in raw["releases"]]
    states = [_state(release) for release in raw["releases"]]
    versions = [release["version"] for release in releases]
    lanes: list[IdentityLane] = []
    y = float(_TOP)
    accounts = [_account(release) for release in releases]
    if any(account not in _SILENT for account in accounts):
        lanes.append(_lane("account", y, accounts, versions))
        y += _ROW
    for claim, name in _LANES:
        known = [publisher["identity"].get(claim) for publisher in shown["publishers"]]
        if claim not in _ALWAYS and len({value for value in known if value}) < 2:
            continue
        values = [
            (known[number] or "no such claim") if number is not None else state
            for number, state in zip(whose, states, strict=True)
        ]
        lanes.append(_lane(name, y, values, versions))
        y += _ROW
    return IdentityChart(
        WIDTH, y + 22, tuple(lanes), tuple(_tips(releases)), releases[0]["version"][:24], releases[-1]["version"][:24]
    )


def _account(release: ReleaseDoc) -> str:
    """Return who published a release by the word of the index, and that CI did it for the account, if it did."""
    publication = release["publication"]
    if publication is None or publication["account"] is None:
        return "not observed"
    via = publication["trusted_publisher"]
    return f"{publication['account']} by trusted publisher {via}" if via else publication["account"]


def _state(release: ReleaseDoc) -> str:
    """Say why a release shows no signer: attested to be none, or nobody knows."""
    found = {file["provenance"] for file in release["files"]}
    if found == {"absent"}:
        return "no attestation"
    return "attested, signer not readable" if "attested" in found else "not observed"


_SILENT = {"no attestation": "none", "not observed": "unseen", "attested, signer not readable": "unseen",
           "no such claim": "none"}  # fmt: skip


def _lane(name: str, y: float, values: Sequence[str], versions: Sequence[str]) -> IdentityLane:
    counts = Counter(value for value in values if value not in _SILENT)
    ranked = sorted(counts, key=lambda value: (-counts[value], values.index(value)))
    letters = {value: _letter(number) for number, value in enumerate(ranked)}
    runs: list[tuple[int, int, str]] = []
    for index, value in enumerate(values):
        if runs and runs[-1][2] == value:
            runs[-1] = (runs[-1][0], index + 1, value)
        else:
            runs.append((index, index + 1, value))
    if len(runs) > MOST_SEGMENTS:
        words = f"changes {len(runs) - 1:,} times: too often to draw"
        segments = [_segment(0, len(values), len(values), "varied", words, f"{name}: {words}")]
    else:
        segments = [_run(name, run, ranked, letters, versions) for run in runs]
    legend = tuple((letters[value], value, counts[value]) for value in ranked)
    silent = Counter(value for value in values if value in _SILENT)
    return IdentityLane(name, y, tuple(segments), (*legend, *(("", value, silent[value]) for value in sorted(silent))))


def _run(
    name: str, run: tuple[int, int, str], ranked: Sequence[str], letters: dict[str, str], versions: Sequence[str]
) -> Segment:
    start, end, value = run
    css = _SILENT.get(value) or f"n{min(ranked.index(value), 3)}"
    about = versions[start] if end - start == 1 else f"{versions[start]} to {versions[end - 1]}"
    title = f"{name}, {about} ({plural(end - start, 'release')}): {value}"
    mark = letters.get(value, "")
    text = f"{mark} {_short(value)}" if len(ranked) > 1 and mark else _short(value)
    return _segment(start, end, len(versions), css, text, title, mark if len(ranked) > 1 else "")


def _segment(start: int, end: int, total: int, css: str, text: str, title: str, mark: str = "") -> Segment:
    x, right = _place(start, total), _place(end, total)
    room = right - x - 10
    label = next((t for t in (text, f"{text[: max(0, int(room / _LETTER) - 1)]}…", mark) if _fits(t, room)), "")
    return Segment(x, round(max(right - x - 1, 0.8), 1), css, label, title)


def _fits(text: str, room: float) -> bool:
    return (len(text) > 6 or not text.endswith("…")) and len(text) * _LETTER <= room


def _short(value: str) -> str:
    """Return a value without the part that every value has: the scheme and the host of a URL."""
    head, _, tail = value.partition("://")
    return tail.partition("/")[2] or tail if tail and head in {"http", "https"} else value


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"#{number + 1}"


def _place(index: int, total: int) -> float:
    return round(GUTTER + MARGIN + index / total * (WIDTH - GUTTER - 2 * MARGIN), 1)


def _tips(releases: Sequence[ReleaseDoc]) -> list[Tip]:
    """Return the flagged releases, labelled on two rows where there is room."""
    tips: list[Tip] = []
    ends = [0.0, 0.0]
    total = len(releases)
    for index, release in enumerate(releases):
        if not flagged(release["verdict"]):
            continue
        x = _place(index, total)
        width = round(max(_place(index + 1, total) - x - 1, 1.5), 1)
        label = release["version"][:24]
        length = len(label) * _LETTER
        left = x + length > WIDTH - MARGIN
        start, end = (x + width - length, x + width) if left else (x, x + length)
        row = next((number for number, used in enumerate(ends) if start >= used + 6), None)
        if row is not None:
            ends[row] = end
        spot = (round(x + width if left else x, 1), 14.0 + 14 * (row or 0))
        tips.append(
            Tip(x, width, verdict_class(release["verdict"]), label if row is not None else "", *spot,
                "end" if left else "start")
        )  # fmt: skip
    return tips
