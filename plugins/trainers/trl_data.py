"""The rows in the worker: as a data set that is tokenised once, and how many tokens it holds."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, Value

from langadapt.interfaces import Progress
from langadapt_plugins.trainers.trl_rows import COLUMNS, Takes, trl_rows
from langadapt_plugins.trainers.trl_texts import mixed, tokenized

_ROWS_VERSION = "2"  # raise when trl_rows or trl_texts make other rows of the same file: data sets are cached by their file's content


def datasets_of(
    job: Mapping[str, Any], tokenizer: Any, arguments: Any, progress: Progress
) -> tuple[Any, Any, dict[str, Any]]:
    """The rows of a job, those that are held out (none: None), and what is told of them."""
    rows = dataset(Path(job["records"]), job["takes"], arguments)
    held_out = dataset(Path(job["held_out"]), job["takes"], arguments) if job["held_out_rows"] else None
    if job["takes"] != "texts":
        return rows, held_out, {}
    mix, told = mixed(tokenized(rows, tokenizer, arguments), job["english_share"], arguments.seed, progress)
    if held_out is not None:
        held_out = tokenized(held_out, tokenizer, arguments).remove_columns(["english"])
    return mix, held_out if held_out is None or len(held_out) else None, told


def dataset(path: Path, takes: Takes, arguments: Any) -> Any:
    """The rows as a data set, cached by the file's content: the same file elsewhere is not tokenised twice."""
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256")
    digest.update(f"{takes} {_ROWS_VERSION}".encode())
    turns = [{"role": Value("string"), "content": Value("string")}]
    plain = {"text": Value("string"), "english": Value("bool")}
    with arguments.main_process_first():
        return Dataset.from_generator(
            trl_rows,
            features=Features(plain if takes == "texts" else dict.fromkeys(COLUMNS[takes], turns)),
            gen_kwargs={"path": path, "takes": takes},
            fingerprint=digest.hexdigest()[:32],
        )


def tokens(rows: Any, at_most: int) -> int:
    """The tokens of the prepared rows, of both sides of a pair."""
    import numpy as np
    import pyarrow.compute as pc

    total = 0
    for table in rows.with_format("arrow").iter(batch_size=1000):
        sizes = {
            name: pc.list_value_length(table[name]).to_numpy()
            for name in table.column_names
            if name.endswith("_ids")
        }
        if "prompt_ids" not in sizes:
            total += int(sizes["input_ids"].sum())
        else:
            sides = (sizes["prompt_ids"] + sizes[name] for name in ("chosen_ids", "rejected_ids"))
            total += sum(int(np.minimum(side, at_most).sum()) for side in sides)
    return total
