"""Tokenizers from strangers: each ends in a typed error, and what would take for ever or fill the memory is never
loaded.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from rankkit.backends.tokenizing.checks import growth
from rankkit.backends.tokenizing.opening import open_tokenizer
from rankkit.backends.tokenizing.pairs import PairTokenizer
from rankkit.errors import InvalidModel
from tests.conftest import ROOT
from tests.tiny import tiny_tokenizer

SMALL: dict[str, Any] = json.loads(tiny_tokenizer().to_str())


def written(folder, content: object):
    (folder / "tokenizer.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def replaced(**parts: object) -> dict[str, Any]:
    return {**SMALL, **parts}


def replace(pattern: object, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def sequence(*steps: object) -> dict[str, Any]:
    return {"type": "Sequence", "normalizers": list(steps)}


def split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def charsmap(*replacements: str, trie: bytes = b"\0" * 8) -> dict[str, Any]:
    data = len(trie).to_bytes(4, "little") + trie + b"\0".join(text.encode() for text in replacements) + b"\0"
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(data).decode()}


HOSTILE: dict[str, object] = {
    "nothing": "",
    "no json": "{",
    "no object": "[]",
    "no model": "{}",
    "a model that is a list": '{"model": []}',
    "deep": "[" * 100_000,
    "deep in the middle": json.dumps(SMALL)[:-1] + ', "x": ' + "[" * 5000 + "]" * 5000 + "}",
    "an unknown type of model": replaced(model={"type": "Other"}),
    "no vocabulary": replaced(model={"type": "WordLevel", "vocab": {}, "unk_token": "x"}),
    "a negative id": replaced(model={**SMALL["model"], "vocab": {"a": -1}}),
    "an id beyond 64 bits": replaced(model={**SMALL["model"], "vocab": {"a": 2**70}}),
    "a growing sequence": replaced(normalizer=sequence(*[replace({"String": "a"}, "a" * 100)] * 5)),
    "a growing pattern": replaced(normalizer=sequence(*[replace({"Regex": "[a-z]"}, "ab" * 20)] * 3)),
    "everywhere": replaced(normalizer=sequence(*[replace({"Regex": "x*"}, "a")] * 20)),
    "nested": replaced(normalizer=sequence(*[sequence(*[replace({"String": "q"}, "qqqqqqqq")] * 4)] * 4)),
    "prepended": replaced(normalizer={"type": "Prepend", "prepend": "a" * 100_000}),
    "bytes of bytes": replaced(
        pre_tokenizer={
            "type": "Sequence",
            "pretokenizers": [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False}]
            * 30,
        }
    ),
    "many steps": replaced(normalizer=sequence(*[{"type": "Lowercase"}] * 1000)),
    "a table that is cut short": replaced(normalizer={"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
    "a table that is no base64": replaced(normalizer={"type": "Precompiled", "precompiled_charsmap": "é"}),
    "a table that grows": replaced(normalizer=charsmap("x" * 10_000)),
    "a broken pattern": replaced(pre_tokenizer=split("(")),
    "a word without end": replaced(
        model={
            "type": "WordPiece",
            "vocab": {"[UNK]": 0},
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 10**9,
        }
    ),
    "a piece without end": replaced(model={"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a" * 9999, -1]]}),
    "an unknown token that is none": replaced(model={"type": "Unigram", "unk_id": 5, "vocab": [["a", -1.0]]}),
    "a template that repeats": replaced(
        post_processor={
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": name, "type_id": 0}} for name in "ABAB" * 1000],
            "special_tokens": {},
        }
    ),
    "a template without a document": replaced(
        post_processor={
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {},
        }
    ),
}
HOSTILE |= {
    f"pattern {pattern[:30]}": replaced(pre_tokenizer=split(pattern))
    for pattern in (
        "(a+)+$",
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)+$",
        "(?:a?){25}b",
        "([a-z]+)*x",
        r"(\w+\s?)+$",
        "(?:(?:a+)b?)+",
        "((a{1000}){1000}){1000}",
        "a" * 100_000,
    )
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_tokenizer_that_cannot_be_used_is_an_invalid_model(name, tmp_path):
    with pytest.raises(InvalidModel) as caught:
        list(PairTokenizer(written(tmp_path, HOSTILE[name])).encode([("word", "a" * 40 + "!"), ("word", "good")]))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        replaced(model={**SMALL["model"], "vocab": {**SMALL["model"]["vocab"], "fleas": 2**32 - 1}}),
        replaced(pre_tokenizer=split("(?=a{1,30}a{1,30}a{1,30}a{1,30}a{1,30}a{1,30}b)")),
    ],
    ids=["an id beyond 31 bits", "a pattern that gives up"],
)
def test_what_shows_on_a_text_only_is_an_invalid_model_then(content, tmp_path):
    tokenizer = PairTokenizer(written(tmp_path, content))
    assert len(list(tokenizer.encode([("word", "good")]))) == 1
    with pytest.raises(InvalidModel, match="cannot read a text"):
        list(tokenizer.encode([("word", "fleas " + "a" * 200)]))


def test_files_that_are_no_text_or_too_large_are_refused(tmp_path, monkeypatch):
    (tmp_path / "tokenizer.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidModel, match="not a tokenizer"):
        open_tokenizer(tmp_path)
    monkeypatch.setattr("rankkit.backends.tokenizing.checks._MOST_BYTES", 100)
    with pytest.raises(InvalidModel, match="100 are the most"):
        open_tokenizer(written(tmp_path, SMALL))
    with pytest.raises(InvalidModel, match=r"no tokenizer\.json"):
        open_tokenizer(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "pattern",
    [
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+",
        r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|\s*[\r\n]+|\s+",
        r"[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
        r"(?=(\d{3})+(?!\d))",
        r"[一-龥぀-ゟ゠-ヿ]+",
        r"[]a]+|[^]b]+| {2,}",
    ],
)
def test_patterns_of_published_tokenizers_are_read(pattern, tmp_path):
    assert open_tokenizer(written(tmp_path, replaced(pre_tokenizer=split(pattern))))


@pytest.mark.parametrize(
    ("normalizer", "factor"),
    [
        (None, 1),
        ({"type": "NFKC"}, 1),
        (sequence({"type": "Prepend", "prepend": "▁"}, replace({"String": " "}, "▁")), 1),
        (sequence(replace({"Regex": r"\s+"}, " "), charsmap("ab", "x" * 18)), 18),
        (replace({"String": "ab"}, "x" * 12), 6),
    ],
)
def test_how_much_a_normalizer_makes_of_a_character_is_known(normalizer, factor):
    assert growth({"normalizer": normalizer}) == factor


@pytest.mark.parametrize("kind", ["bert", "modernbert", "t5"])
def test_golden_tokenizers_pass(kind):
    assert open_tokenizer(ROOT / "tests" / "golden" / kind)


def test_dropout_which_is_for_training_makes_no_tokens_random(tmp_path):
    model = {"type": "BPE", "dropout": 0.9, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}
    tokenizer = PairTokenizer(written(tmp_path, {**SMALL, "model": model, "post_processor": None}))
    seen = {tuple(one.ids.tolist()) for one in tokenizer.encode([("a", f"{'ab' * 20} {n * 'b'}") for n in range(20)])}
    assert all(ids[1:21] == (2,) * 20 for ids in seen)
