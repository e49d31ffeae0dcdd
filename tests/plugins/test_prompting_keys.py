"""What a translation is remembered under: settings that change nothing of its text are not in it."""

from dataclasses import replace

import pytest
from faulty_server import made

from langadapt.identity import component_identity, digest
from langadapt.interfaces import ModelRef
from langadapt.models import families
from langadapt.testing.tiny import tiny_model
from langadapt_plugins.translators.openai import OpenaiTranslator
from langadapt_plugins.translators.ray import RayTranslator
from langadapt_plugins.translators.transformers import TransformersTranslator

COMMIT = "a" * 40


def key(translator):
    return digest(component_identity(translator, "memory"))


def served(model, **settings):
    return OpenaiTranslator(model=model, base_urls=("http://h/v1",), **settings)


def loaded(model, **settings):
    return TransformersTranslator(model=ModelRef(model, COMMIT), **settings)


@pytest.mark.parametrize("engine", [served, loaded])
@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("haoranxu/ALMA-7B", "alma"),
        ("Unbabel/TowerInstruct-7B-v0.2", "tower"),
        ("Qwen/Qwen3-8B", "qwen3"),
        ("haoranxu/X-ALMA-13B-Group1", "x-alma"),
    ],
)
def test_a_family_that_the_models_name_tells_may_be_named(engine, model, family):
    unset = engine(model)
    assert key(engine(model, family=family)) == key(unset)
    assert component_identity(unset, "memory")["settings"]["family"] is None
    assert key(RayTranslator(translator=engine(model, family=family))) == key(unset)


def test_a_family_that_asks_otherwise_is_another_key():
    general = "utter-project/EuroLLM-9B-Instruct"
    keys = {
        key(loaded(general)),
        key(loaded(general, family="eurollm")),
        key(loaded(general, family="instruct")),
    }
    assert len(keys) == 2
    assert key(served("mine", family="alma")) != key(served("mine", family="tower"))


def test_the_seed_is_in_the_key_where_something_is_sampled():
    cold, warm = made("http://h/v1"), made("http://h/v1", temperature=0.6)
    assert key(replace(cold, seed=7)) == key(cold)
    assert key(replace(warm, seed=7)) != key(warm)


@pytest.mark.parametrize("family", ["alma", "tower", "instruct"])
def test_a_tokenizer_is_in_the_key_where_it_changes_what_is_sent(family, tmp_path):
    plain = replace(made("http://h/v1"), family=family)
    with_one = replace(plain, tokenizer=ModelRef(str(tiny_model(tmp_path, ["a cat\n"] * 20))))
    assert (key(plain) == key(with_one)) == families()[family].chat


def test_the_settings_that_a_stage_is_skipped_by_are_those_that_are_set():
    cold = made("http://h/v1")
    assert component_identity(replace(cold, seed=7), "fingerprint")["settings"]["seed"] == 7
