"""Opening ``tokenizer.json``, and the one place where the library's own errors, panics included, are translated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from rankkit.backends.tokenizing.checks import checked_json
from rankkit.errors import InvalidModel, RankkitError


@dataclass(frozen=True, slots=True)
class OpenTokenizer:
    """A tokenizer, the file it came from, and what that file says."""

    path: Path
    native: Tokenizer
    content: dict[str, Any]

    @property
    def model(self) -> dict[str, Any]:
        model: dict[str, Any] = self.content["model"]
        return model


def open_tokenizer(folder: Path) -> OpenTokenizer:
    """The folder's tokenizer, which neither pads nor cuts nor is random. Special tokens that stand in a text ("[SEP]",
    "</s>") are mere text to it: what a document says cannot end the document.

    Raises:
        InvalidModel: there is none, it is broken, or no text should be given to it.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InvalidModel(
            f"there is no tokenizer.json in {path.parent}",
            hint="A model's folder holds its ONNX graph (or onnx/) and tokenizer.json.",
        )
    text, content = checked_json(path)
    with native_errors(path, "is not a tokenizer"):
        tokenizer = Tokenizer.from_str(text)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True
        if content["model"].get("dropout"):
            tokenizer.model.dropout = None  # meant for training: it makes the tokens of a text random
    return OpenTokenizer(path, tokenizer, content)


@contextmanager
def native_errors(path: Path, what: str) -> Iterator[None]:
    """Around calls of the library, which raises plain ``Exception`` and, where its Rust code panics, an exception that
    is not even one of those.

    Raises:
        InvalidModel: for both.
    """
    try:
        yield
    except (RankkitError, MemoryError):
        raise
    except Exception as error:  # the library raises nothing narrower
        raise _invalid(path, what, error) from error
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise _invalid(path, what, error) from error


def _invalid(path: Path, what: str, error: BaseException) -> InvalidModel:
    reason = " ".join(str(error).split())[:500] or type(error).__name__
    return InvalidModel(f"{path} {what}: {reason}", hint="Is the file complete? Pull or copy it again.")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a model's template: fixed tokens, or, where ``text`` says which, the place of a text (0 or 1).
    ``type`` is its token type.
    """

    ids: tuple[int, ...] = ()
    type: int = 0
    text: int | None = None


def template_pieces(tokenizer: OpenTokenizer, *, texts: int) -> tuple[Piece, ...]:
    """What the model's template makes of one text or two, read off from an example.

    Raises:
        InvalidModel: a text is missing from it, or stands in it more than once.
    """
    with native_errors(tokenizer.path, "cannot be used"):
        words = _words(tokenizer.native)[:texts]
        joined = tokenizer.native.post_process(words[0], words[1] if texts == 2 else None)
        ids, types, special = joined.ids, joined.type_ids, joined.special_tokens_mask
    order = _order(
        [list(word.ids) for word in words], [token for token, mark in zip(ids, special, strict=True) if not mark]
    )
    if order is None:
        raise InvalidModel(
            f"the template of {tokenizer.path} for {'a pair of texts' if texts == 2 else 'a text'} does not hold each "
            "text once",
            hint="See post_processor in that file: a pair is something like [CLS] $A [SEP] $B [SEP].",
        )
    pieces, at = list[Piece](), 0
    while at < len(ids):
        if special[at]:
            pieces.append(Piece((ids[at],), types[at]))
            at += 1
        else:
            text = order.pop(0)
            pieces.append(Piece(type=types[at], text=text))
            at += len(words[text].ids)
    return tuple(pieces)


def _order(texts: list[list[int]], joined: list[int]) -> list[int] | None:
    """In which order the texts stand; ``None`` where not each of them stands there once."""
    for order in ([0, 1], [1, 0]) if len(texts) == 2 else ([0],):
        if [token for text in order for token in texts[text]] == joined:
            return order
    return None


def _words(tokenizer: Tokenizer) -> list[Any]:
    """Two texts that are not made of the same tokens, if the vocabulary has such."""
    found = [tokenizer.encode(word, add_special_tokens=False) for word in ("word", "a", ".", "1", "the")]
    some = [encoding for encoding in found if encoding.ids]
    if not some:
        raise ValueError("it makes no tokens of a word")
    return [some[0], next((encoding for encoding in some if encoding.ids != some[0].ids), some[0])]


@dataclass(frozen=True, slots=True)
class Specials:
    """The tokens that a model's template puts before, between and after its texts: [CLS], [SEP], </s>, ..."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: OpenTokenizer, *, texts: int) -> Specials:
        """Read off what the template does to one text or two."""
        runs: list[list[int]] = [[]]
        for piece in template_pieces(tokenizer, texts=texts):
            if piece.text is None:
                runs[-1] += piece.ids
            else:
                runs.append([])
        return cls(tuple(runs[0]), tuple(runs[1]) if texts == 2 else (), tuple(runs[-1]))
