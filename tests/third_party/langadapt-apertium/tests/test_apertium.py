from langadapt_apertium import Apertium

from langadapt.testing import TranslatorContract


class TestApertium(TranslatorContract):
    source, target = "en", "es"

    def make(self):
        return Apertium()
