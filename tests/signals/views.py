"""A view on a single release without past, to be replaced in part by tests of what the engine cannot bring about."""

from __future__ import annotations

from forensics.model.release import Door, Release
from forensics.signals.baseline import Baseline
from forensics.signals.numbering import Numbering
from forensics.signals.profile import profile_of
from forensics.signals.registry import Moment, View
from forensics.signals.rhythm import Rhythm
from tests.signals.histories import history


def view_of(release: Release) -> View:
    """Return the view with hindsight on *release*, alone in its history."""
    return View(
        history=history([release]),
        release=release,
        profile=profile_of(release),
        moment=Moment.HINDSIGHT,
        until=None,
        line="1",
        door=Door.UNKNOWN,
        baseline=Baseline((), borrowed=True),
        previous=None,
        rhythm=Rhythm(),
        line_rhythm=Rhythm(),
        around=(),
        numbering=Numbering(),
        failures_suspended=frozenset(),
    )
