"""What the Hub reads of a card: licences, splits, sizes and results, as its metadata writes them."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from langadapt.report.data import RowFacts
from langadapt.report.facts import Facts
from langadapt.report.formats import one_line

# https://huggingface.co/docs/hub/repositories-licenses, those of data; a licence that is not among them is `other` there.
_AS_SPDX = frozenset({
    "apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "isc",
    "unlicense", "mpl-2.0", "ms-pl", "wtfpl", "zlib", "afl-3.0", "artistic-2.0", "bsl-1.0", "ecl-2.0", "epl-2.0", "eupl-1.1", "eupl-1.2",
})  # fmt: skip
_OTHERWISE = {"odc-by-1.0": "odc-by", "pddl-1.0": "pddl", "odbl-1.0": "odbl", "lppl-1.3c": "lppl-1.3c"}
_WORDS = ("and", "or", "with")
_SIZES = [(10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"), (10**8, "10M<n<100M"), (10**9, "100M<n<1B")]  # fmt: skip
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w.-]+)?")
_FILES = (".jsonl", ".json", ".parquet", ".csv", ".gz", ".zst", ".txt")


def hub_licenses(expressions: Iterable[str]) -> list[str]:
    """The Hub's names of the licences in SPDX expressions; `unknown` where none is stated, `other` for what it has no name for."""
    return sorted({name for expression in expressions for name in _names(expression)})


def _names(expression: str) -> Iterator[str]:
    words = [word for word in re.findall(r"[a-z0-9.+:-]+", expression.lower()) if word not in _WORDS]
    if not words:
        yield "unknown"
    for word in words:
        if word == "licenseref-unknown":
            yield "unknown"
            continue
        bare = re.sub(r"(-only|-or-later|\+)$", "", word)
        gnu = bare if re.fullmatch(r"(a|l)?gpl-[23]\.[01]|gfdl(-1\.3)?", bare) else ""
        yield bare if bare in _AS_SPDX else _OTHERWISE.get(bare) or gnu or "other"


def size_category(rows: int) -> str:
    """The Hub's class of a data set of so many rows."""
    return next((name for limit, name in _SIZES if rows < limit), "n>1T" if rows >= 10**12 else "1B<n<10B")


def hub_ids(names: Iterable[str]) -> list[str]:
    """Those that the Hub can resolve, each once; files of one's own are described in the text alone."""
    found = (name.split("@")[0] for name in names if _HUB_ID.fullmatch(name) and not name.endswith(_FILES))
    return list(dict.fromkeys(found))


def configs(rows: Iterable[RowFacts]) -> list[dict[str, Any]]:
    """Each stream as a configuration of its own, with the files of its splits as `publish` lays them down."""
    return [
        {
            "config_name": plain_name(one.stream),
            "data_files": [
                {"split": split, "path": data_path(one.stream, split, "*")} for split in one.splits
            ],
            **({"default": True} if number == 0 else {}),
        }
        for number, one in enumerate(one for one in rows if one.total)
    ]


def data_path(stream: str, split: str, part: str) -> str:
    """Where a part of a split lies in the data set."""
    return f"data/{plain_name(stream)}/{split}-{part}.parquet"


def plain_name(stream: str) -> str:
    """A stream's name as that of a folder and a configuration."""
    return re.sub(r"[^\w.-]+", "-", stream, flags=re.ASCII).strip(".-") or "rows"


def results(facts: Facts, checkpoint: str) -> list[Any]:
    """A checkpoint's scores as the Hub's model index has them. A demonstration has none: its scores are no results."""
    from huggingface_hub import EvalResult

    if facts.demonstration:
        return []
    return [
        EvalResult(
            task_type="text-generation",
            task_name=one_line(row.task),
            dataset_type=one_line(row.task),
            dataset_name=one_line(f"{row.task} (set {row.set})" if row.set else row.task),
            dataset_args={"num_few_shot": row.shots} if row.shots is not None else None,
            metric_type=one_line(row.metric),
            metric_name=one_line(row.metric),
            metric_value=round(cell.value, 6),
        )
        for row in facts.scores.rows
        if not row.part and (cell := row.cells.get(checkpoint)) and cell.value is not None
    ]
