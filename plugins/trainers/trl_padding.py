"""Which token fills rows up, the same for training and for what is checked before it."""

from typing import Any


def give_padding(tokenizer: Any) -> bool:
    """Give the tokenizer a padding token that is not the one that ends a text; false where there is no other than that."""
    if tokenizer.pad_token not in (None, tokenizer.eos_token):
        return True
    other = tokenizer.unk_token not in (None, tokenizer.eos_token)
    tokenizer.pad_token = tokenizer.unk_token if other else tokenizer.eos_token
    return other
