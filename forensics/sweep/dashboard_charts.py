"""The two pictures of the adoption dashboard, as SVG of our own: every project as a tile, and the months as columns.

A state is told by shape and not by colour alone, and each picture says in words what it shows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

STATES = ("attested", "partly attested", "not attested", "not observed")
_SHAPES = {
    "attested": "M{x} {y}h10v10h-10z",
    "partly attested": "M{x} {y}h10v10z",
    "not attested": "M{x} {y}h10v10h-10zm1.5 1.5v7h7v-7z",
    "not observed": "M{x} {m}h10v1.5h-10z",
}
_STEP, _WIDTH = 12, 960
_TALL, _LEFT = 160, 40


def tiles_chart(states: Sequence[str]) -> Markup:
    """Return a tile for each of *states*, in order; one path for each state, so thousands stay small."""
    columns = max(24, min(_WIDTH // _STEP, math.isqrt(len(states) * 6)))
    paths: dict[str, list[str]] = {state: [] for state in STATES}
    for number, state in enumerate(states):
        x, y = number % columns * _STEP, number // columns * _STEP
        paths[state].append(_SHAPES[state].format(x=x, y=y, m=y + 4))
    height = (len(states) + columns - 1) // columns * _STEP or _STEP
    counts = Counter(states)
    words = ", ".join(f"{counts[state]:,} {state}" for state in STATES if counts[state]) or "no project"
    drawn = Markup("").join(
        Markup('<path class="{}" d="{}"/>').format("t-" + state.replace(" ", "-"), "".join(pieces))
        for state, pieces in paths.items()
        if pieces
    )
    return Markup('<svg class="rf tiles" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        columns * _STEP, height, f"One tile for each project: {words}.", drawn
    )


def months_chart(months: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Return a column for each month with the share of its releases that are attested, or None without months.

    Releases of which nobody knows are left out of the share and hatched above it.
    """
    if not months:
        return None
    step = (_WIDTH - _LEFT) / len(months)
    width = max(1.0, min(40.0, step * 0.72))
    columns: list[Markup] = []
    every = max(1, -(-len(months) // 16))
    for number, month in enumerate(months):
        known, unseen = month["attested"] + month["not_attested"], month["not_observed"]
        x = _LEFT + number * step + (step - width) / 2
        columns.append(_column(x, width, month["attested"], known, unseen))
        if number % every == 0:
            label = Markup('<text class="ticklab" x="{:.1f}" y="{}" text-anchor="middle">{}</text>')
            columns.append(label.format(x + width / 2, _TALL + 16, month["month"]))
    last = months[-1]
    known = last["attested"] + last["not_attested"]
    words = f"{len(months)} months from {months[0]['month']} to {last['month']}; in the last one " + (
        f"{last['attested']:,} of {known:,} releases that were looked at are attested." if known else "none was seen."
    )
    axis = Markup("").join(_gridline(share) for share in (0, 50, 100))
    return Markup('<svg class="rf months" viewBox="0 -6 {} {}" role="img" aria-label="{}">{}{}</svg>').format(
        _WIDTH, _TALL + 28, words, axis, Markup("").join(columns)
    )


def _gridline(share: int) -> Markup:
    y = _TALL - share * _TALL // 100
    line = Markup('<path class="rule" d="M{} {}H{}"/>').format(_LEFT, y, _WIDTH)
    label = Markup('<text class="ticklab" x="{}" y="{}" text-anchor="end">{} %</text>')
    return line + label.format(_LEFT - 6, y + 4, share)


def _column(x: float, width: float, attested: int, known: int, unseen: int) -> Markup:
    """One month: the attested share filled, the rest of what is known outlined, nothing known a dashed foot."""
    if not known:
        return Markup('<path class="t-not-observed" d="M{:.1f} {}h{:.1f}v2h-{:.1f}z"/>').format(
            x, _TALL - 2, width, width
        ) if unseen else Markup("")  # fmt: skip
    tall = attested / known * _TALL
    return Markup(
        '<path class="t-frame" d="M{0:.1f} 0h{1:.1f}v{2}h-{1:.1f}z"/>'
        '<path class="t-attested" d="M{0:.1f} {3:.1f}h{1:.1f}v{4:.1f}h-{1:.1f}z"/>'
    ).format(x, width, _TALL, _TALL - tall, tall)
