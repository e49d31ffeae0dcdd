"""Our rows as TRL takes them: only the columns that it needs, every side as messages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from langadapt.errors import DataError
from langadapt.records import Conversation, Message, Preference, Record, Side, Text, read_records

Takes = Literal["texts", "conversations", "preferences"]
Turns = list[dict[str, str]]
_ENGLISH = ("", "en", "eng", "english")
"""What rows of one's own call English; those that a run prepared say `en` or nothing."""
COLUMNS = {"texts": Text.FIELDS, "conversations": Conversation.FIELDS, "preferences": Preference.FIELDS}


def trl_rows(path: Path, takes: Takes) -> Iterator[dict[str, Any]]:
    """The rows of a file for TRL, texts with whether they are English; raises `DataError` naming the record that cannot be trained on."""
    for record in read_records(path):
        if isinstance(record, Text) and takes == "texts":
            english = record.language.partition("-")[0].lower() in _ENGLISH
            yield {"text": record.text, "english": english}
        elif isinstance(record, Conversation) and takes == "conversations":
            yield {"messages": _turns(record.messages, "user")}
        elif isinstance(record, Preference) and takes == "preferences":
            yield _preference(record, path)
        else:
            raise DataError(
                f"{path}, record {record.id}: {type(record).__name__.lower()}s do not fit this trainer",
                hint=f"it takes {takes}: rows with {', '.join(f'`{name}`' for name in COLUMNS[takes])}",
            )


def _preference(record: Preference, path: Path) -> dict[str, Turns]:
    prompt = _turns(record.prompt, "user")
    sides = [_turns(side, "assistant") for side in (record.chosen, record.rejected)]
    if all(side[: len(prompt)] == prompt for side in sides):  # some sets repeat the prompt in both answers
        sides = [side[len(prompt) :] for side in sides]
    if prompt[-1]["role"] not in ("user", "tool"):
        raise _unfit(record, path, f"the prompt ends with a message of the {prompt[-1]['role']}")
    if not all(side and side[0]["role"] == "assistant" for side in sides):
        raise _unfit(record, path, "`chosen` and `rejected` must begin with a message of the assistant")
    return {"prompt": prompt, "chosen": sides[0], "rejected": sides[1]}


def _unfit(record: Record, path: Path, why: str) -> DataError:
    return DataError(f"{path}, record {record.id}: {why}", hint="a prompt asks, both answers go on from it")


def _turns(side: Side, role: str) -> Turns:
    messages: tuple[Any, ...] = (Message(role=role, content=side),) if isinstance(side, str) else side
    return [{"role": message.role, "content": message.content} for message in messages]
