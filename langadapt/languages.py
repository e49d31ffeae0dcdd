"""A language, and the pack that holds what is known of it. A pack is a folder of data; this file reads and checks it."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from langadapt.errors import ConfigError, DataError
from langadapt.records import Row, read_rows

# CLDR's scriptMetadata.txt, those in use today.
RIGHT_TO_LEFT = frozenset(
    {"Adlm", "Arab", "Aran", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa", "Yezi"}
)
_TOKENIZERS: Mapping[str, str] = {
    "Hans": "zh", "Hant": "zh", "Jpan": "char", "Thai": "char", "Laoo": "char", "Khmr": "char", "Mymr": "char", "Tibt": "char",
}  # fmt: skip


@dataclass(frozen=True)
class Language:
    """A language by its BCP 47 code; `name` is English, `native` its own, `script` ISO 15924."""

    code: str
    name: str
    native: str
    script: str

    def __hash__(self) -> int:
        return hash(self.code)  # filters look things up by language for each segment

    @classmethod
    def of(cls, code: str) -> "Language":
        """The language of a code, from CLDR's data; raises `ConfigError` for what is no code."""
        import langcodes
        from langcodes.tag_parser import LanguageTagError

        try:
            tag = langcodes.Language.get(code)
        except LanguageTagError as error:
            raise ConfigError(
                f"{code!r} is no language code", hint="use a BCP 47 code such as de or pt-BR"
            ) from error
        if not tag.is_valid() or tag.language in (None, "und", "zxx", "mul"):
            raise ConfigError(
                f"{code!r} is no language that is known", hint="use a BCP 47 code such as de or pt-BR"
            )
        return cls(tag.to_tag(), tag.display_name(), tag.autonym(), tag.maximize().script or "Zyyy")

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        """The direction of its script, as HTML writes it."""
        return "rtl" if self.script in RIGHT_TO_LEFT else "ltr"

    @property
    def bleu_tokenizer(self) -> str:
        """The tokenizer of sacrebleu that fits the script and asks for nothing more; where no space parts words, characters."""
        return _TOKENIZERS.get(self.script, "13a")

    @cached_property
    def flores(self) -> str:
        """The FLORES-200 code, such as `deu_Latn`; empty for a language that is not among them."""
        import langcodes

        short = langcodes.Language.get(self.code).language or self.code
        names, scripts = _flores()["members"], _flores()["scripts"]
        usual = langcodes.Language.get(short).maximize().script == self.script
        member = next(
            (names[way] for way in (self.code, f"{short}-{self.script}", short) if way in names), ""
        )
        code = f"{member or langcodes.Language.get(short).to_alpha3()}_{scripts.get(short, self.script) if usual else self.script}"
        return code if code in _flores()["codes"] else ""


@cache
def usual_codes() -> Mapping[str, str]:
    """The code by which a language usually goes, by that of the member which stands for it: `sw` for `swh`, `ar` for `arb`."""
    members = {member: code for code, member in _flores()["members"].items() if "-" not in code}
    return {"cmn": "zh", **members}  # of Chinese, FLORES takes the macrolanguage's own code


@cache
def _flores() -> Mapping[str, Any]:
    return read_toml(Path(__file__).with_name("flores.toml"))


@dataclass(frozen=True, eq=False)
class LanguagePack:
    """One language's folder: `pack.toml` and the data files beside it, each read when it is asked for; equal to itself only."""

    language: Language
    folder: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "LanguagePack":
        """Read and check a pack folder; raises `ConfigError` with every mistake of `pack.toml`."""
        path = folder / "pack.toml"
        facts = read_toml(path)
        _check_pack(facts, path)
        try:
            language = Language.of(facts["code"])
        except ConfigError as error:
            raise ConfigError(f"{path}: code: {error}", hint=error.hint) from error
        return cls(language, folder, facts)

    @classmethod
    def bare(cls, code: str) -> "LanguagePack":
        """What can be said of a language that has no pack."""
        return cls(Language.of(code))

    @property
    def default_recipe(self) -> str | None:
        """The recipe that `run` takes unless told otherwise."""
        return self.facts.get("recipe")

    @property
    def bleu_tokenizer(self) -> str:
        """The tokenizer that sacrebleu must use for this language."""
        return str(self.facts.get("bleu_tokenizer", self.language.bleu_tokenizer))

    @property
    def origin(self) -> str:
        """Where its settings come from: the pack's code, which may be that of the language that this is a variety of."""
        return f"pack {self.facts['code']}" if self.facts else f"no pack for {self.language.code}"

    @property
    def sets(self) -> Mapping[str, Mapping[str, list[str]]]:
        """Sets of tasks that are asked for by one name and never stand in one table: task names by benchmark, by set."""
        sets: Mapping[str, Mapping[str, list[str]]] = self.facts.get("sets", {})
        return sets

    @property
    def benchmarks(self) -> Mapping[str, list[str]]:
        """Task names by the benchmark that they are a version of, those of all sets too."""
        found: dict[str, list[str]] = {}
        for table in (self.facts.get("benchmarks", {}), *self.sets.values()):
            for benchmark, tasks in table.items():
                found[benchmark] = list(dict.fromkeys([*found.get(benchmark, ()), *tasks]))
        return found

    @property
    def words(self) -> Mapping[str, str]:
        """What task files call `{{ words.NAME }}`: the small words of `literals.toml`, and `[tasks]` of `prompts.toml`."""
        sentences = self.prompts.get("tasks", {})
        told = {**self.literals, **(sentences if isinstance(sentences, dict) else {})}
        return {name: text for name, text in told.items() if isinstance(text, str)}

    @cached_property
    def literals(self) -> Mapping[str, Any]:
        """Small words, number format and phrase lists."""
        return self._toml("literals.toml")

    @cached_property
    def prompts(self) -> Mapping[str, Any]:
        """Judge prompts."""
        return self._toml("prompts.toml")

    @cached_property
    def routing(self) -> Mapping[str, Any]:
        """Rules for records that are not translated, asked before those for every language."""
        return self._toml("routing.toml")

    @cached_property
    def probes(self) -> list[Row]:
        """Prompts that every checkpoint answers in the report."""
        return self.rows("probes.jsonl")

    def rows(self, name: str) -> list[Row]:
        """The rows of a JSON Lines file of the pack; none where the file is missing."""
        path = self.path(name)
        return [row for _, row in read_rows(path)] if path and path.exists() else []

    def path(self, name: str) -> Path | None:
        """A file of the pack; raises `ConfigError` for one outside its folder."""
        if self.folder is None:
            return None
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()):
            raise ConfigError(
                f"pack:{name} lies outside the pack {self.language.code}", hint="name a file of the pack"
            )
        return path

    def _toml(self, name: str) -> Mapping[str, Any]:
        path = self.path(name)
        return read_toml(path) if path and path.exists() else {}


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; raises `ConfigError` with path, line and column."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint="name a TOML file that can be read") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8", hint="save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}", hint="mend the TOML there") from error


def read_json(path: Path) -> Any:
    """The value of a JSON file; raises `DataError` with the path."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {error}", hint="name a JSON file that can be read") from error


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping of a YAML file; raises `ConfigError` with the path, for a tag that stands for code too."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        facts = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader
    except (OSError, ValueError, yaml.YAMLError) as error:
        tag = re.search(r"tag '(tag:[^']*|![^']*)'", str(getattr(error, "problem", "")))
        mark = getattr(error, "problem_mark", None)
        if tag and mark:
            raise ConfigError(
                f"{path}, line {mark.line + 1}: {tag[1]} is code, and a pack is data",
                hint="write it as Jinja",
            ) from error
        raise ConfigError(
            f"{path}: is no YAML ({' '.join(str(error).split())})", hint="mend it there"
        ) from error
    if not isinstance(facts, dict):
        raise ConfigError(f"{path}: holds no mapping", hint="a task file has `task` or `group`")
    return facts


def _check_pack(facts: Mapping[str, Any], path: Path) -> None:
    from pydantic import BaseModel, ConfigDict, ValidationError

    class Pack(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        code: str
        reviewed_by: list[str] = []
        license: str
        base: str | None = None
        recipe: str | None = None
        bleu_tokenizer: str | None = None
        benchmarks: dict[str, list[str]] = {}
        sets: dict[str, dict[str, list[str]]] = {}
        settings: dict[str, dict[str, dict[str, Any]]] = {}

    try:
        Pack.model_validate(facts)
    except ValidationError as error:
        raise ConfigError.of(
            mistakes(error), where=str(path), hint="docs/reference lists the keys of a pack"
        ) from error


def mistakes(error: Any) -> list[str]:
    """Each mistake that pydantic found, as `key: what is wrong`."""
    words = {"extra_forbidden": "unknown key", "missing": "missing"}
    return [
        f"{'.'.join(map(str, item['loc'])) or 'value'}: {words.get(item['type'], item['msg'])}"
        for item in error.errors(include_url=False)
    ]
