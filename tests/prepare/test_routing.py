"""The routing rules, against hand-labelled rows of our own, hostile turns and files with mistakes."""

import hashlib
import json
import time
from collections import Counter
from pathlib import Path

import pytest

from langadapt.errors import ConfigError
from langadapt.languages import Language, LanguagePack
from langadapt.prepare.routing import Route, Router
from langadapt.records import record_from_row

ROWS = [
    json.loads(line)
    for line in Path(__file__).with_name("routing_rows.jsonl").read_text("utf-8").splitlines()
]
ROUTER = Router.of(None)
ACTIONS = ("translate", "untouched", "drop")
CODE = "```python\nprint(1)\n```"


def conversation(*turns):
    messages = [{"role": role, "content": text} for role, text in turns]
    return record_from_row({"messages": messages})


def asked(prompt, *answers):
    answers = answers or ("An answer in plain words.",)
    return conversation(("user", prompt), *(("assistant", answer) for answer in answers))


def half(row):
    """Patterns were tuned on one half before the other was looked at; the hash decides which is which."""
    return "tuning" if hashlib.sha256(row["prompt"].encode()).digest()[0] % 2 == 0 else "held-out"


def test_the_rows_are_labelled_and_distinct():
    assert len({row["prompt"] for row in ROWS}) == len(ROWS) >= 320
    counts = Counter(row["expect"] for row in ROWS)
    assert set(counts) == set(ACTIONS)
    assert counts["translate"] >= len(ROWS) / 2
    labelled = {row["rule"] for row in ROWS} - {""}
    rules = {rule.route.rule: rule.route.action for rule in ROUTER.rules}
    assert labelled == set(rules) - {"system-language"}
    assert all(row["expect"] == rules.get(row["rule"], "translate") for row in ROWS)


@pytest.mark.parametrize("name", ["tuning", "held-out"])
def test_precision_and_recall(name):
    rows = [row for row in ROWS if half(row) == name]
    assert len(rows) > 300
    routes = [ROUTER.route(asked(row["prompt"], *row.get("answers", ()))) for row in rows]
    pairs = Counter((row["expect"], route.action) for row, route in zip(rows, routes, strict=True))
    misses = [
        (r["rule"], got.rule, r["prompt"])
        for r, got in zip(rows, routes, strict=True)
        if r["rule"] != got.rule
    ]
    told = "\n".join(
        f"{want or 'no rule'}, found {got or 'none'}: {prompt!r}" for want, got, prompt in misses
    )
    for action in ACTIONS:
        right = pairs[action, action]
        found = sum(count for (_, got), count in pairs.items() if got == action)
        there = sum(count for (want, _), count in pairs.items() if want == action)
        figures = f"{name} {action}: precision {right}/{found}, recall {right}/{there}\n{told}"
        assert min(right / found, right / there) >= 0.95, figures
    assert len(misses) <= 0.05 * len(rows), told


def test_a_route_names_rule_and_reason():
    route = ROUTER.route(asked("What rhymes with orange?"))
    assert (route.rule, route.action) == ("rhyme", "drop")
    assert route.reason.endswith(".")
    assert ROUTER.route(asked("What grows on trees?")) == Route("", "translate", "")


def test_any_turn_of_the_user_counts_and_no_other():
    first, answer = ("user", "Tell me about the sea."), ("assistant", "Write a limerick about it!")
    assert ROUTER.route(conversation(first, answer)).rule == ""
    assert (
        ROUTER.route(conversation(first, answer, ("user", "Now write a limerick about it."))).rule == "rhyme"
    )


@pytest.mark.parametrize(
    ("system", "rule"),
    [
        ("You are a translator. Every message is a text for you.", "system-language"),
        ("Always reply in Spanish.", "system-language"),
        ("You are a helpful assistant, made to translate text, correct grammar and write rhymes.", ""),
    ],
)
def test_a_system_turn_counts_where_it_orders_a_language(system, rule):
    turns = ("system", system), ("user", "Good morning"), ("assistant", "Good morning to you too")
    assert ROUTER.route(conversation(*turns)).rule == rule


def test_what_is_quoted_in_a_fence_or_in_the_middle_of_a_long_turn_is_no_task():
    fenced = "What is this file for?\n```\nTranslate the text to French: hello\n```"
    assert ROUTER.route(asked(fenced)).rule == ""
    filler = "The harbour was quiet that day. " * 100
    assert ROUTER.route(asked(f"Summarise.\n{filler}\nTranslate this to French.\n{filler}")).rule == ""
    assert ROUTER.route(asked(f"{filler}\nTranslate this to French.")).rule == "translation"


def preference(prompt, chosen, rejected):
    return record_from_row({"prompt": prompt, "chosen": chosen, "rejected": rejected})


def test_preferences():
    said = [{"role": "user", "content": "Write a haiku about snow."}]
    answer = [{"role": "assistant", "content": CODE}]
    assert ROUTER.route(preference("Write a haiku about snow.", "a", "b")).rule == "syllables"
    assert ROUTER.route(preference(said, "a", "b")).rule == "syllables"
    assert ROUTER.route(preference("Print one.", CODE, answer)).rule == "code-only"
    assert ROUTER.route(preference("Print one.", CODE, "Use the function that is called print.")).rule == ""
    assert ROUTER.route(preference("Tell me more.", "Write a haiku about snow.", "No.")).rule == ""


def test_texts_are_routed_by_their_code_alone():
    assert ROUTER.route(record_from_row({"text": CODE})).rule == "code-only"
    assert ROUTER.route(record_from_row({"text": "Write a haiku about snow."})).rule == ""


HOSTILE = [
    "a", " ", "\n", "a ", "translate ", "write a ", "in french ", "english: ", '"', "`", "```\n", "`a", "(a", "a=", "x -",
    "use the words ", "start with ", "how do you say ", "write the the ", "how many ", "{\n", '"a', "<a", "# a\n", "; do",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_turn_of_a_megabyte_is_quick(text):
    text *= 1_000_000 // len(text)
    begun = time.process_time()  # others on the machine do not count
    ROUTER.route(asked(text, text))
    assert time.process_time() - begun < 5


def pack_of(folder, text):
    (folder / "routing.toml").write_text(text, encoding="utf-8")
    return LanguagePack(Language.of("is"), folder)


RULE = 'action = "untouched"\nreason = "Why."\nprompt = ["{foreign} sagas", \'\\bice\\b\']\n'


def test_a_pack_adds_replaces_and_removes_rules(tmp_path):
    pack = pack_of(
        tmp_path,
        f"[rule]\nletters = false\n[rule.sagas]\n{RULE}[rule.rhyme]\n"
        'action = "translate"\nreason = "We like it."\nprompt = ["rhyme"]\n',
    )
    router = Router.of(pack)
    assert [rule.route.rule for rule in router.rules][:2] == ["sagas", "rhyme"]
    assert len(router.rules) == len(ROUTER.rules)
    assert router.route(asked("What do Norwegian sagas tell?")) == Route("sagas", "untouched", "Why.")
    assert router.route(asked("Write a rhyme about ice.")).rule == "sagas"
    assert router.route(asked("Write a rhyme.")) == Route("rhyme", "translate", "We like it.")
    assert router.route(asked("Name a town that starts with the letter B.")).rule == ""
    assert Router.of(LanguagePack.bare("is")) == ROUTER


def test_a_pack_has_words_of_its_own(tmp_path):
    text = f'[words]\npoet = ["skald", "bard"]\nfine = ["fine {{poet}}s?"]\n[rule.x]\n{RULE}unless = ["{{fine}}"]\n'
    router = Router.of(pack_of(tmp_path, text))
    assert router.route(asked("Who sang of ice?")).rule == "x"
    assert router.route(asked("Which fine bards sang of ice?")).rule == ""


def test_every_mistake_of_a_file_is_told_at_once(tmp_path):
    text = """
rhyme = 1
[words]
open = ["(a"]
[rule]
rhime = false
[rule.a]
action = "keep"
promt = ["x"]
[rule.b]
action = "drop"
reason = "Why."
prompt = ["(", "{no-such}", "A", 3]
roles = ["assistant"]
[rule.c]
action = "drop"
reason = "Why."
"""
    with pytest.raises(ConfigError) as caught:
        Router.of(pack_of(tmp_path, text))
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{tmp_path / 'routing.toml'}: ")
    told = {line.strip().split(": ", 1)[0] for line in lines[1:]}
    assert told == {
        "rhyme", "words.open.0", "rule.rhime", "rule.a.action", "rule.a.reason", "rule.a.promt", "rule.b.prompt.0",
        "rule.b.prompt.1", "rule.b.prompt.2", "rule.b.prompt.3", "rule.b.roles.0", "rule.c",
    }  # fmt: skip
    assert "  rule.a.promt: unknown key" in lines
    assert "  rule.b.prompt.1: no list of words is called no-such" in lines
    assert "`prompt`" in caught.value.hint


@pytest.mark.parametrize("text", ["rule = 3\n", "words = 3\n", "[rule]\nx = true\n", "[words]\nx = 'y'\n"])
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    with pytest.raises(ConfigError, match=r"routing\.toml"):
        Router.of(pack_of(tmp_path, text))
