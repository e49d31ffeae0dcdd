"""A judge behind OpenAI's interface that does wrong what it is told to; the faults are those of `faulty_server`."""

from collections import Counter

from faulty_server import FaultyServer

from langadapt_plugins.evaluators.questions import Question


class JudgeServer(FaultyServer):
    """Answers every chat with a verdict that hangs on its text alone; `said` may say something else."""

    said = staticmethod(lambda chat: f"Wie [1] zeigt, gut.\nBewertung: [[{value_of(chat)}]]")

    def _good(self, asked):
        message = {"role": "assistant", "content": self.said(asked.text)}
        return {
            "model": "judge-0613",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7},
        }

    def counts(self):
        """How often each chat was asked about."""
        return Counter(self.texts())


def value_of(chat):
    return 1 + sum(chat.encode()) % 10


def questions(count):
    return [
        Question(id=f"q{n}", category=("writing", "math")[n % 2], turns=(f"Frage {n}?", "Und kürzer?"))
        for n in range(count)
    ]


def answers(count):
    return [
        (one, (f"Antwort {one.id} " * (1 + n % 7), f"Kurz {n}.")) for n, one in enumerate(questions(count))
    ]


PROMPTS = {
    "single": {"system": "Du prüfst.", "template": "F: {question} A: {answer}"},
    "multi-turn": {"system": "Du prüfst.", "template": "{question_1} {answer_1} {question_2} {answer_2}"},
}


def expected(count):
    """The rating of each answer and turn that the server gives."""
    found = {}
    for one, texts in answers(count):
        first = f"F: {one.turns[0]} A: {texts[0]}"
        second = f"{one.turns[0]} {texts[0]} {one.turns[1]} {texts[1]}"
        found[one.id, 1], found[one.id, 2] = value_of(first), value_of(second)
    return found
