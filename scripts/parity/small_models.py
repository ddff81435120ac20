"""Small models with seeded random weights and tokenizers trained on a few sentences: nothing has to be downloaded."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
    T5Config,
    T5ForConditionalGeneration,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

SENTENCES = """
A flea can live for about a hundred days on a dog or a cat, and in a carpet for much longer.
The bridge over the river was closed in winter because ice had damaged one of its pillars.
Query: how long do fleas live? Document: it depends on the host. Relevant: true or false.
Document0: trains cross the mountains twice a day. Document1: violins are made of spruce and maple.
Water boils at 100 degrees; at 3,000 metres it boils at about 90. Is this statement true? It is not false.
The committee's report (published in 1987) was never read by anyone, but it is quoted everywhere!
Übermorgen fährt der Zug nach Zürich, la pluie tombe à Genève, y en Bogotá hace sol.
""".split("\n")
WORDS = [word for sentence in SENTENCES for word in sentence.split()]

#: Short, so that random inputs of a few dozen words have to be cut.
LENGTH = 96


def words(rng: random.Random, least: int, most: int) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(least, most)))


def t5(folder: Path) -> None:
    torch.manual_seed(41)
    tokenizer = _kept("unigram", _unigram)
    size = tokenizer.get_vocab_size()
    config = T5Config(vocab_size=size, d_model=24, d_kv=8, d_ff=48, num_layers=2, num_heads=3, decoder_start_token_id=0)
    _save(
        folder,
        _shaken(T5ForConditionalGeneration(config)),
        tokenizer,
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
    )


def bert(folder: Path) -> None:
    torch.manual_seed(42)
    tokenizer = _kept("wordpiece", _wordpiece)
    config = BertConfig(**_sizes(tokenizer), num_labels=1)
    _save(folder, _shaken(BertForSequenceClassification(config)), tokenizer, **_BERT_TOKENS)


def roberta(folder: Path) -> None:
    torch.manual_seed(43)
    tokenizer = _kept("wordpiece", _wordpiece)
    config = RobertaConfig(**{**_sizes(tokenizer), "max_position_embeddings": LENGTH + 2}, num_labels=1, pad_token_id=0)
    # RoBERTa's positions begin behind the padding token's number.
    config.max_position_embeddings = LENGTH + 1 + config.pad_token_id + 1
    _save(folder, _shaken(RobertaForSequenceClassification(config)), tokenizer, **_BERT_TOKENS)


def xlm_roberta(folder: Path) -> None:
    torch.manual_seed(46)
    tokenizer = _kept("wordpiece", _wordpiece)
    config = XLMRobertaConfig(
        **{**_sizes(tokenizer), "max_position_embeddings": LENGTH + 2}, num_labels=1, pad_token_id=0
    )
    _save(folder, _shaken(XLMRobertaForSequenceClassification(config)), tokenizer, **_BERT_TOKENS)


def electra(folder: Path) -> None:
    torch.manual_seed(47)
    tokenizer = _kept("wordpiece", _wordpiece)
    config = ElectraConfig(**_sizes(tokenizer), embedding_size=16, num_labels=1)
    _save(folder, _shaken(ElectraForSequenceClassification(config)), tokenizer, **_BERT_TOKENS)


def deberta(folder: Path) -> None:
    torch.manual_seed(44)
    tokenizer = _kept("wordpiece", _wordpiece)
    config = DebertaV2Config(
        **_sizes(tokenizer),
        num_labels=1,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
        position_buckets=16,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        type_vocab_size=0,
        position_biased_input=False,
    )
    _save(folder, _shaken(DebertaV2ForSequenceClassification(config)), tokenizer, **_BERT_TOKENS)


def modernbert(folder: Path) -> None:
    torch.manual_seed(45)
    tokenizer = _kept("wordpiece", _wordpiece)
    config = ModernBertConfig(
        **_sizes(tokenizer),
        num_labels=1,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        cls_token_id=2,
        sep_token_id=3,
        global_attn_every_n_layers=2,
        local_attention=16,
    )
    names = ["input_ids", "attention_mask"]
    _save(
        folder, _shaken(ModernBertForSequenceClassification(config)), tokenizer, model_input_names=names, **_BERT_TOKENS
    )


_BERT_TOKENS = {"cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]"}


def _sizes(tokenizer: Tokenizer) -> dict[str, int]:
    return {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 48,
        "max_position_embeddings": LENGTH,
    }


def _shaken(model: torch.nn.Module) -> torch.nn.Module:
    """Fresh weights are so small that every input gets nearly the same answer: make them larger."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.4)
    return model.eval()


def _save(folder: Path, model: torch.nn.Module, tokenizer: Tokenizer, **tokens: object) -> None:
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=LENGTH, **tokens)
    fast.save_pretrained(folder)
    model.save_pretrained(folder)


def _kept(name: str, train: Callable[[], Tokenizer]) -> Tokenizer:
    """Training does not come out the same twice (it depends on the order of hashes), so its result is kept beside."""
    path = Path(__file__).with_name(f"{name}.json")
    if not path.exists():
        train().save(str(path))
    return Tokenizer.from_file(str(path))


def _unigram() -> Tokenizer:
    """Like T5's: sentencepiece unigram, each word with the space before it as "▁", "</s>" at the end."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Strip(left=False), normalizers.Replace(Regex(" {2,}"), "▁")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    data = json.loads(tokenizer.to_str())
    known = {token for token, _ in data["model"]["vocab"]}
    data["model"]["vocab"] += [[word, -6.0] for word in ("▁true", "▁false") if word not in known]
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer


def _wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer.train_from_iterator(
        SENTENCES, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer
