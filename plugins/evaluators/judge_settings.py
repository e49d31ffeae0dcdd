"""The settings of evaluators that ask a judge: who it is, how it is asked, and how answers are made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from langadapt.errors import ConfigError
from langadapt.interfaces import LIMIT, SPEED, Loads, ModelRef
from langadapt_plugins.evaluators.asking import Endpoint, LocalModel, Respondent


@dataclass(frozen=True, kw_only=True)
class AsksJudge(Loads):
    """Mix-in with the judge's settings and those of answering."""

    questions: Annotated[
        Path | None,
        "questions instead of the pack's mt_bench.jsonl: JSON Lines, or FastEval's questions_XX.json",
    ] = None
    references: Annotated[
        Path | None,
        "reference answers in FastChat's form, which win over the questions' own; those in reference_answer/ beside FastChat's "
        "questions need not be named",
    ] = None
    judge: Annotated[str, "model that an endpoint serves and that judges"] = ""
    base_url: Annotated[
        str | None,
        "the judge's OpenAI-compatible endpoint, such as that of `vllm serve`; OpenAI's own where unset",
    ] = None
    api_key_env: Annotated[
        str | None,
        "environment variable that holds the judge's key; OPENAI_API_KEY for OpenAI's own, none for others",
    ] = None
    judge_model: Annotated[
        ModelRef | None, "model that judges and is run here by transformers, instead of `judge`"
    ] = None
    judge_prompts: Annotated[
        Path | None,
        "judge prompts instead of the pack's: its TOML, FastEval's judge_prompts_XX.json or FastChat's JSON Lines",
    ] = None
    judge_max_tokens: Annotated[int, "most tokens of a verdict, thoughts included", LIMIT] = 2048
    max_new_tokens: Annotated[int, "most tokens of an answer", LIMIT] = 1024
    concurrency: Annotated[int, "verdicts asked for at once", SPEED] = 8
    timeout: Annotated[float, "seconds that a verdict of an endpoint may take", SPEED] = 180.0
    retries: Annotated[int, "how often an endpoint is asked again after a fault of its own", SPEED] = 12
    batch_size: Annotated[
        int, "questions answered at once; in half precision another size may turn a near-tie"
    ] = 8
    dtype: Annotated[str, "number type of the weights; `auto` is the checkpoint's own"] = "auto"

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url or "")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ConfigError(
                "base_url holds a user, a password or a query, which would end up in the run's files",
                hint="give the key in the environment, and its variable's name as api_key_env",
            )
        if self.judge and self.judge_model:
            raise ConfigError("`judge` and `judge_model` both name a judge", hint="set one of them")
        for name in ("concurrency", "timeout", "batch_size", "max_new_tokens", "judge_max_tokens"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"`{name}` is {getattr(self, name)}; it must be above 0")

    @property
    def sizes(self) -> str:
        """How answers are made, as a signature says it."""
        return f"max_new_tokens:{self.max_new_tokens}|batch:{self.batch_size}"

    def respondent(self) -> Respondent | None:
        """Who is asked for verdicts; None where no judge is named."""
        if self.judge_model:
            return LocalModel(
                model=self.judge_model,
                dtype=self.dtype,
                batch_size=self.batch_size,
                max_tokens=self.judge_max_tokens,
            )
        if not self.judge:
            return None
        return Endpoint(
            model=self.judge,
            url=self.base_url,
            key_from=self.api_key_env,
            in_flight=self.concurrency,
            timeout=self.timeout,
            retries=self.retries,
            max_tokens=self.judge_max_tokens,
        )
