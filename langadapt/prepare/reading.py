"""Places and raw rows of a source, one after the other: a file of any size, compressed or not, or a data set of the Hub."""

import bz2
import contextlib
import csv
import datetime as dt
import decimal
import gzip
import io
import lzma
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from langadapt.errors import DataError, MachineError
from langadapt.prepare.values import json_values
from langadapt.records import read_rows
from langadapt.schema import Source

Placed = tuple[str, int, Any]
"""Where a row stands as a person would say it; its line in a file of lines, its number from 1 elsewhere; what stands there."""

_BATCH = 64
_LONGEST = 1 << 28
"""No field of a CSV file is longer than this, in characters: a quote that nobody closes is not read to the end of the file."""


def _zst(path: Path) -> BinaryIO:
    import pyarrow as pa

    packed = pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    return cast("BinaryIO", io.BufferedReader(packed, 1 << 20))


_PACKED: Mapping[str, Callable[[Path], Any]] = {
    ".gz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".zst": _zst,
}


def rows(source: Source, wrong: list[str] | None = None) -> Iterator[Placed]:
    """The rows of a source; what is no JSON on a line is raised, or put into `wrong`.

    Raises:
        DataError: a file is missing, broken, or of a kind that nobody here reads; names file and line.
        MachineError: the Hub has no such data set, or cannot be reached.

    """
    path = Path(source.path)
    read = _READ.get(_suffixes(path)[0])
    if not is_local(source) or path.is_dir():
        yield from _hub(source)
    elif read is None:
        raise DataError(
            f"{path}: of no kind that is read", hint=f"{', '.join(_READ)}, also with {', '.join(_PACKED)}"
        )
    elif not path.exists():
        raise DataError(f"{path} does not exist", hint="name a file that can be read")
    elif not path.is_file():
        raise DataError(
            f"{path} is no regular file", hint="rows are read more than once: write them to a file first"
        )
    else:
        try:
            yield from read(path, wrong)
        except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
            said = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise DataError(f"{path}: {said}", hint="is the file whole? Write or fetch it again") from error


def is_local(source: Source) -> bool:
    """Whether a source is a file or folder here, or says that it is."""
    path = Path(source.path)
    return source.path.startswith((".", "/", "~")) or _suffixes(path)[0] in _READ or path.exists()


def pinned(source: Source) -> Source:
    """A data set of the Hub with the commit that its revision names now; what is local comes back as it is.

    The Hub is asked once; without it, the commit counts that its cache here holds. Raises `MachineError` where nobody can say.
    """
    if is_local(source) or (source.revision and len(source.revision) == 40):
        return source
    from huggingface_hub import HfApi, constants

    try:
        return replace(source, revision=HfApi().dataset_info(source.path, revision=source.revision).sha)
    except Exception as error:
        name = f"datasets--{source.path.replace('/', '--')}"
        cached = Path(constants.HF_HUB_CACHE) / name / "refs" / (source.revision or "main")
        if cached.is_file():
            return replace(source, revision=cached.read_text().strip())
        raise MachineError(
            f"source.{source.name}: nobody can say which revision of {source.path} is to be read ({type(error).__name__})",
            hint="check the name and the network, or name a file that holds the rows",
        ) from error


def _suffixes(path: Path) -> tuple[str, str]:
    """The kind of a file and its compression, as its name tells them."""
    ends = [end.lower() for end in path.suffixes]
    packed = ends.pop() if ends and ends[-1] in _PACKED else ""
    return (ends[-1] if ends else ""), packed


def _open(path: Path) -> BinaryIO:
    packed = _suffixes(path)[1]
    return cast("BinaryIO", _PACKED[packed](path)) if packed else path.open("rb")


def _json_lines(path: Path, wrong: list[str] | None) -> Iterator[Placed]:
    for number, row in read_rows(path, wrong, _open):
        yield f"{path}, line {number}", number, row


def _json(path: Path, wrong: list[str] | None) -> Iterator[Placed]:
    """One array of rows, or rows one after the other, on one line each or on several."""
    del wrong
    with _open(path) as data, _text(data) as text, _decoding(path):
        for number, (line, row) in enumerate(json_values(text, path), 1):
            yield f"{path}, line {line}", number, row


def _csv(path: Path, wrong: list[str] | None) -> Iterator[Placed]:
    """Rows under a heading, all of them text; what stands between is a comma, or a tab in a .tsv file."""
    del wrong
    comma = "\t" if _suffixes(path)[0] == ".tsv" else ","
    with _open(path) as data, _text(data) as text, _decoding(path):
        table = csv.reader(text, delimiter=comma, strict=True)
        heading = _cells(table, path) or []
        if len(set(heading)) < len(heading):
            raise DataError(
                f"{path}, line 1: two columns have one name", hint="give each column a name of its own"
            )
        while True:
            line = table.line_num + 1
            cells = _cells(table, path)
            if cells is None:
                return
            if not cells:
                continue
            if len(cells) != len(heading):
                raise DataError(
                    f"{path}, line {line}: {len(cells)} cells under {len(heading)} headings",
                    hint="put texts with commas or line ends into quotes",
                )
            yield f"{path}, line {line}", line, dict(zip(heading, cells, strict=True))


def _cells(table: Any, path: Path) -> list[str] | None:
    """The next row. The module's limit, 131,072 characters, is less than a long answer, and is one for the whole process."""
    before, line = csv.field_size_limit(_LONGEST), table.line_num + 1
    try:
        return next(table, None)
    except csv.Error as error:
        raise DataError(f"{path}, line {line}: {error}", hint="is a quote left open?") from error
    finally:
        csv.field_size_limit(before)


def _plain_text(path: Path, wrong: list[str] | None) -> Iterator[Placed]:
    """Each line that is not blank is a text."""
    del wrong
    with _open(path) as data:
        for number, line in enumerate(data, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}, line {number}: not UTF-8 ({error.reason})", hint="save the file as UTF-8"
                ) from error
            if text:
                yield f"{path}, line {number}", number, {"text": text}


def _parquet(path: Path, wrong: list[str] | None) -> Iterator[Placed]:
    del wrong
    from pyarrow import ArrowException, parquet

    if _suffixes(path)[1]:
        raise DataError(f"{path}: a Parquet file is compressed within", hint="unpack it first")
    number = 0
    try:
        with parquet.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}, row {number}", number, _plain(row)
    except (ArrowException, UnicodeDecodeError) as error:
        said = str(error).splitlines()[0]
        raise DataError(
            f"{path}, after row {number}: {said}", hint="is the file whole? Fetch it again"
        ) from error


_READ: Mapping[str, Callable[[Path, list[str] | None], Iterator[Placed]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
    ".txt": _plain_text,
}


def _hub(source: Source) -> Iterator[Placed]:
    """A data set of the Hub, or a folder of files, as the library `datasets` reads it."""
    from datasets import load_dataset

    try:
        place, revision = _place(source)
        found = load_dataset(place, source.config, split=source.split, revision=revision, streaming=True)
        for number, row in enumerate(found, 1):
            yield f"{source.path}, row {number}", number, _plain(dict(row))
    except Exception as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        if is_local(source):
            raise DataError(
                f"source.{source.name}: the folder {source.path} cannot be read: {said}",
                hint="are its files whole, and of one kind? Or name one file of it",
            ) from error
        raise MachineError(
            f"source.{source.name}: {source.path} can be neither read here nor fetched: {said}",
            hint="check the name and the network, or give a file with --conversations or --preferences",
        ) from error


def _place(source: Source) -> tuple[str, str | None]:
    """What `datasets` is to read, and its revision: the files in the cache where the Hub may not be asked."""
    from huggingface_hub import constants, snapshot_download

    if is_local(source) or not constants.HF_HUB_OFFLINE:
        return source.path, source.revision
    folder = snapshot_download(
        source.path, repo_type="dataset", revision=source.revision, local_files_only=True
    )
    return folder, None


def _text(data: BinaryIO) -> io.TextIOWrapper:
    return io.TextIOWrapper(data, encoding="utf-8-sig", newline="")


@contextlib.contextmanager
def _decoding(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason})", hint="save the file as UTF-8") from error


def _plain(value: Any) -> Any:
    """The value as JSON can say it: times as text, no number and what has no text as null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value) if isinstance(value, decimal.Decimal | dt.timedelta) else None
