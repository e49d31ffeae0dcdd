"""What reaches a model: each family's prompt through a real tokenizer, and what is said beside the text, in the key too."""

from dataclasses import replace

import pytest
from tiny import tiny_model

from langadapt.config import Builder, Layer, leaves
from langadapt.errors import ConfigError
from langadapt.identity import component_identity
from langadapt.interfaces import ModelRef, Segment
from langadapt.languages import Language, LanguagePack
from langadapt.memory import Remembering, TranslationMemory
from langadapt.models import Asked, families
from langadapt.retry import Retry
from langadapt.testing.tiny import taught_model
from langadapt_plugins.translators.prompts import Prompting
from langadapt_plugins.translators.transformers import TransformersTranslator
from langadapt_plugins.translators.vllm import VllmTranslator

EN, DE, FR = map(Language.of, ("en", "de", "fr"))
TURNS = "{% for one in messages %}<{{ one.role }}>{{ one.content }}</>{% endfor %}"
CHAT = TURNS + "{% if add_generation_prompt %}<assistant>{% endif %}"
STRICT = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHAT
SWITCH = CHAT + "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
ITEM = (
    "{% set names = {'en': 'English', 'de': 'German'} %}{% set one = messages[0].content[0] %}"
    "{% if messages[0].content | length != 1 %}{{ raise_exception('exactly one item') }}{% endif %}"
    "<user>{{ names[one.source_lang_code] + ' to ' + names[one.target_lang_code] }}:\n\n\n{{ one.text | trim }}</><model>"
)
GLOSSARY = "english\tgerman\tnote\ncat\tKatze\t\nblue cat\tBlaukatze\t\nriver\tFluss\t\n"
WORDS = {
    "template": "Nach {target}.\n{address}\n{glossary}\n{context}\nText: {text}",
    "glossary": "So:\n{terms}", "term": "{term}={translation}", "context": "Zuvor: {context}", "informal": "Du!", "formal": "Sie!",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from transformers import AutoTokenizer

    made = tiny_model(tmp_path_factory.mktemp("tiny"), ["the cat sat on a mat by the blue river\n"] * 20)
    tokenizer = AutoTokenizer.from_pretrained(made)
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(made)
    return made


@pytest.fixture
def glossary(tmp_path):
    path = tmp_path / "glossary.tsv"
    path.write_text(GLOSSARY, encoding="utf-8")
    return path


def engine(folder, **settings):
    return TransformersTranslator(
        model=ModelRef(str(folder)), **{"family": "instruct", "dtype": "float32", "device": "cpu", **settings}
    )


def asked(translator, *texts, target=DE):
    """What the model would read for each text."""
    segments = [one if isinstance(one, Segment) else Segment(text=one) for one in texts]
    tokenizer = translator._prompting.tokenizer
    return [tokenizer.decode(request.tokens) for _, request in translator._requests(segments, EN, target)]


def through(folder, family, template, text="The cat", *, said=None):
    prompting = Prompting.load(ModelRef(str(folder)), families()[family])
    prompting.tokenizer.chat_template = template
    made = prompting.asking([text], EN, DE, [said]) if said else prompting.tokens([text], EN, DE)
    return prompting.tokenizer.decode(made[0])


@pytest.mark.parametrize(
    ("family", "template", "read"),
    [
        ("tower-plus", CHAT, "<user>Translate the following English source text to German:\nEnglish: The cat\nGerman: </><assistant>"),
        ("hunyuan-mt", CHAT, "<user>Translate the following segment into German, without additional explanation.\n\nThe cat</><assistant>"),
        ("eurollm-small", CHAT, "<system></><user>Translate the following English source text to German:\nEnglish: The cat\nGerman: </><assistant>"),
        ("eurollm-small", STRICT, "<user>Translate the following English source text to German:\nEnglish: The cat\nGerman: </><assistant>"),
        ("translategemma", ITEM, "<user>English to German:\n\n\nThe cat</><model>"),
    ],
)  # fmt: skip
def test_what_a_model_reads_through_its_chat_template(folder, family, template, read):
    assert through(folder, family, template) == read


def test_a_system_message_is_said_by_the_user_where_the_template_knows_none(folder):
    system = families()["eurollm"].system
    assert through(folder, "eurollm", STRICT).startswith(f"<user>{system}\n\nTranslate the following")
    assert through(folder, "eurollm", CHAT).startswith(f"<system>{system}</><user>Translate the following")


def test_a_model_that_thinks_unless_told_not_to_is_told(folder):
    assert through(folder, "qwen3", SWITCH).endswith("<assistant><think></think>")


def test_a_chat_template_that_wants_another_message_is_told_with_the_family(folder):
    with pytest.raises(ConfigError, match=r"does not take what models of the family 'hunyuan-mt' are asked"):
        through(folder, "hunyuan-mt", ITEM)


def test_a_family_of_chats_is_refused_without_a_chat_template(tmp_path):
    bare = tiny_model(tmp_path, ["the cat sat\n"] * 20)
    with pytest.raises(ConfigError, match="no chat template") as caught:
        list(engine(bare).translate([Segment(text="a")], source=EN, target=DE))
    assert "alma, seed-x, gemmax2" in caught.value.hint


@pytest.mark.parametrize("special", [True, False])
def test_the_tag_at_the_end_is_a_token_where_the_model_has_one_and_in_the_text_it_is_text(folder, special):
    prompting = Prompting.load(ModelRef(str(folder)), families()["seed-x"])
    tokenizer = prompting.tokenizer
    if special:
        tokenizer.add_special_tokens({"additional_special_tokens": ["<de>"]})
    (tokens,) = prompting.tokens(["The <de> cat"], EN, DE)
    said = "Translate the following English sentence into German:\nThe <de> cat <de>"
    assert tokenizer.decode(tokens) == said
    number = tokenizer.convert_tokens_to_ids("<de>")
    assert [number in tokens[:-1], tokens[-1] == number] == [False, special]


def test_terms_that_stand_in_the_text_and_only_these_reach_its_prompt(folder, glossary):
    told = asked(engine(folder, glossary=glossary), "Two blue CATS, a cat.", "A cataract.", "Nothing.")
    assert "Translate these terms as given:\nblue cat: Blaukatze\ncat: Katze\n\nThe text:" in told[0]
    assert told[1:] == asked(engine(folder), "A cataract.", "Nothing.")


@pytest.mark.parametrize("address", ["informal", "formal"])
def test_the_form_of_address_reaches_every_prompt(folder, address):
    (told,) = asked(engine(folder, address=address), "Come in.")
    assert ("informally" in told, "formally and politely" in told) == (
        address == "informal",
        address == "formal",
    )


def test_context_reaches_the_prompt(folder):
    (some,) = asked(engine(folder), Segment(text="It.", context="A river."))
    assert "not to be translated:\nA river.\n\nThe text:\nIt." in some


def test_the_words_of_the_pack_are_for_its_own_language(folder, glossary):
    pack = engine(folder, wording={"language": "de", **WORDS}, address="informal", glossary=glossary)
    segment = Segment(text="A cat.", context="Vorher.")
    (german,) = asked(pack, segment)
    assert german == "<user>Nach German.\nDu!\nSo:\ncat=Katze\nZuvor: Vorher.\nText: A cat.</><assistant>"
    (french,) = asked(replace(pack, glossary=None), segment, target=FR)
    assert "into French" in french
    (own,) = asked(replace(pack, glossary=None, wording=WORDS), segment, target=FR)
    assert own.startswith("<user>Nach French.\nDu!")
    for refused in (lambda: asked(pack, segment, target=FR), lambda: pack.check(LanguagePack.bare("fr"))):
        with pytest.raises(ConfigError, match="do not name English and French"):
            refused()
    pack.check(LanguagePack.bare("de-AT"))


@pytest.mark.parametrize(
    ("family", "settings", "why"),
    [
        ("alma", {"address": "formal"}, "are told no form of address"),
        ("hy-mt", {"address": "informal"}, "are told no form of address"),
        ("alma", {"glossary": True}, "has no place for terms"),
        ("tower-plus", {"glossary": True}, "has no place for terms"),
        ("madlad", {"glossary": True}, "has no place for terms"),
    ],
)
def test_what_a_family_cannot_be_told_is_refused_with_those_that_can(folder, glossary, family, settings, why):
    made = engine(folder, family=family, **{k: glossary if v is True else v for k, v in settings.items()})
    for refused in (
        lambda: made.check(LanguagePack.bare("de")),
        lambda: list(made.translate([], source=EN, target=DE)),
    ):
        with pytest.raises(ConfigError, match=why) as caught:
            refused()
        assert "instruct" in caught.value.hint


def test_context_is_refused_for_a_family_that_reads_none(folder):
    alma = engine(folder, family="alma")
    with pytest.raises(ConfigError, match="'alma' read no context") as caught:
        alma.check_context()
    assert "hy-mt, instruct" in caught.value.hint
    assert asked(alma, Segment(text="a", context="b")) == asked(alma, "a")
    engine(folder, family="hy-mt").check_context()


@pytest.mark.parametrize("wrong", [{"templat": "x"}, {"template": "no text"}, {"system": 3}])
def test_words_that_nothing_reads_are_refused(folder, wrong):
    with pytest.raises(ConfigError, match="wording"):
        engine(folder, wording=wrong)


def key(translator):
    return component_identity(translator, "memory")


def test_what_is_said_beside_the_text_is_in_the_key_as_far_as_it_is_used(folder, glossary):
    plain = engine(folder)
    terms = engine(folder, glossary=glossary)
    before = key(terms)
    assert (
        len(
            {
                str(key(one))
                for one in (plain, terms, replace(plain, address="formal"), replace(plain, wording=WORDS))
            }
        )
        == 4
    )
    assert key(replace(plain, wording=WORDS)) == key(
        replace(plain, wording={**WORDS, "formal": "Other!", "term": "{term}{translation}"})
    )
    formal = replace(plain, wording=WORDS, address="formal")
    assert key(formal) != key(replace(formal, wording={**WORDS, "formal": "Other!"}))
    glossary.write_text(GLOSSARY + "dog\tHund\t\n", encoding="utf-8")
    assert key(terms) != before
    alma = engine(folder, family="alma")
    assert key(alma) == key(replace(alma, wording=WORDS))


def test_vllm_is_told_the_same(folder, glossary):
    settings = {"family": "instruct", "glossary": glossary, "address": "formal", "wording": WORDS}
    vllm = VllmTranslator(model=ModelRef(str(folder)), **settings)
    segment = Segment(text="A blue cat.", context="A river.")
    assert asked(vllm, segment) == asked(engine(folder, **settings), segment)


def test_a_recipe_sets_them_and_the_pack_words_them(folder, tmp_path):
    def built(words, **more):
        files = {"pack.toml": 'code = "de"\nlicense = "Apache-2.0"\n', "terms.tsv": GLOSSARY}
        for name, text in {**files, "prompts.toml": f"[translate]\n{words}"}.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        settings = {"model": str(folder), "family": "instruct", "glossary": "pack:terms.tsv", "device": "cpu"}
        tree = leaves({**settings, "address": "informal", **more}, Layer("mine", tmp_path))
        return Builder(LanguagePack.read(tmp_path), {}).build("translator", "transformers", tree, "translate")

    made = built('template = "{address} {glossary} {text}"\ninformal = "du"\n').inner
    assert asked(made, "A cat.")[0].startswith("<user>du Translate these terms as given:\ncat: Katze A cat.<")
    assert made.wording["language"] == "de"
    own = built('template = "{text}"', wording={"template": "Own: {text}"}).inner
    assert asked(own, "A cat.")[0].startswith("<user>Own: A cat.<")
    with pytest.raises(ConfigError, match=r"translate\.address.*'informal' or 'formal'"):
        built("", address="polite")
    with pytest.raises(ConfigError, match="no place for terms"):
        built("", family="alma", address="")
    with pytest.raises(ConfigError, match=r"prompts.toml: translate: prompt is read by nothing"):
        built('prompt = "x"')


@pytest.mark.slow
def test_a_taught_model_answers_what_it_is_told_and_the_memory_keeps_them_apart(tmp_path, glossary):
    family, terms = families()["instruct"], (("cat", "Katze"),)

    def turn(said):
        return family.messages("A cat.", EN, DE, asked=said)

    told = [
        (turn(Asked()), "Ein Tier."),
        (turn(Asked(context="Meow.")), "Ein Kater."),
        (turn(Asked(terms=terms)), "Eine Katze."),
        (turn(Asked(address="formal")), "Eine Katze, bitte."),
    ]
    folder = taught_model(tmp_path / "model", told)
    memory = TranslationMemory(tmp_path / "memory.sqlite")
    plain = engine(folder)
    asks = [
        (plain, ""),
        (plain, "Meow."),
        (replace(plain, glossary=glossary), ""),
        (replace(plain, address="formal"), ""),
    ]
    for origin in ("model", "memory"):
        for (translator, context), (_, answer) in zip(asks, told, strict=True):
            whole = Remembering(inner=Retry(inner=translator, memory=memory), memory=memory)
            ((_, one),) = whole.translate([Segment(text="A cat.", context=context)], source=EN, target=DE)
            assert (one.text, one.origin) == (answer, origin)
    memory.close()
    plain.close()
