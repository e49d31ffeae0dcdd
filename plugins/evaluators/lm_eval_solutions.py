"""What a model would have to say to lm-eval's tasks: the answer that lm-eval itself scores best."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

_UNLIKELY = -100.0
Solution = tuple[Any, str]


def solutions(tasks: Mapping[str, Any], limit: int | None, *, chat: bool) -> list[Solution]:
    """Each item's prompt, as text or as chat turns, and its answer; tasks that only measure text have none."""
    found: list[Solution] = []
    for task in tasks.values():
        task.build_all_requests(
            limit=limit,
            apply_chat_template=chat,
            fewshot_as_multiturn=chat,
            chat_template=_turns if chat else None,
        )
        asked = sorted(task.instances, key=lambda one: one.doc_id)
        for _, group in groupby(asked, key=lambda one: one.doc_id):
            found += _solution(task, sorted(group, key=lambda one: one.idx))
    return list({(str(prompt), answer): (prompt, answer) for prompt, answer in found}.values())


def _turns(turns: Sequence[Mapping[str, str]], **_: Any) -> list[Mapping[str, str]]:
    """In place of a chat template: the turns themselves."""
    return list(turns)


def _solution(task: Any, asked: Sequence[Any]) -> Iterator[Solution]:
    if task.OUTPUT_TYPE == "multiple_choice":
        best = max(range(len(asked)), key=lambda index: _value(task, asked, index))
        yield asked[best].args[0], asked[best].args[1]
    elif task.OUTPUT_TYPE in ("loglikelihood", "generate_until"):
        target = task.doc_to_target(asked[0].doc)
        answer = str(target[0] if isinstance(target, list) else target)
        yield (
            asked[0].args[0],
            answer if task.OUTPUT_TYPE == "loglikelihood" else f"{task.config.target_delimiter}{answer}",
        )


def _value(task: Any, asked: Sequence[Any], index: int) -> float:
    """What the item is worth where the choice of that index is by far the likeliest."""
    chances = [(0.0, True) if one == index else (_UNLIKELY, False) for one in range(len(asked))]
    better = task.higher_is_better()
    values = task.process_results(asked[0].doc, chances)
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
    return float(sum(value if better.get(name, True) else -value for name, value in numbers.items()))
