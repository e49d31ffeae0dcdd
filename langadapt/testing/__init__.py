"""The contract kit for those who write components and language packs: subclass the contract of its kind in a test.

    from langadapt.testing import TranslatorContract

    class TestMine(TranslatorContract):
        source, target = "en", "es"

        def make(self):
            return Mine(model="...")

pytest collects its checks like any other tests; `results` runs them without pytest.
"""

from langadapt.testing.contract import Contract, Result, results, xfail
from langadapt.testing.evaluators import EvaluatorContract
from langadapt.testing.filters import FilterContract
from langadapt.testing.packs import PackContract
from langadapt.testing.tiny import tiny_model
from langadapt.testing.trainers import TrainerContract
from langadapt.testing.translators import TranslatorContract

__all__ = [
    "Contract",
    "EvaluatorContract",
    "FilterContract",
    "PackContract",
    "Result",
    "TrainerContract",
    "TranslatorContract",
    "results",
    "tiny_model",
    "xfail",
]
