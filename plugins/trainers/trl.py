"""Continued pre-training, supervised fine-tuning and direct preference optimisation with TRL: the settings of each method."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt

from langadapt.errors import ConfigError
from langadapt.interfaces import Checkpoint, Progress, TrainingJob
from langadapt_plugins.trainers.trl_base import Trl, text_of
from langadapt_plugins.trainers.trl_rows import Takes
from langadapt_plugins.trainers.trl_start import divided


@dataclass(frozen=True, kw_only=True)
class TrlCpt(Trl):
    """Continued pre-training on plain text, packed; no chat template is needed.

    Learning rate, schedule, weight decay and tokens of a step (131,072) are those of ALMA's stage on texts of one language
    (github.com/fe1ixxu/ALMA, runs/mono_ft.sh: 2e-5, cosine, 0.01, 0.01; 256 rows of 512), in rows of 2,048.
    """

    takes: ClassVar[Takes] = "texts"
    method: ClassVar[str] = "cpt"

    max_length: Annotated[int, Gt(0), "tokens of a packed row; a longer document is divided"] = 2048
    warmup: Annotated[float, Ge(0), "share of the steps in which the learning rate rises, below 1"] = 0.01
    weight_decay: Annotated[float, "weight decay"] = 0.01
    packing_strategy: Annotated[
        Literal["bfd_split", "wrapped"],
        "bfd_split keeps documents apart and divides only those that are too long; wrapped cuts anywhere and lets neighbours see each "
        "other",
    ] = "bfd_split"
    english_share: Annotated[
        float | None,
        "share of the tokens that is English, against forgetting, below 1: documents of what there is too much of are left out; "
        "none: as the rows have it",
    ] = None

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        super().__post_init__()
        if self.english_share is not None and not 0 <= self.english_share < 1:
            raise ConfigError(
                f"trl-cpt: english_share is a share of the tokens, from 0 to below 1, not {self.english_share}",
                hint="for example 0.17, which is what ALMA drew",
            )

    def trl_arguments(self) -> dict[str, Any]:
        """The settings under TRL's names."""
        return {**super().trl_arguments(), "packing": True}

    def _request(self, job: TrainingJob) -> dict[str, Any]:
        return {**super()._request(job), "english_share": self.english_share}


@dataclass(frozen=True, kw_only=True)
class TrlSft(Trl):
    """Supervised fine-tuning on conversations."""

    takes: ClassVar[Takes] = "conversations"
    method: ClassVar[str] = "sft"

    packing: Annotated[bool, "fill each row of max_length tokens with several conversations"] = False
    packing_strategy: Annotated[
        Literal["bfd", "bfd_split", "wrapped"],
        "bfd cuts what is too long, bfd_split divides it, wrapped cuts anywhere and lets neighbours see each other",
    ] = "bfd"
    assistant_only_loss: Annotated[bool, "learn from the assistant's turns alone"] = False
    neftune: Annotated[float | None, "NEFTune noise on the embeddings"] = None

    def train(self, job: TrainingJob, *, progress: Progress) -> Checkpoint:
        """Train on conversations, as the base class does."""
        if self.assistant_only_loss and job.chat_template and "generation" not in text_of(job.chat_template):
            raise ConfigError(
                f"{job.chat_template}: does not mark the assistant's turns, which assistant_only_loss needs",
                hint="put {% generation %} and {% endgeneration %} around them, or set assistant_only_loss = false",
            )
        return super().train(job, progress=progress)


@dataclass(frozen=True, kw_only=True)
class TrlDpo(Trl):
    """Direct preference optimisation on pairs of answers."""

    takes: ClassVar[Takes] = "preferences"
    method: ClassVar[str] = "dpo"

    learning_rate: Annotated[float, Gt(0), "highest learning rate"] = 5e-7
    max_length: Annotated[int, Gt(0), "tokens after which prompt and answer are cut"] = 1024
    scheduler: Annotated[str, "how the learning rate falls: cosine, linear, constant, ..."] = "linear"
    beta: Annotated[float, Gt(0), "how strongly the model is held to where it began"] = 0.1
    loss_type: Annotated[str | tuple[str, ...], "sigmoid, ipo, hinge, robust, ..., or several of them"] = (
        "sigmoid"
    )
    reference: Annotated[
        Literal["cached", "computed"],
        "cached: the reference reads all rows once, and trainings on the same rows share it; computed: in each step",
    ] = "cached"

    def trl_arguments(self) -> dict[str, Any]:
        """The settings under TRL's names."""
        # TRL would make the pass with weights that FSDP has put on no device yet.
        early = self.lora and divided(self._settings()) == "FSDP"
        return {
            **super().trl_arguments(),
            "precompute_ref_log_probs": self.reference == "cached" and not early,
        }
