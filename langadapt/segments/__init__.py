"""Text to segments and back, byte for byte, with a proof that what is protected came back unchanged."""

from langadapt.segments.document import MODE, MODES, Damage, Document
from langadapt.segments.sentences import sentences
from langadapt.segments.spans import PLACEHOLDER, fault, prose

__all__ = ["MODE", "MODES", "PLACEHOLDER", "Damage", "Document", "fault", "prose", "sentences"]
