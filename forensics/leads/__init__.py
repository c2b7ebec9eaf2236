"""Public facts about documented incidents, as data."""
