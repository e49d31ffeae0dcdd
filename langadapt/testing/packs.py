"""The contract of a language pack: data that reads, says where it comes from and who looked at it, and runs nothing."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest import SkipTest

from langadapt.errors import ConfigError, LangAdaptError
from langadapt.languages import Language, LanguagePack, read_toml
from langadapt.registry import KINDS, did_you_mean, find, installed, load
from langadapt.testing import pack_rows, pack_safety, pack_words
from langadapt.testing.contract import Contract

_UNFILLED = re.compile(r"#\s*fill in\b")
_DOWNLOADED = ("flores", "spm", "spBLEU")
"""How the names begin of sacrebleu's tokenizers whose models are fetched when they are used."""


class PackContract(Contract):
    """Subclass it with `folder`, which gives the pack's folder: the one that holds `pack.toml`."""

    kind = "language"

    def folder(self) -> Path:
        """The pack's folder."""
        raise NotImplementedError(
            f"{type(self).__qualname__} has no `folder`: let it return the pack's folder"
        )

    def test_pack_toml_is_right(self) -> None:
        """Known keys, and a language code that is one, written as everybody writes it."""
        code = self._pack.facts["code"]
        written = Language.of(code).code
        self._none([f"pack.toml: code is {code!r}: write {written!r}"] if written != code else [])

    def test_the_licence_is_stated(self) -> None:
        """An SPDX expression, so that a recipe's licence rule can read it."""
        from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

        said = str(self._pack.facts["license"])
        try:
            canonicalize_license_expression(said)
        except InvalidLicenseExpression:
            wrong = f"pack.toml: license is {said!r}, which is no SPDX expression"
            self._none([f"{wrong}: write one, such as Apache-2.0, or LicenseRef-NAME for a text of your own"])

    def test_the_review_is_stated(self) -> None:
        """`reviewed_by` names the speakers who read the pack, an empty list nobody; the README says the same."""
        self._none(self._review())

    def test_is_filled_in(self) -> None:
        """Values that are still marked `# fill in`, as `langadapt new` writes them, are named; such a pack works all the same."""
        left = [f"{path.name}: {', '.join(names)}" for path, names in self._unfilled() if names]
        if left:
            raise SkipTest(f"not filled in yet: {'; '.join(left)}")

    def test_files_are_what_they_say(self) -> None:
        """TOML, JSON and JSON Lines parse, text is UTF-8."""
        self._none(pack_rows.parsing(self.folder()))

    def test_literals(self) -> None:
        """The required words, the number format, phrases that are distinct."""
        self._none(pack_words.literals(self._pack))

    def test_prompts(self) -> None:
        """Prompts hold the placeholders that they are filled with; those of judges ask for a rating that can be read."""
        self._needs("prompts.toml", "it has no prompts of its own")
        self._none(pack_words.prompts(self._pack))

    def test_routing(self) -> None:
        """Rules have an action and a reason, and their patterns compile."""
        self._needs("routing.toml", "it has no rules of its own")
        self._none(pack_words.routing(self._pack))

    def test_exemplars(self) -> None:
        """Good translations with the source of every turn, in the language's script."""
        self._needs("exemplars.jsonl", "it has no good translations that filters must keep")
        self._none(pack_rows.exemplars(self._pack))

    def test_questions(self) -> None:
        """Probes and MT-Bench questions are complete, with ids of their own."""
        self._none(pack_rows.questions(self._pack))

    def test_glossary(self) -> None:
        """Each term has a translation, and stands there once."""
        self._needs("glossary.tsv", "it has no terms")
        self._none(pack_rows.glossary(self._pack))

    def test_holds_no_code(self) -> None:
        """No program, no pickle, nothing that may be executed."""
        self._none(pack_safety.programs(self.folder()))

    def test_links_stay_inside(self) -> None:
        """No link leads out of the folder."""
        self._none(pack_safety.links(self.folder()))

    def test_tasks_hold_no_code(self) -> None:
        """No `!function`, not through an include either; no code asked for from elsewhere; data files that are there."""
        self._none(pack_safety.tasks(self.folder()))

    def test_task_words(self) -> None:
        """Task files ask only for words that the pack has, and each sentence of `[tasks]` is asked for."""
        self._none(pack_words.task_words(self._pack))

    def test_paths_are_in_the_pack(self) -> None:
        """Every `pack:PATH` of `pack.toml` and of the recipes names a file or folder of the pack."""
        self._none(self._paths())

    def test_bleu_tokenizer(self) -> None:
        """One that sacrebleu knows, and need not fetch anything for."""
        from sacrebleu.metrics import BLEU

        known = [name for name in BLEU.TOKENIZERS if not name.startswith(_DOWNLOADED)]
        said = self._pack.bleu_tokenizer
        why = "is fetched when it is used" if said.startswith(_DOWNLOADED) else "is not known to sacrebleu"
        self._none(
            []
            if said in known
            else [f"pack.toml: bleu_tokenizer {said!r} {why}: take one of {', '.join(known)}"]
        )

    def test_settings_and_benchmarks(self) -> None:
        """Settings are of components that are installed and of fields that they have; benchmarks name their tasks."""
        self._none([*self._settings(), *self._benchmarks()])

    @cached_property
    def _pack(self) -> LanguagePack:
        try:
            return LanguagePack.read(self.folder())
        except LangAdaptError as error:
            raise AssertionError(f"{error}: {error.hint}") from error

    def _none(self, findings: Iterable[str]) -> None:
        """Fail with every finding, where there are any."""
        folder = self.folder()
        try:
            found = [f"{folder.name}/{one}" for one in findings]
        except LangAdaptError as error:
            found = [f"{error}: {error.hint}"]
        assert not found, "\n".join([f"{folder}: {len(found)} to mend"] * (len(found) > 1) + found)

    def _needs(self, name: str, otherwise: str) -> None:
        if not (self.folder() / name).exists():
            raise SkipTest(f"{self.folder().name} holds no {name}: {otherwise}")

    def _review(self) -> Iterator[str]:
        people = self._pack.facts.get("reviewed_by")
        if people is None:
            yield "pack.toml: `reviewed_by` is missing: name the native speakers who read the pack, or write []"
            return
        path = self.folder() / "README.md"
        if not path.is_file():
            yield "README.md: is missing: say what the pack holds, where it comes from and who reviewed it"
            return
        text = path.read_text(encoding="utf-8").casefold()
        if not people and "not reviewed" not in text:
            yield "README.md: does not say that nobody reviewed the pack: write `Review: not reviewed by a native speaker.`"
        for one in people:
            if one.casefold() not in text:
                yield f"README.md: does not name {one}, whom pack.toml names: write `Review: {one}`"

    def _paths(self) -> Iterator[str]:
        folder = self.folder()
        for path in [folder / "pack.toml", *sorted((folder / "recipes").glob("*.toml"))]:
            for key, value in _leaves(read_toml(path)):
                scheme, _, name = value.partition(":")
                if scheme != "pack":
                    continue
                where = f"{path.relative_to(folder)}: {key}"
                try:
                    target = self._pack.path(name)
                except ConfigError as error:
                    yield f"{where}: {error}: {error.hint}"
                    continue
                if target is None or not target.exists():
                    yield f"{where}: {value} is not there: name a file or folder of the pack"

    def _unfilled(self) -> Iterator[tuple[Path, list[str]]]:
        for path in sorted(self.folder().glob("*.toml")):
            lines = path.read_text(encoding="utf-8").splitlines()
            yield (
                path,
                [line.lstrip("# ").partition("=")[0].strip() for line in lines if _UNFILLED.search(line)],
            )

    def _settings(self) -> Iterator[str]:
        for kind, tables in self._pack.facts.get("settings", {}).items():
            kinds = [name for name in KINDS if name != "language"]
            if kind not in kinds:
                yield f"pack.toml: settings.{kind}: no such kind: {did_you_mean(kind, kinds)}"
                continue
            names = [found.name for found in installed(kind)]
            for name, table in tables.items():
                where = f"pack.toml: settings.{kind}.{name}"
                if name not in names:
                    yield f"{where}: no {kind} is called that: {did_you_mean(name, names)}"
                    continue
                try:
                    fields = [item.name for item in dataclasses.fields(load(find(kind, name)))]
                except LangAdaptError:
                    continue  # it is not the pack's fault that a plugin is broken or claimed twice; `langadapt doctor` tells
                for key in table:
                    if key not in fields:
                        yield f"{where}.{key}: {name} has no such setting: {did_you_mean(key, fields)}"

    def _benchmarks(self) -> Iterator[str]:
        for family, tasks in self._pack.benchmarks.items():
            if not tasks or not all(one.strip() for one in tasks) or len(set(tasks)) < len(tasks):
                yield f"pack.toml: benchmarks.{family} is empty, or names a task twice: list its tasks, each once"


def _leaves(table: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a table, however deep, with its key."""
    if isinstance(table, str):
        yield key, table
    elif isinstance(table, Mapping):
        for name, value in table.items():
            yield from _leaves(value, f"{key}.{name}" if key else name)
    elif isinstance(table, list):
        for number, value in enumerate(table):
            yield from _leaves(value, f"{key}[{number}]")
