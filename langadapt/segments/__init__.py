"""Text to segments and back, byte for byte, with a proof that what is protected came back unchanged."""

from langadapt.segments.document import MODES, Damage, Document

__all__ = ["MODES", "Damage", "Document"]
