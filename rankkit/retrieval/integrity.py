"""A saved BM25 index may come from anywhere: its numbers are looked at before they are used as places in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Numbers that are looked at together, so that an index that is larger than memory is not read into it.
_BLOCK = 1 << 24


def check_scorer(scorer: Any, documents: int) -> None:
    """Hold the matrix of scores (columns of tokens, rows of documents) and the vocabulary against one another.

    Raises:
        ValueError: says what does not fit.
    """
    scores, vocabulary = scorer.scores, scorer.vocab_dict
    data, indices, starts = (scores[name] for name in ("data", "indices", "indptr"))
    _require(f"{scores['num_docs']} documents in the scores, {documents} stored", holds=scores["num_docs"] == documents)
    _require(f"scores by {scorer.method!r}", holds=scorer.method == "lucene" and scorer.nonoccurrence_array is None)
    _require(
        "numbers of other types", holds=np.dtype(scorer.dtype) == np.float32 and np.dtype(scorer.int_dtype) == np.int32
    )
    _require(
        "scores without a place", holds=data.dtype == np.float32 and data.ndim == 1 and data.shape == indices.shape
    )
    _require(
        "places that are no integers", holds=all(one.ndim == 1 and one.dtype.kind in "iu" for one in (indices, starts))
    )
    _require("tokens that end elsewhere", holds=len(starts) > 0 and starts[0] == 0 and starts[-1] == len(data))
    _require("tokens that end before they begin", holds=bool(np.all(np.diff(starts) >= 0)))
    for at in range(0, len(data), _BLOCK):
        places = indices[at : at + _BLOCK]
        _require("scores of documents that are not there", holds=bool(places.min() >= 0 and places.max() < documents))
        _require("scores that are no finite numbers", holds=bool(np.isfinite(data[at : at + _BLOCK]).all()))
    _require("no vocabulary", holds=isinstance(vocabulary, dict))
    whole = all(type(number) is int and 0 <= number < len(starts) - 1 for number in vocabulary.values())
    _require("words that have no scores", holds=whole)


def _require(words: str, *, holds: bool) -> None:
    if not holds:
        raise ValueError(words)
