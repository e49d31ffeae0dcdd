"""One fault at a time for the small pack: what is done to it, the check that finds it, what the message names, and the fix."""

from testing.small_pack import BENCH, EXEMPLAR, lines


def edit(name, old, new=""):
    """A fault: in the file of that name, `old` becomes `new`."""

    def change(folder):
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def add(name, content=""):
    """A fault: a file more, or another in its place."""

    def change(folder):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))

    return change


def remove(name):
    return lambda folder: (folder / name).unlink()


def link(name, target):
    return lambda folder: (folder / name).symlink_to(target)


def task(line):
    return edit("tasks/arc_is.yaml", "doc_to_text", f"{line}\ndoc_to_text")


def exemplar(**changes):
    return add("exemplars.jsonl", lines(EXEMPLAR, EXEMPLAR | {"id": "exemplar-2"} | changes))


def turns(*texts):
    return [{"role": role, "content": text} for role, text in zip(("user", "assistant"), texts, strict=False)]


def outside(folder):
    (folder.parent / "shared.yaml").write_text("doc_to_text: !function utils.text\n")
    edit("tasks/arc_is.yaml", "include: _template", "include: ../../shared.yaml")(folder)


def executable(folder):
    (folder / "glossary.tsv").chmod(0o755)


FAULTS = {
    "no pack.toml": (remove("pack.toml"), "pack_toml_is_right", "pack.toml", "name a TOML file"),
    "unknown key": (edit("pack.toml", "base", "bsae"), "pack_toml_is_right", "bsae", "lists the keys of a pack"),
    "no such language": (edit("pack.toml", '"is"', '"xx"'), "pack_toml_is_right", "code: 'xx'", "BCP 47"),
    "code of another form": (edit("pack.toml", '"is"', '"isl"'), "pack_toml_is_right", "pack.toml: code", "write 'is'"),
    "no licence": (edit("pack.toml", 'license = "Apache-2.0"'), "the_licence_is_stated", "pack.toml", "lists the keys"),
    "licence in words": (edit("pack.toml", "Apache-2.0", "free to use"), "the_licence_is_stated", "pack.toml: license", "such as Apache-2.0"),
    "no word on review": (edit("pack.toml", "reviewed_by = []"), "the_review_is_stated", "pack.toml: `reviewed_by`", "or write []"),
    "no README": (remove("README.md"), "the_review_is_stated", "README.md: is missing", "who reviewed it"),
    "README without review": (edit("README.md", "not reviewed"), "the_review_is_stated", "README.md", "write `Review:"),
    "README without the reviewer": (edit("pack.toml", "[]", '["Ada Jónsdóttir"]'), "the_review_is_stated", "Ada Jónsdóttir", "write `Review:"),
    "TOML that does not parse": (add("recipes/other.toml", "a = \n"), "files_are_what_they_say", "recipes/other.toml", "mend the TOML"),
    "JSON Lines that does not parse": (add("mini/more.jsonl", '{"a": 1}\n{"a"\n'), "files_are_what_they_say", "mini/more.jsonl: line 2", "one JSON object"),
    "JSON that does not parse": (add("mini/base/config.json", "{"), "files_are_what_they_say", "mini/base/config.json", "mend it"),
    "not UTF-8": (add("glossary.tsv", "a\tþ".encode("latin-1")), "files_are_what_they_say", "glossary.tsv: is not UTF-8", "save it"),
    "a word is missing": (edit("literals.toml", 'question = "Spurning"'), "literals", "literals.toml: `question`", "give the word"),
    "a word is blank": (edit("literals.toml", '"Svar"', '" "'), "literals", "literals.toml: `answer`", "give the word"),
    "no number format": (edit("literals.toml", "decimal_comma = true"), "literals", "`decimal_comma`", "true where"),
    "number format as text": (edit("literals.toml", "= true", '= "yes"'), "literals", "`decimal_comma`", "true where"),
    "no quotes": (edit("literals.toml", '["„", "“"]', '["„"]'), "literals", "`quotes`", "opening and the closing"),
    "no literals at all": (remove("literals.toml"), "literals", "literals.toml: `question`", "give the word"),
    "a phrase twice": (edit("literals.toml", "Ég er mállíkan", "því miður get ég"), "literals", "phrases.refusal", "remove one"),
    "an empty phrase": (edit("literals.toml", "Ég er mállíkan"), "literals", "phrases.refusal", "leave it out"),
    "phrases that nothing reads": (edit("literals.toml", "refusal =", "refusals ="), "literals", "phrases.refusals", "the lists are"),
    "address that is no pattern": (edit("literals.toml", "þú þig", "þú( þig"), "literals", "address.familiar", "mend it"),
    "unknown placeholder": (edit("prompts.toml", "{answer} {{x}}", "{answer} {reply}"), "prompts", "prompts.toml: judge.single", "it takes {answer}, {question}"),
    "missing placeholder": (edit("prompts.toml", "{reference} "), "prompts", "judge.single-reference", "is missing"),
    "a lone brace": (edit("prompts.toml", "{{x}}", "{x"), "prompts", "judge.single", "write a brace that is text twice"),
    "a placeholder that nothing fills": (edit("prompts.toml", "Þú metur svör.", "{question}"), "prompts", "judge.single.system", "move it there"),
    "no rating asked": (edit("prompts.toml", "[[n]]", "n"), "prompts", "judge.single", "written as [[n]]"),
    "a prompt is missing": (edit("prompts.toml", "judge.multi-turn]", "judge.multi]"), "prompts", "judge.multi-turn is missing", "all four"),
    "a rule that does not compile": (edit("routing.toml", r"\b{cases}\b", r"\b({cases}\b"), "routing", "rule.icelandic-lesson", "mend it"),
    "a rule with an unknown list": (edit("routing.toml", "{programming}", "{programing}"), "routing", "words.cases", "add it to [words]"),
    "a rule without a reason": (edit("routing.toml", 'reason = "A lesson."'), "routing", "rule.icelandic-lesson", "give both"),
    "a rule in capitals": (edit("routing.toml", r"\b{cases}\b", "Þú ert ICELANDIC"), "routing", "rule.icelandic-lesson", "lower case"),
    "an exemplar without source": (exemplar(source_messages=turns("What time is it?")), "exemplars", "exemplars.jsonl: exemplar-2", "the source of each turn"),
    "an exemplar left in English": (exemplar(messages=EXEMPLAR["source_messages"]), "exemplars", "exemplar-2", "translate it"),
    "an exemplar of another script": (exemplar(messages=turns("Который час?", "Я не знаю, спросите кого-нибудь.")), "exemplars", "exemplar-2: 0 of", "write it in Icelandic"),
    "an id twice": (exemplar(id="exemplar-1"), "exemplars", "'exemplar-1' stands there twice", "give each row its own"),
    "no id": (add("exemplars.jsonl", lines({k: v for k, v in EXEMPLAR.items() if k != "id"})), "exemplars", "row 1 has no `id`", "one of its own"),
    "a probe without prompt": (add("probes.jsonl", lines({"id": "poem", "text": "x"})), "questions", "probes.jsonl: poem", "give what is asked"),
    "one turn": (add("mt_bench.jsonl", lines(BENCH | {"turns": ["a"]})), "questions", "mt_bench.jsonl: writing-1", "give both questions"),
    "one reference": (add("mt_bench.jsonl", lines(BENCH | {"reference": ["a"]})), "questions", "mt_bench.jsonl: writing-1", "give both, or none"),
    "a term without translation": (add("glossary.tsv", "english\ticelandic\tnote\nmodel\t\t\n"), "glossary", "glossary.tsv, line 2", "tabs between"),
    "a term twice": (edit("glossary.tsv", "model\tlíkan\t\n", "model\tlíkan\t\nmodel\tmódel\t\n"), "glossary", "'model'", "remove one"),
    "Python": (add("tasks/utils.py", "x = 1"), "holds_no_code", "tasks/utils.py", "remove it"),
    "compiled Python": (add("tasks/__pycache__/utils.cpython-311.pyc"), "holds_no_code", "utils.cpython-311.pyc", "remove it"),
    "a library": (add("mini/fast.so", b"\x7fELF"), "holds_no_code", "mini/fast.so", "remove it"),
    "a program by another name": (add("mini/notes.txt", b"\x7fELF\x02\x01"), "holds_no_code", "mini/notes.txt", "remove it"),
    "a script by another name": (add("mini/prepare", "#!/bin/sh\nrm -r ~\n"), "holds_no_code", "mini/prepare", "remove it"),
    "a pickle by another name": (add("mini/data", b"\x80\x04\x95"), "holds_no_code", "mini/data", "remove it"),
    "weights as a pickle": (add("mini/base/pytorch_model.bin", b"PK"), "holds_no_code", "pytorch_model.bin", "safetensors"),
    "a file that may be executed": (executable, "holds_no_code", "glossary.tsv", "chmod a-x"),
    "a link out of the pack": (link("secret", "/etc/hostname"), "links_stay_inside", "secret", "put a copy"),
    "a folder linked from elsewhere": (link("more", ".."), "links_stay_inside", "more", "put a copy"),
    "a link to nothing": (link("gone", "nowhere"), "links_stay_inside", "gone", "or remove it"),
    "a function in a task": (task("process_docs: !function utils.docs"), "tasks_hold_no_code", "tasks/arc_is.yaml: line", "write it as Jinja"),
    "a function by its long name": (task("process_docs: !<!function> utils.docs"), "tasks_hold_no_code", "tasks/arc_is.yaml: line", "write it as Jinja"),
    "a function by another tag": (task("process_docs: !!python/name:os.system"), "tasks_hold_no_code", "tasks/arc_is.yaml: line", "write it as Jinja"),
    "a function through an include": (add("tasks/_template", "doc_to_text: !function utils.text\n"), "tasks_hold_no_code", "tasks/arc_is.yaml: through _template: line 1", "write it as Jinja"),
    "an include of a file elsewhere": (outside, "tasks_hold_no_code", "tasks/arc_is.yaml: includes ../../shared.yaml", "put a copy of it"),
    "an include that is not there": (edit("tasks/arc_is.yaml", "_template", "_gone"), "tasks_hold_no_code", "includes _gone", "name a file of the pack"),
    "an include of itself": (edit("tasks/arc_is.yaml", "_template", "arc_is.yaml"), "tasks_hold_no_code", "includes it again", "break the circle"),
    "code from the Hub": (edit("tasks/arc_is.yaml", "data_files", "trust_remote_code: true\n  data_files"), "tasks_hold_no_code", "`trust_remote_code`", "remove it"),
    "code from the Hub through an include": (add("tasks/_template", "metadata: {x: [{trust_remote_code: yes}]}\n"), "tasks_hold_no_code", "tasks/arc_is.yaml: `trust_remote_code`", "remove it"),
    "unsafe code": (task("unsafe_code: true"), "tasks_hold_no_code", "`unsafe_code`", "remove it"),
    "data that are not there": (edit("tasks/arc_is.yaml", "arc.jsonl", "arg.jsonl"), "tasks_hold_no_code", "../mini/arg.jsonl", "name a file of the pack"),
    "data from elsewhere": (edit("tasks/arc_is.yaml", "../mini/arc.jsonl", "/etc/hostname"), "tasks_hold_no_code", "/etc/hostname", "put it into the pack"),
    "a task that is no YAML": (add("tasks/more.yaml", "a: [\n"), "tasks_hold_no_code", "tasks/more.yaml", "mend it"),
    "a path that is not there": (edit("recipes/mini.toml", "pack:mini/arc.jsonl", "pack:mini/chat.jsonl"), "paths_are_in_the_pack", "recipes/mini.toml: source.chat.path", "name a file or folder"),
    "a path out of the pack": (edit("recipes/mini.toml", "pack:mini/arc.jsonl", "pack:../is.jsonl"), "paths_are_in_the_pack", "recipes/mini.toml: source.chat.path", "name a file of the pack"),
    "a base that is not there": (edit("pack.toml", "pack:mini/base", "pack:mini/bass"), "paths_are_in_the_pack", "pack.toml: base", "name a file or folder"),
    "an unknown tokenizer": (edit("pack.toml", "base", 'bleu_tokenizer = "13b"\nbase'), "bleu_tokenizer", "'13b' is not known", "take one of"),
    "a tokenizer from the network": (edit("pack.toml", "base", 'bleu_tokenizer = "flores200"\nbase'), "bleu_tokenizer", "'flores200' is fetched", "take one of"),
    "settings of no kind": (edit("pack.toml", "settings.filter.", "settings.filters."), "settings_and_benchmarks", "settings.filters", "did you mean 'filter'"),
    "settings of no component": (edit("pack.toml", "filter.length", "filter.lenght"), "settings_and_benchmarks", "settings.filter.lenght", "did you mean 'length'"),
    "a setting that is none": (edit("pack.toml", "at_least", "at_leest"), "settings_and_benchmarks", "settings.filter.length.at_leest", "did you mean 'at_least'"),
    "a benchmark without tasks": (edit("pack.toml", '["arc_is"]', "[]"), "settings_and_benchmarks", "benchmarks.arc", "list its tasks"),
}  # fmt: skip
