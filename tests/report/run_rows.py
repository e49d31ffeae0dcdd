"""Rows of a run made by hand, with texts that would break a careless page."""

SCRIPT = '<script>alert("1")</script>'
STYLE, ARABIC = "</style></body>", "مرحبا بالعالم"
LONG = "Donaudampfschifffahrt" * 40
TALKS = {"source": "conversations", "license": "Apache-2.0"}
TALKS_AT = {"path": "HuggingFaceH4/ultrachat_200k", "revision": "abc"}
PAIRS = {"source": f"pairs {STYLE}", "license": "MIT"}


def conversation(n, lead="How do I cook", end="a soup for four people?"):
    talk = [
        ("user", f"{lead} {n} {end}"),
        ("assistant", "Wash the potatoes. Peel them.\n\n- Add salt.\n- Serve."),
    ]
    return {
        "id": f"c{n}",
        "messages": [{"role": role, "content": text} for role, text in talk],
        **TALKS,
        "origin": {**TALKS_AT, "row": n},
    }


def german(n):
    talk = [
        ("user", f"Wie koche ich {n} Suppe für vier Personen?"),
        (
            "assistant",
            f"Wasche die Kartoffeln. Schäle sie.\n\n- Salz {SCRIPT if n == 0 else 'dazu'}.\n- {LONG if n == 1 else 'Servieren'}.",
        ),
    ]
    return {
        "id": f"c{n}",
        "messages": [{"role": role, "content": text} for role, text in talk],
        **TALKS,
        "origin": {**TALKS_AT, "row": n},
    }


def preference(n, words=("Say hello.", "Hello there!", "No.")):
    prompt, good, bad = words
    answers = {
        name: [{"role": "assistant", "content": text}] for name, text in (("chosen", good), ("rejected", bad))
    }
    return {"id": f"p{n}", "prompt": f"{prompt} ({n})", **answers, **PAIRS}
