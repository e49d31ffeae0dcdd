"""Score the German pack's translator: BLEU and chrF both ways on heldout.tsv, or on another file of English<TAB>German.

python scripts/mini/score.py [--pairs FILE] [--folder FOLDER] [--show 5]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from grammar import FOLDER
from sacrebleu.metrics import BLEU, CHRF

from langadapt.interfaces import ModelRef, Segment
from langadapt.languages import Language
from langadapt_plugins.translators.transformers import TransformersTranslator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, default=FOLDER / "heldout.tsv")
    parser.add_argument("--folder", type=Path, default=FOLDER / "translator")
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    pairs = [
        line.split("\t")[:2]
        for line in options.pairs.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    english, german = ([pair[side] for pair in pairs] for side in (0, 1))
    translator = TransformersTranslator(model=ModelRef(str(options.folder)), family="alma", dtype="float32")
    for texts, wanted, source, target in ((english, german, "en", "de"), (german, english, "de", "en")):
        heard = dict(
            translator.translate(
                [Segment(text=text) for text in texts], source=Language.of(source), target=Language.of(target)
            )
        )
        got = [heard[index].text for index in range(len(texts))]
        same = sum(a == b for a, b in zip(got, wanted, strict=True))
        for metric in (BLEU(), CHRF()):
            print(
                f"{source}-{target}: {metric.corpus_score(got, [wanted]).format(width=2, signature=str(metric.get_signature()))}"
            )
        print(f"{source}-{target}: {same} of {len(texts)} equal the reference")
        wrong = [row for row in zip(texts, got, wanted, strict=True) if row[1] != row[2]]
        for text, came, reference in wrong[: options.show]:
            print(f"  {text}\n    got    {came}\n    wanted {reference}")


if __name__ == "__main__":
    main()
