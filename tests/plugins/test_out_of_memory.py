"""`transformers` where memory runs out, and where something else goes wrong, in greedy search and with beams."""

# ruff: noqa: F811 - fixtures of the tests beside this one
import functools
import sys
from dataclasses import replace

import pytest
from test_transformers import DE, EN, folder, sentences, translated, translator  # noqa: F401

from langadapt.errors import MachineError
from langadapt.interfaces import Segment
from langadapt_plugins.translators import transformers


def failing(model, monkeypatch, *, when, error):
    """The model raises for some batches; gives the sizes of those that it was shown first."""
    plain, sizes = model.forward, []

    @functools.wraps(plain)
    def forward(input_ids=None, **settings):
        if input_ids.shape[1] > 1:
            sizes.append(len(input_ids))
        if when(len(input_ids)):
            raise error
        return plain(input_ids=input_ids, **settings)

    monkeypatch.setattr(model, "forward", forward)
    return sizes


@pytest.mark.parametrize("beams", [1, 2])
def test_out_of_memory_halves_the_batch(translator, monkeypatch, beams):
    import torch

    translator = replace(translator, beams=beams)
    expected = translated(translator, sentences(9))
    sizes = failing(
        translator._model, monkeypatch, when=lambda size: size > 2 * beams, error=torch.OutOfMemoryError()
    )
    assert translated(translator, sentences(9)) == expected
    full = sizes.index(4 * beams)
    assert full < 2  # behind what all prompts begin with, which is read once
    assert {size // beams for size in sizes[full + 1 :]} == {1, 2}
    translator.close()


@pytest.mark.parametrize("beams", [1, 2])
def test_out_of_memory_for_one_text_is_an_error(translator, monkeypatch, beams):
    import torch

    translator = replace(translator, beams=beams)
    failing(translator._model, monkeypatch, when=lambda size: True, error=torch.OutOfMemoryError())
    with pytest.raises(MachineError, match="does not fit"):
        translated(translator, sentences(3))
    translator.close()


@pytest.mark.parametrize("beams", [1, 2])
def test_other_failures_are_not_swallowed(translator, monkeypatch, beams):
    translator = replace(translator, beams=beams)
    failing(translator._model, monkeypatch, when=lambda size: True, error=RuntimeError("boom"))
    with pytest.raises(RuntimeError, match="boom"):
        translated(translator, ["hello"])
    translator.close()


@pytest.mark.parametrize("beams", [1, 2])
def test_yields_before_the_last_batch(translator, monkeypatch, beams):
    translator = replace(translator, beams=beams)
    sizes = failing(translator._model, monkeypatch, when=lambda size: False, error=None)
    running = translator.translate([Segment(text=text) for text in sentences(30)], source=EN, target=DE)
    next(running)
    assert sum(sizes) < 30 * beams
    running.close()
    translator.close()


def test_what_filled_the_memory_is_let_go_before_the_next_try(translator, monkeypatch):
    import torch

    under_way = []
    monkeypatch.setattr(transformers, "_free", lambda: under_way.append(sys.exc_info()[0]))
    failing(translator._model, monkeypatch, when=lambda size: size > 2, error=torch.OutOfMemoryError())
    assert len(translated(translator, sentences(9))) == 9
    assert under_way == [None]
