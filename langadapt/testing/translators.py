"""The contract of a translator: what every engine must keep to, so that whatever stands around it may trust it."""

import re
from collections.abc import Generator, Sequence
from typing import Any, ClassVar, get_args
from unittest import SkipTest

from langadapt.errors import ConfigError, LangAdaptError
from langadapt.interfaces import Finish, Hypothesis, Origin, Segment, Translator
from langadapt.languages import Language
from langadapt.segments import PLACEHOLDER, fault
from langadapt.testing.components import ComponentContract

TEXTS = (
    "The train to the coast leaves at nine.",
    "Please close the window before you go to bed.",
    "My sister has two cats and a very old dog.",
    "Why is the shop on the corner closed today?",
    "She reads the newspaper every morning.",
    "We would like a table for four, please.",
)
MARKED = (
    "Run <x1> and find a file.",
    "Replace <x1> with <x2> in the file.",
    "The value of <x1> is 45.",
    "Open <x1> and read the second part of it.",
    "The result is in <x1>.",
    "Write to <x1> or call <x2> before noon.",
)
ODD = ("", "   ", "\n", "<x1>", "12 345,67", "🙂🙂", "a\x00b", "One line\nand another.", "…", "x")
_UNKNOWN = ("vo", "tlh")
_CONTEXT = "Invoice 90417 was paid in Reykjavik."
_SCRAP = re.compile(
    r"(?:[<＜‹]|&lt;|\\<)\s*/?\s*[xXхΧ]\s*\d+\s*/?\s*(?:[>＞›]|&gt;|\\>)|<[xX]\d+(?!\d|>)|(?<![\w<])[xX]\d+>"  # noqa: RUF001 - letters that look alike
)


class TranslatorContract(ComponentContract):
    """Subclass it with `make`; `source` and `target` are two languages between which it translates.

    `texts` are what it can translate, in the source language, and `marked` the same with placeholders: give your own
    where a translator knows few words. `long` is how many characters no model takes at once; what is longer than the
    translator takes costs nothing where it says so.
    """

    kind = "translator"
    source: ClassVar[str] = "en"
    target: ClassVar[str] = "de"
    texts: ClassVar[Sequence[str]] = TEXTS
    marked: ClassVar[Sequence[str]] = MARKED
    long: ClassVar[int] = 100_000

    def make(self) -> Translator:
        """A new translator."""
        made: Translator = super().make()
        return made

    def use(self, component: Any) -> Any:
        """Texts of two translations; where it may sample, only how many there are."""
        told = self._translated(self.texts[:2], component)
        return [one.text for one in told] if component.deterministic else len(told)

    def test_says_whether_it_is_deterministic(self) -> None:
        """`deterministic` is true or false, and `output_version` a whole number."""
        flag, version = self.component.deterministic, self.component.output_version
        assert isinstance(flag, bool), f"{self.named}.deterministic is {flag!r}: make it true or false"
        assert isinstance(version, int), f"{self.named}.output_version is {version!r}: begin with 1"

    def test_each_index_comes_once(self) -> None:
        """In any order, but no text is left out, doubled or made up, nor two that are the same."""
        self._translated([*self.texts, self.texts[0], *reversed(self.texts)])

    def test_no_texts_give_nothing(self) -> None:
        """Nothing in, nothing out."""
        got = list(self._asked(()))
        assert not got, f"{self.named} gave {got!r:.200} for no texts: return before the model is asked"

    def test_the_input_is_left_as_it_was(self) -> None:
        """The list of texts is the caller's."""
        given = [Segment(text=text) for text in self.texts]
        before = list(given)
        list(self._asked(given))
        assert given == before, (
            f"{self.named} changes the list that it is given: sort or cut a copy, `list(texts)`"
        )

    def test_the_same_twice(self) -> None:
        """What calls itself deterministic gives the same text for the same text."""
        self._needs_determinism()
        first = self._translated(self.texts)
        self._same(first, self._translated(self.texts), "the second time")
        self.renewed()
        self._same(first, self._translated(self.texts), "from a new component of the same settings")

    def test_the_same_alone_and_in_a_batch(self) -> None:
        """A translation does not depend on what else is translated: the memory keeps it for every other batch."""
        self._needs_determinism()
        alone = [self._translated([text])[0] for text in self.texts]
        self._same(alone, self._translated(self.texts), "in a batch")
        backwards = self._translated(self.texts[::-1])[::-1]
        self._same(alone, backwards, "in a batch in another order")

    def test_finished_or_not_is_said(self) -> None:
        """What is finished has a text; what is not says why. Empty and odd texts raise nothing."""
        texts = [*self.texts, *self.marked, *ODD]
        for text, hypothesis in zip(texts, self._translated(texts), strict=True):
            self._sound(text, hypothesis)

    def test_too_long_is_said(self) -> None:
        """A text that no model takes is not cut in silence, and those beside it are translated as ever."""
        words = " ".join(self.texts)
        text = " ".join(f"{number} {words}" for number in range(1 + self.long // len(words)))[: self.long]
        first, huge, last = self._translated([self.texts[0], text, self.texts[1]])
        self._sound("a text of many pages", huge)
        assert not huge.finished or len(huge.text) * 10 > len(text), (
            f"{self.named} made {len(huge.text)} characters of {len(text)} and calls that finished: "
            f"measure before you send, and answer with finish='too-long', or 'length' where the model did not end"
        )
        for given, hypothesis in zip(self.texts[:2], (first, last), strict=True):
            self._sound(given, hypothesis)

    def test_placeholders_survive(self) -> None:
        """Code, addresses and markup travel as `<x1>`, `<x2>`, ...: they come back whole, or it is not finished.

        `Retry`, which stands around every translator, finds a placeholder that is missing, doubled or made up, and sends
        such a text again in parts. So a model may lose one now and then; this check fails where most are lost, since every
        text with code would be paid for twice, and wherever `Retry` sees nothing: a scrap such as `< x1 >` or `&lt;x1&gt;`
        beside the whole ones.
        """
        lost: list[str] = []
        for text, hypothesis in zip(self.marked, self._translated(self.marked), strict=True):
            self._sound(text, hypothesis)
            if not hypothesis.finished:
                continue
            came = hypothesis.text.strip()
            if reason := fault(text, came):
                lost.append(f"{text!r} became {came!r} ({reason})")
                continue
            scrap = _SCRAP.search(PLACEHOLDER.sub("", came))
            assert not scrap, (
                f"{self.named} answered {text!r} with {came!r}: {scrap and scrap[0]!r} is a broken placeholder; "
                f"bring back each `<x1>` to the letter, or answer with finish='error'"
            )
        assert 2 * len(lost) <= len(self.marked), (
            f"{self.named} loses, doubles or invents placeholders in {len(lost)} of {len(self.marked)} texts and calls "
            f"them finished: {lost[0]}; keep `<x1>` from the model's hands, or answer with finish='error' where "
            f"langadapt.segments.fault finds something"
        )

    def test_context_is_not_translated(self) -> None:
        """What a segment gives as context may be read, or refused with `ConfigError`, and does not come back."""
        segments = [Segment(text=text, context=_CONTEXT) for text in self.texts[:2]]
        try:
            told = list(self._asked(segments))
        except ConfigError:
            return
        for index, hypothesis in told:
            assert not (hypothesis.finished and "90417" in hypothesis.text), (
                f"{self.named} translated the context of {self.texts[index]!r} too: send it apart from the text, or not at all"
            )

    def test_an_unknown_language_is_refused_or_translated(self) -> None:
        """`ConfigError` says that a pair is not known; anything else is a crash in the middle of a run."""
        known = Language.of(self.source), Language.of(self.target)
        for code in _UNKNOWN:
            for pair in ((known[0], Language.of(code)), (Language.of(code), known[1])):
                try:
                    told = list(
                        self.component.translate((Segment(text="Hello."),), source=pair[0], target=pair[1])
                    )
                except ConfigError:
                    continue
                except Exception as error:
                    raise AssertionError(
                        f"{self.named} raises {type(error).__name__}: {error} for {pair[0].name} to {pair[1].name}; "
                        f"raise langadapt.errors.ConfigError with the languages that it knows"
                    ) from error
                for _, hypothesis in told:
                    self._sound("Hello.", hypothesis)

    def test_can_be_left_half_way(self) -> None:
        """Who takes only the first hypothesis leaves a translator that still works."""
        running = self._asked([Segment(text=text) for text in self.texts])
        next(running)
        running.close()
        self._translated(self.texts[:1])

    def _asked(self, texts: Sequence[Segment], component: Any = None) -> Generator[Any, None, None]:
        """What it yields for some segments."""
        source, target = Language.of(self.source), Language.of(self.target)
        try:
            told = (component or self.component).translate(texts, source=source, target=target)
            if hasattr(told, "__next__"):
                yield from told
                return
        except LangAdaptError:
            raise
        except (Exception, SystemExit) as error:
            said = f"{len(texts)} texts" if len(texts) != 1 else f"{texts[0].text!r:.80}"
            raise AssertionError(
                f"{self.named}.translate raises {type(error).__name__}: {error} for {said}: "
                f"answer with finish='error' and a reason for what cannot be translated"
            ) from error
        raise AssertionError(
            f"{self.named}.translate returns {type(told).__name__}: yield `index, hypothesis` as soon as each is known"
        )

    def _translated(self, texts: Sequence[str], component: Any = None) -> list[Hypothesis]:
        """The hypotheses in the order of the texts, each of which came once."""
        got: dict[int, Hypothesis] = {}
        for told in self._asked(tuple(Segment(text=text) for text in texts), component):
            pair = isinstance(told, tuple) and len(told) == 2 and isinstance(told[1], Hypothesis)
            assert pair, (
                f"{self.named} yields {told!r:.200}: yield an index and a langadapt.interfaces.Hypothesis"
            )
            index, hypothesis = told
            assert index in range(len(texts)), (
                f"{self.named} gave the index {index!r} for {len(texts)} texts: indices are places in the list, from 0"
            )
            assert index not in got, (
                f"{self.named} gave index {index} twice for {len(texts)} texts: yield each index exactly once"
            )
            got[index] = hypothesis
        missing = [index for index in range(len(texts)) if index not in got]
        assert not missing, (
            f"{self.named} gave nothing for {len(missing)} of {len(texts)} texts, the first {texts[missing[0]]!r:.80}: "
            f"yield each index exactly once, those of equal texts too, and what fails with finish='error'"
        )
        return [got[index] for index in range(len(texts))]

    def _sound(self, text: str, told: Hypothesis) -> None:
        """Whether a hypothesis is one that the rest can work with."""
        where = f"{self.named} answered {text!r:.80} with"
        assert told.finish in get_args(Finish), (
            f"{where} finish={told.finish!r}: it is one of {', '.join(get_args(Finish))}"
        )
        assert told.origin in get_args(Origin), (
            f"{where} origin={told.origin!r}: it is one of {', '.join(get_args(Origin))}"
        )
        assert isinstance(told.text, str), f"{where} {told.text!r:.80}: a hypothesis holds text"
        assert not told.finished or told.text.strip(), (
            f"{where} an empty text and calls it finished: answer with finish='error' and a reason"
        )
        assert told.finished or told.reason.strip(), (
            f"{where} finish={told.finish!r} and no reason: say why in `reason`, the held rows show it"
        )
        counts = (told.tokens_in, told.tokens_out)
        assert all(isinstance(n, int) and n >= 0 for n in counts), (
            f"{where} tokens {counts}: these are counts, 0 where they are not known"
        )

    def _same(self, first: Sequence[Hypothesis], second: Sequence[Hypothesis], when: str) -> None:
        for text, one, other in zip(self.texts, first, second, strict=True):
            assert (one.text, one.finish) == (other.text, other.finish), (
                f"{self.named} calls itself deterministic, and {text!r} became {one.text!r} ({one.finish}), "
                f"but {other.text!r} ({other.finish}) {when}: seed or switch off sampling and keep state out of it, "
                f"or let `deterministic` be false"
            )

    def _needs_determinism(self) -> None:
        if not self.component.deterministic:
            raise SkipTest(f"{self.named}.deterministic is false: the same text may come back otherwise")
