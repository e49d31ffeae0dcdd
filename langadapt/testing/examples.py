"""Short rows of every kind, for trainers to train on."""

from collections.abc import Iterable

from langadapt.records import KINDS, Row

_THINGS = ("dog", "cat", "mouse", "house", "tree", "town", "river", "hill", "wood", "boat", "lamp", "song")


def example_rows(takes: str, count: int) -> list[Row]:
    """Short rows of a kind, each unlike the others."""
    made: list[Row] = []
    for number in range(count):
        thing, other = _THINGS[number % 12], _THINGS[(5 * number + number // 12) % 12]
        question = f"How far is the {thing} from the {other} with the number {number}?"
        answer = f"The {other} is {number % 7 + 2} steps away from the {thing}."
        contents: dict[str, Row] = {
            "texts": {"text": f"{question} {answer}"},
            "conversations": {
                "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            },
            "preferences": {"prompt": question, "chosen": answer, "rejected": f"No {thing}, {number} times."},
        }
        made.append({"id": f"row-{number}", **contents[takes]})
    return made


def example_texts(count: int) -> Iterable[str]:
    """What rows of every kind say, for a tokenizer."""
    for kind in KINDS:
        for row in example_rows(kind, count):
            yield from _texts(row)


def _texts(row: Row) -> list[str]:
    return [turn["content"] for turn in row.get("messages", ())] + [
        row[name] for name in ("text", "prompt", "chosen", "rejected") if name in row
    ]
