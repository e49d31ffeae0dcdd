"""The look before a training, told to the reader, and what stops it."""

from langadapt.errors import ConfigError
from langadapt.interfaces import Progress
from langadapt_plugins.trainers.preflight import Case, findings
from langadapt_plugins.trainers.preflight_rows import first_batch

_SHOWN = 240
"""Characters of the first row that are told; the whole batch lies in `first_batch.txt` beside it."""


def look(case: Case, progress: Progress, *, stop: bool) -> None:
    """Tell what is found and what is learned of the first row; raises `ConfigError` for what would ruin the training."""
    found = findings(case)
    ruined = [one for one in found if one.level == "error"]
    if ruined and stop:
        lines = [f"{one.what} ({one.setting.removeprefix('recipe:')})" for one in ruined]
        named = ", ".join(dict.fromkeys(one.setting.removeprefix("recipe:") for one in ruined))
        raise ConfigError.of(
            lines,
            where=f"trl-{case.method}, before it starts",
            hint=f"change {named}; stop_at_errors = false trains all the same",
        )
    for one in found:
        place = f" ({one.setting.removeprefix('recipe:')})" if one.setting else ""
        progress.say(f"  {one.level}: {one.what}{place}")
    if any(one.level == "error" and one.setting == "recipe:chat_template" for one in found):
        return
    rows = ["".join(f"[[{text}]]" if learned else text for text, learned in row) for row in first_batch(case)]
    if rows:
        short = (
            rows[0] if len(rows[0]) <= _SHOWN else f"{rows[0][: _SHOWN // 2]} ... {rows[0][-_SHOWN // 2 :]}"
        )
        progress.say(f"  first row, [[in the loss]]: {short!r}")
        file = case.job.output / "first_batch.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"\n{'-' * 80}\n".join(rows) + "\n", encoding="utf-8")
