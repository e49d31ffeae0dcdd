"""Text to segments and back, byte for byte, with a proof that what is protected came back unchanged."""

from langadapt.segments.document import Damage, Document

__all__ = ["Damage", "Document"]
