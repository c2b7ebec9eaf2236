"""Geometry of the pictures, as pure functions from the document to numbers. Templates only write them down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forensics.model.document import Document, EventDoc, ReleaseDoc
from forensics.model.event import Lane
from forensics.report.axis import Tick, ticks
from forensics.report.words import flagged, moment, plural, span, verdict_class, verdict_words, when

WIDTH, GUTTER, MARGIN = 1000, 138, 14
LANES = tuple(lane.value for lane in Lane)
SHAPES = dict(zip(LANES, ("triangle", "hexagon", "diamond", "circle", "flag"), strict=True))
REMOVED = "cross"
"""The shape of an event at the time that the document gives for a removal."""

_ROW, _LETTER, _ROWS = 17, 6.1, 4


@dataclass(frozen=True, slots=True)
class Mark:
    """One event, or several of one release at one place; `label` is empty where there was no room for it."""

    x: float
    y: float
    shape: str
    css: str
    label: str
    label_x: float
    anchor: str
    title: str


@dataclass(frozen=True, slots=True)
class Band:
    """The time for which one release could be installed; `open` where nothing says that it ended."""

    x: float
    width: float
    css: str
    label: str
    label_x: float
    label_y: float
    anchor: str
    open: bool
    title: str


@dataclass(frozen=True, slots=True)
class LaneRow:
    """One lane: its name, top edge and height."""

    name: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture of events on lanes over a stretch of time."""

    width: int
    height: float
    top: float
    start: datetime
    end: datetime
    lanes: tuple[LaneRow, ...]
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    events: tuple[EventDoc, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One release of the strip, or several where there are too many; the worst verdict among them counts."""

    x: float
    width: float
    height: float
    css: str
    label: str
    label_x: float
    label_y: int
    anchor: str
    title: str


class _Rows:
    """Places texts on rows so that none covers another."""

    def __init__(self, rows: int) -> None:
        self.ends = [float(GUTTER)] * rows
        self.used = 1

    def place(self, x: float, text: str, gap: float) -> tuple[int, float, str] | None:
        """Return row, x and anchor for *text* beside *x*, or None where no row has room."""
        width = len(text) * _LETTER
        for row, end in enumerate(self.ends):
            if x - gap < end:
                continue
            right = x + gap + width
            if right > WIDTH - 2 and x - gap - width < end:
                continue
            self.used = max(self.used, row + 1)
            self.ends[row] = min(right, x + gap) + 4 if right > WIDTH - 2 else right + 4
            return (row, x - gap, "end") if right > WIDTH - 2 else (row, x + gap, "start")
        return None


def overview(document: Document) -> Chart | None:
    """Return the picture of the time around the flagged releases; of everything where none is flagged."""
    window = _window(document)
    return chart(document, *window, brief=True) if window else None


def wave_charts(document: Document) -> list[tuple[int, Chart]]:
    """Return one close picture per wave, with the wave's number; none where the overview is as close already."""
    pictures: list[tuple[int, Chart]] = []
    if len(document["waves"]) < 2:
        return pictures
    releases = {release["version"]: release for release in document["releases"]}
    for number, wave in enumerate(document["waves"][:12], 1):
        times = [at for v in wave["releases"] if v in releases for at in _life(releases[v])]
        if times:
            pad = max((max(times) - min(times)) * 0.12, timedelta(minutes=10))
            start, end = _widened(min(times), max(times), pad)
            pictures.append((number, chart(document, start, end, brief=False)))
    return pictures


def chart(document: Document, start: datetime, end: datetime, *, brief: bool) -> Chart:
    """Return the picture of the events between *start* and *end*; *brief* labels the flagged and their neighbours."""
    releases = {release["version"]: release for release in document["releases"]}
    events = tuple(e for e in document["events"] if (at := moment(e["at"])) and start <= at <= end)
    bands, top = _bands(document["releases"], start, end)
    lanes: list[LaneRow] = []
    marks: list[Mark] = []
    y = top + 8
    for name in LANES:
        inside = [event for event in events if event["lane"] == name]
        placed, rows = _marks(inside, releases, (start, end), y, _named(document) if brief else None)
        lanes.append(LaneRow(name, y, rows * _ROW + 10))
        marks += placed
        y += rows * _ROW + 10
    axis = ticks(start, end, lambda at: _x(at, start, end))
    return Chart(WIDTH, y + 34, top, start, end, tuple(lanes), tuple(bands), tuple(marks), axis, events)


def strip(document: Document, most: int = 300) -> list[Cell]:
    """Return the whole history in release order, one cell each, or *most* cells of several."""
    releases = document["releases"]
    count = min(len(releases), most)
    width = min((WIDTH - 2 * MARGIN) / count, 28.0) if count else 0.0
    heights = {"v-likely-compromised": 40, "v-suspicious": 32, "v-notable": 20, "v-undetermined": 12}
    rows = _Rows(2)
    rows.ends = [0.0, 0.0]
    cells = []
    for index in range(count):
        members = releases[index * len(releases) // count : (index + 1) * len(releases) // count]
        worst = max(members, key=lambda release: _weight(release["verdict"]))
        css = verdict_class(worst["verdict"])
        x = MARGIN + index * width
        label = worst["version"][:16] if flagged(worst["verdict"]) else ""
        row, label_x, anchor = (rows.place(x, label, 0) if label else None) or (0, x, "none")
        height, title = heights.get(css, 8), _cell_title(members, worst)
        wide = max(width - 1.2, 0.8)
        cells.append(Cell(x, wide, height, css, label, round(label_x, 1), 58 + row * 14, anchor, title))
    return cells


def _weight(verdict: str) -> int:
    order = ("ordinary", "undetermined", "notable", "suspicious", "likely-compromised")
    return order.index(verdict) if verdict in order else 1


def _cell_title(members: Sequence[ReleaseDoc], worst: ReleaseDoc) -> str:
    text = f"{worst['version']}: {verdict_words(worst['verdict'])}"
    if len(members) == 1:
        return f"{text}, published {when(worst['published']) or 'at an unknown time'}"
    return f"{members[0]['version']} to {members[-1]['version']}, {plural(len(members), 'release')}; worst: {text}"


def _x(at: datetime, start: datetime, end: datetime) -> float:
    length = (end - start).total_seconds() or 1.0
    share = (at - start).total_seconds() / length
    return round(GUTTER + MARGIN + share * (WIDTH - GUTTER - 2 * MARGIN), 1)


def _life(release: ReleaseDoc) -> list[datetime]:
    exposure = release["exposure"]
    texts = [release["published"], release["removed"]]
    texts += [exposure["start"], exposure["end"]] if exposure else []
    return [at for at in map(moment, texts) if at]


def _named(document: Document) -> set[str]:
    names = {release["version"] for release in document["releases"] if flagged(release["verdict"])}
    for wave in document["waves"]:
        names.update(n["version"] for n in (wave["last_good"], wave["first_good"]) if n)
    return names


def _window(document: Document) -> tuple[datetime, datetime] | None:
    suspects = [release for release in document["releases"] if flagged(release["verdict"])]
    core = [at for release in suspects for at in _life(release)]
    everything = [at for event in document["events"] if (at := moment(event["at"]))]
    if not core:
        return _widened(min(everything), max(everything), timedelta(minutes=1)) if everything else None
    reach = max((max(core) - min(core)), timedelta(hours=12)) * 1.5
    named = _named(document)
    near = [
        at
        for event in document["events"]
        if (event["version"] in named or event["lane"] == Lane.ADVISORY.value)
        and (at := moment(event["at"]))
        and min(core) - at <= reach
        and at - max(core) <= reach
    ]
    first, last = min([*core, *near]), max([*core, *near])
    pad = max((last - first) * 0.04, timedelta(minutes=20))
    return _widened(first, last, pad)


def _widened(first: datetime, last: datetime, pad: timedelta) -> tuple[datetime, datetime]:
    try:
        return first - pad, last + pad
    except OverflowError:  # a date at the edge of the calendar
        return first, max(last, first + timedelta(seconds=1)) if first.year < 9999 else last


def _bands(releases: Sequence[ReleaseDoc], start: datetime, end: datetime) -> tuple[list[Band], float]:
    rows = _Rows(_ROWS)
    bands = []
    for release in releases:
        exposure = release["exposure"]
        begun = moment(exposure["start"]) if exposure and flagged(release["verdict"]) else None
        if exposure is None or begun is None or begun >= end:
            continue
        ended = moment(exposure["end"])
        if ended and ended <= start:
            continue
        left, right = _x(max(begun, start), start, end), _x(min(ended or end, end), start, end)
        length = span(exposure["seconds"]) if ended else "no end known"
        label = f"{release['version'][:24]} · {length}" if length else release["version"][:24]
        row, x, anchor = rows.place(left, label, 0) or (0, left, "none")
        title = f"{release['version']} could be installed from {when(exposure['start'])} "
        title += f"to {when(exposure['end'])} UTC" if ended else f"on: {exposure['end_reason']}"
        bands.append(
            Band(left, round(max(right - left, 2.0), 1), verdict_class(release["verdict"]), label, round(x, 1),
                 13 + row * _ROW, anchor, ended is None, title)
        )  # fmt: skip
    return bands, (rows.used * _ROW + 6) if bands else 4


def _marks(
    events: Iterable[EventDoc],
    releases: Mapping[str, ReleaseDoc],
    window: tuple[datetime, datetime],
    top: float,
    named: set[str] | None,
) -> tuple[list[Mark], int]:
    rows = _Rows(_ROWS)
    marks = []
    for x, members in _merged(events, window):
        first = members[0]
        version = first["version"]
        label = _label(members, named)
        spot = rows.place(x, label, 9)
        row, label_x, anchor = spot or (0, x, "none")
        release = releases.get(version or "")
        css = verdict_class(release["verdict"]) if release else "v-ordinary"
        removal = release is not None and all(event["at"] == release["removed"] for event in members)
        shape = REMOVED if removal else SHAPES[first["lane"]]
        title = "\n".join(_event_title(event) for event in members[:12])
        marks.append(
            Mark(
                x,
                top + 13 + row * _ROW,
                shape,
                css,
                label if spot else "",
                round(label_x, 1),
                anchor,
                title,
            )
        )
    return marks, rows.used


def _merged(events: Iterable[EventDoc], window: tuple[datetime, datetime]) -> list[tuple[float, list[EventDoc]]]:
    groups: list[tuple[float, list[EventDoc]]] = []
    timed = sorted(((at, n, e) for n, e in enumerate(events) if (at := moment(e["at"]))), key=lambda item: item[:2])
    for at, _, event in timed:
        x = _x(at, *window)
        mate = next(
            (group for gx, group in reversed(groups[-8:]) if x - gx < 6 and group[0]["version"] == event["version"]),
            None,
        )
        if mate is not None:
            mate.append(event)
        else:
            groups.append((x, [event]))
    return groups


def _label(members: Sequence[EventDoc], named: set[str] | None) -> str:
    first = members[0]
    about = (first["version"] or first["subject"] or "")[:24]
    if named is not None and first["version"]:
        return about if first["version"] in named else ""
    more = f" +{len(members) - 1}" if len(members) > 1 else ""
    text = f"{about} {first['what']}".strip()
    return (text if len(text) <= 34 else text[:33] + "…") + more


def _event_title(event: EventDoc) -> str:
    subject = f" {event['version']}" if event["version"] else ""
    return f"{when(event['at'])} UTC{subject}: {event['what']} ({event['kind']})"
