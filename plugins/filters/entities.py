# ruff: noqa: RUF001 - marks and letters of many scripts
"""Did what must come through as it is come through: placeholders, addresses, file names, fields and inline code?"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, NamedTuple

from annotated_types import Ge

from langadapt.interfaces import SegmentPair, Translation, Verdict
from langadapt.languages import Language, LanguagePack
from langadapt.segments import PLACEHOLDER
from langadapt_plugins.filters.segmentwise import Fault, Segmentwise

_SUSPECT = re.compile(r"[`{@~\\%]|<x|[./][A-Za-z_]|//")
_BLANK = re.compile(r"\s")
_WINDOW, _OVERLAP = 2200, 450
"""Characters that are searched at once around a mark, and of them those that the next search reads again: no code is longer."""
_LAST = (
    r"[^\s<>\"'`|\u2018-\u201f\u00ab\u00bb\u3001\u3002\uff0c\uff1a\uff1b\uff01\uff1f\uff08\uff09\u300c\u300d]"
)
_FILES = (
    "py|ipynb|js|mjs|jsx|ts|tsx|vue|html?|css|scss|json|jsonl|ya?ml|toml|ini|cfg|conf|xml|csv|tsv|txt|md|rst|tex|pdf|docx?|"
    "xlsx?|pptx?|odt|rtf|epub|png|jpe?g|gif|svg|webp|bmp|ico|tiff?|mp[34]|wav|flac|ogg|avi|mkv|mov|zip|tar|gz|tgz|bz2|xz|7z|rar|"
    "exe|dll|dylib|iso|deb|rpm|apk|jar|war|whl|cpp|hpp|java|kt|rs|rb|php|swift|lua|sql|sqlite|db|sh|bash|bat|ps1|log|lock|bak|tmp"
)
_DOMAINS = "com|org|net|edu|gov|io|ai|dev|info|biz|eu|uk|de|fr|ch|at|pl|jp|br|ca|ru|tr|ke|tz"
_ENTITY = re.compile(
    "|".join([
        rf"(?P<placeholder>{PLACEHOLDER.pattern})",
        r"(?P<code>(?<!`)(?P<ticks>`{1,2})(?!`)[^`\n]{1,400}(?<!`)(?P=ticks)(?!`))",
        rf"(?P<address>(?<![A-Za-z0-9])(?:(?:https?|ftps?|ssh|git|file|s3|wss?)://|mailto:|www\.){_LAST}{{1,2000}})",
        r"(?P<mail>(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9_-]{1,64}(?:\.[A-Za-z0-9_-]{1,64}){1,8})",
        (r"(?P<field>\{\{[^{}\n]{1,60}\}\}|[$#]?\{(?:[A-Za-z_][\w.]{0,60}|\d{0,2})\}|(?<![\w%])%(?:\([A-Za-z_]\w{0,60}\))?"
         r"(?:[sdfir]|\.\d[fge])(?![\w%'’]))"),
        rf"(?P<path>(?<![\w/.:~<-])(?:~|\.{{1,2}})?/(?:[A-Za-z0-9_.@+-]{{1,100}}/){{1,20}}[A-Za-z0-9_.@+-]{{0,100}}|(?<![A-Za-z0-9])[A-Z]:\\(?:{_LAST}){{1,300}})",
        rf"(?P<file>(?<![A-Za-z0-9_/.@-])(?:[A-Za-z0-9_-]{{1,100}}[./]){{1,12}}(?:{_FILES}|{_DOMAINS})(?![A-Za-z0-9_@])(?:/{_LAST}{{1,1000}})?)",
    ])
)  # fmt: skip
_TRAILING = ".,;:!?*_'’)]}…"
_FREE = {"placeholder": 0, "address": 0, "mail": 0, "field": 0, "code": 1, "path": 1, "file": 1}
"""How many more times than the source a translation may name what it names."""


class _Entity(NamedTuple):
    kind: str
    text: str
    start: int


@dataclass(frozen=True, kw_only=True)
class Entities(Segmentwise):
    """Drops a record where something that must stay as it is was lost, changed, doubled or invented.

    That is: the placeholders of a segment, web and mail addresses, file names and paths, fields such as {name} and %s, inline
    code; compared segment by segment, and text by text for what the segmenter put back. Endings that a language hangs
    on a name are no change.
    """

    most: Annotated[int, Ge(1), "entities of a segment, beyond which no more are looked for"] = 2000

    def fault(self, pair: SegmentPair, source: Language, pack: LanguagePack) -> Fault | None:  # noqa: ARG002 - the seam's names
        """The first entity that is not as the source has it."""
        return self._compared(pair.source, pair.target)

    def _judge(self, item: Translation, source: Language, pack: LanguagePack) -> Verdict:
        if not item.translated:
            return Verdict(keep=True)
        texts = zip(item.source.texts, item.target.texts, strict=False)
        whole = next(filter(None, (self._compared(sent, came) for sent, came in texts)), None)
        if not whole and not any("<x" in pair.source or "<x" in pair.target for pair in item.pairs):
            return Verdict(keep=True)
        verdict = super()._judge(item, source, pack)
        return Verdict(keep=False, reason=whole.reason) if whole and verdict.keep else verdict

    def _compared(self, sent: str, came: str) -> Fault | None:
        if not _SUSPECT.search(sent) and not _SUSPECT.search(came):
            return None
        wanted, found = _entities(sent, self.most), _entities(came, self.most)
        if [one.text for one in wanted] == [one.text for one in found]:
            return None
        counts = Counter(one.text for one in wanted)
        lost = next((one for one in wanted if not _stands(one.text, came)), None)
        new = next((one for one in found if one.text not in counts and not _known(one, counts, sent)), None)
        if lost:
            what = f"{_short(lost)} became {_short(new)}" if new else f"{_short(lost)} is missing"
            return Fault(f"entities: {what}", _span(new))
        if new:
            return Fault(f"entities: {_short(new)} is not in the source", _span(new))
        return _often(counts, found)


def _entities(text: str, most: int) -> list[_Entity]:
    """The entities of a text: looked for in the words around a mark that one must have."""
    found: list[_Entity] = []
    at = 0
    while len(found) < most and (mark := _SUSPECT.search(text, at)):
        begin = max(at, text.rfind(" ", at, mark.start()) + 1, text.rfind("\n", at, mark.start()) + 1)
        end = min(len(text), mark.end() + _WINDOW)
        if mark.group() not in ("`", "{") and (blank := _BLANK.search(text, mark.end(), end)):
            end = blank.start()
        match = _ENTITY.search(text, max(begin, mark.start() - _WINDOW), end)
        if match is None:
            at = end if end == len(text) or end < mark.end() + _WINDOW else max(mark.end(), end - _OVERLAP)
            continue
        kind, said = match.lastgroup or "", match.group()
        said = _trimmed(said) if kind in ("address", "path", "file") else said
        found.append(_Entity("code" if kind == "ticks" else kind, said, match.start()))
        at = match.end()
    return found


def _trimmed(address: str) -> str:
    """The address without the marks of the sentence that it stands in; a closing bracket stays with its opening one."""
    bare = address.rstrip(_TRAILING)
    rest = address[len(bare) :]
    return bare + ")" if rest.startswith(")") and bare.count("(") > bare.count(")") else bare


def _stands(entity: str, text: str) -> bool:
    """Whether a text has an entity, and nothing that would make it another one after it."""
    at = text.find(entity)
    while at >= 0:
        after = text[at + len(entity) : at + len(entity) + 1]
        before = text[at - 1 : at] if at else ""
        if not (_continues(entity[-1], after) or _continues(entity[0], before)):
            return True
        at = text.find(entity, at + len(entity))
    return False


def _continues(rim: str, beside: str) -> bool:
    return (
        beside.isascii()
        and (beside.isalnum() or beside == "_")
        and rim.isascii()
        and (rim.isalnum() or rim == "_")
    )


def _known(entity: _Entity, counts: Counter[str], sent: str) -> bool:
    """Whether the source has an entity in another form: with an ending, in another case, as part of a longer one."""
    if entity.kind == "placeholder":
        return False
    if entity.text in sent or (entity.kind == "file" and entity.text.casefold() in sent.casefold()):
        return True
    return any(
        entity.text.startswith(one) and not _continues(one[-1], entity.text[len(one) : len(one) + 1])
        for one in counts
        if entity.text[:4] == one[:4]
    )


def _often(counts: Counter[str], found: list[_Entity]) -> Fault | None:
    left = Counter(counts)
    for one in found:
        left[one.text] -= 1
        if one.text in counts and left[one.text] < -_FREE[one.kind]:
            return Fault(f"entities: {_short(one)} stands there once more than in the source", _span(one))
    return None


def _short(entity: _Entity) -> str:
    return entity.text if len(entity.text) <= 60 else entity.text[:57] + "..."


def _span(entity: _Entity | None) -> tuple[int, int] | None:
    return (entity.start, entity.start + len(entity.text)) if entity else None
