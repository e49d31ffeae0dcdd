"""Texts on their way to continued pre-training: the recipe, sources by language, what stays untranslated, gates, and how much is planned."""

import random

import pytest

from langadapt import registry
from langadapt.assembly import components
from langadapt.config import Layer, leaves, merged, plain
from langadapt.errors import ConfigError
from langadapt.judging import Named, judged
from langadapt.languages import Language
from langadapt.plan.training import mixed_part
from langadapt.prepare.routing import Router
from langadapt.prepare.spoken import covers, in_language, language_of
from langadapt.preparing import Preparing
from langadapt.progress import Silent
from langadapt.recipe import read_recipe
from langadapt.records import Text, read_rows, write_rows
from langadapt.schema import Prepare, Source
from langadapt.testing.samples import translation
from langadapt_plugins.trainers.trl_texts import chosen

GERMAN = (
    "Der Hafen wurde im Jahr 1868 angelegt und später zweimal erweitert. Heute legen dort vor allem Fähren an, die 14 Orte "
    "am Ufer verbinden. Im Sommer kommen viele Gäste, im Winter ist es still."
)
ENGLISH = (
    "The harbour was laid out in 1868 and enlarged twice after that. Most of the boats that call there today are ferries "
    "between 14 places on the shore. In summer there are many guests, in winter it is quiet."
)


@pytest.fixture(scope="module")
def pack():
    return registry.pack("de")


def test_texts_come_before_conversations_and_preferences(pack):
    recipe = read_recipe("cpt", pack)
    assert [slot.name for slot in recipe.train] == ["cpt", "sft", "dpo"]
    assert recipe.base == "mistralai/Mistral-7B-v0.1"
    made = components(recipe, pack, None, recipe.train)["train.cpt"]
    assert (made.learning_rate, made.scheduler, made.warmup, made.weight_decay) == (
        2e-5,
        "cosine",
        0.01,
        0.01,
    )
    assert made.batch_size * made.max_length == 256 * 512  # tokens of a step, recipes.md 4.4
    assert (made.english_share, made.packing_strategy) == (0.17, "bfd_split")
    without = read_recipe("cpt", pack, changes=["train.cpt=false"])
    assert [slot.name for slot in without.train] == ["sft", "dpo"]


def test_new_tables_stand_before_what_follows_them_in_their_file():
    layer = Layer("a file", None)
    low, high = (leaves(dict.fromkeys(names, 1), layer) for names in ("bdf", "acdge"))
    assert "".join(plain(merged(low, high))) == "bacdfge"
    assert "".join(plain(merged(low, leaves({"z": 1}, layer)))) == "bdfz"
    assert "".join(plain(merged({}, high))) == "acdge"


@pytest.mark.parametrize(
    ("code", "config"), [("de", "deu_Latn"), ("sw", "swh_Latn"), ("ar", "arb_Arab"), ("ja", "jpn_Jpan")]
)
def test_sources_follow_the_language(code, config):
    sources = {source.name: source for source in read_recipe("cpt", registry.pack(code)).sources}
    assert (sources["texts"].config, sources["texts"].language) == (config, code)
    assert covers(code, language_of(config.split("_")[0]))  # what the corpus itself writes beside each text


def test_a_language_without_a_code_is_told():
    with pytest.raises(ConfigError, match="FLORES-200 has no code for Latin"):
        in_language({"config": "{flores}"}, Language.of("la"))
    assert in_language({"path": "a/{code}", "config": None}, Language.of("la")) == {
        "path": "a/la",
        "config": None,
    }


def prepared(folder, takes):
    write_rows(folder / "de.jsonl", [{"text": f"{number} {GERMAN * number}"} for number in range(1, 9)])
    write_rows(folder / "en.jsonl", [{"text": f"{number} {ENGLISH}"} for number in range(1, 9)])
    sources = [
        Source(name="texts", path=str(folder / "de.jsonl"), stream="cpt", language="de", license="MIT", reader="text"),
        Source(name="english", path=str(folder / "en.jsonl"), stream="cpt", license="MIT", reader="text", translate=False),
    ]  # fmt: skip
    work = Preparing(
        settings=Prepare(at_most_tokens=60), seed=1, pack=registry.pack("en"), progress=Silent(), takes=takes,
        count_tokens=lambda record: len(record.texts[0].split()),
    )  # fmt: skip
    work.write(sources, folder)
    return sources, [row for _, row in read_rows(folder / "cpt.jsonl")]


def test_long_texts_go_on_and_english_ones_stay_english(tmp_path, pack):
    sources, rows = prepared(tmp_path, {"cpt": "texts"})
    assert len(rows) == 16
    assert len(prepared(tmp_path, {})[1]) < 16  # where no trainer of texts takes them, they have their limit
    router = Router.over(sources, pack, routed=True)
    records = [Text(id=row["id"], text=row["text"], source=row["source"]) for row in rows]
    stay = [one.source for one in records if router.route(one).action == "untouched"]
    assert stay == ["english"] * 8
    assert Router.over(sources, pack, routed=False).rules == ()


def test_untranslated_texts_of_both_languages_pass_the_gates(pack):
    recipe = read_recipe("cpt", pack, changes=["filter.round-trip=false", "filter.tokens=false"])
    gates = [Named(slot.name, made) for slot, made in zip(
        recipe.filters, components(recipe, pack, None, recipe.filters).values(), strict=True
    )]  # fmt: skip
    german = Text(id="1", text=GERMAN, language="de")
    english = Text(id="2", text=ENGLISH)
    wrong = Text(id="3", text=ENGLISH, language="de")
    rows = [translation(one, one, translated=False) for one in (german, english, wrong)]
    found = [one.kept for one in judged(rows, gates, source=Language.of("en"), pack=pack)]
    assert len(gates) > 10
    assert found == [True, True, False]  # English that is said to be German is none of the language's text


@pytest.mark.parametrize("share", [None, 0.0, 0.1, 0.4, 0.9])
def test_the_plan_counts_what_training_takes(share):
    rng = random.Random(3)
    rows = [(rng.randint(50, 900), rng.random() < 0.4) for _ in range(2000)]
    taken = chosen([size for size, _ in rows], [ours for _, ours in rows], share, 1)
    part = sum(rows[at][0] for at in taken) / sum(size for size, _ in rows)
    assert mixed_part(rows, share) == pytest.approx(part, rel=0.01)
    assert mixed_part([(10, False)], 0.2) == mixed_part([], 0.2) == 1.0
