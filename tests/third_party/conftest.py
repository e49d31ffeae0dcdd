"""Packages of others: each is tested in an environment of its own, by the test beside it."""

collect_ignore = ["langadapt-apertium"]
