"""What of a run goes to the Hub: files with their cards, checked before anything is sent."""

from langadapt.publish.bundle import Bundle, File, bundles
from langadapt.publish.hub import Pushed, push, signed_in

__all__ = ["Bundle", "File", "Pushed", "bundles", "push", "signed_in"]
