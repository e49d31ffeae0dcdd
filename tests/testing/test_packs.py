"""A small good pack, and one fault at a time: the contract names the file and what mends it, and no good pack fails."""

import shutil
from pathlib import Path

import pytest

from langadapt import registry
from langadapt.testing import PackContract, results
from testing.broken_packs import FAULTS, add, edit, turns
from testing.small_pack import EXEMPLAR, FILES, LITERALS, lines


@pytest.fixture
def pack(tmp_path):
    folder = tmp_path / "is"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def told(folder):
    made = type("TestPack", (PackContract,), {"folder": lambda _: folder})
    return {one.check.removeprefix("test_"): one for one in results(made)}


def failed(folder):
    return {name: one.message for name, one in told(folder).items() if one.outcome == "failed"}


def test_the_small_pack_is_good(pack):
    found = told(pack)
    assert len(found) >= 16
    assert {one.outcome for one in found.values()} == {"passed"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_file_and_what_mends_it(pack, fault):
    change, check, culprit, fix = FAULTS[fault]
    change(pack)
    found = failed(pack)
    assert check in found, found
    assert culprit in found[check]
    assert fix in found[check]
    assert pack.name in found[check]


def test_every_fault_is_told_at_once(pack):
    for fault in ("Python", "a script by another name", "a pickle by another name"):
        FAULTS[fault][0](pack)
    told_of = failed(pack)["holds_no_code"].splitlines()
    assert told_of[0] == f"{pack}: 3 to mend"
    assert len(told_of) == 4


@pytest.mark.parametrize(
    "name", ["prompts.toml", "routing.toml", "exemplars.jsonl", "glossary.tsv", "probes.jsonl"]
)
def test_what_a_pack_may_lack_is_left_out_and_seen(pack, name):
    (pack / name).unlink()
    found = told(pack)
    assert not failed(pack)
    skipped = [one.message for one in found.values() if one.outcome == "skipped"]
    assert all(f"is holds no {name}" in message for message in skipped)
    assert len(skipped) == (name != "probes.jsonl")


def test_a_disk_on_which_everything_may_be_executed_says_nothing(pack):
    for path in pack.rglob("*"):
        path.chmod(0o755)
    assert not failed(pack)


@pytest.mark.parametrize(
    ("code", "script", "said"),
    [("sr", "", "Который час?"), ("ja", "", "今は何時ですか。"), ("ar", "", "كم الساعة الآن؟"), ("az", '["Cyrl"]', "Saat neçədir?")],
)  # fmt: skip
def test_letters_are_those_of_the_language(pack, code, script, said):
    edit("pack.toml", '"is"', f'"{code}"')(pack)
    add("literals.toml", (f"scripts = {script}\n" if script else "") + LITERALS)(pack)
    add("exemplars.jsonl", lines(EXEMPLAR | {"messages": turns(said, f"{said} `date`")}))(pack)
    assert not failed(pack)
    if not script:
        add("exemplars.jsonl", lines(EXEMPLAR))(pack)
        assert "exemplar-1" in failed(pack)["exemplars"]


def test_a_link_inside_the_pack_is_none_of_the_contracts_business(pack):
    (pack / "mini" / "again.jsonl").symlink_to(Path("arc.jsonl"))
    assert not failed(pack)


def test_the_german_pack_with_a_fault_of_each_kind(tmp_path):
    folder = tmp_path / "de"
    german = registry.pack_folder(registry.find("language", "de"))
    shutil.copytree(german, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    assert not failed(folder)
    edit("tasks/leolm/mmlu_de/_template", "output_type", "process_docs: !function utils.docs\noutput_type")(
        folder
    )
    message = failed(folder)["tasks_hold_no_code"]
    assert "de/tasks/leolm/mmlu_de/virology.yaml: through _template" in message
    assert "de/tasks/mini/mmlu_de.yaml: through ../leolm/mmlu_de/_template" in message
