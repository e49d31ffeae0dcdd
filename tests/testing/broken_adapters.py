"""A small trainer of LoRA adapters that keeps to the contract, and what goes wrong with adapters: one subclass each."""

from dataclasses import dataclass
from typing import Annotated

from langadapt.interfaces import ModelRef
from testing.broken_trainers import Good


class Adapter(Good):
    """It trains two small matrices beside each query and value."""

    def prepared(self, model, job):
        import torch
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(job.seed)
        return get_peft_model(
            model, LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
        )

    def checkpoint(self, job, curves):
        return super().checkpoint(job, curves, adapter_of=job.base)

    def saved(self, job):
        return job.output / "model" / "adapter_model.safetensors"


class OfAnother(Adapter):
    def checkpoint(self, job, curves):
        return Good.checkpoint(self, job, curves, adapter_of=ModelRef("org/other"))


class SavedAsPickle(Adapter):
    def finish(self, job, model, tokenizer, curves):
        import torch
        from safetensors.torch import load_file

        found = super().finish(job, model, tokenizer, curves)
        torch.save(load_file(self.saved(job)), self.saved(job).with_suffix(".bin"))
        self.saved(job).unlink()
        return found


class ForgetsALayer(Adapter):
    def finish(self, job, model, tokenizer, curves):
        from safetensors.torch import load_file, save_file

        found = super().finish(job, model, tokenizer, curves)
        kept = {name: value for name, value in load_file(self.saved(job)).items() if "layers.0" in name}
        save_file(kept, self.saved(job), {"format": "pt"})
        return found


@dataclass(frozen=True, kw_only=True)
class Untrained(Adapter):
    learning_rate: Annotated[float, "how far each step goes"] = 0.0
