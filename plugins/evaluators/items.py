"""What lm-eval's tasks ask: the question of each document, without instructions and examples, and what may be answered."""

# ruff: noqa: RUF001 - marks of many scripts

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from langadapt.interfaces import Item

_LEAST = 3
# A choice within a prompt, as in "A. copper", "(B) iron" or "3) tin".
_LABEL = re.compile(r"(?:^|[\s(])(?:[A-Ja-j]|\d|[А-Еа-е])[).:：．、]\)?\s*$")
_CHOICE = re.compile(r"^\s*\(?(?:[A-Ja-j]|\d|[А-Еа-е])[).:：．、]\)?\s*(\S.*)$", re.MULTILINE)


def items(tasks: Mapping[str, Any]) -> Iterator[Item]:
    """One for each document that is scored; `id` is the document's own, or its number."""
    for name, task in tasks.items():
        for number, doc in enumerate(task.eval_docs):
            asked, answers = _asked(task, doc)
            if asked.strip():
                yield Item(task=name, id=_id(doc, number), text=asked, answers=answers)


def _asked(task: Any, doc: Any) -> tuple[str, tuple[str, ...]]:
    prompt, choices, right = _rendered(task, doc)
    if len(prompt.split()) < _LEAST and right:
        prompt = (
            f"{prompt} {right}".strip()
        )  # the text itself is what is likely or not, as in PAWS or wikitext
        choices = ()
    own = [text for text in _texts(doc) if len(text.split()) >= _LEAST or len(text) >= 12]
    chosen = {one.strip() for one in choices}
    parts: list[tuple[int, int, bool]] = []
    for text in sorted(set(own), key=len, reverse=True):
        at = prompt.rfind(text)
        if at >= 0 and not any(begin < at + len(text) and at < end for begin, end, _ in parts):
            answer = text in chosen or _LABEL.search(prompt[:at]) is not None
            parts.append((at, at + len(text), answer))
    asked = [prompt[begin:end] for begin, end, answer in sorted(parts) if not answer]
    if not asked:
        asked = [_CHOICE.sub("", prompt)]
    labelled = [found[1].strip() for found in _CHOICE.finditer(prompt)]
    answers = dict.fromkeys(
        one for one in (right, *choices, *labelled) if len(one.strip()) > 1 and one not in asked
    )
    return "\n".join(asked), tuple(answers)


def _rendered(task: Any, doc: Any) -> tuple[str, tuple[str, ...], str]:
    """The prompt, the choices and the right answer, as lm-eval writes them."""
    prompt, target = task.doc_to_text(doc), task.doc_to_target(doc)
    listed = task.doc_to_choice(doc) if task.config.doc_to_choice is not None else ()
    choices = tuple(str(one) for one in listed)
    if isinstance(prompt, int):  # each choice is a beginning of its own, as in Winogrande
        beginning = choices[prompt] if prompt < len(choices) else ""
        return f"{beginning} {target}", (), ""
    if isinstance(target, list):
        target = target[0] if target else ""
    if isinstance(target, int):
        target = choices[target] if 0 <= target < len(choices) else ""
    return str(prompt), choices, str(target).strip()


def _texts(value: Any) -> Iterator[str]:
    """Every text in a document, however deep."""
    if isinstance(value, str):
        if value.strip():
            yield value.strip()
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts(one)


def _id(doc: Any, number: int) -> str:
    own = next(
        (
            doc[key]
            for key in ("id", "idx", "ind", "question_id", "qid")
            if isinstance(doc, Mapping) and key in doc
        ),
        None,
    )
    return str(own) if isinstance(own, str | int) and str(own).strip() else str(number)
