"""Intervals for means, and tests of two models on the same items; scipy and numpy do the drawing.

Which method, and what it is measured to hold: `scripts/bench/intervals.py`. Items that hang together (two turns of a
question, several ratings of an answer) are one *cluster*; a score that is the mean of several means (two turns, the subjects
of a test) has *parts*.
"""

from langadapt.statistics.intervals import CONFIDENCE, mean_interval, percentile
from langadapt.statistics.pairs import POWER, Paired, holm, paired, paired_bootstrap

__all__ = [
    "CONFIDENCE",
    "POWER",
    "Paired",
    "holm",
    "mean_interval",
    "paired",
    "paired_bootstrap",
    "percentile",
]
