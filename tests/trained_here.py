"""The worker's own work in the process of a test: a training, or the trainer that it would use."""

from pathlib import Path

from langadapt.interfaces import ModelRef, TrainingJob
from langadapt.progress import Silent
from langadapt.records import read_records, write_rows


class Said(Silent):
    """Progress that keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def job_of(folder, base, rows, *, held_out=(), template=None):
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "rows.jsonl", rows)
    write_rows(folder / "held-out.jsonl", held_out)
    return TrainingJob(
        name="here", records=folder / "rows.jsonl", held_out=folder / "held-out.jsonl", base=ModelRef(str(base)),
        chat_template=template and str(template), output=folder / "output", seed=42,
    )  # fmt: skip


def asked(component, job):
    """What the worker is told."""
    (job.output / "worker").mkdir(parents=True, exist_ok=True)
    counts = [sum(1 for _ in read_records(path)) for path in (job.records, job.held_out)]
    return component._request(job) | dict(zip(("rows", "held_out_rows"), counts, strict=True))


def trained(component, job):
    """What a training gives: its curves and facts."""
    from langadapt_plugins.trainers import trl_worker

    return trl_worker.main(asked(component, job), Silent())


def trainer_of(component, job):
    """TRL's trainer as the worker sets it up, before it begins."""
    from trl import SFTTrainer

    from langadapt_plugins.trainers import trl_worker
    from langadapt_plugins.trainers.trl_attention import settled
    from langadapt_plugins.trainers.trl_data import datasets_of
    from langadapt_plugins.trainers.trl_packed import by_document

    request = asked(component, job)
    arguments = trl_worker._arguments(request, by_document(settled(request, Silent()), request))
    tokenizer = trl_worker._tokenizer(request, Silent())
    rows, held_out, _ = datasets_of(request, tokenizer, arguments, Silent())
    return SFTTrainer(
        model=str(Path(job.base.name)),
        args=arguments,
        train_dataset=rows,
        eval_dataset=held_out,
        processing_class=tokenizer,
    )
