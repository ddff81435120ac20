"""Tokenising a text with ``$name`` placeholders as the whole filled-in string would be, yet cutting only documents.

A sentencepiece or byte-level tokeniser never joins what a space parts, so the pieces can be tokenised one by one, each
with the space before it, and together are the tokens of the whole. That needs a space on both sides of a placeholder,
which is checked. White space around a value does not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from string import Template

from rankkit.backends.tokenizing.batching import Encoded
from rankkit.backends.tokenizing.files import LongQuery, chosen_length, pad_id
from rankkit.backends.tokenizing.opening import OpenTokenizer, Specials, native_errors, open_tokenizer
from rankkit.backends.tokenizing.segments import Fixed, SegmentTokenizer, Text
from rankkit.errors import InvalidModel, PromptError


class FilledTextTokenizer:
    """Reads ``tokenizer.json`` and its neighbours in a model's folder."""

    def __init__(
        self,
        folder: Path,
        *,
        max_length: int | None = None,
        long_query: LongQuery = "shorten",
        most_tokens: int | None = None,
    ) -> None:
        self._folder = folder
        self._tokenizer = open_tokenizer(folder)
        self.max_length = chosen_length(folder, self._tokenizer, max_length, most_tokens)
        self.pad_id = pad_id(folder, self._tokenizer)
        self._specials = Specials.of(self._tokenizer, texts=1)
        self._long_query = long_query
        self._segments = lru_cache(maxsize=8)(self._segments_of)

    def encode(self, template: str, rows: Sequence[Mapping[str, str]]) -> Iterator[Encoded]:
        """The template filled in with each row, special tokens included.

        Raises:
            PromptError: a placeholder that has no space beside it.
            QueryTooLong: with ``long_query="error"``, for a query that would have to be shortened.
        """
        return self._segments(template).encode(rows)

    def target_token(self, word: str) -> int:
        """The one token that an output beginning with ``word`` begins with.

        Raises:
            InvalidModel: it is more than one, or unknown.
        """
        with native_errors(self._tokenizer.path, "cannot be used"):
            ids = self._tokenizer.native.encode(word, add_special_tokens=False).ids
            tokens = [self._tokenizer.native.id_to_token(number) for number in ids]
        if len(ids) != 1 or (tokens[0] or "").lstrip("▁Ġ") != word:
            raise InvalidModel(
                f"{word!r} is not one token of {self._folder.name} but {len(ids)}: {', '.join(map(repr, tokens))}",
                hint="The answer's words must be single tokens of the model: take those that it was trained on "
                "(yes and no under [answer] of the prompt).",
            )
        return int(ids[0])

    def _segments_of(self, template: str) -> SegmentTokenizer:
        layout = _layout(template, self._tokenizer)
        ends = (Fixed(self._specials.before), *layout, Fixed(self._specials.after))
        marks = (*self._specials.before, *self._specials.after)
        return SegmentTokenizer(
            self._tokenizer, ends, marks=marks, max_length=self.max_length, long_query=self._long_query
        )


def _layout(template: str, tokenizer: OpenTokenizer) -> Iterator[Fixed | Text]:
    lead = ""
    for fixed, name in _pieces(template):
        words = fixed.rstrip() if name else fixed
        if words.strip():
            with native_errors(tokenizer.path, "cannot read the prompt"):
                found = tokenizer.native.encode(words, add_special_tokens=False)
            yield Fixed(tuple(found.ids))
        lead = fixed[len(words) :]
        if name:
            yield Text(name, lead=lead)


def _pieces(template: str) -> list[tuple[str, str]]:
    """(fixed words, name of the placeholder after them); the last name is empty."""
    found = [match for match in Template.pattern.finditer(template) if match["escaped"] is None]
    edges = [0, *(edge for match in found for edge in match.span()), len(template)]
    fixed = [template[edges[index] : edges[index + 1]].replace("$$", "$") for index in range(0, len(edges), 2)]
    names = [match["named"] or match["braced"] or "" for match in found]
    for name, (before, after) in zip(names, pairwise(fixed), strict=True):
        glued = (before and not before[-1].isspace()) or (after and not after[0].isspace())
        if not name or glued:
            raise PromptError(
                f"${name or '$'} in {template!r} has no space beside it: a model that reads this text to the letter "
                "would not see where it begins and ends",
                hint="Put a space before and after each placeholder.",
            )
    return list(zip(fixed, [*names, ""], strict=True))
