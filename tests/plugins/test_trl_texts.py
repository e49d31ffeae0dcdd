"""Texts for continued pre-training: their tokens, the share of English, what is seen before training, and which attention is taken."""

import random
from dataclasses import replace

import pytest
from trained_here import Said, job_of

from langadapt.errors import ConfigError, DataError
from langadapt.records import write_rows
from langadapt.testing.examples import example_rows, example_texts
from langadapt.testing.tiny import tiny_model
from langadapt_plugins.trainers.trl import TrlCpt, TrlSft
from langadapt_plugins.trainers.trl_attention import AUTO, Here, best, settled, supports_flash
from langadapt_plugins.trainers.trl_rows import trl_rows
from langadapt_plugins.trainers.trl_texts import chosen, document, inner, mixed

SMALL = {"batch_size": 4, "per_device_batch_size": 4, "max_length": 64, "learning_rate": 1e-3}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A base with neither chat template nor instructions."""
    return tiny_model(tmp_path_factory.mktemp("base") / "base", list(example_texts(96)), positions=4096)


@pytest.fixture(scope="module")
def tokenizer(base):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(base)


def beginning(tokenizer):
    """The same tokenizer with BOS before every text, and EOS after it where its maker wants that."""
    from tokenizers.processors import TemplateProcessing

    def after(template):
        marks = [(mark, tokenizer.convert_tokens_to_ids(mark)) for mark in ("<s>", "</s>")]
        tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=marks)
        return tokenizer

    return after


@pytest.mark.parametrize("own", ["$A", "<s> $A", "<s> $A </s>", "$A </s>"])
@pytest.mark.parametrize(
    "text", ["the dog", "<s>the dog", "the dog</s>", "<s><s>the dog</s></s>", "  the dog\n"]
)
def test_a_document_begins_and_ends_once(base, own, text):
    from transformers import AutoTokenizer

    tokenizer = beginning(AutoTokenizer.from_pretrained(base))(own)
    ids = document(tokenizer, text)
    assert ids.count(tokenizer.eos_token_id) == 1
    assert ids[-1] == tokenizer.eos_token_id
    assert ids.count(tokenizer.bos_token_id) == own.startswith("<s>")
    assert (ids[0] == tokenizer.bos_token_id) == own.startswith("<s>")
    assert "thedog" in "".join(tokenizer.decode(ids).split())


@pytest.mark.parametrize("text", ["a </s> b", "<pad>a<s>b", "</s>a</s>\nb", "a<unnamed>b", "a<s> "])
def test_control_tokens_written_out_are_letters(base, text):
    from tokenizers import AddedToken
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.backend_tokenizer.add_special_tokens([AddedToken("<unnamed>", special=True)])
    ids = document(tokenizer, text)
    controls = {at for at, token in tokenizer.added_tokens_decoder.items() if token.special}
    assert controls.isdisjoint(ids[1:-1])
    assert (
        tokenizer.decode(ids[ids[0] == tokenizer.bos_token_id : -1]).strip() == inner(tokenizer, text).strip()
    )


@pytest.mark.parametrize("nothing", ["", " \n ", "</s>", "<s></s></s>", "<s> </s>"])
def test_a_document_that_says_nothing_is_none(tokenizer, nothing):
    assert document(tokenizer, nothing) == []


def test_no_documents_are_refused():
    from datasets import Dataset

    with pytest.raises(DataError, match="no text says anything"):
        mixed(Dataset.from_dict({"input_ids": [], "english": []}), None, 1, Said())


@pytest.mark.parametrize("share", [0.05, 0.17, 0.5, 0.9])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.8])
def test_the_share_is_of_tokens_and_within_a_percent(share, part):
    rng = random.Random(f"{share} {part}")
    english = [rng.random() < part for _ in range(4000)]
    lengths = [max(3, round(rng.lognormvariate(7 if ours else 5, 1.2))) for ours in english]
    taken = chosen(lengths, english, share, seed=1)
    reached = sum(lengths[at] for at in taken if english[at]) / sum(lengths[at] for at in taken)
    assert abs(reached - share) < 0.01
    assert taken == sorted(set(taken)) == chosen(lengths, english, share, seed=1)
    sides = {ours: [at for at, one in enumerate(english) if one is ours] for ours in (True, False)}
    assert any(set(side) <= set(taken) for side in sides.values())  # only of one is anything left out
    assert taken != chosen(lengths, english, share, seed=2)


def test_all_is_taken_without_a_share_and_no_english_with_none_of_it():
    english = [True, False, True]
    assert chosen([5, 6, 7], english, None, 1) == [0, 1, 2]
    assert chosen([5, 6, 7], english, 0.0, 1) == [1]
    assert chosen([5, 6], [False, False], 0.0, 1) == [0, 1]
    for lacking, said in ((True, "any other language"), (False, "English")):
        with pytest.raises(DataError, match=f"no row is in {said}"):
            chosen([5, 6], [lacking] * 2, 0.2, 1)


def test_a_share_that_whole_documents_cannot_reach_is_told():
    from datasets import Dataset

    rows = Dataset.from_list(
        [{"input_ids": [1] * 90, "english": True}, {"input_ids": [1] * 60, "english": False}] * 2
    )
    said = Said()
    _, told = mixed(rows, 0.1, 1, said)
    assert told == {"english_share": 0.0, "english_tokens": 0, "left_out_for_share": 2}
    assert any("that is not 10.00%" in line for line in said.lines)
    alone = rows.filter(lambda row: row["english"])
    assert mixed(alone, None, 1, Said())[1] == {}  # a file that says no language is not told to be English


@pytest.mark.parametrize("wrong", [-0.1, 1.0, 17])
def test_a_share_that_is_none_is_refused(wrong):
    with pytest.raises(ConfigError, match="english_share"):
        TrlCpt(english_share=wrong)


@pytest.mark.parametrize(
    "name", ["packing", "assistant_only_loss", "neftune_noise_alpha", "dataset_text_field"]
)
def test_what_texts_do_not_have_is_refused(name):
    with pytest.raises(ConfigError, match=f"arguments.{name}"):
        TrlCpt(arguments={name: True})


def test_checkpointing_has_one_name():
    for name in ("gradient_checkpointing", "activation_checkpointing"):
        with pytest.raises(ConfigError, match="set `activation_checkpointing`"):
            TrlSft(arguments={name: False})
    assert TrlSft(activation_checkpointing=False).trl_arguments()["gradient_checkpointing"] is False


def looked(base, folder, rows, **settings):
    job = job_of(folder, base, rows)
    return TrlCpt(**{**SMALL, **settings}).preflight(replace(job, chat_template=None), rows=4000)


def texts(count=96, **more):
    return [{**row, **more} for row in example_rows("texts", count)]


def both():
    return [
        {**row, "language": "de"} if number % 3 else row
        for number, row in enumerate(example_rows("texts", 96))
    ]


def test_sound_texts_raise_no_alarm_without_a_template(base, tmp_path):
    found = looked(base, tmp_path, both(), english_share=0.25)
    assert [one for one in found if one.level != "note"] == []
    said = " ".join(one.what for one in found)
    assert "rows of 64 tokens, packed" in said
    assert "is to have 25.0%" in said


def test_texts_that_say_a_mark_now_and_then_are_told_of(base, tmp_path):
    rows = [
        {**row, "text": f"{row['text']} <s>old</s> new"} if n % 9 == 0 else row
        for n, row in enumerate(texts())
    ]
    found = looked(base, tmp_path, rows)
    assert [one for one in found if one.level != "note"] == []
    assert sum("read as letters" in one.what for one in found) == 2


def test_texts_with_marks_around_them_raise_no_alarm(base, tmp_path):
    found = looked(base, tmp_path, [{**row, "text": f"<s>{row['text']}</s>"} for row in texts()])
    assert [one for one in found if one.level != "note" or "letters" in one.what] == []


def test_long_texts_are_divided_and_every_token_makes_its_steps(base, tmp_path):
    long = [{**row, "text": row["text"] * 40} for row in texts()]
    found = looked(base, tmp_path, long)
    [divided] = [one for one in found if "are divided" in one.what]
    assert divided.level == "note"
    [steps] = [int(one.what.split(" ")[0]) for one in found if " steps: " in one.what]
    [short] = [
        int(one.what.split(" ")[0]) for one in looked(base, tmp_path / "b", texts()) if " steps: " in one.what
    ]
    assert steps > 30 * short


@pytest.mark.parametrize(
    ("rows", "settings", "setting"),
    [
        (texts(), {"english_share": 0.2}, "english_share"),
        (texts(language="de"), {"english_share": 0.2}, "english_share"),
        ([{**row, "text": f"a</s>{row['text']}b"} for row in texts()], {}, "recipe:filter"),
        (texts(), {"learning_rate": 10.0}, "learning_rate"),
        (texts(), {"attention": "someone/some-kernel"}, "attention"),
        (texts(), {"attention": "flesh_attention"}, "attention"),
        (texts(), {"max_length": 8192}, "max_length"),
    ],
)
def test_what_is_wrong_is_named(base, tmp_path, rows, settings, setting):
    found = looked(base, tmp_path, rows, **settings)
    assert setting in [one.setting for one in found if one.level != "note"], found


def test_the_first_batch_shows_documents_with_their_ends(base, tmp_path):
    job = job_of(tmp_path, base, texts())
    rows = TrlCpt(**SMALL).first_batch(job)
    assert len(rows) == 4
    assert all(learned and text.endswith("</s>") for [(text, learned)] in rows)


def test_rows_of_ones_own_may_call_english_by_its_name(tmp_path):
    said = ("", "en", "en-GB", "English", "eng", "de", "es", "German")
    write_rows(tmp_path / "rows.jsonl", [{"text": "a", "language": language} for language in said])
    assert [row["english"] for row in trl_rows(tmp_path / "rows.jsonl", "texts")] == [True] * 5 + [False] * 3


def test_here_is_what_this_machine_takes(base, tmp_path):
    import torch

    request = TrlCpt(**SMALL)._request(job_of(tmp_path, base, texts(4)))
    assert supports_flash(request)
    assert settled({**request, "attention": "eager"}, Said()) == "eager"
    if not torch.cuda.is_available():
        assert settled(request, Said()) == "sdpa"


@pytest.mark.parametrize(
    ("here", "wanted"),
    [
        ((0, False, False, False), "sdpa"),
        ((0, True, True, True), "sdpa"),
        ((7, True, False, True), "sdpa"),
        ((8, True, True, True), "flash_attention_2"),
        ((9, True, True, True), "flash_attention_3"),
        ((9, True, False, True), "flash_attention_2"),
        ((8, False, False, True), "kernels-community/flash-attn2"),
        ((9, False, False, False), "sdpa"),
    ],
)
def test_attention_follows_from_the_machine(here, wanted):
    machine = Here(**dict(zip(("capability", "flash2", "flash3", "kernels"), here, strict=True)))
    assert best(machine, reduced=True, supported=True) == wanted
    assert best(machine, reduced=False, supported=True) == "sdpa"
    assert best(machine, reduced=True, supported=False) == "sdpa"
    assert TrlCpt().attention == AUTO
