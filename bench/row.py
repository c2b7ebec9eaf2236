"""What a row of the performance table is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class NotMeasured(Exception):
    """A row that cannot be measured here, and why: a peer that is not to be had."""


@dataclass(frozen=True)
class Row:
    """A budget: *at_least* or *at_most* the ratio, and how it is measured."""

    name: str
    budget: float
    at_least: bool
    measure: Callable[[bool], float]

    def holds(self, ratio: float) -> bool:
        """Whether *ratio* keeps the budget."""
        return ratio >= self.budget if self.at_least else ratio <= self.budget
