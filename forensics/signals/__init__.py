"""Reasons to look at a release, one file each, and the verdict they come to."""
