"""The lab's error tree."""

from __future__ import annotations


class LabError(Exception):
    """Anything the lab refuses to do."""


class ScenarioError(LabError):
    """A scenario file says something the format does not allow; the message names file and key."""

    def __init__(self, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}")
        self.file = file
        self.key = key
        self.problem = problem
