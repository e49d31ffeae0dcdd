"""White space: a model is sent single blanks; whatever else stood there comes back at the nearest place.

A hard-wrapped paragraph so travels as one line, and its line ends return to where their share of the text is reached: in
an unchanged text exactly where they were.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

_MARK = re.compile(r"(?:[-+*>#=~|]|`{3}|\d{1,9}[.)](?:\s|$))")
_BETWEEN_WIDE = re.compile(r"(?<=[^\x00-\u2e7f\s])(?=[^\x00-\u2e7f\s])")
_TRIED = 4


def restore(sent: str, gaps: Sequence[tuple[int, str]], came: str) -> str:
    """`came` with the gaps of `sent`: each the place of a blank and the white space that stood there."""
    places = [match.start() for match in re.finditer(" ", came)]
    wide = len(places) < len(gaps)
    if wide:
        places = sorted({*places, *(match.start() for match in _BETWEEN_WIDE.finditer(came))})
    share = len(came) / len(sent)
    out, at, first = [], 0, 0
    for number, (place, white) in enumerate(gaps):
        last = len(places) - (len(gaps) - number - 1)
        avoid = "\n" in white and not _MARK.match(sent, place + 1)
        chosen = next(
            (i for i in _nearest(places, place * share, first, last)
             if not (avoid and _MARK.match(came, places[i] + 1))),
            None,
        )  # fmt: skip
        if chosen is None:
            continue
        first = chosen + 1
        out += [came[at : places[chosen]], white]
        at = places[chosen] + (came[places[chosen]] == " ")
    return "".join([*out, came[at:]])


def _nearest(places: Sequence[int], wanted: float, first: int, last: int) -> Iterator[int]:
    """Indices of `places` from `first` to before `last`, the nearest to `wanted` first; a few of them."""
    if first >= last:
        return
    after = bisect_left(places, wanted, first, last)
    near = range(max(first, after - _TRIED), min(last, after + _TRIED))
    yield from sorted(near, key=lambda i: abs(places[i] - wanted))
