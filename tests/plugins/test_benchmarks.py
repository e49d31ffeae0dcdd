"""Which tasks lm-eval has for a language, against its real index."""

import json

import pytest

from langadapt.identity import CACHE
from langadapt.languages import Language, LanguagePack
from langadapt_plugins.evaluators import benchmarks
from langadapt_plugins.evaluators.benchmarks import default_tasks, families, found, task_names

pytestmark = pytest.mark.slow  # the index takes seconds

WANTED = {
    "de": {"hellaswag": ["hellaswag_de"], "arc": ["arc_de"], "belebele": ["belebele_deu_Latn"], "include": ["include_base_44_german"]},
    "sw": {"xcopa": ["xcopa_sw"], "belebele": ["belebele_swh_Latn"], "mmlu": ["global_mmlu_full_sw"]},
    "ja": {"xwinograd": ["xwinograd_jp"], "mgsm": ["mgsm_native_cot_ja"]},
    "no": {"mmlu": ["m_mmlu_nb"], "arc": ["arc_challenge_mt_nb"]},
    "zh": {"global-piqa": ["global_piqa_nonparallel_cloze_cmn_hans"], "belebele": ["belebele_zho_Hans"]},
    "zh-Hant": {"belebele": ["belebele_zho_Hant"], "global-piqa": ["global_piqa_nonparallel_cloze_cmn_hant"]},
    "fa": {"include": ["include_base_44_persian"], "belebele": ["belebele_pes_Arab"]},
    "fil": {"mmlu": ["global_mmlu_full_fil"], "belebele": ["belebele_tgl_Latn"]},
    "yo": {"mmlu": ["global_mmlu_full_yo"]},
    "uz": {"multiblimp": ["multiblimp_uzb"]},
    "sr-Latn": {},
}  # fmt: skip


@pytest.mark.parametrize("code", WANTED)
def test_tasks_of_a_language(code):
    tasks = found(Language.of(code))
    assert {family: tasks.get(family) for family in WANTED[code]} == WANTED[code]
    assert {name for names in tasks.values() for name in names} <= task_names()
    if code == "zh-Hant":
        assert "hellaswag" not in tasks, "hellaswag_zh and its like are in simplified characters"
    if code == "sr-Latn":
        assert set(tasks) <= {"global-piqa"}


@pytest.mark.parametrize(("code", "script"), [("hi-Latn", "latn"), ("uz-Cyrl", "cyrl"), ("kk-Arab", "arab")])
def test_no_task_is_of_another_script(code, script):
    """A name without a script is in the usual one."""
    assert all(script in name.lower() for names in found(Language.of(code)).values() for name in names)


def test_every_family_is_there_for_some_language():
    codes = ("de", "es", "fr", "ja", "sw", "zh", "ar", "pt")
    seen = {family for code in codes for family in found(Language.of(code))}
    assert seen == {family.name for family in families()}


def test_defaults_say_where_they_come_from_and_what_to_do_where_there_are_none():
    swahili = default_tasks(LanguagePack.bare("sw"))
    assert "xcopa_sw" in swahili.value
    assert "mgsm_native_cot_sw" not in swahili.value, "it is generated"
    assert swahili.origin.startswith("lm-eval 0.4")
    klingon = default_tasks(LanguagePack.bare("tlh"))
    assert klingon.value is None
    assert klingon.origin.endswith("no task known to be Klingon")


def test_the_index_is_read_once_per_version_and_again_where_the_copy_is_broken(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path))
    monkeypatch.setattr(benchmarks, "_names", benchmarks._names.__wrapped__)
    names = task_names()
    (kept,) = tmp_path.iterdir()
    assert set(json.loads(kept.read_text())) == names
    kept.write_text('["only_this"]')
    assert task_names() == {"only_this"}
    kept.write_text('["cut of')
    assert task_names() == names
    assert set(json.loads(kept.read_text())) == names
