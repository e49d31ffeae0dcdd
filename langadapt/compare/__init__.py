"""Checkpoints against each other on the items that they share: which difference is real, and what could have been seen."""

from langadapt.compare.comparing import Comparison, Row, compare
from langadapt.compare.picture import picture
from langadapt.compare.sides import Side, sides
from langadapt.compare.table import as_json, lines

__all__ = ["Comparison", "Row", "Side", "as_json", "compare", "lines", "picture", "sides"]
