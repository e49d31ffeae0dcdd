"""Supervised fine-tuning and direct preference optimisation with TRL: the settings of each method."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Gt

from langadapt.errors import ConfigError
from langadapt.interfaces import Checkpoint, Progress, TrainingJob
from langadapt_plugins.trainers.trl_base import Trl, text_of
from langadapt_plugins.trainers.trl_rows import Takes


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
