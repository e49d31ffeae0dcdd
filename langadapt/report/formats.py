"""Numbers, spans of time and paths as a reader meets them."""

import math
from pathlib import Path
from typing import Any

NOTHING, MINUS = "\u2013", "\u2212"


def finite(value: Any) -> float | None:
    """The number, or None for what is missing or no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def count(value: Any) -> str:
    """A whole number with thin spaces between thousands."""
    number = finite(value)
    return NOTHING if number is None else f"{round(number):,}".replace(",", "\u202f")


def value(value: Any) -> str:
    """A measured number: three decimals below two, two above; very small ones in powers of ten."""
    number = finite(value)
    if number is None:
        return NOTHING
    if number != 0 and abs(number) < 0.001:
        return f"{number:.1e}"
    return f"{number:.3f}" if abs(number) < 2 else f"{number:.2f}"


def interval(pair: tuple[float, float] | None) -> str:
    """A confidence interval, or nothing."""
    return f"{value(pair[0])} to {value(pair[1])}" if pair else ""


def share(part: float, whole: float) -> str:
    """A part of a whole in per cent."""
    return f"{100 * part / whole:.0f}\u202f%" if whole else NOTHING


def duration(seconds: Any) -> str:
    """Seconds as a reader says them."""
    number = finite(seconds)
    if number is None:
        return NOTHING
    if number < 60:
        return f"{number:.1f} s"
    minutes, rest = divmod(round(number), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def reasons(why: dict[str, int]) -> str:
    """Reasons and how often each was given, the most frequent first."""
    return ", ".join(
        f"{one_line(reason)} {count(number)}"
        for reason, number in sorted(why.items(), key=lambda item: -item[1])
    )


def one_line(text: Any) -> str:
    """Text without line breaks and control characters, so that it cannot steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def place(text: str, folder: Path, pack: Path | None) -> str:
    """A path relative to the run or the pack; anything else as it is. Nobody else's disk belongs in a report."""
    path = Path(text)
    if path.is_absolute():
        for root, mark in ((folder, ""), (pack, "pack:")):
            if root and path.is_relative_to(root.resolve()):
                return f"{mark}{path.relative_to(root.resolve())}"
        return path.name
    return text


def bare(text: str) -> str:
    """The name of an absolute path; anything else as it is."""
    return Path(text).name if text.startswith("/") and Path(text).is_absolute() else text


def plain_value(value: Any) -> str:
    """A setting as it would be written."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(plain_value, value)) if isinstance(value, list | tuple) else str(value)


def signature_keys(signature: str) -> dict[str, str]:
    """The parts of a signature; words without a colon, which name evaluator and judge, under an empty key."""
    keys: dict[str, str] = {}
    for part in signature.split("|"):
        key, colon, told = part.partition(":")
        if colon:
            keys[key] = told
        else:
            keys[""] = f"{keys.get('', '')} {part}".strip()
    return keys


def asking(signature: str) -> str:
    """How a benchmark with examples was put to the model, in words; empty where the signature does not tell."""
    keys = signature_keys(signature)
    if not {"chat", "shots"} <= keys.keys():
        return ""
    if keys["chat"] == "no":
        return "as plain text"
    return f"in the chat template, {'examples in one turn' if keys.get('multiturn') == 'no' else 'examples as turns'}"
