"""What judges write, read by us and by FastChat's patterns; and whether a judge's server can lose a verdict.

The cases are ours, ratings (`verdicts_replies.jsonl`) and choices between two answers (`choices_replies.jsonl`), their truth
apart (`verdicts_truth.json`, `choices_truth.json`; null: nothing to be read). The server stands on this machine and does wrong what it is told to; processes are killed with SIGKILL. Prints
`figure  measured  asked` for each figure, and fails where one is missed. `--wrong` prints what was read wrongly.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import Figure, heading, summed_up

from langadapt.progress import Silent
from langadapt_plugins.evaluators.asking import Endpoint
from langadapt_plugins.evaluators.judges import VERDICTS, ModelJudge
from langadapt_plugins.evaluators.pairwise_verdicts import preferred
from langadapt_plugins.evaluators.verdicts import rating

HERE = Path(__file__).parent
TESTS = HERE.parents[1] / "tests" / "plugins"
sys.path.insert(0, str(TESTS))

from judge_server import PROMPTS, JudgeServer, answers, expected  # noqa: E402 - the tests' server

FASTCHAT = (re.compile(r"\[\[(\d+\.?\d*)\]\]"), re.compile(r"\[(\d+\.?\d*)\]"))
"""FastChat's patterns and FastEval's, the second where the first finds nothing; the first match counts."""
CASES, IN_FLIGHT, KILLS, ROUNDS = 60, 8, 3, 100
WRONG = {
    "429 storms": lambda n: (429, {}) if n % 40 < 10 else None,
    "429 with Retry-After": lambda n: (429, {"retry-after": "0.02"}) if n % 3 == 0 else None,
    "time-outs": lambda n: "hang" if n % 50 == 7 else None,
    "half replies": lambda n: ("drop-half", "truncated")[n % 2] if n % 7 == 0 else None,
    "lost connections, 500s": lambda n: ("drop", (500, "lost"))[n % 2] if n % 7 == 0 else None,
}
ASK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from judge_server import PROMPTS, answers
from langadapt.progress import Silent
from langadapt_plugins.evaluators.asking import Endpoint
from langadapt_plugins.evaluators.judges import ModelJudge
who = Endpoint(model="judge", url=sys.argv[1], in_flight=int(sys.argv[4]))
ModelJudge(who=who, prompts=PROMPTS).rate(answers(int(sys.argv[5])), output=Path(sys.argv[2]), progress=Silent())
"""


def by_fastchat(reply: str) -> float | None:
    """What its patterns find; a crash of theirs (other scripts' digits) counts as nothing."""
    found = next((match for pattern in FASTCHAT if (match := pattern.search(reply))), None)
    return float(found[1]) if found and found[1].isascii() else None


def chosen_by_fastchat(reply: str) -> str | None:
    """What its games look for, in this order."""
    return next((side for side in "ABC" if f"[[{side}]]" in reply), None)


def reading(name: str, readers: dict[str, Callable[[str], Any]], *, wrong: bool) -> list[Figure]:
    """How many of the cases are read right, by kind."""
    lines = (HERE / f"{name}_replies.jsonl").read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    truth = json.loads((HERE / f"{name}_truth.json").read_text("utf-8"))
    right: dict[str, Counter[str]] = {reader: Counter() for reader in readers}
    for row in rows:
        kind = row["id"].rpartition("-")[0]
        for reader, read in readers.items():
            met = read(row["reply"]) == truth[row["id"]]
            right[reader].update([kind] * met)
            if wrong and not met and reader == "ours":
                print(f"{row['id']}: {row['reply']!r} is {truth[row['id']]}, read {read(row['reply'])}")
    kinds = Counter(row["id"].rpartition("-")[0] for row in rows)
    print(f"{'kind of case':<20}{'cases':>8}" + "".join(f"{reader:>12}" for reader in right))
    for kind, count in kinds.items():
        print(f"{kind:<20}{count:>8}" + "".join(f"{found[kind]:>12}" for found in right.values()))
    ours, theirs = (sum(found.values()) for found in right.values())
    return [
        Figure(f"{name}: hard cases", str(len(rows)), f">= {CASES}", len(rows) >= CASES),
        Figure(f"{name}: read right", f"{ours} of {len(rows)}", "all", ours == len(rows)),
        Figure(f"{name}: read right by FastChat's patterns", f"{theirs} of {len(rows)}"),
    ]


def faults() -> list[Figure]:
    """Verdicts that are lost or wrong, and tries beyond one for each fault, for each way a server goes wrong."""
    found = []
    for name, fault in WRONG.items():
        with (
            JudgeServer(fault=lambda n, _, fault=fault: fault(n)) as server,
            tempfile.TemporaryDirectory() as at,
        ):
            who = Endpoint(model="judge", url=server.url, in_flight=IN_FLIGHT, timeout=1.0)
            judged = ModelJudge(who=who, prompts=PROMPTS).rate(
                answers(ROUNDS), output=Path(at), progress=Silent()
            )
            values = {(item.id, item.turn): item.value for item in judged.ratings}
            bad = sum(values.get(key) != value for key, value in expected(ROUNDS).items())
            asked = len(server.asked)
            more = asked - 2 * ROUNDS - sum(fault(n) is not None for n in range(1, asked + 1))
        found.append(Figure(f"{name}: verdicts lost", f"{bad} of {2 * ROUNDS}", "0", bad == 0))
        found.append(Figure(f"{name}: asked again without a fault", str(more), "0", more == 0))
    return found


def kills() -> list[Figure]:
    """The same for a process that is killed in the middle, and started again."""
    with JudgeServer(slow=0.02) as server, tempfile.TemporaryDirectory() as at:
        words = [sys.executable, "-c", ASK, server.url, at, str(TESTS), str(IN_FLIGHT), str(ROUNDS)]
        for number in range(1, KILLS + 1):
            running = subprocess.Popen(words)
            while running.poll() is None and len(server.asked) < number * 45:
                time.sleep(0.002)
            running.send_signal(signal.SIGKILL)
            if running.wait() != -signal.SIGKILL:
                raise SystemExit("the process ended before it was killed")
        subprocess.run(words, check=True)
        lines = (Path(at) / VERDICTS).read_text("utf-8").split("\n")
        kept = {
            (row["id"], row["turn"]): rating(row["reply"]) for row in map(json.loads, filter(None, lines))
        }
        bad = sum(kept.get(key) != value for key, value in expected(ROUNDS).items())
        again = sum(count - 1 for count in server.counts().values())
    most = KILLS * IN_FLIGHT
    return [
        Figure(f"{KILLS} times kill -9: verdicts lost", f"{bad} of {2 * ROUNDS}", "0", bad == 0),
        Figure(f"{KILLS} times kill -9: asked twice", str(again), f"<= {most} in flight", again <= most),
    ]


if __name__ == "__main__":
    wrong = "--wrong" in sys.argv
    figures = [
        *reading("verdicts", {"ours": rating, "FastChat's": by_fastchat}, wrong=wrong),
        *reading("choices", {"ours": preferred, "FastChat's": chosen_by_fastchat}, wrong=wrong),
        *faults(),
        *kills(),
    ]
    print(heading(), *figures, sep="\n")
    sys.exit(summed_up(figures))
