"""Sentences of a text."""


def sentences(text: str, code: str = "en") -> list[str]:
    """The sentences of a text in a language; joined they are the text."""
    from sentencex import segment

    parts: list[str] = []
    for part in segment(code.split("-", maxsplit=1)[0], text):
        if parts and not part.strip():
            parts[-1] += part
        else:
            parts.append(part)
    return parts
