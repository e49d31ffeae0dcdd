"""A small trainer that keeps to the contract, and what goes wrong with trainers: one subclass each."""

import json
import random
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from langadapt.errors import DataError
from langadapt.interfaces import Checkpoint, Loads, ModelRef
from langadapt.records import Conversation, read_records


@dataclass(frozen=True, kw_only=True)
class Good(Loads):
    """Plain gradient descent with momentum, four rows at a time, a state after every step."""

    takes: ClassVar[str] = "conversations"
    learning_rate: Annotated[float, "how far each step goes"] = 0.1

    def train(self, job, *, progress):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        rows = self.rows(job)
        tokenizer = AutoTokenizer.from_pretrained(job.base.name)
        model = self.prepared(AutoModelForCausalLM.from_pretrained(job.base.name), job)
        optimizer = torch.optim.SGD(model.parameters(), lr=self.learning_rate, momentum=0.9)
        order = self.order(len(rows), job.seed)
        job.output.mkdir(parents=True, exist_ok=True)
        begun = self.resume(job, model, optimizer)
        curves = []
        with progress.task("train", len(order)) as task:
            if begun:
                task.advance(begun)
            for step in range(begun, len(order)):
                batch = tokenizer([rows[index] for index in order[step]], padding=True, return_tensors="pt")
                loss = model(**batch, labels=batch["input_ids"]).loss
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                self.keep(job, step + 1, model, optimizer)
                curves.append({"step": step + 1, "loss": loss.item()})
                self.advance(task, step + 1)
        return self.finish(job, model, tokenizer, curves)

    def prepared(self, model, job):
        return model

    def rows(self, job):
        found = list(read_records(job.records))
        if not found or not all(isinstance(record, Conversation) for record in found):
            raise DataError(f"{job.records}: no conversations", hint="give it some")
        return [" ".join(record.texts) for record in found]

    def order(self, count, seed):
        numbers = list(range(count))
        random.Random(seed).shuffle(numbers)
        return [numbers[at : at + 4] for at in range(0, count, 4)]

    def resume(self, job, model, optimizer):
        import torch

        if not (job.output / "state.pt").exists():
            return 0
        state = torch.load(job.output / "state.pt")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        return state["step"]

    def keep(self, job, step, model, optimizer):
        import torch

        state = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(state, job.output / "state.part")
        (job.output / "state.part").replace(job.output / "state.pt")

    def advance(self, task, step):
        task.advance(1, {"step": step})

    def finish(self, job, model, tokenizer, curves):
        model.save_pretrained(job.output / "model")
        tokenizer.save_pretrained(job.output / "model")
        return self.checkpoint(job, curves)

    def checkpoint(self, job, curves, **changes: Any):
        told = {
            "name": job.name,
            "model": ModelRef(str(job.output / "model")),
            "chat_template": job.chat_template,
            "curves": curves,
            "facts": {"steps": len(curves)},
        }
        return Checkpoint(**{**told, **changes})


class OfStories(Good):
    takes = "stories"


class Renames(Good):
    def checkpoint(self, job, curves):
        return super().checkpoint(job, curves, name="best")


class LosesTheTemplate(Good):
    def checkpoint(self, job, curves):
        return super().checkpoint(job, curves, chat_template=None)


class SavesElsewhere(Good):
    def checkpoint(self, job, curves):
        place = job.output.parent / "elsewhere"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(job.output / "model", place)
        return super().checkpoint(job, curves, model=ModelRef(str(place)))


class SavesPickles(Good):
    def finish(self, job, model, tokenizer, curves):
        import torch

        found = super().finish(job, model, tokenizer, curves)
        torch.save(model.state_dict(), job.output / "model" / "pytorch_model.bin")
        (job.output / "model" / "model.safetensors").unlink()
        return found


class ForgetsAHead(Good):
    def finish(self, job, model, tokenizer, curves):
        from safetensors.torch import load_file, save_file

        found = super().finish(job, model, tokenizer, curves)
        file = job.output / "model" / "model.safetensors"
        weights = {name: value for name, value in load_file(file).items() if name != "lm_head.weight"}
        save_file(weights, file, {"format": "pt"})
        return found


class ForgetsTheTokenizer(Good):
    def finish(self, job, model, tokenizer, curves):
        model.save_pretrained(job.output / "model")
        return self.checkpoint(job, curves)


@dataclass(frozen=True, kw_only=True)
class TrainsNothing(Good):
    learning_rate: Annotated[float, "how far each step goes"] = 0.0


class BlowsUp(Good):
    def finish(self, job, model, tokenizer, curves):
        model.lm_head.weight.data[0, 0] = float("nan")
        return super().finish(job, model, tokenizer, curves)


class TellsPaths(Good):
    def checkpoint(self, job, curves):
        return super().checkpoint(job, curves, facts={"base": Path(job.base.name)})


class TellsInfinity(Good):
    def checkpoint(self, job, curves):
        return super().checkpoint(job, [{"step": 1, "loss": float("inf")}])


class TellsNoSteps(Good):
    def checkpoint(self, job, curves):
        return super().checkpoint(job, [{"loss": 1.0}])


class TakesNothing(Good):
    def rows(self, job):
        return [" ".join(record.texts) for record in read_records(job.records)]


class StumblesOverNothing(Good):
    def rows(self, job):
        found = [json.loads(line)["messages"] for line in job.records.read_text().splitlines()]
        return [found[0][0]["content"], *(turns[0]["content"] for turns in found)]


class Unseeded(Good):
    def order(self, count, seed):
        return super().order(count, random.SystemRandom().random())


class IgnoresTheSeed(Good):
    def order(self, count, seed):
        return super().order(count, 0)


class ForgetsMomentum(Good):
    def resume(self, job, model, optimizer):
        kept = optimizer.state_dict()
        step = super().resume(job, model, optimizer)
        optimizer.load_state_dict(kept)
        return step


class TakesHalfForWhole(Good):
    def resume(self, job, model, optimizer):
        return len(self.order(160, job.seed)) if super().resume(job, model, optimizer) else 0


class Swallows(Good):
    def advance(self, task, step):
        with suppress(KeyboardInterrupt):
            task.advance()


class Mute(Good):
    def advance(self, task, step):
        pass


class Overtells(Good):
    def advance(self, task, step):
        task.advance(step)


class WritesBesideTheBase(Good):
    def finish(self, job, model, tokenizer, curves):
        (Path(job.base.name) / "trained.txt").write_text(job.name)
        return super().finish(job, model, tokenizer, curves)


class Carries(Good):
    def finish(self, job, model, tokenizer, curves):
        object.__setattr__(self, "model", model)
        return super().finish(job, model, tokenizer, curves)

    def __getstate__(self):
        return dict(self.__dict__)


class ChangesOnTheWay(Good):
    def __setstate__(self, state):
        super().__setstate__(state)
        object.__setattr__(self, "travelled", 1)

    def order(self, count, seed):
        return super().order(count, seed + getattr(self, "travelled", 0))


class StaysClosed(Good):
    def close(self):
        object.__setattr__(self, "closed", True)

    def rows(self, job):
        if getattr(self, "closed", False):
            raise RuntimeError("no engine")
        return super().rows(job)


class GoesOnWhereItWas(Good):
    def order(self, count, seed):
        object.__setattr__(self, "trainings", getattr(self, "trainings", 0) + 1)
        return super().order(count, seed + self.trainings)

    def close(self):
        pass


@dataclass(frozen=True, kw_only=True)
class Unexplained(Good):
    steps: int = 3


@dataclass(frozen=True, kw_only=True)
class ClosesOnce(Good):
    def close(self):
        object.__setattr__(self, "closed", getattr(self, "closed", 0) + 1)
        if self.closed > 1:
            raise ValueError("closed already")
