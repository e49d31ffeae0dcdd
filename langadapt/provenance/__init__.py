"""Each row's way through a run: its source, licence, translator, memory entries and gates, read from what the run kept."""

from langadapt.provenance.walking import trace, training_rows
from langadapt.provenance.way import Pair, Way, memory_identity

__all__ = ["Pair", "Way", "memory_identity", "trace", "training_rows"]
