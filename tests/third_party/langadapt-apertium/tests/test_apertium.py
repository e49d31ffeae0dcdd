from langadapt.testing import TranslatorContract

from langadapt_apertium import Apertium


class TestApertium(TranslatorContract):
    source, target = "en", "es"

    def make(self):
        return Apertium()
