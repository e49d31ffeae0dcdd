"""Engines that do to a segment what models do: each a function of its text alone, the same every time."""

import re
import zlib
from collections.abc import Callable

PLACEHOLDER = re.compile(r"<x(\d+)>")
WORD = re.compile(r"<x\d+>|[^\W\d_]+")
ACCENTS = str.maketrans("aeiouAEIOU", "äéïöûÄÉÏÖÛ")
ANSWER = """Of course! Here is what I found:

1. First, open the page https://answers.example.net/first
2. Then run `reset --hard`

```python
print("this is not a translation")
```

| Name | Value |
|------|-------|
| {name} | %s |

# The end"""

Engine = Callable[[str], str]


def chosen(text: str, count: int) -> int:
    """A number below `count` that only the text decides."""
    return zlib.crc32(text.encode(errors="surrogatepass")) % count


def _one_placeholder(text: str, change: Callable[[str], str]) -> str:
    found = list(PLACEHOLDER.finditer(text))
    if not found:
        return text
    hit = found[chosen(text, len(found))]
    return text[: hit.start()] + change(hit[0]) + text[hit.end() :]


def identity(text: str) -> str:
    return text


def pseudo(text: str) -> str:
    """An honest translation: other letters, another length, every placeholder in its place."""

    def other(found: re.Match[str]) -> str:
        word = found[0]
        if PLACEHOLDER.fullmatch(word) or len(word) < 3:
            return word
        turned = word[0] + word[2:] + word[1] if len(word) > 4 else word
        return turned.translate(ACCENTS) + ("en" if len(word) > 4 else "")

    return WORD.sub(other, text)


def drop_all(text: str) -> str:
    return PLACEHOLDER.sub("", text)


def drop_one(text: str) -> str:
    return _one_placeholder(text, lambda _: "")


def repeat_one(text: str) -> str:
    return _one_placeholder(text, lambda mark: f"{mark} {mark}")


def repeat_all(text: str) -> str:
    return PLACEHOLDER.sub(r"<x\1><x\1>", text)


def reorder(text: str) -> str:
    marks = [found[0] for found in PLACEHOLDER.finditer(text)]
    return PLACEHOLDER.sub(lambda _: marks.pop(), text)


def swap_for_another(text: str) -> str:
    """One placeholder stands where another stood; that one is gone."""
    return PLACEHOLDER.sub("<x1>", text)


def renumber(text: str) -> str:
    return PLACEHOLDER.sub(lambda found: f"<x{int(found[1]) + 1}>", text)


def pad_number(text: str) -> str:
    return PLACEHOLDER.sub(lambda found: f"<x0{found[1]}>", text)


def translate_mark(text: str) -> str:
    return PLACEHOLDER.sub(r"<Platzhalter \1>", text)


def space_mark(text: str) -> str:
    return PLACEHOLDER.sub(r"< x \1 >", text)


def close_mark(text: str) -> str:
    return PLACEHOLDER.sub(r"<x\1></x\1>", text)


def other_brackets(text: str) -> str:
    return PLACEHOLDER.sub(r"[x\1]", text)


def capital_mark(text: str) -> str:
    return PLACEHOLDER.sub(r"<X\1>", text)


def escape_mark(text: str) -> str:
    return PLACEHOLDER.sub(r"&lt;x\1&gt;", text)


def glue_marks(text: str) -> str:
    return re.sub(r"\s*(<x\d+>)\s*", r"\1", text)


def invent_mark(text: str) -> str:
    return f"{text} <x{1 + chosen(text, 40)}>"


def upper(text: str) -> str:
    return text.upper()


def preamble(text: str) -> str:
    return f"Sure! Here is the translation:\n\n{text}"


def epilogue(text: str) -> str:
    return f"{text}\n\nNote: I kept the placeholders as they were."


def in_fence(text: str) -> str:
    return f"```\n{text}\n```"


def in_quotes(text: str) -> str:
    return f"„{text}“"


def in_backticks(text: str) -> str:
    return f"`{text}`"


def cut(text: str) -> str:
    return text[: max(1, len(text) // 2)]


def answer(text: str) -> str:
    return ANSWER


def answer_with_marks(text: str) -> str:
    """An answer of many lines that brings every placeholder along."""
    return f"{ANSWER}\n\n- {' '.join(found[0] for found in PLACEHOLDER.finditer(text))}"


def empty(text: str) -> str:
    return ""


def blank(text: str) -> str:
    return " \n"


def as_heading(text: str) -> str:
    return f"# {text}"


def as_item(text: str) -> str:
    return f"- {text}"


def as_quote(text: str) -> str:
    return f"> {text}"


def as_code(text: str) -> str:
    return f"    {text}"


def pipes(text: str) -> str:
    return text.replace(" ", " | ") if " " in text else f"| {text} |"


def double(text: str) -> str:
    return f"{text} {text}"


def add_tags(text: str) -> str:
    return f'<p class="new">{text}</p><br>'


def add_url(text: str) -> str:
    return f"{text} (https://added.example.net/page)"


def break_lines(text: str) -> str:
    return text.replace(" ", "\n")


def windows_lines(text: str) -> str:
    return text.replace(" ", "\r\n", 1 + chosen(text, 3))


def open_markup(text: str) -> str:
    """Marks that would take what follows with them."""
    return text + ("`", "```", "$$", "<!--", "**", "|")[chosen(text, 6)]


HONEST: tuple[Engine, ...] = (identity, pseudo)
HOSTILE: tuple[Engine, ...] = (
    *HONEST, drop_all, drop_one, repeat_one, repeat_all, reorder, swap_for_another, renumber, pad_number, translate_mark,
    space_mark, close_mark, other_brackets, capital_mark, escape_mark, glue_marks, invent_mark, upper, preamble, epilogue,
    in_fence, in_quotes, in_backticks, cut, answer, answer_with_marks, empty, blank, as_heading, as_item, as_quote, as_code,
    pipes, double, add_tags, add_url, break_lines, windows_lines, open_markup,
)  # fmt: skip
