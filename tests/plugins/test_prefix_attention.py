"""Attention in blocks is that of the whole mask, whatever the tree; in little memory a long text still ends."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from prefix_models import (
    ARCHITECTURES,
    AS_HF,
    SIDE_BY_SIDE,
    asked,
    hf_model,
    prefix_model,
    random_model,
    tokenizer,
)
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from langadapt_plugins.evaluators import prefix_attention
from langadapt_plugins.evaluators.prefix_attention import divided
from langadapt_plugins.evaluators.prefix_order import Ordered, Step, tree

SEQUENCES = st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=14), min_size=1, max_size=25)


@settings(deadline=None)
@given(
    SEQUENCES, st.integers(0, 30), st.integers(1, 9), st.sampled_from([None, 3, 12]), st.sampled_from([1, 3])
)
def test_blocks_are_the_whole_mask(sequences, before, at_once, window, groups):
    order = Ordered.of([[*range(100, 100 + before), *one] for one in sequences])
    made = tree(order, Step(0, len(order.rows), before))
    count = len(made.tokens)
    own = made.seen if made.seen.size else np.tri(count, dtype=bool)
    seen = np.concatenate([np.ones((count, before), dtype=bool), own], axis=1)
    if window:
        seen &= made.depths[:, None] - np.concatenate([np.arange(before), made.depths]) < window
    mask = torch.as_tensor(~seen).double().mul(torch.finfo(torch.float64).min)[None, None]
    drawn = torch.Generator().manual_seed(count)
    query = torch.randn(1, count, 2 * groups, 8, generator=drawn, dtype=torch.float64).transpose(1, 2)
    key, value = torch.randn(2, 1, 2, before + count, 8, generator=drawn, dtype=torch.float64)
    layer = SimpleNamespace(num_key_value_groups=groups, is_causal=True)
    whole = ALL_ATTENTION_FUNCTIONS["sdpa"](layer, query, key, value, mask, scaling=0.3)[0]
    given_mask = divided(mask.clone(), seen, made.depths, at_once)
    found = prefix_attention._attention(layer, query, key, value, given_mask, scaling=0.3)[0]
    assert hasattr(given_mask, "blocks") == (count > at_once + max(1, at_once // 2))
    torch.testing.assert_close(found, whole, atol=1e-12, rtol=1e-9)
    parts = given_mask.blocks.parts if hasattr(given_mask, "blocks") else []
    assert [one.begin for one in parts] == [0, *(one.end for one in parts)][: len(parts)]
    assert not parts or parts[-1].end == count


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - AS_HF - SIDE_BY_SIDE))
def test_models_read_blocks(name, monkeypatch):
    """Blocks are what these models are computed by, and their settings are as they were."""
    read = tokenizer(bos=True)
    model = random_model(name, read)
    before, sizes = model.config._attn_implementation, []
    plain = prefix_attention.scaled_dot_product_attention

    def counted(query, *others, **named):
        sizes.append(query.shape[2])
        return plain(query, *others, **named)

    monkeypatch.setattr(prefix_attention, "scaled_dot_product_attention", counted)
    pairs = [
        (f"the cat {first} sat", f" on {last} mat") for first in "ABCD" for last in ("a", "our", "every")
    ] * 3
    monkeypatch.setattr("langadapt_plugins.evaluators.prefix_forward.AT_ONCE", 8)
    ours = prefix_model(model, read)
    sizes.clear()
    found = ours.loglikelihood(asked(pairs), disable_tqdm=True)
    assert len(sizes) >= 2 * 2  # two blocks of two layers at least
    assert model.config._attn_implementation == before
    right = hf_model(model, read).loglikelihood(asked(pairs), disable_tqdm=True)
    assert [one[0] for one in found] == pytest.approx([one[0] for one in right], abs=1e-4)


POOR = """
import resource, sys
sys.path[:0] = sys.argv[2:]
import torch
torch.set_num_threads(1)
from prefix_models import asked, hf_model, prefix_model, rolled, tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

read = tokenizer(bos=True)
torch.manual_seed(1)
made = LlamaForCausalLM(LlamaConfig(vocab_size=20_000, hidden_size=64, intermediate_size=2048, num_hidden_layers=2,
    num_attention_heads=4, max_position_embeddings=4096, initializer_range=0.1)).eval()
words = "the cat sat on a long mat and said hello to every small blue green red house near our river today".split()
shots = " ".join(words[n * n % 20] for n in range(2000))
pairs = [(shots + " " + one, " " + other) for one in words[:2] for other in words[3:5]]
texts = [shots]
ours = prefix_model(made, read, max_length=4096)
with torch.no_grad():
    made(torch.arange(64)[None])
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
room = int(sys.argv[1]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (used + room, resource.RLIM_INFINITY))
found = ours.loglikelihood(asked(pairs), disable_tqdm=True)
found += [(value, None) for value in ours.loglikelihood_rolling(rolled(texts), disable_tqdm=True)]
print(ours._most)
try:
    hf_model(made, read, max_length=4096).loglikelihood(asked(pairs[:1]), disable_tqdm=True)
    print("fits")
except (RuntimeError, MemoryError):
    print("does not")
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
theirs = hf_model(made, read, max_length=4096)
theirs.batch_size_per_gpu = 1
right = theirs.loglikelihood(asked(pairs), disable_tqdm=True)
right += [(value, None) for value in theirs.loglikelihood_rolling(rolled(texts), disable_tqdm=True)]
print(max(abs(a[0] - b[0]) / max(1, abs(b[0]) / 1000) for a, b in zip(found, right)))
"""


def test_a_long_text_in_little_memory():
    """30 MB more than a model takes are too few for one forward of 2,200 tokens; less is computed at once, to the end."""
    words = [sys.executable, "-W", "ignore", "-c", POOR, "30", str(Path(__file__).parent)]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    most, hf, away = done.stdout.split("\n")[-4:-1]
    assert 16 <= int(most) < 768
    assert hf == "does not"
    assert float(away) < 1e-4
