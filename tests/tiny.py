"""The tiny model of the contract kit, under the name that our own tests know it by."""

from langadapt.testing.tiny import SPECIAL, tiny_model

__all__ = ["SPECIAL", "tiny_model"]
