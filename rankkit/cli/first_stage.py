"""What ``rankkit search`` and ``eval`` share: the options of the first stage."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ValidationError

from rankkit.cli.parameters import FIRST_STAGE, number, option
from rankkit.config.encoders import DEFAULT_ENCODER
from rankkit.config.first_stage import FirstStageSpec
from rankkit.errors import ConfigError

K = Annotated[
    int | None,
    number("--k", help="Documents that are found for each query. Default: 100.", panel=FIRST_STAGE, minimum=1),
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


Method = Annotated[
    Literal["bm25", "dense", "hybrid"] | None,
    option(
        "--first-stage",
        help="Search the corpus by words (bm25), by vectors (dense), or by both, fused (hybrid).",
        panel=FIRST_STAGE,
    ),
]
Encoder = Annotated[
    str | None,
    option(
        "--first-stage-model",
        help=f"What makes the vectors of dense and hybrid. Default: {DEFAULT_ENCODER}.",
        panel=FIRST_STAGE,
    ),
]
Vectors = Annotated[
    str | None,
    option("--vectors", help="Keep the documents' vectors in this folder, and take them from it.", panel=FIRST_STAGE),
]


@dataclass(frozen=True)
class FirstStageOptions:
    """How the first stage finds documents."""

    method: Method = None
    model: Encoder = None
    vectors: Vectors = None
    k: K = None
    tokenizer: Tokenizer = None
    stemmer: Stemmer = None

    @property
    def given(self) -> bool:
        return self != FirstStageOptions()

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
        table = {**(said or FirstStageSpec()).model_dump(exclude_unset=True), **update}
        try:
            return FirstStageSpec(**table)
        except ValidationError as error:
            words = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise ConfigError(f"first stage: {words}") from None
