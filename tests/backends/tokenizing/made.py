"""Tokenizers of every kind, made here: small vocabularies whose special tokens are spelled like real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer

Kind = Literal["wordpiece", "wordpiece-cased", "wordlevel", "unigram", "unigram-plain", "bytes", "bytes-whole"]
KINDS: tuple[Kind, ...] = (
    "wordpiece",
    "wordpiece-cased",
    "wordlevel",
    "unigram",
    "unigram-plain",
    "bytes",
    "bytes-whole",
)

ROUND = ["<s>", "</s>", "<pad>", "<mask>"]
SQUARE = ["[CLS]", "[SEP]", "[PAD]", "[MASK]"]
#: Added beside them: one that is called special, and two that are not.
ADDED = ["<extra_id_0>", "<|im_end|>", "<tool_call>"]
_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<>[]|/_.,!?-"


def special_names(kind: Kind) -> list[str]:
    return [*(SQUARE if kind.startswith("word") else ROUND), *ADDED]


def made_tokenizer(kind: Kind) -> Tokenizer:
    """Reads any ASCII text; "good", "bad" and "word" are tokens."""
    begin, end = special_names(kind)[:2]
    tokenizer = {"word": _words, "unig": _unigram, "byte": _bytes}[kind[:4]](kind)
    numbers = {name: tokenizer.token_to_id(name) for name in (begin, end)}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", pair=f"{begin} $A {end} $B {end}", special_tokens=list(numbers.items())
    )
    return tokenizer


def made_folder(folder: Path, kind: Kind, *, max_length: int = 64) -> Path:
    """A folder with a tokenizer and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    made_tokenizer(kind).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": max_length}))
    return folder


def _words(kind: Kind) -> Tokenizer:
    names = ["[UNK]", *SQUARE, "good", "bad", "word", *_CHARACTERS]
    names += [] if kind == "wordlevel" else [f"##{character}" for character in _CHARACTERS]
    vocabulary = {name: number for number, name in enumerate(names)}
    if kind == "wordlevel":
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    else:
        tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    if kind == "wordpiece":
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    else:  # whole words between spaces: "[SEP]" is one of them
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([*SQUARE, "[UNK]", ADDED[0]])
    tokenizer.add_tokens(ADDED[1:])
    return tokenizer


def _unigram(kind: Kind) -> Tokenizer:
    pieces = [(name, 0.0) for name in ["<unk>", *ROUND]]
    pieces += [(piece, -1.0) for piece in ("▁good", "good", "▁bad", "bad", "▁word", "word", "▁")]
    pieces += [(character, -4.0) for character in _CHARACTERS] + [(ADDED[0], -2.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=False))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    if kind == "unigram":  # "plain" lists no special token at all: only its template does
        tokenizer.add_special_tokens([AddedToken(name, normalized=False) for name in [*ROUND, "<unk>", ADDED[0]]])
    tokenizer.add_tokens(ADDED[1:])
    return tokenizer


def _bytes(kind: Kind) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = BpeTrainer(
        vocab_size=300,
        show_progress=False,
        special_tokens=[*ROUND, ADDED[0]],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(["good bad word "] * 20, trainer)
    if kind == "bytes-whole":  # a word that is in the vocabulary is taken whole, special or not
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
        content = json.loads(tokenizer.to_str())
        content["model"]["ignore_merges"] = True
        tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens(ADDED[1:])
    return tokenizer
