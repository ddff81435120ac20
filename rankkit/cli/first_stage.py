"""What ``rankkit search`` and ``eval`` share: the options of BM25."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

from rankkit.cli.parameters import FIRST_STAGE, number, option
from rankkit.config.first_stage import FirstStageSpec

K = Annotated[
    int | None,
    number("--k", help="Documents that BM25 finds for each query. Default: 100.", panel=FIRST_STAGE, minimum=1),
]
Tokenizer = Annotated[
    Literal["words", "bigrams"] | None,
    option(
        "--tokenizer",
        help="bigrams for Chinese, Japanese, Thai: scripts without spaces. Default: words.",
        panel=FIRST_STAGE,
    ),
]
Stemmer = Annotated[
    str | None,
    option(
        "--stemmer",
        help="porter, or another of PyStemmer's (german, french, ...); '' for none. Default: porter.",
        panel=FIRST_STAGE,
    ),
]


@dataclass(frozen=True)
class Bm25Options:
    """How BM25 makes the first stage."""

    k: K = None
    tokenizer: Tokenizer = None
    stemmer: Stemmer = None

    @property
    def given(self) -> bool:
        return self != Bm25Options()

    def over(
        self, said: FirstStageSpec | None, *, corpus: Path | None = None, index: Path | None = None
    ) -> FirstStageSpec:
        """What the options say, and where they say nothing, what a config says. An index belongs to its corpus: a
        corpus of one's own goes without the config's.
        """
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        given |= {"corpus": corpus and str(corpus), "index": index and str(index)}
        update = {name: value for name, value in given.items() if value is not None}
        if corpus is not None:
            update.setdefault("index", None)
        return (said or FirstStageSpec()).model_copy(update=update)
