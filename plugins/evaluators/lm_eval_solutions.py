"""What a model would have to say to lm-eval's tasks: the answer that lm-eval itself scores best."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

_LIKELY, _UNLIKELY = (0.0, True), (-100.0, False)  # log-likelihood, and whether nothing is likelier
Solution = tuple[Any, str]


def solutions(
    tasks: Mapping[str, Any], limit: int | None, *, chat: bool, turns: bool = True
) -> list[Solution]:
    """Each item's prompt, as text or as chat turns, and its answer; tasks that only measure text have none."""
    found: list[Solution] = []
    for task in tasks.values():
        task.build_all_requests(
            limit=limit,
            apply_chat_template=chat,
            fewshot_as_multiturn=chat and turns,
            chat_template=_turns if chat else None,
        )
        asked = sorted(task.instances, key=lambda one: one.doc_id)
        for _, group in groupby(asked, key=lambda one: one.doc_id):
            found += _solution(task, sorted(group, key=lambda one: one.idx), chat=chat)
    return list({(str(prompt), answer): (prompt, answer) for prompt, answer in found}.values())


def _turns(turns: Sequence[Mapping[str, str]], **_: Any) -> list[Mapping[str, str]]:
    """In place of a chat template: the turns themselves."""
    return list(turns)


def _solution(task: Any, asked: Sequence[Any], *, chat: bool) -> Iterator[Solution]:
    prompt, doc = asked[0].args[0], asked[0].doc
    if task.OUTPUT_TYPE == "multiple_choice":
        chances = [[_LIKELY if one == best else _UNLIKELY for one in asked] for best in asked]
        best = _best(task, doc, chances)
        yield asked[best].args[0], asked[best].args[1]
    elif task.OUTPUT_TYPE == "loglikelihood":
        yield prompt, asked[0].args[1]
    elif task.OUTPUT_TYPE == "generate_until":
        target = task.doc_to_target(doc)
        answer = str(target[0] if isinstance(target, list) else target)
        forms = [answer] if chat else [f"{task.config.target_delimiter}{answer}", answer]
        yield prompt, forms[_best(task, doc, [[form] for form in forms])]


def _best(task: Any, doc: Any, tries: Sequence[Any]) -> int:
    """Which of the model's possible results lm-eval scores best; the first of those that it scores alike."""
    better = task.higher_is_better()

    def value(index: int) -> float:
        found = task.process_results(doc, tries[index])
        numbers = {name: one for name, one in found.items() if isinstance(one, int | float)}
        return float(sum(one if better.get(name, True) else -one for name, one in numbers.items()))

    return max(range(len(tries)), key=value)
