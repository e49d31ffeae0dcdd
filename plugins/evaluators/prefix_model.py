"""lm-eval's Hugging Face model, reading nothing twice. Imports lm-eval: import this late.

Requests are ordered so that those which begin alike stand together; what they share (the examples before the question,
the question before its choices) goes through the model once, and what follows it as a tree behind the keys and values that
were kept. Every number is computed from the tokens that lm-eval's `hf` model takes: the same pairs of context and
continuation, the same first token, the same cut on the left. Continuations without a token have the likelihood 1; `hf`
stops at them. A model that cannot be given a tree, or does not give the same numbers in one, is run as `hf` runs it.
Texts are generated as `hf` generates them, `batch_size` at once, by our own search where it is greedy.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nn
from lm_eval import utils
from lm_eval.api.registry import register_model
from lm_eval.models.huggingface import HFLM
from tqdm import tqdm

from langadapt.errors import DataError
from langadapt_plugins.evaluators.prefix_attention import can
from langadapt_plugins.evaluators.prefix_fits import text_config, unfit, unfit_for_rows, window
from langadapt_plugins.evaluators.prefix_forward import Forward
from langadapt_plugins.evaluators.prefix_order import Ordered, Step, tree
from langadapt_plugins.evaluators.prefix_rows import Rows
from langadapt_plugins.evaluators.prefix_tokens import Texts
from langadapt_plugins.evaluators.prefix_wanted import Wanted
from langadapt_plugins.evaluators.prefix_writing import ROWS, Asked, greedy, written

_LEAST, _BLOCKS, _MOST = 256, 768, 2048
"""Tokens at once: on a processor 768 where attention goes by blocks (346 us a token of a model 768 wide; 348 with 384, 352 with
512), and half as many as the model is wide where it does not, for the whole mask of a tree grows with its square."""
_NEAR = {torch.float64: 1e-6, torch.float32: 2e-4}
"""How far log-likelihoods may be from those of plain sequences, the farthest of them."""
_NEAR_ROUNDED = 0.15
"""How far in fewer than 32 bits, on average: single ones are rounded to an eighth where logits are about 20."""
_LIKE = 32
"""Tokens of the sequence that a model is tried on when it is loaded."""
_CERTAIN = (0.0, True)

log = logging.getLogger("lm_eval")
Request = tuple[tuple[str, str] | None, list[int], list[int]]


@register_model("langadapt")
class PrefixModel(HFLM):  # type: ignore[misc]  # lm-eval is not typed
    """lm-eval's `hf` model with shared beginnings computed once; takes the same arguments and `tokens_at_once`."""

    def __init__(self, *args: Any, tokens_at_once: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._most = tokens_at_once or self._found_best()
        self._texts: Texts | None = None
        self.computed = 0
        """Tokens that went through the model for log-likelihoods."""
        self.forwards = 0
        like = min(_LIKE, self.max_length, (self.backend == "causal" and window(self._inner())) or _LIKE)
        self._ways = {False: self._way(np.arange(1, 1 + like), windows=False)}

    def loglikelihood(self, requests: Sequence[Any], disable_tqdm: bool = False) -> Any:
        """Score continuations; nothing after nothing is certain."""
        some = [one for one in requests if one.args != ("", "")]
        self._texts = Texts(super().tok_encode, lambda text: super(PrefixModel, self).tok_encode(text, False))
        try:
            answers = iter(super().loglikelihood(some, disable_tqdm=disable_tqdm))
        finally:
            self._texts = None
        for one in requests:
            if one.args == ("", ""):
                self._tell((one.args, [], []), _CERTAIN)
        return [next(answers) if one.args != ("", "") else _CERTAIN for one in requests]

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> Any:
        """Score whole texts, in the windows that lm-eval cuts them into."""
        if self.backend != "causal" or self.world_size > 1:
            return super().loglikelihood_rolling(requests, disable_tqdm=disable_tqdm)
        windows: list[Request] = []
        ends = []
        for (text,) in (one.args for one in requests):
            cut = utils.get_rolling_token_windows(
                token_list=self.tok_encode(text),
                prefix_token=self.prefix_token_id,
                max_seq_len=self.max_length,
                context_len=1,
            )
            windows += [(None, *utils.make_disjoint_window(one)) for one in cut]
            ends.append(len(windows))
        scores = [score for score, _ in self._loglikelihood_tokens(windows, disable_tqdm=disable_tqdm)]
        answers = [sum(scores[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]
        for one, answer in zip(requests, answers, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", one.args, answer)
        return answers

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> Any:
        """Write texts; those that are sampled, or searched in any other way, as `hf` does."""
        answers: dict[int, str] = {}
        groups: dict[Asked, list[int]] = {}
        others = []
        end = self.tok_decode(self.eot_token_id, skip_special_tokens=False)
        ours = self._ways[False] and not self.think_end_token and self.mixed_precision_dtype is None
        for n, one in enumerate(requests):
            asked = greedy(self.model, one.args[1], self.max_gen_toks, end) if ours else None
            if asked is not None and asked.limit < self.max_length:
                groups.setdefault(asked, []).append(n)
            else:
                others.append(n)
        if others:
            told = super().generate_until([requests[n] for n in others], disable_tqdm=disable_tqdm)
            answers.update(zip(others, told, strict=True))
        rows = self.batch_size if isinstance(self.batch_size, int) else ROWS
        with tqdm(total=len(requests), disable=disable_tqdm or self.rank != 0, desc="generate_until") as bar:
            bar.update(len(answers))
            for asked, wanted in groups.items():
                room = self.max_length - asked.limit
                prompts = [self._prompt(requests[n].args[0], room) for n in wanted]
                for index, text in written(self.model, self.tokenizer, asked, prompts, rows):
                    one = requests[wanted[index]]
                    answers[wanted[index]] = text
                    self.cache_hook.add_partial("generate_until", one.args, text)
                    bar.update(1)
        return [answers[n] for n in range(len(requests))]

    def _prompt(self, text: str, room: int) -> list[int]:
        """The last tokens of a prompt that leave room for its answer, one at least, as `hf` takes them."""
        ids, _ = self.tok_batch_encode([text], left_truncate_len=room, truncation=self.truncation)
        return [int(token) for token in ids[0]] or [self.prefix_token_id]

    def tok_encode(
        self,
        string: str,
        add_special_tokens: bool | None = None,
        left_truncate_len: int | None = None,
        **_: Any,
    ) -> Any:
        """As `hf`; beginnings that requests share are tokenised once."""
        if add_special_tokens is not None or left_truncate_len is not None or self._texts is None:
            return super().tok_encode(string, add_special_tokens, left_truncate_len)
        return self._texts.tokens(string)

    def _loglikelihood_tokens(
        self, requests: Sequence[Request], disable_tqdm: bool = False, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        asked = [n for n, (_, _, continuation) in enumerate(requests) if continuation]
        answers = [_CERTAIN] * len(requests)
        for n in set(range(len(requests))) - set(asked):
            self._tell(requests[n], answers[n])
        inputs, targets = [], []
        for n in asked:
            _, context, continuation = requests[n]
            if not context or len(continuation) > self.max_length:
                raise DataError(
                    f"a continuation of {len(continuation)} tokens does not fit behind a context of {len(context)}: "
                    f"{str(requests[n][0])[-80:]!r}",
                    hint=f"the model takes {self.max_length} tokens (`max_length`), one of the context at least",
                )
            inputs.append((context + continuation)[-(self.max_length + 1) : -1])
            targets.append(continuation)
        if not inputs:
            return answers
        order = Ordered.of(inputs)
        windows = self._windows(order)
        if windows not in self._ways:
            self._ways[windows] = self._way(order.rows[int(order.lengths.argmax())], windows)
        way = self._ways[windows]
        if way is None:
            few = [requests[n] for n in asked]
            found = super()._loglikelihood_tokens(few, disable_tqdm=disable_tqdm, override_bs=override_bs)
            for n, answer in zip(asked, found, strict=True):
                answers[n] = answer
            return answers
        order = replace(order, apart=way is Rows)
        wanted = Wanted(order, targets)
        forward = self._forward(way)
        with tqdm(total=len(requests), disable=disable_tqdm or self.rank != 0, desc="loglikelihood") as bar:
            bar.update(len(requests) - len(asked))
            for row in forward.score(order, wanted, windows):
                for n, likelihood, greedy in wanted.answers(row):
                    answers[asked[n]] = likelihood, greedy
                    self._tell(requests[asked[n]], answers[asked[n]])
                    bar.update(1)
        self._most = forward.most
        self.computed += forward.computed
        self.forwards += forward.forwards
        return answers

    def _tell(self, request: Request, answer: tuple[float, bool]) -> None:
        if request[0] is not None:
            self.cache_hook.add_partial("loglikelihood", request[0], answer)

    def _forward(self, way: type[Forward]) -> Forward:
        return way(self._called, self._inner(), self._most, self.softmax_dtype)

    def _called(self, **given: Any) -> Any:
        with (
            torch.no_grad(),
            torch.autocast(
                device_type=self.device.type,
                dtype=self.mixed_precision_dtype,
                enabled=self.mixed_precision_dtype is not None,
            ),
        ):
            return self._inner()(**given)

    def _inner(self) -> Any:
        """The model itself; adapters of peft lie within it, but for learned prompts."""
        model = self.model
        learned = getattr(getattr(model, "active_peft_config", None), "is_prompt_learning", False)
        return model.get_base_model() if hasattr(model, "get_base_model") and not learned else model

    def _windows(self, order: Ordered) -> bool:
        size = window(self._inner())
        return size is not None and int(order.lengths.max()) > size

    def _found_best(self) -> int:
        if self.device.type != "cpu":
            return _MOST
        config = text_config(self._inner())
        if self.backend == "causal" and can(self._inner(), config._attn_implementation):  # noqa: SLF001
            return _BLOCKS
        return int(min(max(_LEAST, getattr(config, "hidden_size", _LEAST) // 2), _MOST))

    def _way(self, row: Any, windows: bool) -> type[Forward] | None:
        """How to share beginnings; None where the model cannot. Tried on a sequence, and on it with another end.

        `windows`: whether the sequence is longer than some layer looks back.
        """
        name = type(self._inner()).__name__
        reasons: list[str] = []
        for way, refusal in ((Forward, unfit), (Rows, unfit_for_rows)):
            why = refusal(self._inner()) if self.backend == "causal" else "it is no causal model"
            why = why or self._differs(way, row, windows)
            if why is None:
                if reasons:
                    log.warning("%s computes choices side by side, not as a tree: %s", name, *reasons)
                return way
            reasons.append(why)
        log.warning("%s is run as `hf` runs it: %s; %s", name, *reasons)
        return None

    def _differs(self, way: type[Forward], row: Any, windows: bool) -> str | None:
        """Whether two sequences with the same beginning have other likelihoods than one by one."""
        kept = len(row) - max(1, len(row) // 4)
        other = np.where(row > 0, row - 1, 1)
        pair = Ordered.of([row, np.concatenate([row[:kept], other[kept:]])])
        forward = self._forward(way)
        forward.block = max(1, len(row) // 8)  # so that there are several
        try:
            if kept:
                forward.logits(tree(pair, Step(0, 1, 0, kept)), 0, np.arange(1), windows)
            made = tree(pair, Step(0, len(pair.rows), kept))
            every = np.arange(len(made.tokens))
            found = nn.log_softmax(forward.logits(made, kept, every, windows).float(), -1)
            for plain, path in zip(pair.rows, made.paths, strict=True):
                ids = torch.as_tensor(plain, device=self.device)[None]
                right = nn.log_softmax(self._called(input_ids=ids).logits[0, kept:].float(), -1)
                differences = (found[torch.as_tensor(path)] - right).abs()
                near = None if self.mixed_precision_dtype else _NEAR.get(self._inner().dtype)
                away = (differences.max() if near else differences.mean()).item()
                if not away <= (near or _NEAR_ROUNDED):
                    return f"its log-likelihoods are up to {away:.2g} away"
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            NotImplementedError,
            RuntimeError,
            TypeError,
            ValueError,
        ) as error:
            return f"it cannot: {error}"
        return None
