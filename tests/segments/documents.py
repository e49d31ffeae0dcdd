"""Documents made at random, in the marks of a probe. What is protected is made of words that nobody could guess."""

import re
from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st
from segments.probes import Pair, Probe, parse

Choice = TypeVar("Choice")
NARROWEST = 64
FILLERS = ("a", "so", "now", "then", "still", "almost", "perhaps", "possibly", "sometimes")
MARKS = re.compile("[⟦⟧⟪⟫]")
LETTERS = "bcdfghjkmnpqrtvwxz"
SCRIPTS = (
    ("the kettle", "a red door", "seven swans", "over there", "every evening", "without hurry", "and then", "too early"),
    ("eine alte Brücke", "große Äpfel", "über Nacht", "später im Jahr"),
    ("тихий вечер", "старая дорога", "и потом"),
    ("今天下雨", "明天再说", "山上的风"),
    ("صباح جميل", "على الطريق"),
)  # fmt: skip
INLINE = (
    "⟦`{a}`⟧", '⟦`{a}({b}, "{c}")`⟧', "⟦``{a} ` {b}``⟧", "⟦https://{a}.example.org/{b}?q={c}#{d}⟧", "⟦<https://{a}.example.org/{b}>⟧",
    "⟦www.{a}.example.org/{b}⟧", "⟦{a}.{b}@{c}.example.com⟧", "⟦/srv/{a}/{b}.conf⟧", "⟦~/{a}/{b}⟧", "⟦./{a}/{b}.sh⟧", "⟦src/{a}/{b}.py⟧",
    "⟦C:\\{a}\\{b}.txt⟧", "⟦{{{a}}}⟧", "⟦{{{{ {a} }}}}⟧", "⟦${{{a}}}⟧", "⟦%({a})s⟧", "⟦%s⟧", "⟦{{0}}⟧", "⟦<|{a}|>⟧", "⟦${a}_1 = {b}^2$⟧",
    "⟦\\({a}_1 + {b}\\)⟧", "⟦\\frac{{{a}}}{{{b}}}⟧", "⟦<code>{a} {b}</code>⟧", '⟦<img src="{a}.png" alt="{b}">⟧',
    '⟦<b class="{a}">⟧⟪{words}⟫⟦</b>⟧', "[⟪{words}⟫](⟦https://{a}.example.org/{b}_({c})⟧)", "![⟪{words}⟫](⟦img/{a}.png⟧)", "**⟪{words}⟫**", "*⟪{words}⟫*",
)  # fmt: skip
INLINE_IN_CELLS = tuple(template for template in INLINE if "|" not in template)
BODY = (
    "{a}({b})", "    {a} = {b}", "# {a} {b}", "- {a}", "> {a}", "| {a} | {b} |", "|---|---|", "", "{a}: {b}", "$ {a} {b}", "$${a}$$", "<p>{a}</p>",
    "https://{a}.example.org", "1. {a}", "\\begin{{{a}}}",
)  # fmt: skip
BLOCKS = (
    "⟦$$\n{a} = {b}_1 \\\\\n{c}\n$$⟧",
    "⟦\\[\n{a} \\cdot {b}\n\\]⟧",
    "⟦\\begin{{align}}\n{a} &= {b} \\\\\n{c} &= {d}\n\\end{{align}}⟧",
    '⟦<div id="{a}">⟧\n⟦<p data-{b}="{c}">⟧⟪{words}⟫⟦</p>⟧\n⟦</div>⟧',
    '⟦<script>\nlet {a} = "{b} {c}";\n</script>⟧',
    "⟦<pre>\n{a}\n  {b}\n</pre>⟧",
    '⟦Traceback (most recent call last):\n  File "{a}.py", line 3, in {b}\n    {c}({d})\nValueError: {d}⟧',
    '{{\n  ⟦"{a}":⟧ 1,\n  ⟦"{b}":⟧ {{⟦"{c}":⟧ [true, null]}}\n}}',
    "⟦<!-- {a}\n{b} -->⟧",
    "⟦$ pip install --{a} {b}⟧",
    "⟦sudo apt-get install {a} {b}⟧",
    "***",
    "| ⟪{words}⟫ | {inline} |\n⟦|:---|---:|⟧\n| {inline} | ⟪{words}⟫ |\n| ⟪{words}⟫ | 12 |",
    "## ⟪{words}⟫ {inline} ⟪{words}⟫",
    "# ⟪{words}⟫ #",
    "⟪{words}⟫\n⟦----------⟧",
)
FRONT = "⟦---⟧\n⟦{a}:⟧ 1\n⟦{b}:⟧\n  ⟦{c}:⟧ true\n⟦---⟧\n\n"


class Writer:
    """Writes marked text, every choice drawn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.one: list[Pair] = []

    def pick(self, choices: tuple[Choice, ...]) -> Choice:
        return self.draw(st.sampled_from(choices))

    def count(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def token(self) -> str:
        """Eight letters without a vowel: no part of any word."""
        number, letters = self.draw(st.integers(0, len(LETTERS) ** 8 - 1)), ""
        for _ in range(8):
            number, rest = divmod(number, len(LETTERS))
            letters += LETTERS[rest]
        return letters

    def words(self, scripts: tuple[tuple[str, ...], ...] = (SCRIPTS[0], *SCRIPTS)) -> str:
        script = self.pick(scripts)
        return " ".join(self.pick(script) for _ in range(self.count(1, 2)))

    def fill(self, template: str) -> str:
        """A template with a token for each letter, words, and spans that hold no bar."""
        while "{inline}" in template:
            template = template.replace("{inline}", self.pick(INLINE_IN_CELLS), 1)
        while "{words}" in template:
            template = template.replace("{words}", self.words(), 1)
        return template.format(**{name: self.token() for name in "abcd" if f"{{{name}}}" in template})

    def line(self, most: int) -> str:
        """Prose with a few spans inside, never at its beginning."""
        parts = [f"⟪{self.words(SCRIPTS[:2])}⟫"]
        for _ in range(self.count(0, most)):
            parts += [self.fill(self.pick(INLINE)), f"⟪{self.words()}⟫"]
        return " ".join(parts)

    def paragraph(self, most: int = 3) -> str:
        number = self.count(1, most)
        lines = [self.line(3 if number == 1 else 1) for _ in range(number)]
        width = max(NARROWEST, *(len(MARKS.sub("", line)) for line in lines))
        lines = [filled(line, width) for line in lines[:-1]] + lines[-1:]
        first, last = lines[0], lines[-1]
        self.one.append((first[1 : first.index("⟫")], last[last.rindex("⟪") + 1 : last.rindex("⟫")]))
        return "\n".join(lines) + self.pick((".", "!", ""))

    def fence(self) -> str:
        mark, size = self.pick(("`", "~")), self.count(3, 6)
        info = self.pick(("", "python", self.fill("{a} {b}")))
        other = {"`": "~", "~": "`"}[mark]
        body = [self.fill(self.pick(BODY)) for _ in range(self.count(0, 4))]
        body += [self.pick((other * 3, mark * (size - 1)))] * self.count(0, 2)
        closing = mark * (size + self.count(0, 2))
        return "\n".join([f"⟦{mark * size}{info}", *body, f"{closing}⟧"])

    def indented(self) -> str:
        lines = [self.fill("{a}({b})"), self.fill("  {c} {d}")]
        return f"{self.paragraph()}\n\n    ⟦{lines[0]}\n    {lines[1]}⟧"

    def items(self, depth: int) -> str:
        marks = self.pick((("- ",) * 3, ("* ",) * 3, ("1. ", "2. ", "3. "), ("- [ ] ", "- [x] ", "- ")))
        made = []
        for mark in marks[: self.count(1, 3)]:
            task = mark.startswith("- [")
            width = " " * (2 if task else len(mark))
            inner = [self.paragraph(1 if task else 3)] + [
                self.block(depth + 1) for _ in range(self.count(0, 1))
            ]
            made.append(prefixed("\n\n".join(inner), mark, width))
        return self.pick(("\n", "\n\n")).join(made)

    def quote(self, depth: int) -> str:
        inner = [self.paragraph()] + [self.block(depth + 1) for _ in range(self.count(0, 1))]
        mark = self.pick(("> ", ">")) if len(inner) == 1 else "> "
        return prefixed("\n\n".join(inner), mark, mark)

    def block(self, depth: int = 0) -> str:
        makers: list[Callable[[], str]] = [self.paragraph, self.fence, lambda: self.fill(self.pick(BLOCKS))]
        if depth == 0:
            makers.append(self.indented)
        if depth < 2:
            makers += [lambda: self.items(depth), lambda: self.quote(depth)]
        return self.pick(tuple(makers))()


def filled(line: str, width: int) -> str:
    """The line with words at its end, so long that no other word would have stood there."""
    while (room := width - len(MARKS.sub("", line)) - 1) > 0:
        line += f" {FILLERS[min(room, len(FILLERS)) - 1]}"
    return line


def prefixed(marked: str, first: str, rest: str) -> str:
    """The lines of a block inside a container."""
    head, *lines = marked.split("\n")
    return "\n".join([first + head, *((rest + line) if line else rest.rstrip() for line in lines)])


@st.composite
def documents(draw: st.DrawFn) -> Probe:
    """A document of a few blocks, with what is protected, wanted and one segment."""
    writer = Writer(draw)
    front = writer.fill(writer.pick(("", "", "", FRONT)))
    blocks = [writer.block() for _ in range(writer.count(1, 6))]
    text = (front or writer.pick(("", "\n"))) + blocks[0]
    text += "".join(writer.pick(("\n\n", "\n\n\n", "\n \n")) + block for block in blocks[1:])
    unclosed = f"\n\n⟦```{writer.token()}\n{writer.token()}⟧"
    text += writer.pick(("", "", unclosed)) or writer.pick(("", "\n", "  ", "\n\n"))
    return parse(f"made{writer.pick(('', '@crlf'))}", text, one=tuple(writer.one))
