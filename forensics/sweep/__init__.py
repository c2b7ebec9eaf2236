"""Many projects: which of a list moved the way a flagged release did, and how far attestations have spread.

A sweep is a directory: one case for each project, and Parquet tables partitioned by project that follow from the
cases. What is in the tables is done; what is not is done again, and asks nothing twice that its case holds.
"""
