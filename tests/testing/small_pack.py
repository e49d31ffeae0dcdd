"""A small good pack of Icelandic, file by file."""

import json

FACTS = """
code = "is"
license = "Apache-2.0"
reviewed_by = []
base = "pack:mini/base"
[benchmarks]
arc = ["arc_is"]
[settings.filter.length]
at_least = 0.4
"""
LITERALS = """
question = "Spurning"
answer = "Svar"
options = "Kostir"
yes = "Já"
no = "Nei"
and = "og"
or = "eða"
translation = "Þýðing"
decimal_comma = true
quotes = ["„", "“"]
space = " "
[phrases]
refusal = ["Því miður get ég", "Ég er mállíkan"]
[address]
familiar = "þú þig þér"
"""
JUDGE = """
[judge.single]
system = "Þú metur svör. Skrifaðu einkunn svona: [[n]]"
template = "{question} {answer} {{x}}"
[judge.single-reference]
system = "Þú metur svör. Skrifaðu einkunn svona: [[n]]"
template = "{question} {reference} {answer}"
[judge.multi-turn]
system = "Þú metur svör. Skrifaðu einkunn svona: [[n]]"
template = "{question_1} {answer_1} {question_2} {answer_2}"
[judge.multi-turn-reference]
system = "Þú metur svör."
template = "{question_1} {reference_1} {answer_1} {question_2} {reference_2} {answer_2} [[n]]"
"""
ROUTING = r"""
[words]
cases = ["þolfall", "{programming}"]
[rule.icelandic-lesson]
action = "untouched"
reason = "A lesson."
prompt = ['''\b{cases}\b''']
[rule]
rhyme = false
"""
TASK = """
include: _template
task: arc_is
dataset_path: json
dataset_kwargs:
  data_files: {test: ../mini/arc.jsonl}
doc_to_text: "{{ question }}"
"""
EXEMPLAR = {
    "id": "exemplar-1",
    "messages": [
        {"role": "user", "content": "Hvað er klukkan?"},
        {"role": "assistant", "content": "Ég veit það ekki, en `date` segir þér það."},
    ],
    "source_messages": [
        {"role": "user", "content": "What time is it?"},
        {"role": "assistant", "content": "I do not know, but `date` tells you."},
    ],
}
PROBE = {"id": "poem", "prompt": "Ortu vísu um snjó."}
BENCH = {"id": "writing-1", "category": "writing", "turns": ["Skrifaðu bréf.", "Styttu það."], "reference": ["Kæra Anna", "Hæ"]}  # fmt: skip


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


FILES = {
    "pack.toml": FACTS,
    "literals.toml": LITERALS,
    "prompts.toml": JUDGE,
    "routing.toml": ROUTING,
    "exemplars.jsonl": lines(EXEMPLAR, EXEMPLAR | {"id": "exemplar-2"}),
    "probes.jsonl": lines(PROBE),
    "mt_bench.jsonl": lines(BENCH),
    "glossary.tsv": "english\ticelandic\tnote\nmodel\tlíkan\t\n",
    "README.md": "# Icelandic\n\nReview: not reviewed by a native speaker.\n",
    "recipes/mini.toml": 'extends = "phoenix"\nbase = "pack:mini/base"\n[source.chat]\npath = "pack:mini/arc.jsonl"\n',
    "tasks/arc_is.yaml": TASK,
    "tasks/_template": "output_type: multiple_choice\n",
    "mini/arc.jsonl": lines({"question": "Hvað?"}),
    "mini/base/config.json": "{}",
    "mini/base/model.safetensors": "#! a length may look like this",
}
