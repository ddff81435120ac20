"""What the files beside a model's graph say about reading texts: its length, its padding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rankkit.errors import InvalidModel

if TYPE_CHECKING:
    from rankkit.backends.tokenizing.opening import OpenTokenizer

LongQuery = Literal["shorten", "error"]

#: The files that tokens depend on, where a folder has them.
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "config.json")

#: RoBERTa and its kin number positions from ``pad_token_id + 1``, so two of the positions in ``config.json`` are
#: never used.
_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "camembert", "xlm-roberta-xl"}

#: Config files are small; one of this size is something else.
_MOST_BYTES = 16 << 20
_LARGEST_ID = 2**31 - 1


def length_limit(folder: Path, tokenizer: OpenTokenizer) -> int:
    """The model's length in tokens: what its config files allow, else what the tokenizer cuts at, else BERT's 512."""
    config, tokenizer_config = read_json(folder / "config.json"), read_json(folder / "tokenizer_config.json")
    limits: list[int] = []
    stated = tokenizer_config.get("model_max_length")
    if isinstance(stated, int) and 0 < stated < 1_000_000:  # "no limit" is written as a number of 30 digits
        limits.append(stated)
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and 0 < positions < 1_000_000:
        limits.append(positions - 2 if config.get("model_type") in _OFFSET_POSITIONS else positions)
    if limits:
        return min(limits)
    truncation = tokenizer.content.get("truncation")
    cut = truncation.get("max_length") if isinstance(truncation, dict) else None
    return cut if isinstance(cut, int) and 0 < cut < 1_000_000 else 512


def chosen_length(folder: Path, tokenizer: OpenTokenizer, wanted: int | None, most: int | None = None) -> int:
    """``wanted``, or the model's own length: what the files say, and no more than ``most``, where its graph takes so
    many tokens and no others. One over the model's is not allowed.
    """
    limit = length_limit(folder, tokenizer)
    if most is not None:
        limit = min(limit, most)
    if wanted is not None and not 0 < wanted <= limit:
        raise InvalidModel(
            f"max_length {wanted} is {'more than the' if wanted > limit else 'none of the'} {limit} tokens that "
            f"{folder.name} can read",
            hint=f"Give {limit} or less, or leave it out.",
        )
    return wanted or limit


def pad_id(folder: Path, tokenizer: OpenTokenizer) -> int:
    """The token that shorter inputs of a batch are filled up with; masked, so that it counts for nothing."""
    stated = read_json(folder / "config.json").get("pad_token_id")
    if isinstance(stated, int) and stated >= 0:  # -1 is one way to write "none"
        return _checked(stated, folder)
    token = read_json(folder / "tokenizer_config.json").get("pad_token")
    named = tokenizer.native.token_to_id(str(token.get("content", "") if isinstance(token, dict) else token))
    if named is not None:
        return _checked(named, folder)
    padding = tokenizer.content.get("padding")
    number = padding.get("pad_id") if isinstance(padding, dict) else None
    return _checked(number, folder) if isinstance(number, int) else 0


def _checked(token: int, folder: Path) -> int:
    if token > _LARGEST_ID:
        raise InvalidModel(
            f"{folder.name} pads with token {token}, which no model has",
            hint="See pad_token_id in its config.json, and pad_token in tokenizer_config.json.",
        )
    return token


def read_json(path: Path) -> dict[str, object]:
    """What a config file holds; nothing where there is none.

    Raises:
        InvalidModel: it is broken.
    """
    if not path.is_file():
        return {}
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES} bytes")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidModel(
            f"{path} cannot be read: {error}", hint="Is the file complete? Pull or copy it again."
        ) from error
    return content if isinstance(content, dict) else {}
