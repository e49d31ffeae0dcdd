"""A small COMET checkpoint for quality estimation, made from nothing; run by a Python that holds unbabel-comet.

usage: PYTHON scripts/quality_checkpoint.py FOLDER < PAIRS, a JSON list of [source, target]

The layout and the class are those of a published model (`ReferencelessRegression` over XLM-RoBERTa); only sizes differ. It
learns to score each pair 1 and the same sources with another's target 0.
"""

# ruff: noqa: E402, S106 - warnings are silenced before the imports that warn; a token is no password
import json
import logging
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import pytorch_lightning as lightning
import torch
import yaml
from comet.models import ReferencelessRegression
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizerFast

STEPS, RATE, BATCH = 120, 2e-3, 32


def encoder(folder: Path, texts: list[str]) -> None:
    """A tokenizer and an XLM-RoBERTa of two layers."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        texts, trainers.UnigramTrainer(vocab_size=2_000, special_tokens=special, unk_token="<unk>")
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    made = XLMRobertaTokenizerFast(tokenizer_object=tokenizer, model_max_length=512)
    made.save_pretrained(folder)
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    config = XLMRobertaConfig(
        vocab_size=len(made),
        max_position_embeddings=514,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **sizes,
    )
    XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)


def trained(folder: Path, pairs: list[tuple[str, str]]) -> ReferencelessRegression:
    """The model after some steps of its own loss."""
    model = ReferencelessRegression(
        pretrained_model=str(folder),
        hidden_sizes=[64],
        dropout=0.0,
        local_files_only=True,
        layer_transformation="softmax",
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    draw = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        chosen = torch.randint(len(pairs), (BATCH,), generator=draw).tolist()
        others = torch.randint(1, len(pairs), (BATCH,), generator=draw).tolist()
        good = [{"src": pairs[i][0], "mt": pairs[i][1], "score": 1.0} for i in chosen]
        bad = [
            {"src": pairs[i][0], "mt": pairs[(i + shift) % len(pairs)][1], "score": 0.0}
            for i, shift in zip(chosen, others, strict=True)
        ]
        inputs, target = model.prepare_sample(good + bad)
        optimizer.zero_grad()
        model.compute_loss(model(**inputs), target).backward()
        optimizer.step()
    return model.eval()


def main() -> None:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    folder = Path(sys.argv[1])
    pairs = [(source, target) for source, target in json.load(sys.stdin)]
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    encoder(folder / "encoder", [text for pair in pairs for text in pair])
    model = trained(folder / "encoder", pairs)
    trainer = lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, max_epochs=0)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(folder / "checkpoints" / "model.ckpt", weights_only=True)
    (folder / "hparams.yaml").write_text(yaml.safe_dump(dict(model.hparams)), encoding="utf-8")


if __name__ == "__main__":
    main()
