"""Packed rows under sdpa: document by document, with the numbers of the mask that transformers makes."""

from itertools import accumulate

import pytest

LENGTHS = [5, 17, 1, 9]
SHAPE = {
    "vocab_size": 100, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
KINDS = {
    "llama": {}, "mistral": {"sliding_window": None}, "qwen3": {"head_dim": 8}, "phi3": {}, "gemma3_text": {"head_dim": 8, "sliding_window": 64},
}  # fmt: skip


def packed_row():
    import torch

    drawn = torch.Generator().manual_seed(1)
    ends = torch.tensor([0, *accumulate(LENGTHS)], dtype=torch.int32)
    return {
        "input_ids": torch.randint(3, 100, (1, sum(LENGTHS)), generator=drawn),
        "position_ids": torch.cat([torch.arange(length) for length in LENGTHS])[None],
        "cu_seq_lens_q": ends, "cu_seq_lens_k": ends, "max_length_q": max(LENGTHS), "max_length_k": max(LENGTHS),
        "use_cache": False,
    }  # fmt: skip


def job(base, **given):
    arguments = {
        "packing": True,
        "packing_strategy": "bfd",
        "max_length": 64,
        "per_device_train_batch_size": 64,
    }
    return {"base": str(base), "revision": None, "arguments": {**arguments, **given}}


def saved(folder, kind, **more):
    from transformers import AutoConfig

    AutoConfig.for_model(kind, **{**SHAPE, **KINDS.get(kind, {}), **more}).save_pretrained(folder)
    return folder


def model_of(folder):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), attn_implementation="sdpa")


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_and_gradients_are_those_of_the_mask(kind, tmp_path):
    import torch

    from langadapt_plugins.trainers.trl_packed import by_document

    base = saved(tmp_path, kind)
    made = []
    for attention in ("sdpa", by_document("sdpa", job(base))):
        model = model_of(base)
        model.set_attn_implementation(attention)
        scores = model(**packed_row()).logits
        (scores**2).mean().backward()
        made.append(
            (model.config._attn_implementation, scores.detach(), model.model.embed_tokens.weight.grad)
        )
    assert [one[0] for one in made] == ["sdpa", "sdpa-by-document"]
    assert torch.allclose(made[0][1], made[1][1], atol=1e-6)
    assert torch.allclose(made[0][2], made[1][2], atol=1e-6)


def test_a_document_sees_no_other(tmp_path):
    import torch

    from langadapt_plugins.trainers.trl_packed import by_document

    model = model_of(saved(tmp_path, "llama"))
    model.set_attn_implementation(by_document("sdpa", job(tmp_path)))
    row = packed_row()
    with torch.no_grad():
        before = model(**row).logits
        row["input_ids"][:, : LENGTHS[0]] = 7
        after = model(**row).logits
    assert not torch.equal(before[:, : LENGTHS[0]], after[:, : LENGTHS[0]])
    assert torch.equal(before[:, LENGTHS[0] :], after[:, LENGTHS[0] :])


def test_rows_with_a_mask_are_read_as_sdpa_reads_them(tmp_path):
    import torch

    from langadapt_plugins.trainers.trl_packed import by_document

    model = model_of(saved(tmp_path, "llama"))
    given = {
        "input_ids": torch.arange(3, 23).reshape(2, 10),
        "attention_mask": torch.ones(2, 10, dtype=torch.long),
    }
    given["attention_mask"][1, 6:] = 0
    with torch.no_grad():
        plain = model(**given).logits
        model.set_attn_implementation(by_document("sdpa", job(tmp_path)))
        assert torch.equal(model(**given).logits, plain)


@pytest.mark.parametrize(
    ("kind", "shape", "given"),
    [
        ("llama", {}, {"packing": False}),
        ("llama", {}, {"packing_strategy": "wrapped"}),
        ("llama", {}, {"per_device_train_batch_size": 8}),  # a small mask
        ("mistral", {"sliding_window": 32}, {}),  # narrower than a row
        ("stablelm", {}, {}),  # hands nothing on
        ("bloom", {"hidden_size": 32, "n_head": 4}, {}),
    ],
)
def test_where_it_would_not_hold_sdpa_stays(kind, shape, given, tmp_path):
    from langadapt_plugins.trainers.trl_packed import by_document

    assert by_document("sdpa", job(saved(tmp_path, kind, **shape), **given)) == "sdpa"


def test_other_attention_stays(tmp_path):
    from langadapt_plugins.trainers.trl_packed import by_document

    assert by_document("flash_attention_2", job(saved(tmp_path, "llama"))) == "flash_attention_2"


def test_packed_rows_without_their_ends_are_refused(tmp_path):
    from langadapt_plugins.trainers.trl_packed import by_document

    model = model_of(saved(tmp_path, "llama"))
    model.set_attn_implementation(by_document("sdpa", job(tmp_path)))
    with pytest.raises(ValueError, match="where their documents end"):
        model(packed_row()["input_ids"])
