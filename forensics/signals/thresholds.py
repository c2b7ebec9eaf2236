"""Every number that a rule turns on, in one table, each with its reason. None is tuned to a single incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

PUBLISH_WINDOW: Final = timedelta(hours=1)
"""What counts as knowable at publication: uploads of one release and the log entries for it settle within the hour."""

BEFORE_REMOVAL: Final = timedelta(minutes=1)
"""A release that was removed sooner is judged as it stood a minute before: after that there is nothing to see."""

COHORT_RELEASES: Final = 20
"""Releases of the line that a cohort holds at least; enough for a habit to show."""

COHORT_SPAN: Final = timedelta(days=365)
"""A cohort reaches back a year where that holds more releases than COHORT_RELEASES."""

COHORT_LIMIT: Final = 400
"""No cohort is larger: a habit of 400 releases is a habit, and cost stays linear for projects that release hourly."""

COHORT_LOOKED_AT: Final = 2000
"""Earlier releases looked through for a cohort: where so many were removed or advised against, there is no habit."""

RATE_SAMPLES: Final = 5
"""Earlier releases that a rate signal needs; below, a single outlier is a fifth of all that is known."""

USUAL_DOOR_RELEASES: Final = 3
"""Latest baseline releases that must agree before a door is usual."""

JOIN_RELEASES: Final = 3
"""Releases with a changed value before it joins the baseline; once may be an accident and twice an intruder."""

JOIN_SPAN: Final = timedelta(days=14)
"""Time that a changed value must hold before it joins; most compromises are found within two weeks."""

RAPID_FLOOR: Final = timedelta(minutes=30)
"""Two releases of a line closer than this are quick for nearly every project."""

RAPID_CAP: Final = timedelta(days=1)
"""A project that releases slowly is not alarmed by anything slower than a day."""

RAPID_PERCENTILE: Final = 1.0
"""Percentile of the project's own gaps below which a repeat is rapid."""

DORMANT_FLOOR: Final = timedelta(days=180)
"""Half a year without a release: long enough for credentials and attention to go stale."""

DORMANT_PERCENTILE: Final = 99.0
"""Percentile of the project's own gaps above which silence is unusual."""

BURST_WINDOW: Final = timedelta(minutes=60)
"""Another line within the hour: the span in which one stolen credential is used on all lines."""

BURST_HABIT: Final = 0.05
"""Share of earlier publications with such company below which it is not this project's habit."""

BURST_NAMED: Final = 50
"""Releases of other lines that a burst names on each side; more would tell no more and cost evidence in each."""

BURST_LOOKED_AT: Final = 1000
"""Releases before and after one that are looked through for its company, so that thousands of an hour stay cheap."""

OFF_HOURS_SAMPLES: Final = 30
"""Releases needed before hours and weekdays have a shape."""

OFF_HOURS_TAIL: Final = 0.02
"""Share of earlier releases at least as unusual in hour and weekday; one in fifty."""

OFF_HOURS_KERNEL_HOURS: Final = 1.5
"""Width of the smoothing over the clock: people do not work to the minute."""

JUMP_FLOOR: Final = 10
"""A version component that moves by no more than this is plausible everywhere (skipped and failed releases)."""

JUMP_FACTOR: Final = 3
"""A step above this many times the largest step seen before is not one of this project's steps."""

SKEW_EARLY: Final = timedelta(seconds=60)
"""Upload before log integration beyond clock differences: the file was there before its signature."""

SKEW_LATE: Final = timedelta(minutes=15)
"""Life of an upload token of a trusted publisher: later uploads need another explanation."""

SKEW_PERCENTILE: Final = 99.0
"""Percentile of the cohort's own delays between signing and upload."""

LATE_FILE: Final = timedelta(hours=1)
"""A file this much later than the attested ones was not part of the same run."""

FIRST_ATTEMPTS: Final = 0.95
"""Share of first attempts in the cohort above which a retried run is unusual."""

ENVIRONMENT_CLAIM_SINCE: Final = datetime(2025, 11, 4, tzinfo=UTC)
"""Fulcio writes the deployment environment into certificates from here on; an older one cannot lack it."""

ADVISORY_REMOVED_SHARE: Final = 0.5
"""Share of the versions of a *ranged* advisory that must be gone before it reads as a list of bad uploads.

Where an advisory names versions one by one, a single removed one is enough. A range is spelt out by machines: one
that spans a hundred releases nearly always holds one that was deleted for another reason.
"""

NAMED_VALUES: Final = 3
"""Values that a sentence names before it counts the rest."""

SOURCE_SHARE: Final = 0.9
"""Share of the cohort with a tag or version bump above which a release without one stands out."""

DEPENDENCY_AGE: Final = timedelta(days=7)
"""A package younger than this when it is first required; those made for an attack are mostly found within a week."""

FLEET_FLOOR: Final = 3
"""Other packages within the burst window below which nothing is a fleet: two that belong together go together."""

FLEET_FACTOR: Final = 3
"""A fleet is more than this many times the most that went along with any earlier release."""

SIZE_MADS: Final = 6.0
"""Median absolute deviations above the median before a size is a jump; four of a normal distribution's."""

SIZE_MAD_FLOOR: Final = 0.01
"""Share of the median that the deviation counts at least: projects whose sizes hardly vary may still grow a little."""

MEDIAN: Final = 50.0
"""The percentile that is the median."""

CAMPAIGN_WINDOW: Final = timedelta(days=3)
"""Flagged releases of one account or identity this close belong to one campaign; stolen credentials are used at once,
and the waves of worms that were written up lasted hours to days."""

FULLY_ATTESTED: Final = 2
"""Earlier fully attested releases of the line before their absence is a loss."""

DRIFT_RELEASES: Final = 3
"""Releases failing one and the same check before the trust root or a format is the likelier culprit …"""

DRIFT_SHARE: Final = 0.10
"""… when they are also more than this share of all releases that were checked."""


def percentile(values: list[float], percent: float) -> float:
    """Return the *percent* percentile of sorted *values*, linear between ranks (Hyndman and Fan, type 7).

    Raises ValueError on an empty list.
    """
    if not values:
        raise ValueError("no values")
    rank = (len(values) - 1) * percent / 100.0
    low = int(rank)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (rank - low)


CI_CLOCK: Final = timedelta(seconds=10)
"""What the clocks of a CI provider and an index may differ by; steps are timed to the second."""
